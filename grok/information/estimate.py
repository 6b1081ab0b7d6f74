"""MIR and HDR of a whole data set: the `sample` pairing for up to tens of thousands of samples."""

import warnings
from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from grok.information.checks import check_integer, check_positive, check_samples
from grok.information.entropy import density_entropy, unit_rows_entropy, weighted_rows_entropy
from grok.information.gram import unit_rows
from grok.information.interplay import Interplay, entropy_of_rounding, interplay_of_entropies
from grok.information.lanczos import SecondMoment, exactly, lanczos_entropy
from grok.information.precision import outside_autocast

ROWS_AT_ONCE = 4096
"""Number of rows whose products of features are held at once while the joint density of products is formed."""

EXACT_INSTEAD = 4
"""Multiple of `exact_side` up to which a side is computed exactly if sampling to `rtol` takes longer or falls short."""


class AccuracyWarning(UserWarning):
    """An estimate of MIR has a larger error than was asked for."""


class InterplayEstimate(NamedTuple):
    """An `Interplay` and the standard error of each of its five values; the error of an exact value is 0."""

    value: Interplay
    standard_error: Interplay


@torch.no_grad()
@outside_autocast
def estimate_interplay(
    features: Shaped[Tensor, "..."],
    head: Shaped[Tensor, "..."],
    labels: Shaped[Tensor, "..."],
    *,
    rtol: float = 0.01,
    exact_side: int = 1024,
    num_probes: int = 512,
    rank: int = 256,
    steps: int = 64,
    seed: int = 0,
) -> InterplayEstimate:
    r"""Estimate `gram_interplay(features, head[labels])` for n up to 50,000 and d up to 2,048, without an n×n matrix.

    Both single entropies are computed from their smaller sides, d×d and C×C. The joint density
    $K_{ij} = \frac1n \langle z_i, z_j\rangle \langle w_{y_i}, w_{y_j}\rangle$ has size n, but samples of one class
    share a head row. A product with a vector x therefore consists of a sum per class, a C×C product and a sum back,

    $$(Kx)_i = \tfrac1n \Bigl\langle z_i, \sum_c \langle w_{y_i}, w_c\rangle \sum_{j: y_j = c} x_j z_j \Bigr\rangle.$$

    This takes 2nd + C²d multiplications in place of n², or 2nd + 2Crd if the rank r of the head is below C/2. Each
    class of more than d samples is first replaced by the d rows of a QR decomposition, which have the same inner
    products. The joint density then has two sides: the $\sum_c \min(n_c, d)$ remaining rows and the $d \cdot r$
    products of features. If either is at most `exact_side`, the eigenvalues are computed and the result is exact.

    Otherwise `lanczos_entropy` estimates the joint entropy from random vectors. The error of MIR is that of the joint
    entropy divided by the smaller entropy. Random vectors are added until twice the standard error of MIR is at most
    `rtol` times MIR: 95 of 100 seeds are then within `rtol` of the exact value. Fewer than 8 vectors are never enough.
    With 0.01, the default, 32 vectors are often enough. Errors fall as the root of the number of vectors. A tenth of
    `rtol` can therefore take a hundred times as many, for which `num_probes` must be raised. A side of up to 4 ·
    `exact_side` is computed exactly where the vectors would take longer or fall short. On a larger side, an
    `AccuracyWarning` tells if `num_probes` vectors of `steps` products each do not reach `rtol`. The standard error
    holds in any case, up to rounding.

    Leading directions are split off first. They are sought from one column for each class, or from `rank` random
    mixtures of these if there are more classes. The same seed gives the same numbers on every device, up to rounding.

    Shapes: (n, d1), (C, d2), (n,) integers in [0, C) -> five scalars and five standard errors. Units: as in
    `interplay`. Memory: a few times n · (d1 + rank + num_probes) numbers, and 3 · (4 · `exact_side`)² where a side is
    computed exactly. There is no gradient: see `InformationLoss`.

    Raises:
        ValueError: if `gram` would reject the features or the head rows in use, or if an option is not a number of its
            kind or is too small. Also if labels are not integers, differ in number from the samples or have no head
            row.

    Source: this project; for the quadrature and the control variates see `lanczos_entropy`.

    >>> import torch
    >>> from grok.information import gram_interplay
    >>> generator = torch.Generator().manual_seed(0)
    >>> features, head = torch.randn(3000, 64, generator=generator), torch.randn(100, 64, generator=generator)
    >>> estimate = estimate_interplay(features, head, torch.arange(3000) % 100)
    >>> print(f"{gram_interplay(features, head[torch.arange(3000) % 100]).mir:.3f}")
    0.135
    >>> print(f"MIR {estimate.value.mir:.3f} ± {estimate.standard_error.mir:.3f}")
    MIR 0.135 ± 0.001
    """
    check_samples(features, head, labels)
    check_integer("exact_side", exact_side, 0)
    check_positive("rtol", rtol)
    check_integer("num_probes", num_probes, 2)
    check_integer("rank", rank, 1)
    check_integer("steps", steps, 2)
    check_integer("seed", seed)
    classes, labels = labels.long().unique(return_inverse=True)
    unit, heads = unit_rows(features), _coordinates(unit_rows(head[classes].to(features.dtype)))
    n = len(unit)
    entropy_1 = unit_rows_entropy(unit)
    entropy_2 = _weighted_entropy(heads, labels)

    sums = unit.new_zeros(len(classes), unit.shape[1]).index_add(0, labels, unit)
    rows, labels = _class_rows(unit, labels, len(classes))
    side = min(len(rows), rows.shape[1] * heads.shape[1])
    smaller, larger = torch.minimum(entropy_1, entropy_2), torch.maximum(entropy_1, entropy_2)
    may_be_exact = side <= EXACT_INSTEAD * exact_side
    joint = None
    if smaller <= entropy_of_rounding(n, smaller.dtype):
        joint = exactly(larger)  # a Gram matrix of parallel vectors has entries ±1, which change no entropy
    elif side > exact_side:
        product = _JointDensity(rows, heads, labels, n)
        generator = torch.Generator().manual_seed(seed)
        joint = lanczos_entropy(
            product,
            lambda columns: product.random_columns(columns, generator),
            product.class_columns(sums, rank, generator),
            tolerance=lambda entropy: rtol * ((entropy_1 + entropy_2).item() - entropy),
            num_probes=num_probes,
            steps=steps,
            second_moment=SecondMoment(product.trace_of_square, product.cost_of_square / product.cost),
            budget=side**3 / product.cost if may_be_exact else torch.inf,
        )
    if joint is None or (may_be_exact and not joint.reached):
        joint = exactly(_exact_entropy(rows, heads, labels, n))
    value = interplay_of_entropies(entropy_1, entropy_2, joint.value.to(entropy_1), n=n)
    error = joint.standard_error.to(entropy_1)
    if not joint.reached:
        share = 2 * error / (smaller * value.mir.abs())
        warnings.warn(
            f"rtol: expected MIR to {100 * rtol:.2g} % of itself, "
            f"got {100 * share:.2g} % from {joint.num_probes} random vectors "
            f"(raise num_probes, steps or rtol, or exact_side to {side})",
            AccuracyWarning,
            stacklevel=4,  # the caller is outside two decorators
        )
    zero = torch.zeros_like(error)
    return InterplayEstimate(
        value=value,
        standard_error=Interplay(
            mir=torch.where(value.mir == 0, zero, error / smaller),
            hdr=zero,
            entropy_1=zero,
            entropy_2=zero,
            joint_entropy=error,
        ),
    )


class _JointDensity:
    """Computes products of the joint density with vectors, class by class.

    Each class is cut into pieces of the mean class length, and the pieces are padded with zeros. However uneven the
    classes are, there are at most twice as many pieces as classes and twice as many padded rows as rows. Every sum is
    then one batched product.
    """

    def __init__(
        self, rows: Float[Tensor, "row d1"], heads: Float[Tensor, "class d2"], labels: Int[Tensor, "row"], n: int
    ) -> None:
        counts = labels.bincount(minlength=len(heads))
        longest, mean = int(counts.max()), -(-len(rows) // len(heads))
        length = longest if longest * len(heads) <= 2 * len(rows) else mean
        pieces = -(-counts // length)
        first_row, first_piece = counts.cumsum(0) - counts, pieces.cumsum(0) - pieces
        position = torch.arange(len(rows), device=rows.device) - first_row[labels]  # the rows are sorted by class
        self._slot = (first_piece[labels] + position // length) * length + position % length
        blocks = rows.new_zeros(int(pieces.sum()) * length, rows.shape[1])
        blocks[self._slot] = rows / n**0.5
        self._blocks = blocks.unflatten(0, (-1, length))
        self._classes = torch.arange(len(heads), device=rows.device).repeat_interleave(pieces)
        self._heads = heads[self._classes]
        self._cosines = self._heads @ self._heads.mT
        self._few = 2 * self._heads.shape[1] < len(self._heads)
        per_column = len(self._blocks) * rows.shape[1]
        self._width = max(1, max(4 * rows.numel(), 2**22) // per_column)  # a few times the memory of the rows
        mixing = 2 * self._heads.shape[1] if self._few else len(self._heads)
        self.cost = 2 * blocks.numel() + mixing * per_column
        self.cost_of_square = blocks.numel() * rows.shape[1] + per_column**2

    def random_columns(self, columns: int, generator: torch.Generator) -> Float[Tensor, "slot columns"]:
        """Return columns with random signs at the rows, the same on every device, and 0 at the padding."""
        return self._padded(torch.randint(2, (len(self._slot), columns), generator=generator) * 2 - 1)

    def class_columns(
        self, sums: Float[Tensor, "class d1"], rank: int, generator: torch.Generator
    ) -> Float[Tensor, "slot columns"]:
        """Return one column for each class, or at most `rank` random mixtures of them.

        The column of a class holds the inner products of its rows with the sum of its unit vectors. The columns span
        the leading eigenvectors if these separate classes.
        """
        if len(sums) <= rank:
            mixture = torch.eye(len(sums), device=sums.device, dtype=sums.dtype)
        else:
            mixture = torch.randint(2, (len(sums), rank), generator=generator).to(sums) * 2 - 1
        products = self._blocks @ sums[self._classes][:, :, None]
        return (products * mixture[self._classes][:, None, :]).flatten(0, 1)

    def trace_of_square(self) -> float:
        r"""Compute $\sum_{ab} \langle w_a, w_b\rangle^2 \langle S_a, S_b\rangle$ with the scatter $S_a$ of piece a."""
        overlaps = torch.zeros_like(self._cosines)
        for columns in self._blocks.split(self._width, dim=2):
            scatter = (columns.mT @ self._blocks).flatten(1)
            overlaps.addmm_(scatter, scatter.mT)
        return (self._cosines.square() * overlaps).sum(dtype=torch.float64).item()

    def __call__(self, columns: Float[Tensor, "slot columns"]) -> Float[Tensor, "slot columns"]:
        return torch.cat([self._product(some) for some in columns.split(self._width, dim=1)], dim=1)

    def _product(self, columns: Float[Tensor, "slot columns"]) -> Float[Tensor, "slot columns"]:
        sums = self._blocks.mT @ columns.unflatten(0, self._blocks.shape[:2])
        mixed = self._heads @ (self._heads.mT @ sums.flatten(1)) if self._few else self._cosines @ sums.flatten(1)
        return (self._blocks @ mixed.view_as(sums)).flatten(0, 1)

    def _padded(self, columns: Shaped[Tensor, "row columns"]) -> Float[Tensor, "slot columns"]:
        padded = self._blocks.new_zeros(self._blocks.shape[:2].numel(), columns.shape[1])
        padded[self._slot] = columns.to(padded)
        return padded


def _coordinates(heads: Float[Tensor, "class d2"]) -> Float[Tensor, "class r"]:
    """Return the head rows in r coordinates, where r is their rank, with the same inner products."""
    left, singular_values, _ = torch.linalg.svd(heads, full_matrices=False)
    cutoff = max(heads.shape) * torch.finfo(heads.dtype).eps * singular_values[0]
    return (left * singular_values)[:, singular_values > cutoff]


def _weighted_entropy(heads: Float[Tensor, "class d2"], labels: Int[Tensor, "row"]) -> Float[Tensor, ""]:
    """Entropy of the Gram matrix of the samples' head rows, computed from one row per class and the class sizes."""
    return weighted_rows_entropy(heads * (labels.bincount().to(heads) / len(labels)).sqrt()[:, None])


def _class_rows(
    unit: Float[Tensor, "n d1"], labels: Int[Tensor, "n"], num_classes: int
) -> tuple[Float[Tensor, "row d1"], Int[Tensor, "row"]]:
    """Return the rows sorted by class, and their labels.

    A class of more than d samples is represented by the d rows of its QR factor, which have the same inner products.
    """
    d = unit.shape[1]
    counts = labels.bincount(minlength=num_classes).tolist()
    groups = unit[labels.argsort(stable=True)].split(counts)
    groups = [torch.linalg.qr(group, mode="r").R if len(group) > d else group for group in groups]
    classes = torch.arange(num_classes, device=labels.device)
    kept = torch.tensor([len(group) for group in groups], device=labels.device)
    return torch.cat(groups), classes.repeat_interleave(kept)


def _exact_entropy(
    rows: Float[Tensor, "row d1"], heads: Float[Tensor, "class d2"], labels: Int[Tensor, "row"], n: int
) -> Float[Tensor, ""]:
    """Entropy of the joint density, computed from the smaller of its sides: the rows or the products of features."""
    if len(rows) <= rows.shape[1] * heads.shape[1]:
        return density_entropy((rows @ rows.mT) * (heads @ heads.mT)[labels][:, labels] / n)
    side = rows.shape[1] * heads.shape[1]
    density = rows.new_zeros(side, side)
    for some_rows, some_labels in zip(rows.split(ROWS_AT_ONCE), labels.split(ROWS_AT_ONCE), strict=True):
        products = (some_rows[:, :, None] * heads[some_labels][:, None, :]).flatten(1)
        density.addmm_(products.mT, products)
    return density_entropy(density / n)
