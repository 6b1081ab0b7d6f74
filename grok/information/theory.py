"""Closed forms of MIR and HDR for known geometries."""

from math import log

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_integer, check_same_shape, check_vectors
from grok.information.entropy import shannon_entropy
from grok.information.gram import unit_rows
from grok.information.interplay import Interplay, interplay_of_entropies


def simplex_etf_interplay(num_classes: int) -> Interplay:
    r"""Interplay at neural collapse, where class means and head rows are the same simplex equiangular tight frame.

    The Gram matrix K of C such vectors has cosines $-1/(C-1)$. $K/C$ has C-1 eigenvalues $1/(C-1)$ and one zero, so
    $H = \log(C-1)$. The elementwise square of K has off-diagonal entries $1/(C-1)^2$. Divided by C, it has one
    eigenvalue $1/(C-1)$ and C-1 eigenvalues $(C-2)/(C-1)^2$. Hence HDR = 0 and

    $$\mathrm{MIR} = \frac{1}{C-1} + \frac{(C-2)\log(C-2)}{(C-1)\log(C-1)}.$$

    The same values hold for n samples at their class means if each class has equally many (the `sample` pairing).

    Returns: float64 scalars, with entropies in nats.

    Raises:
        ValueError: if the number of classes is not an integer of at least 3. The two opposite vectors of 2 classes have
            entropy 0, so that the ratios are undefined.

    Source: Song et al., ICML 2024, Theorem 4.2 and Corollary 4.3; Papyan, Han & Donoho, PNAS 2020.

    >>> round(simplex_etf_interplay(num_classes=113).mir.item(), 4)
    0.9981
    >>> round(simplex_etf_interplay(num_classes=10).mir.item(), 4)
    0.9524
    """
    check_integer("num_classes", num_classes, 3)
    dimensions = num_classes - 1
    entropy = log(dimensions)
    remainder = (num_classes - 2) / dimensions
    return _scalars(
        mir=1 / dimensions + remainder * log(num_classes - 2) / log(dimensions),
        hdr=0.0,
        entropy_1=entropy,
        entropy_2=entropy,
        joint_entropy=entropy + remainder * (log(dimensions) - log(num_classes - 2)),
    )


def orthogonal_frame_interplay(num_vectors: int, other_entropy: float | None = None) -> Interplay:
    r"""Interplay of n orthogonal vectors with any n vectors of entropy $H_2$, by default with n orthogonal ones.

    The Gram matrix of an orthogonal frame is the identity, and so is its elementwise product with any other Gram
    matrix. Therefore $H_1 = H_{12} = \log n$ and $\mathrm{MI} = H_2$. Hence MIR = 1 for any other vectors, and
    $\mathrm{HDR} = 1 - H_2 / \log n$. A MIR of 1 thus means only that one side distinguishes all samples. The same
    values hold for samples at the vectors of their classes if each class has equally many.

    Returns: float64 scalars, with entropies in nats. MIR is 0 if $H_2$ is 0, as in `interplay`.

    Raises:
        ValueError: if the number of vectors is not an integer of at least 2, or if the entropy is outside [0, log n].

    >>> print(*(round(value.item(), 4) for value in orthogonal_frame_interplay(8)))
    1.0 0.0 2.0794 2.0794 2.0794
    >>> round(orthogonal_frame_interplay(8, other_entropy=log(7)).hdr.item(), 4)      # against a simplex frame
    0.0642
    """
    check_integer("num_vectors", num_vectors, 2)
    entropy = log(num_vectors)
    other = entropy if other_entropy is None else other_entropy
    if not 0 <= other <= entropy + 1e-6:
        raise ValueError(f"other_entropy: expected nats in [0, log {num_vectors}], got {other:.6g}")
    other = min(other, entropy)  # rounding may have raised a computed entropy
    return _scalars(
        mir=float(other > 0), hdr=1 - other / entropy, entropy_1=entropy, entropy_2=other, joint_entropy=entropy
    )


def fourier_interplay(
    power_1: Shaped[Tensor, "..."], power_2: Shaped[Tensor, "..."], p: int, *, check: bool = True
) -> Interplay:
    r"""Interplay of two sets of p vectors, one per residue, with circulant Gram matrices, as in the Fourier circuit.

    Let $s_f$ be the power on frequency f = 0, ..., ⌊p/2⌋, with $\sum_f s_f = 1$. The Gram matrix is
    $K(i,j) = k(i-j) = \sum_f s_f \cos(2\pi f(i-j)/p)$. Its eigenvectors are the Fourier modes, and the eigenvalues of
    $K/p$ are $\hat s_g = \frac1p \sum_\delta k(\delta)\, e^{-2\pi i g\delta/p}$. They are $s_f/2$ at $g = \pm f$, and
    $s_f$ at f = 0 and f = p/2. The elementwise product of two circulants is the circulant of
    $k_1(\delta) k_2(\delta)$. The joint eigenvalues are therefore the circular convolution
    $\hat s \circledast \hat r$, which has the sums and differences of all frequencies.

    Suppose that both sides have the same k generic frequencies with equal power. Then both entropies are $\log 2k$. The
    joint spectrum is 1/2k at 0, $1/4k^2$ at the 2k modes of $2f$, and $1/2k^2$ at the $2k(k-1)$ modes of $f \pm f'$.
    MIR is 0.341 for k = 5 and 0.375 for k = 4. It is higher if sums coincide, as $29 + 29 = 11 + 47$ and
    $29 - 11 = 47 - 29$ do for the frequencies 3, 11, 29 and 47. These values of a grokked network are far below the
    0.998 of a simplex frame, at the same accuracy.

    Shapes: two (..., p // 2 + 1) -> five (...). Units: power as fractions, entropies in nats.

    `check=False` skips the checks of the numbers, which make the host wait for a GPU.

    Raises:
        ValueError: if p is not an integer of at least 2, or if a power has the wrong length, is negative or not finite,
            or does not sum to 1.

    Source: this project. Circulant spectra: Gray, Toeplitz and Circulant Matrices, 2006. Fourier circuit: Nanda et al.,
    ICLR 2023.

    >>> import torch
    >>> def equal(*frequencies: int) -> torch.Tensor:
    ...     power = torch.zeros(113 // 2 + 1, dtype=torch.float64)
    ...     power[list(frequencies)] = 1 / len(frequencies)
    ...     return power
    >>> for frequencies in ((1, 4, 14, 23, 40), (1, 4, 14, 23), (3, 11, 29, 47)):
    ...     print(round(fourier_interplay(equal(*frequencies), equal(*frequencies), p=113).mir.item(), 3))
    0.341
    0.375
    0.445
    """
    check_integer("p", p, 2)
    if check:
        _check_power("power_1", power_1, p)
        _check_power("power_2", power_2, p)
    check_same_shape("power_1", power_1.shape, "power_2", power_2.shape)
    cosines_1, cosines_2 = (torch.fft.irfft(_halved(power, p), n=p) * p for power in (power_1, power_2))
    spectra = [torch.fft.fft(cosines).real / p for cosines in (cosines_1, cosines_2, cosines_1 * cosines_2)]
    return interplay_of_entropies(*(shannon_entropy(spectrum) for spectrum in spectra), n=p)


def fourier_power(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch frequency"]:
    r"""Power of p unit vectors, one row per residue, on each frequency: the circulant part of their Gram matrix.

    $s_f = \frac{m_f}{p^2} \bigl\| \sum_j z_j e^{-2\pi i f j/p} \bigr\|^2$, where $m_f = 2$ for the two modes
    $\pm f$, and 1 at f = 0 and f = p/2. By Parseval's theorem the sum over f is 1. If the Gram matrices of two sets are
    circulant, `fourier_interplay` of their spectra is the interplay of the sets. Otherwise it is the interplay of the
    Gram matrices averaged along their diagonals.

    Shapes: (..., p, d) -> (..., p // 2 + 1). Units: fractions of the total power; f = 0 is the common offset.

    Raises:
        ValueError: if `gram` would reject the vectors.

    >>> import torch
    >>> angle = 2 * torch.pi * 3 * torch.arange(11, dtype=torch.float64) / 11
    >>> fourier_power(torch.stack([angle.cos(), angle.sin()], dim=-1)).round(decimals=3).abs()    # all on frequency 3
    tensor([0., 0., 0., 1., 0., 0.], dtype=torch.float64)
    """
    check_vectors("vectors", vectors)
    p = vectors.shape[-2]
    power = torch.fft.rfft(unit_rows(vectors), dim=-2).abs().square().sum(dim=-1) / p**2
    return power * _multiplicity(p, power)


def _halved(power: Float[Tensor, "*batch frequency"], p: int) -> Float[Tensor, "*batch frequency"]:
    """Return the eigenvalues of K/p at f = 0, ..., ⌊p/2⌋: the power of a frequency is halved between its two modes."""
    return power / _multiplicity(p, power)


def _multiplicity(p: int, like: Float[Tensor, "*batch frequency"]) -> Float[Tensor, "frequency"]:
    """Return how many of the p Fourier modes have each frequency f: 1 for f = 0 and f = p/2, and 2 otherwise."""
    modes = torch.full((p // 2 + 1,), 2.0, dtype=like.dtype, device=like.device)
    modes[0] = 1.0
    if p % 2 == 0:
        modes[-1] = 1.0
    return modes


def _check_power(name: str, power: Shaped[Tensor, "..."], p: int) -> None:
    if not isinstance(power, Tensor) or power.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name}: expected a float32 or float64 tensor, got {getattr(power, 'dtype', type(power))}")
    if power.ndim < 1 or power.shape[-1] != p // 2 + 1:
        raise ValueError(
            f"{name}: expected the power on frequencies 0 to {p // 2}, shape (..., {p // 2 + 1}), "
            f"got {tuple(power.shape)}"
        )
    sums = power.sum(dim=-1)
    if not power.isfinite().all() or (power < 0).any() or ((sums - 1).abs() > 1e-4).any():
        raise ValueError(
            f"{name}: expected finite fractions of at least 0 that sum to 1, got a smallest of "
            f"{power.min().item():.3g} and a sum of {sums.flatten()[0].item():.6g} (divide by the sum)"
        )


def _scalars(**values: float) -> Interplay:
    return Interplay(**{name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()})
