"""The scaling sections measure the quantities that their rows name, at small sizes."""

import multiprocessing
from contextlib import nullcontext

import pytest

from grok.bench import scaling
from grok.bench.scaling import memory, moduli, size, stack
from tests.helpers import CPU


def quiet(_):
    pass


def test_a_step_and_each_pairing_are_timed_at_every_size():
    (small, large) = size(CPU, quiet, sizes=[(31, 8), (37, 16)], repeats=2).rows
    assert [small[name] for name in ("p", "d_model", "training pairs")] == [31, 8, 288]
    assert [large[name] for name in ("p", "d_model", "training pairs")] == [37, 16, 410]
    for row in (small, large):
        assert row["step"].median > 0
        assert all(row[f"measuring {pairing}"].median > 0 for pairing in ("prototype", "sample", "embedding"))


def test_a_stack_is_compared_with_its_members_one_after_another(monkeypatch):
    monkeypatch.setattr(scaling, "STACKED_MODULI", (7, 11))
    monkeypatch.setattr(scaling, "STACKS", {"cpu": (1, 2)})
    rows = stack(CPU, quiet).rows
    assert [(row["p"], row["members"]) for row in rows] == [(7, 1), (7, 2), (11, 1), (11, 2)]
    for row in rows:
        assert row["member-steps a second"].value == pytest.approx(row["members"] / row["step of the stack"].median)
        ratio = row["member-steps a second"].value / row["one after another"].value
        assert row["stacked / one after another"].value == pytest.approx(ratio)


class Here:
    """A process pool that is this process."""

    def get_context(self, how):
        return self

    def Pool(self, size):  # noqa: N802  as multiprocessing names it
        return nullcontext(self)

    def apply(self, function, arguments):
        return function(*arguments)


@pytest.mark.parametrize(
    "processes", [Here(), pytest.param(multiprocessing, marks=pytest.mark.torture)], ids=["here", "spawned"]
)
def test_runs_of_two_lengths_are_weighed(monkeypatch, processes):
    monkeypatch.setattr(scaling, "multiprocessing", processes)
    short, long = memory(CPU, quiet, lengths=(5, 10)).rows
    assert [row["rows"] for row in (short, long)] == [6, 11]
    assert short["columns"] == long["columns"] == 33
    assert short["most memory of the process"].value > 100
    assert 0 < short["record"].value < long["record"].value


def test_the_memory_of_a_modulus_stands_beside_its_estimate(monkeypatch):
    monkeypatch.setattr(scaling, "multiprocessing", Here())
    (row,) = moduli(CPU, quiet, moduli=(31,)).rows
    assert (row["p"], row["training pairs"]) == (31, 288)
    assert row["estimate"].value > 256
    assert row["most memory of the process"].value > 100
