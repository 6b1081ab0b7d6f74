"""The sections measure the quantities that their columns name."""

import pytest
import torch

from grok.bench import information
from grok.bench.information import (
    ERROR_OF_HDR,
    ERROR_OF_MIR,
    GEOMETRIES,
    NUM_CLASSES,
    estimator,
    exact_task,
    fourier_samples,
    interplay,
    large,
    spectra,
)
from grok.information import fourier_power, gram_interplay
from tests.helpers import CPU


def quiet(_):
    pass


def peak_memory_here(prepare, *arguments, device):
    """The memory of an n×n matrix if the task is exact, of a vector if not, in place of what a process measures."""
    prepare(*arguments, device)
    return arguments[1] ** (2 if prepare is exact_task else 1) * 4 / 2**20


@pytest.mark.parametrize(
    "peak_memory",
    [peak_memory_here, pytest.param(information.peak_memory, marks=pytest.mark.torture)],
    ids=["here", "spawned"],
)
def test_the_estimator_is_compared_by_time_error_and_memory(monkeypatch, peak_memory):
    monkeypatch.setattr(information, "peak_memory", peak_memory)
    monkeypatch.setattr(information, "SEEDS", 4)
    for features in [*GEOMETRIES][1:]:
        monkeypatch.delitem(GEOMETRIES, features)
    said = []
    (row,) = estimator(CPU, said.append, sizes=(1200,)).rows
    assert said == ["estimator: random features, n = 1,200"]
    assert (row["features"], row["n"]) == ("random", 1200)
    assert row["MIR"].value == pytest.approx(exact_task("random", 1200, CPU)().mir.item(), rel=1e-5)
    assert 0 < row["standard error of MIR"].value < 0.005
    assert 0 < row[ERROR_OF_MIR].value < 0.01
    assert row[ERROR_OF_HDR].value < 1e-4
    assert row["within 2 standard errors"].value in (0.5, 0.75, 1)
    assert row["exact / estimate"].value == row["exact"].median / row["estimate"].median
    assert row["memory, exact"].value >= 1200**2 * 4 / 2**20


@pytest.mark.parametrize(
    ("features", "mir", "entropy"),
    [
        ("random", 0.526, 4.80),
        ("noisy classes", 0.63, 4.35),
        ("collapsed", 0.98, 4.72),
        ("noisy Fourier", 0.38, 3.05),
        ("random, offset by 3", 0.337, 0.80),
    ],
)
def test_the_geometries_are_easy_and_hard(features, mir, entropy):
    values = exact_task(features, 1024, CPU)()
    assert values.mir.item() == pytest.approx(mir, abs=0.03)
    assert values.entropy_1.item() == pytest.approx(entropy, abs=0.05)


def test_a_large_data_set_is_estimated_in_memory_of_its_own_order():
    (row,) = large(CPU, quiet, sizes=((3000, 64, 30),)).rows
    assert (row["n"], row["d"], row["C"]) == (3000, 64, 30)
    assert 0 < row["standard error of MIR"].value < 0.02
    assert str(row["memory of the features"]) == "1 MiB"
    assert row["memory"].value < 3000**2 * 4 / 2**20


def test_both_ways_to_a_spectrum_agree(monkeypatch):
    monkeypatch.setattr(information, "BATCH", 5)
    errors = {row["by"]: row["largest error, nats"].value for row in spectra(CPU, quiet).rows}
    assert errors["eigenvalues"] < 1e-12
    assert 0 < errors["determinants"] < 1e-8


def test_an_interplay_is_timed_with_and_without_its_gradient():
    assert [row["one interplay"] for row in interplay(CPU, quiet).rows] == [
        "value",
        "value, inputs checked",
        "value and gradient",
    ]


def test_the_fourier_samples_are_a_circuit_of_four_frequencies_with_noise():
    features, head, labels = fourier_samples(2 * NUM_CLASSES, CPU)
    power = fourier_power(head)
    assert 0.9 < power[[3, 11, 29, 47]].sum() < 0.999
    assert 0.5 < fourier_power(features[:NUM_CLASSES])[[3, 11, 29, 47]].sum() < 0.95
    assert gram_interplay(features, head[labels]).mir < 0.9
    assert torch.equal(labels[:NUM_CLASSES], torch.arange(NUM_CLASSES))
