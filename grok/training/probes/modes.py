r"""Progress measures of Fourier structure: on how few frequencies a network computes, and what each loss owes to them.

Waves run along a cycle: classes in the order of a cyclic group, whose characters they are. All residues for addition,
the powers of a primitive root for multiplication, which leaves out 0. Vectors come with a row a class, in the order of
the classes, and a basis that knows the cycle; rows of classes off it count for nothing. Power is that of vectors as
they are, a long one counting for more, as published. For `fourier_interplay`, whose Gram matrices are of unit vectors,
scale the rows to unit length first: the power over its sum is then `grok.information.fourier_power`.

Source: Nanda, Chan, Lieberum, Smith & Steinhardt, Progress measures for grokking via mechanistic interpretability,
ICLR 2023.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grok.information.entropy import shannon_entropy

KEY = 2  # times its even share of the power makes a frequency a key frequency


def fourier_basis(cycle: Int[Tensor, "cycle"], num_classes: int) -> Float[Tensor, "frequency 2 class"]:
    r"""Orthonormal waves along a cycle of n classes: cosine and sine of each frequency f = 0, ..., ⌊n/2⌋.

    $\sqrt{m_f/n} \cos(2\pi f i/n)$ at the i-th class of the cycle, and the same with a sine; $m_f$ is 1 at f = 0 and
    f = n/2, where the sine is zero, otherwise 2. Zero at the classes that are not on the cycle. float64.

    >>> fourier_basis(torch.tensor([1, 2, 3]), num_classes=4)[0, 0]      # the constant
    tensor([0.0000, 0.5774, 0.5774, 0.5774], dtype=torch.float64)
    """
    n = len(cycle)
    steps = torch.arange(n, device=cycle.device)
    frequencies = steps[: n // 2 + 1, None]
    angles = 2 * torch.pi * (frequencies * steps % n).double() / n
    multiplicity = torch.where(2 * frequencies % n == 0, 1, 2)
    basis = angles.new_zeros(len(frequencies), 2, num_classes)
    waves = torch.stack([angles.cos(), angles.sin()], dim=1)
    basis[:, :, cycle] = (multiplicity[..., None].double() / n).sqrt() * waves
    return basis


def power(
    vectors: Float[Tensor, "*batch class dim"], basis: Float[Tensor, "frequency 2 class"]
) -> Float[Tensor, "*batch frequency"]:
    """Power of the cycle's vectors on each frequency: the squared length of their two waves of it, over all dimensions.

    Units: those of the vectors, squared; the sum over f = 0, ..., ⌊n/2⌋ is the sum of their squared lengths (Parseval).

    >>> basis = fourier_basis(torch.arange(7), num_classes=7)
    >>> power(3 * basis[2].T + basis[0].T, basis).round(decimals=3)     # two waves of length 3, one of length 1
    tensor([ 1.,  0., 18.,  0.], dtype=torch.float64)
    """
    return _amplitudes(vectors, basis).square().sum(dim=(-2, -1))


def key_frequencies(power: Float[Tensor, "*batch frequency"]) -> Bool[Tensor, "*batch frequency"]:
    """The frequencies with at least twice the even share of the power, that at f = 0 left out.

    With power on frequencies 0 to m, those f > 0 with at least 2/m of the power on 1 to m. Twice is far above chance:
    the largest of all shares of random vectors in 128 dimensions, over 1,000 draws, is 1.32, 1.37 and 1.44 times the
    even one for n = 23, 59 and 113. Mean logits by class have fewer dimensions: in 18 untrained networks, 6 for each n,
    5 of 576 frequencies reach it. A circuit of k frequencies gives each about m/k times the even share.

    >>> key_frequencies(torch.tensor([9.0, 0.1, 2.0, 0.2, 1.7, 0.0]))
    tensor([False, False,  True, False,  True, False])
    """
    varying = power[..., 1:]
    least = KEY / varying.shape[-1] * varying.sum(dim=-1, keepdim=True)
    return torch.cat([torch.zeros_like(power[..., :1], dtype=torch.bool), (varying >= least) & (varying > 0)], dim=-1)


class Concentration(NamedTuple):
    """On how few frequencies the power lies, that at f = 0 left out."""

    gini: Tensor
    """Gini coefficient of the power: 0 if it is even, near 1 if on one frequency."""
    ipr: Tensor
    """Inverse participation ratio, the sum of the squared shares: one over the number of frequencies if even, or 1."""
    entropy: Tensor
    """Shannon entropy of the shares, in nats."""
    key: Tensor
    """Number of key frequencies."""


def concentration(power: Float[Tensor, "*batch frequency"]) -> Concentration:
    r"""On how few frequencies the power lies, that at f = 0 left out.

    With shares $s_1 \le \dots \le s_m$ of the power on f = 1, ..., m, in ascending order: Gini coefficient
    $\sum_i \frac{2i - m - 1}{m} s_i$, inverse participation ratio $\sum_i s_i^2$, entropy $-\sum_i s_i \log s_i$, and
    the number of `key_frequencies`. On one frequency they are (m-1)/m, 1, 0 and 1; spread evenly 0, 1/m, log m and 0.
    NaN, but for the number, where there is no power.

    Shapes: (..., m + 1) -> four (...). Units: fractions, nats, and a number.

    Source: Nanda et al. 2023 (Gini coefficient of the lengths, not of the power, of the Fourier components; inverse
    participation ratio of the squared shares is the physicists' measure of localisation).

    >>> values = concentration(torch.tensor([5.0, 1.0, 0.0, 0.0, 1.0]))       # two of four frequencies
    >>> print(*(round(value.item(), 4) for value in values))
    0.5 0.5 0.6931 2.0
    """
    varying = power[..., 1:]
    shares = varying / varying.sum(dim=-1, keepdim=True)
    m = shares.shape[-1]
    ranks = torch.arange(1, m + 1, dtype=shares.dtype, device=shares.device)
    return Concentration(
        gini=(shares.sort(dim=-1).values * (2 * ranks - m - 1) / m).sum(dim=-1),
        ipr=shares.square().sum(dim=-1),
        entropy=shannon_entropy(shares),
        key=key_frequencies(power).sum(dim=-1).to(power.dtype),
    )


def single_frequency_share(
    vectors: Float[Tensor, "*batch class dim"], basis: Float[Tensor, "frequency 2 class"]
) -> Float[Tensor, "*batch"]:
    r"""How far each dimension, such as a neuron, keeps to a frequency of its own.

    The share of its largest non-zero frequency in its power on all of them, in the mean over dimensions weighed by that
    power: $\sum_j \max_{f>0} P_{fj} / \sum_j \sum_{f>0} P_{fj}$. 1 if each has one frequency, whichever it is.

    Source: Nanda et al. 2023, where most neurons of a grokked network are explained by one frequency.

    >>> basis = fourier_basis(torch.arange(7), num_classes=7)
    >>> single_frequency_share(basis[1:3, 0].T, basis).round(decimals=3)      # one of frequency 1, one of frequency 2
    tensor(1., dtype=torch.float64)
    """
    varying = _amplitudes(vectors, basis)[..., 1:, :, :].square().sum(dim=-2)
    return varying.amax(dim=-2).sum(dim=-1) / varying.sum(dim=(-2, -1))


class CircuitLosses(NamedTuple):
    """Training losses of a network's Fourier circuit alone, and of the network without it, in nats."""

    restricted: Tensor
    """Of the circuit alone, over all pairs."""
    excluded: Tensor
    """Of the network without it, over the training samples."""


def circuit_losses(
    class_logits: Float[Tensor, "class class"],
    pairs: Float[Tensor, "class"],
    logits: Float[Tensor, "sample class"],
    targets: Int[Tensor, "sample"],
    basis: Float[Tensor, "frequency 2 class"],
    criterion: Callable[[Tensor, Tensor], Tensor],
) -> CircuitLosses:
    r"""Restricted and excluded loss: the training loss of the Fourier circuit alone, and of the network without it.

    Let M[c] be the mean of the logits over all pairs (a, b), train and test, with a ∘ b = c: the part of the logits
    that depends on the result alone. Along the cycle it is a sum of waves, one for each frequency. The circuit is the
    sum of those of the key frequencies of M, and the constant is that of f = 0.

    Restricted loss: of the logits constant + circuit, over the classes of the cycle, each weighed by its `pairs`.
    Excluded loss: of the logits of each sample less the circuit at its target, over the samples whose target is on the
    cycle. While no frequency is key, they are the loss of a guess, about log C, and that of the training samples; of a
    network that knows nothing but its circuit, its own loss and about log C or more. Both jump when a frequency becomes
    key.

    `criterion` is the loss that the network trains with: the mean over samples, from logits (n, C) and targets (n), of
    which those of -100 are left out. Published is the cross-entropy of softmax.

    For addition this is the published projection, on $\cos w_k(a+b)$ and $\sin w_k(a+b)$ in the basis of waves in a
    and b: a function of (a, b) is projected on the functions of a + b by averaging over the pairs with the same sum.

    Shapes: M (C, C), a row a result; pairs (C); logits (n, C) and targets (n) of the training samples, of which those
    of target -100 count for nothing. Of one network; `torch.func.vmap` takes many. Units: nats.

    Source: Nanda et al. 2023, where the key frequencies are those of the network at the end of training.

    >>> from torch.nn.functional import cross_entropy
    >>> p = 7
    >>> c = torch.arange(p)
    >>> network = 9 * torch.cos(2 * torch.pi * 2 * (c[:, None] - c) / p).double()       # logits of a circuit
    >>> losses = circuit_losses(network, torch.ones(p).double(), network, c, fourier_basis(c, p), cross_entropy)
    >>> print(*(round(loss.item(), 4) for loss in losses))                            # 1.9459 is log 7
    0.0654 1.9459
    """
    amplitudes = _amplitudes(class_logits, basis)
    key = key_frequencies(amplitudes.square().sum(dim=(-2, -1)))
    constant = basis[0, 0][:, None] * amplitudes[0, 0]
    kept = amplitudes * key[:, None, None]
    circuit = einsum(basis, kept, "frequency wave row, frequency wave logit -> row logit")
    on_cycle = basis[0, 0] > 0

    classes = torch.arange(len(pairs), device=targets.device)
    weights = pairs * on_cycle
    of_class = torch.func.vmap(lambda row, target: criterion(row[None], target[None]))
    restricted = of_class(constant + circuit, classes) @ weights / weights.sum()

    rows = targets.clamp(min=0)
    excluded = criterion(logits - circuit[rows], torch.where(on_cycle[rows], targets, -100))
    return CircuitLosses(restricted, excluded)


def _amplitudes(
    vectors: Float[Tensor, "*batch class dim"], basis: Float[Tensor, "frequency 2 class"]
) -> Float[Tensor, "*batch frequency 2 dim"]:
    return einsum(basis, vectors, "frequency wave row, ... row dim -> ... frequency wave dim")
