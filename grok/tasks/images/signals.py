"""Weak and strong views of signals from given random numbers, which change a signal and preserve its class.

The views vary the same properties as the authors of MNIST-1D: place, amplitude, slope and noise (Greydanus & Kobak,
Scaling Down Deep Learning with MNIST-1D, ICML 2024). Signals have 40 positions, and values of mean 0 and standard
deviation 1 over the data set.
"""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

WEAK_SHIFT = 2  # positions in either direction: a quarter of a digit, which is 7 to 10 wide
WEAK_SCALE = 0.1  # amplitudes of 0.9 to 1.1, which is half of the authors' range
STRONG_SHIFT = 10  # positions in either direction, a quarter of the signal; the authors' whole range is 26 positions
STRONG_SCALE = 0.5  # amplitudes of 0.5 to 1.5, which is two and a half times the authors' range
STRONG_SHEAR = 2.4  # rise or fall from end to end: the authors' range, so that the sum is at most twice that
STRONG_NOISE = 0.4  # largest standard deviation: two thirds of the authors', who add no noise to the digit itself
NOISE_WIDTH = 1.1  # width in positions of the smoothing: the authors' 2 of 72, which they resample to 40
LONGEST_CUT = 6  # positions, which is most of a digit but never all of it


def draw_weak_signals(count: int, *, generator: torch.Generator) -> dict[str, Shaped[Tensor, "sample"]]:
    """Draw the arguments of `weak_signals` for `count` signals: uniform shifts of -2 to 2 and scales of 0.9 to 1.1."""
    return {
        "shifts": _integers(count, -WEAK_SHIFT, WEAK_SHIFT, generator),
        "scales": _uniform(count, 1 - WEAK_SCALE, 1 + WEAK_SCALE, generator),
    }


def weak_signals(
    signals: Float[Tensor, "sample channel length"],
    *,
    shifts: Int[Tensor, "sample"],
    scales: Float[Tensor, "sample"],
) -> Float[Tensor, "sample channel length"]:
    """Return each signal moved cyclically by its shift, to the right if it is positive, and multiplied by its scale.

    >>> weak_signals(torch.tensor([[[1.0, 2.0, 3.0]]]), shifts=torch.tensor([1]), scales=torch.tensor([2.0])).tolist()
    [[[6.0, 2.0, 4.0]]]
    """
    sources = _positions_after(shifts, signals)
    return signals.gather(-1, sources[:, None].expand_as(signals)) * scales[:, None, None]


def draw_strong_signals(
    count: int, length: int, *, generator: torch.Generator
) -> dict[str, Shaped[Tensor, "sample *length"]]:
    """Draw the arguments of `strong_signals` for `count` signals of this length.

    A strong view is a weak view followed by two of four operations: a larger shift, a change of amplitude, a shear, and
    smooth Gaussian noise. Each has a magnitude of its own, uniform in its range. Finally a window of 0 to 6 positions
    is cut out anywhere. For the other operations of a signal, the drawn numbers change nothing.

    This is the strong augmentation of Sohn et al., FixMatch, NeurIPS 2020, applied to signals. It consists of
    RandAugment (Cubuk et al., CVPR Workshops 2020) with two operations, whose magnitudes are drawn anew for each
    sample, and Cutout (DeVries & Taylor 2017).
    """
    weak = draw_weak_signals(count, generator=generator)
    shifted, scaled, sheared, noisy = _two_of_four(count, generator).unbind(1)
    scales = _uniform(count, 1 - STRONG_SCALE, 1 + STRONG_SCALE, generator)
    noise = _uniform(count, 0.0, STRONG_NOISE, generator)[:, None] * _smooth_noise(count, length, generator)
    return {
        "shifts": weak["shifts"] + shifted * _integers(count, -STRONG_SHIFT, STRONG_SHIFT, generator),
        "scales": weak["scales"] * torch.where(scaled, scales, 1.0),
        "shears": sheared * _uniform(count, -STRONG_SHEAR, STRONG_SHEAR, generator),
        "noise": noisy[:, None] * noise,
        "starts": _integers(count, 0, length - 1, generator),
        "cuts": _integers(count, 0, LONGEST_CUT, generator),
    }


def strong_signals(
    signals: Float[Tensor, "sample channel length"],
    *,
    shifts: Int[Tensor, "sample"],
    scales: Float[Tensor, "sample"],
    shears: Float[Tensor, "sample"],
    noise: Float[Tensor, "sample length"],
    starts: Int[Tensor, "sample"],
    cuts: Int[Tensor, "sample"],
) -> Float[Tensor, "sample channel length"]:
    """Return the signals shifted and scaled, plus noise, minus shear · ramp, with a window of zeros.

    The ramp rises from -½ to ½. The window begins at the position `starts`, has the length `cuts`, and continues at the
    other end, as the shifted signal does. It is filled with 0, the mean of all signals, as Cutout fills images with
    grey. The mean of the signal itself would reveal something about the part that is cut out. Shears, noise and windows
    are the same for all channels of a signal.

    >>> none, one = torch.zeros(1), torch.ones(1)
    >>> shear_and_cut = dict(shears=torch.tensor([2.0]), starts=torch.tensor([2]), cuts=torch.tensor([2]))
    >>> unmoved = dict(shifts=none.long(), scales=one, noise=torch.zeros(1, 3))
    >>> strong_signals(torch.full((1, 1, 3), 5.0), **unmoved, **shear_and_cut).tolist()
    [[[0.0, 5.0, 0.0]]]
    """
    ramp = torch.linspace(-0.5, 0.5, signals.shape[-1], dtype=signals.dtype, device=signals.device)
    changed = weak_signals(signals, shifts=shifts, scales=scales) + noise[:, None] - shears[:, None, None] * ramp
    cut_out = _positions_after(starts, signals) < cuts[:, None]
    return changed.masked_fill(cut_out[:, None], 0)


def _positions_after(
    starts: Int[Tensor, "sample"], signals: Float[Tensor, "sample channel length"]
) -> Int[Tensor, "sample length"]:
    """Return the cyclic distance, 0 to length - 1, of each position from the start of its sample."""
    length = signals.shape[-1]
    return (torch.arange(length, device=signals.device) - starts[:, None]) % length


def _two_of_four(count: int, generator: torch.Generator) -> Bool[Tensor, "sample 4"]:
    """Draw which two of four operations each sample undergoes; all pairs are equally likely."""
    order = torch.rand(count, 4, generator=generator, device=generator.device).argsort(dim=1)
    return order < 2


def _smooth_noise(count: int, length: int, generator: torch.Generator) -> Float[Tensor, "sample length"]:
    """Draw Gaussian noise of standard deviation 1, smoothed by a cyclic Gaussian."""
    white = torch.randn(count, length, generator=generator, device=generator.device)
    positions = torch.arange(length, device=generator.device)
    apart = (positions - positions[:, None]).abs()
    weights = torch.exp(-((torch.minimum(apart, length - apart) / NOISE_WIDTH) ** 2) / 2)
    return white @ (weights / weights.norm(dim=0))


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Float[Tensor, "sample"]:
    return low + (high - low) * torch.rand(count, generator=generator, device=generator.device)


def _integers(count: int, low: int, high: int, generator: torch.Generator) -> Int[Tensor, "sample"]:
    """Draw uniform integers from low to high, including both ends."""
    return torch.randint(low, high + 1, (count,), generator=generator, device=generator.device)
