"""A batch of signals is changed as if each were changed by hand, with numbers from the documented distributions."""

import numpy as np
import pytest
import torch

from grok.random import stream
from grok.tasks.images import draw_strong_signals, draw_weak_signals, strong_signals, weak_signals
from tests.reference.tape import Tape

COUNT, CHANNELS, LENGTH = 60, 2, 40
MANY = 60_000


def signals():
    return torch.randn(COUNT, CHANNELS, LENGTH, generator=stream(0, "signals"))


def draw_weak(seed, count=COUNT):
    return draw_weak_signals(count, generator=stream(seed, "weak"))


def draw_strong(seed, count=COUNT):
    return draw_strong_signals(count, LENGTH, generator=stream(seed, "strong"))


views = pytest.mark.parametrize(
    ("view", "draw"), [(weak_signals, draw_weak), (strong_signals, draw_strong)], ids=["weak", "strong"]
)


def test_a_weak_view_is_the_signal_rolled_and_scaled():
    drawn = draw_weak(0)
    by_hand = [
        torch.roll(signal, shift, dims=-1) * scale
        for signal, shift, scale in zip(signals(), drawn["shifts"].tolist(), drawn["scales"].tolist(), strict=True)
    ]
    torch.testing.assert_close(weak_signals(signals(), **drawn), torch.stack(by_hand))


def test_a_strong_view_is_the_one_by_hand():
    drawn = draw_strong(0)
    by_hand = []
    for sample, signal in enumerate(signals().numpy()):
        own = {name: values[sample].numpy() for name, values in drawn.items()}
        view = np.roll(signal, own["shifts"], axis=-1) * own["scales"] + own["noise"]
        view -= own["shears"] * np.linspace(-0.5, 0.5, LENGTH, dtype=np.float32)
        for position in range(own["starts"], own["starts"] + own["cuts"]):
            view[:, position % LENGTH] = 0
        by_hand.append(torch.tensor(view))
    torch.testing.assert_close(strong_signals(signals(), **drawn), torch.stack(by_hand))


@views
def test_stacked_members_are_changed_each_by_its_own_draws(view, draw):
    drawn = [draw(seed) for seed in (0, 1)]
    stacked = {name: torch.stack([own[name] for own in drawn]) for name in drawn[0]}
    views = torch.func.vmap(lambda inputs, of: view(inputs, **of))(torch.stack([signals(), -signals()]), stacked)
    for member, inputs in enumerate((signals(), -signals())):
        torch.testing.assert_close(views[member], view(inputs, **drawn[member]))


@views
def test_a_captured_step_reads_what_is_drawn_for_it(view, draw):
    inputs, drawn = signals(), draw(0)
    with Tape() as tape:
        output = view(inputs, **drawn)
    for name, values in draw(1).items():
        drawn[name].copy_(values)
    tape.replay()
    assert torch.equal(output, view(signals(), **draw(1)))


@views
def test_what_is_drawn_has_a_row_a_sample_and_is_the_generators_alone(view, draw):
    drawn = draw(0)
    assert all(len(values) == COUNT for values in drawn.values())
    assert all(torch.equal(values, drawn[name]) for name, values in draw(0).items())
    assert not any(torch.equal(values, drawn[name]) for name, values in draw(1).items())


def test_weak_draws_are_uniform():
    drawn = draw_weak(0, MANY)
    numbers = torch.bincount(drawn["shifts"] + 2)
    torch.testing.assert_close(numbers / MANY, torch.full((5,), 0.2), rtol=0, atol=0.01)
    assert_uniform(drawn["scales"], 0.9, 1.1)


def test_a_strong_view_undergoes_two_different_operations_each_pair_as_likely():
    drawn = draw_strong(0, MANY)
    sheared, noisy = drawn["shears"] != 0, drawn["noise"].abs().amax(dim=1) > 0
    both, neither = sheared & noisy, ~sheared & ~noisy
    for chosen, share in ((sheared, 1 / 2), (noisy, 1 / 2), (both, 1 / 6), (neither, 1 / 6)):
        assert chosen.double().mean().item() == pytest.approx(share, abs=0.01)
    assert drawn["shifts"][both].abs().max() == 2  # shifted and scaled as a weak view is
    assert_uniform(drawn["scales"][both], 0.9, 1.1)
    shifted_and_scaled = (drawn["shifts"].abs() > 2) & ((drawn["scales"] - 1).abs() > 0.11)
    assert shifted_and_scaled[neither].any()
    assert not shifted_and_scaled[~neither].any()


def test_strong_magnitudes_fill_their_ranges():
    drawn = draw_strong(0, MANY)
    assert (drawn["shifts"].min(), drawn["shifts"].max()) == (-12, 12)  # 10 and the weak view's 2
    assert drawn["scales"].min().item() == pytest.approx(0.5 * 0.9, abs=0.01)
    assert drawn["scales"].max().item() == pytest.approx(1.5 * 1.1, abs=0.02)
    assert_uniform(drawn["shears"][drawn["shears"] != 0], -2.4, 2.4)
    for name, values in (("starts", LENGTH), ("cuts", 7)):
        shares = torch.bincount(drawn[name]) / MANY
        torch.testing.assert_close(shares, torch.full((values,), 1 / values), rtol=0, atol=0.01)


def test_noise_is_gaussian_smooth_and_goes_round():
    noise = draw_strong(0, MANY)["noise"]
    noise = noise[noise.abs().amax(dim=1) > 0]
    variance = noise.square().mean()
    assert variance.item() == pytest.approx(0.4**2 / 3, rel=0.02)  # of standard deviations uniform from 0 to 0.4
    for apart in (1, 2, 4):
        covariance = (noise * noise.roll(apart, dims=1)).mean(dim=0)  # at every position, the first and last too
        expected = np.exp(-((apart / 1.1) ** 2) / 4)
        torch.testing.assert_close(covariance / variance, torch.full((LENGTH,), expected).float(), rtol=0, atol=0.05)


def assert_uniform(values, low, high):
    quantiles = torch.quantile(values, torch.linspace(0, 1, 5))
    torch.testing.assert_close(quantiles, torch.linspace(low, high, 5), rtol=0, atol=0.02 * (high - low))
