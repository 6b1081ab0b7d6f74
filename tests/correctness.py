"""Every quantity beside an oracle of its own: `python -m tests.correctness` prints the table of its README."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import torch

from grok.information import (
    centre,
    effective_rank,
    estimate_interplay,
    fourier_interplay,
    fourier_power,
    gram,
    gram_entropy,
    gram_interplay,
    information_loss,
    interplay,
    matrix_entropy,
    neural_collapse,
    orthogonal_frame_interplay,
    regression_error,
    simplex_etf_interplay,
)
from grok.information.determinants import determinant_entropy
from tests.geometries import (
    collapsed_geometry,
    fourier_geometry,
    fourier_vectors,
    random_geometry,
    random_vectors,
)
from tests.reference.collapse import naive_neural_collapse
from tests.reference.information import naive_entropy, naive_gram, naive_interplay, simplex_etf

Pairs = Iterator[tuple[float, float]]
"""What the package gives and what the oracle gives."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One row of the table: a quantity, its oracle, and how far apart they may be on the grid."""

    quantity: str
    oracle: str
    grid: str
    bound: float
    pairs: Callable[[], Pairs]
    relative: bool = False

    def largest_error(self) -> float:
        """The largest |ours - oracle| over the grid, over |oracle| if relative."""
        return max(abs(ours - theirs) / (abs(theirs) if self.relative else 1) for ours, theirs in self.pairs())


VECTORS = {
    "more dimensions than vectors": (random_vectors(7, 12, 1), random_vectors(7, 9, 2)),
    "more vectors than dimensions": (random_vectors(30, 4, 1), random_vectors(30, 6, 2)),
    "repeated vectors": (random_vectors(5, 3, 1).repeat(6, 1), random_vectors(30, 3, 2)),
    "nearly parallel vectors": (torch.ones(20, 8).double() + 1e-3 * random_vectors(20, 8, 1), random_vectors(20, 8, 2)),
    "orthogonal against random": (torch.eye(9).double(), random_vectors(9, 3, 2)),
    "centred": (centre(random_vectors(12, 5, 1) + 3), random_vectors(12, 5, 2)),
}

GEOMETRIES = {
    "random": random_geometry,
    "collapsed": collapsed_geometry,
    "nearly collapsed": lambda n: collapsed_geometry(n, noise=0.1),
    "Fourier": fourier_geometry,
    "noisy Fourier": lambda n: fourier_geometry(n, noise=0.5),
}


def _entropies() -> Pairs:
    for rows, _ in VECTORS.values():
        expected = naive_entropy(naive_gram(rows.numpy()))
        yield matrix_entropy(gram(rows)).item(), expected
        yield gram_entropy(rows).item(), expected


def _ratios() -> Pairs:
    for first, second in VECTORS.values():
        expected = naive_interplay(first.numpy(), second.numpy())
        for values in (interplay(gram(first), gram(second)), gram_interplay(first, second)):
            yield from zip((values.mir.item(), values.hdr.item()), expected, strict=True)


def _effective_ranks() -> Pairs:
    for rows, _ in VECTORS.values():
        values = np.linalg.svd(rows.numpy(), compute_uv=False)
        weights = values[values > 1e-15] / values.sum()
        yield effective_rank(rows).item(), np.exp(-(weights * np.log(weights)).sum())


def _simplex_frames() -> Pairs:
    for num_classes in range(3, 201):
        frame = gram(torch.tensor(simplex_etf(num_classes)))
        yield from _floats(simplex_etf_interplay(num_classes), interplay(frame, frame))


def _orthogonal_frames() -> Pairs:
    for n in (2, 5, 30, 113):
        for other in (random_vectors(n, 1 + n // 2, 1), torch.eye(n).double()):
            frame = torch.linalg.qr(random_vectors(n + 3, n, 2)).Q.mT
            closed = orthogonal_frame_interplay(n, gram_entropy(other).item())
            yield from _floats(closed, gram_interplay(frame, other))


def _fourier_circuits() -> Pairs:
    cases = [
        (113, [3, 11, 29, 47], None, [3, 11, 29, 47], None),
        (113, [1, 4, 14, 23, 40], [0.4, 0.3, 0.1, 0.1, 0.1], [1, 4, 14, 23, 40], None),
        (59, [0, 2, 7], [0.2, 0.5, 0.3], [2, 9], None),
        (12, [1, 6], [0.6, 0.4], [2, 5], None),
    ]
    for p, frequencies_1, powers_1, frequencies_2, powers_2 in cases:
        first = fourier_vectors(frequencies_1, p, powers=powers_1, seed=1)
        second = fourier_vectors(frequencies_2, p, powers=powers_2, seed=2)
        closed = fourier_interplay(fourier_power(first), fourier_power(second), p)
        yield from _floats(closed, gram_interplay(first, second))


def _regression_errors() -> Pairs:
    for first, second in VECTORS.values():
        unit_1, unit_2 = ((rows / rows.norm(dim=1, keepdim=True)).numpy() for rows in (first, second))
        residual = unit_2 - unit_1 @ np.linalg.lstsq(unit_1, unit_2, rcond=None)[0]
        yield regression_error(first, second).item(), (residual**2).sum() / len(unit_2)


def _determinants() -> Pairs:
    for n, d in ((3, 3), (20, 2), (113, 1), (113, 10), (113, 128), (256, 128), (512, 600)):
        matrix = gram(random_vectors(n, d))
        yield determinant_entropy(matrix / n).item(), naive_entropy(matrix.numpy())


def _exact_sides() -> Pairs:
    for features, head, labels in (
        random_geometry(300, num_classes=113, dim=128),
        random_geometry(2000, num_classes=10, dim=32),
        random_geometry(2000, num_classes=300, dim=16),
        collapsed_geometry(2000, dim=64, noise=0.1),
    ):
        yield from _floats(
            estimate_interplay(features, head, labels).value, gram_interplay(features, head[labels], check=False)
        )


def _estimates() -> Pairs:
    for make in (*GEOMETRIES.values(), _with_an_offset):
        features, head, labels = make(1500)
        value = estimate_interplay(features.float(), head.float(), labels, exact_side=0).value
        yield value.mir.item(), gram_interplay(features, head[labels]).mir.item()


def _with_an_offset(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    features, head, labels = random_geometry(n)
    return features + 3, head, labels


def _single_precision() -> Pairs:
    for make in (*GEOMETRIES.values(), _with_an_offset):
        for n in (64, 256, 1024):
            features, head, labels = make(n)
            yield from _floats(
                gram_interplay(features.float(), head.float()[labels]), gram_interplay(features, head[labels])
            )


def _gradients() -> Pairs:
    step = 1e-5
    for features, head, labels in (
        collapsed_geometry(8, num_classes=4, dim=6),
        fourier_geometry(14, p=7, dim=6, frequencies=(1, 3)),
        (torch.ones(6, 3).double(), random_vectors(3, 3), torch.arange(6) % 3),
        (torch.eye(5).double(), torch.eye(5).double(), torch.arange(5)),
    ):
        variable = features.clone().requires_grad_()
        information_loss(variable, head, labels, kind="mutual_information").backward()
        for index in np.ndindex(*features.shape):
            moved = torch.zeros_like(features)
            moved[index] = step
            above, below = (
                information_loss(features + sign * moved, head, labels, kind="mutual_information").item()
                for sign in (1, -1)
            )
            yield variable.grad[index].item(), (above - below) / (2 * step)


def _collapse() -> Pairs:
    for features, head, labels in (
        random_geometry(200, num_classes=7, dim=12),
        random_geometry(200, num_classes=12, dim=7),
        collapsed_geometry(200, num_classes=5, dim=8, noise=0.1),
    ):
        ours = neural_collapse([(features, labels)], head)
        theirs = naive_neural_collapse(features.numpy(), labels.numpy(), head.numpy())
        for name, value in ours._asdict().items():
            yield value.item(), theirs[name]


def _floats(ours: tuple[torch.Tensor, ...], theirs: tuple[torch.Tensor, ...]) -> Pairs:
    for our, their in zip(ours, theirs, strict=True):
        yield our.item(), their.item()


CHECKS = [
    Check(
        quantity="`matrix_entropy`, `gram_entropy`",
        oracle="numpy cosines, scipy eigenvalues",
        grid="6 sets of vectors: wide, tall, repeated, nearly parallel, orthogonal, centred",
        bound=1e-10,
        pairs=_entropies,
    ),
    Check(
        quantity="MIR, HDR: `interplay`, `gram_interplay`",
        oracle="the definitions, in numpy and scipy",
        grid="6 pairs of such sets",
        bound=1e-8,
        pairs=_ratios,
    ),
    Check(
        quantity="`effective_rank`",
        oracle="numpy singular values",
        grid="the 6 sets",
        bound=1e-10,
        pairs=_effective_ranks,
    ),
    Check(
        quantity="`simplex_etf_interplay`",
        oracle="`interplay` of a simplex frame",
        grid="C = 3 to 200",
        bound=1e-12,
        pairs=_simplex_frames,
    ),
    Check(
        quantity="`orthogonal_frame_interplay`",
        oracle="`gram_interplay` of an orthonormal frame",
        grid="n = 2, 5, 30, 113, against random vectors and itself",
        bound=1e-12,
        pairs=_orthogonal_frames,
    ),
    Check(
        quantity="`fourier_interplay` of `fourier_power`",
        oracle="`gram_interplay` of the circuit's vectors",
        grid="p = 12, 59, 113, equal and unequal powers, frequencies 0 and p/2",
        bound=1e-10,
        pairs=_fourier_circuits,
    ),
    Check(
        quantity="`regression_error`",
        oracle="numpy least squares",
        grid="the 6 pairs",
        bound=1e-10,
        pairs=_regression_errors,
    ),
    Check(
        quantity="`determinant_entropy`",
        oracle="scipy eigenvalues",
        grid="n = 3 to 512, rank 1 to n",
        bound=1e-8,
        pairs=_determinants,
    ),
    Check(
        quantity="`estimate_interplay` through a small side",
        oracle="`gram_interplay`",
        grid="4 data sets, n = 300 and 2,000",
        bound=1e-8,
        pairs=_exact_sides,
    ),
    Check(
        quantity="`estimate_interplay`, sampled, float32: MIR, relative",
        oracle="`gram_interplay`, float64",
        grid="random, offset by 3, collapsed (noise 0, 0.1), Fourier (noise 0, 0.5), n = 1,500",
        bound=1e-2,
        pairs=_estimates,
        relative=True,
    ),
    Check(
        quantity="`gram_interplay` in float32, all five values",
        oracle="the same in float64",
        grid="random, offset by 3, collapsed (noise 0, 0.1), Fourier (noise 0, 0.5), n = 64, 256, 1,024",
        bound=1e-4,
        pairs=_single_precision,
    ),
    Check(
        quantity="gradient of `information_loss`",
        oracle="central differences, step 1e-5",
        grid="collapsed, Fourier, parallel and orthogonal features",
        bound=1e-5,
        pairs=_gradients,
    ),
    Check(
        quantity="`neural_collapse`, all ten values",
        oracle="loops over classes and pairs in numpy",
        grid="random with C < d and C > d, nearly collapsed",
        bound=1e-10,
        pairs=_collapse,
    ),
]


def table() -> str:
    """The checks as a Markdown table with the errors that this machine gives."""
    rows = ["| quantity | oracle | grid | largest error | bound in the tests |", "|---|---|---|---|---|"]
    for check in CHECKS:
        error = f"{check.largest_error():.0e} | {check.bound:.0e}"
        rows.append(f"| {check.quantity} | {check.oracle} | {check.grid} | {error} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
