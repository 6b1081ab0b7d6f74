"""Cost of the information measures, and errors of the estimator against the exact values."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grok.bench.measure import Figure, Row, Table, Task, Timing, interleaved, peak_memory
from grok.information import Interplay, InterplayEstimate, estimate_interplay, gram_interplay
from grok.information.determinants import determinant_entropy
from grok.information.entropy import density_entropy
from grok.information.gram import unit_rows

NUM_CLASSES, DIM = 113, 128  # those of the paper's grokking run
SIZES = (4096,)
SEEDS = 40  # estimates of each data set, from whose errors the percentile and the coverage are taken
LARGE_SIZES = ((50_000, 128, 10), (50_000, 512, 100), (50_000, 2048, 100))  # n, d, C
ERROR_OF_MIR, ERROR_OF_HDR = "error of MIR, 95 % of seeds", "largest error of HDR"
BATCH = 100  # matrices whose spectra are computed at once

Samples = tuple[Float[Tensor, "n d"], Float[Tensor, "class d"], Int[Tensor, "n"]]


def estimator(device: torch.device, say: Callable[[str], None], sizes: tuple[int, ...] = SIZES) -> Table:
    """Measure time, error over many seeds and memory of the `sample` pairing of n samples, exact and estimated."""
    rows: list[Row] = []
    for features in GEOMETRIES:
        for n in sizes:
            say(f"estimator: {features} features, n = {n:,}")
            tasks = {"exact": exact_task(features, n, device), "estimate": estimate_task(features, n, device)}
            measured = interleaved(tasks, device, repeats=3)
            exact_time, estimate_time = measured["exact"][0], measured["estimate"][0]
            exact = exact_task(features, n, device, torch.float64)()
            estimates = [estimate_task(features, n, device, seed)() for seed in range(SEEDS)]
            mir, standard_error, hdr = (
                torch.stack(values).double()
                for values in zip(*((e.value.mir, e.standard_error.mir, e.value.hdr) for e in estimates), strict=True)
            )
            errors = (mir - exact.mir).abs()
            rows.append(
                {
                    "features": features,
                    "n": n,
                    "exact": exact_time,
                    "estimate": estimate_time,
                    "exact / estimate": _ratio(exact_time, estimate_time),
                    "MIR": Figure(exact.mir.item(), ".4f"),
                    ERROR_OF_MIR: Figure((errors.quantile(0.95, interpolation="higher") / exact.mir).item(), ".2%"),
                    "standard error of MIR": Figure((standard_error.mean() / exact.mir).item(), ".2%"),
                    "within 2 standard errors": Figure((errors <= 2 * standard_error).double().mean().item(), ".0%"),
                    ERROR_OF_HDR: Figure(((hdr - exact.hdr).abs().max() / exact.hdr).item(), ".3%"),
                    "memory, exact": Figure(peak_memory(exact_task, features, n, device=device), ",.0f", " MiB"),
                    "memory, estimate": Figure(peak_memory(estimate_task, features, n, device=device), ",.0f", " MiB"),
                }
            )
    title = f"`estimate_interplay` with {SEEDS} seeds against `gram_interplay`, in float32, with C = {NUM_CLASSES}"
    return Table(title, rows)


def large(
    device: torch.device, say: Callable[[str], None], sizes: tuple[tuple[int, int, int], ...] = LARGE_SIZES
) -> Table:
    """Measure time, memory and standard error of the estimate on data sets that are too large for an n×n matrix."""
    rows: list[Row] = []
    for size in sizes:
        say(f"large: n = {size[0]:,}, d = {size[1]:,}, C = {size[2]:,}")
        timing, (value, error) = interleaved({"": large_task(*size, device)}, device, repeats=1)[""]
        rows.append(
            {
                "n": size[0],
                "d": size[1],
                "C": size[2],
                "estimate": timing,
                "MIR": Figure(value.mir.item(), ".4f"),
                "standard error of MIR": Figure((error.mir / value.mir).item(), ".2%"),
                "memory": Figure(peak_memory(large_task, *size, device=device), ",.0f", " MiB"),
                "memory of the features": Figure(size[0] * size[1] * 4 / 2**20, ",.0f", " MiB"),
            }
        )
    return Table("`estimate_interplay` on large data sets, in float32, with noisy classes", rows)


def large_task(n: int, d: int, num_classes: int, device: torch.device) -> Callable[[], InterplayEstimate]:
    """Return a task that estimates the interplay of n features scattered about the head rows of their classes."""
    head = _normal(num_classes, d, 1, device)
    labels = torch.arange(n, device=device) % num_classes
    features = _normal(n, d, 2, device).add_(head[labels])
    return lambda: estimate_interplay(features, head, labels)


def interplay(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time one interplay of C = 113 class vectors in float64, as probes compute it, and its gradient."""
    say("interplay: C = 113")
    first, second = (_normal(NUM_CLASSES, DIM, seed, device).double() for seed in (1, 2))
    variable = first.clone().requires_grad_()

    def gradient() -> None:
        gram_interplay(variable, second, check=False).mir.backward()

    tasks: dict[str, Task] = {
        "value": lambda: gram_interplay(first, second, check=False),
        "value, inputs checked": lambda: gram_interplay(first, second),
        "value and gradient": gradient,
    }
    rows: list[Row] = [
        {"one interplay": name, "time": timing} for name, (timing, _) in interleaved(tasks, device, repeats=51).items()
    ]
    return Table(f"`gram_interplay`, in float64, with C = {NUM_CLASSES} and d = {DIM}", rows)


def spectra(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time the entropies of many C×C matrices at once, by eigenvalues and by determinants."""
    say(f"spectra: {BATCH} matrices")
    unit = unit_rows(_normal(BATCH * NUM_CLASSES, DIM, 1, device).double().unflatten(0, (BATCH, NUM_CLASSES)))
    densities = unit @ unit.mT / NUM_CLASSES
    tasks: dict[str, Task] = {
        "eigenvalues": lambda: density_entropy(densities),
        "determinants": lambda: determinant_entropy(densities),
    }
    measured = interleaved(tasks, device, repeats=5)
    expected = torch.special.entr(torch.tensor(np.linalg.eigvalsh(densities.cpu())).clamp(min=0)).sum(dim=-1)
    rows: list[Row] = [
        {
            "by": name,
            "time": timing,
            "spectra a second": Figure(BATCH / timing.median, ",.0f"),
            "largest error, nats": Figure((entropies.cpu() - expected).abs().max().item(), ".0e"),
        }
        for name, (timing, entropies) in measured.items()
    ]
    return Table(f"entropies of {BATCH} matrices of {NUM_CLASSES}×{NUM_CLASSES}, in float64", rows)


def exact_task(
    features: str, n: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> Callable[[], Interplay]:
    """Return a task that computes the interplay of n samples of this geometry through the n×n matrix."""
    samples, head, labels = GEOMETRIES[features](n, device)
    samples, head = samples.to(dtype), head.to(dtype)
    return lambda: gram_interplay(samples, head[labels], check=False)


def estimate_task(features: str, n: int, device: torch.device, seed: int = 0) -> Callable[[], InterplayEstimate]:
    """Return a task that estimates the interplay of the samples of `exact_task` to 1 % of MIR."""
    samples, head, labels = GEOMETRIES[features](n, device)
    return lambda: estimate_interplay(samples, head, labels, rtol=0.01, seed=seed)


def random_samples(n: int, device: torch.device) -> Samples:
    """Return random features and head rows, as before training."""
    return _normal(n, DIM, 1, device), _normal(NUM_CLASSES, DIM, 2, device), _labels(n, device)


def noisy_class_samples(n: int, device: torch.device) -> Samples:
    """Return features in 96 dimensions scattered about the head rows of their classes, as while a network learns."""
    head, labels = _normal(NUM_CLASSES, 96, 3, device), _labels(n, device)
    return head[labels] + 0.7 * _normal(n, 96, 4, device), head, labels


def collapsed_samples(n: int, device: torch.device) -> Samples:
    """Return features that are a tenth away from neural collapse: near the corners of a simplex frame."""
    head = torch.linalg.qr(_normal(DIM, NUM_CLASSES, 1, device)).Q.mT
    head, labels = head - head.mean(dim=0), _labels(n, device)
    return head[labels] + 0.1 * DIM**-0.5 * _normal(n, DIM, 2, device), head, labels


def offset_samples(n: int, device: torch.device) -> Samples:
    """Return the random samples with 3 added to each entry of the features, which are then near one direction."""
    features, head, labels = random_samples(n, device)
    return features + 3, head, labels


def fourier_samples(n: int, device: torch.device) -> Samples:
    """Return a noisy Fourier circuit on four frequencies, whose spectrum spans many orders of magnitude."""
    residues, frequencies = torch.arange(NUM_CLASSES, device=device), torch.tensor([3, 11, 29, 47], device=device)
    angle = 2 * torch.pi * residues[:, None] * frequencies / NUM_CLASSES
    waves = torch.cat([angle.cos(), angle.sin()], dim=1)
    basis = torch.linalg.qr(_normal(DIM, 2 * len(frequencies), 1, device)).Q.mT
    labels = _labels(n, device)
    feature_noise, head_noise = (DIM**-0.5 * _normal(count, DIM, 2, device) for count in (n, NUM_CLASSES))
    return waves[labels] @ basis + feature_noise, waves @ basis + 0.3 * head_noise, labels


GEOMETRIES: dict[str, Callable[[int, torch.device], Samples]] = {
    "random": random_samples,
    "noisy classes": noisy_class_samples,
    "collapsed": collapsed_samples,
    "noisy Fourier": fourier_samples,
    "random, offset by 3": offset_samples,
}


def _normal(n: int, d: int, seed: int, device: torch.device) -> Float[Tensor, "n d"]:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).to(device)


def _labels(n: int, device: torch.device) -> Int[Tensor, "n"]:
    return torch.arange(n, device=device) % NUM_CLASSES


def _ratio(slow: Timing, fast: Timing) -> Figure:
    return Figure(slow.median / fast.median, ".3g")
