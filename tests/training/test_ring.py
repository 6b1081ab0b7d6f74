"""A ring keeps written rows until they are taken, in two halves of constant size."""

import torch

from grok.training import ring as ring_module
from grok.training.ring import Ring


def write(ring, step, **values):
    observed = {probe: {"value": torch.tensor([float(value)])} for probe, value in values.items()}
    ring.write(observed)
    ring.note(step, tuple(values))


def taken(ring):
    block = ring.take()
    return {probe: (steps, block.observed[probe]["value"].flatten().tolist()) for probe, steps in block.steps.items()}


def test_a_block_has_each_probes_rows_with_their_steps():
    ring = Ring({"often": 4, "seldom": 2})
    write(ring, 0, often=0, seldom=10)
    write(ring, 1, often=1)
    write(ring, 2, often=2, seldom=12)
    assert taken(ring) == {"often": ([0, 1, 2], [0.0, 1.0, 2.0]), "seldom": ([0, 2], [10.0, 12.0])}
    write(ring, 3, often=3)
    assert taken(ring) == {"often": ([3], [3.0]), "seldom": ([], [])}


def test_a_block_stays_as_it_is_while_the_next_is_written_and_goes_with_the_one_after():
    ring = Ring({"probe": 2})
    write(ring, 0, probe=1)
    first = ring.take().observed["probe"]["value"]
    write(ring, 1, probe=2)
    assert first.item() == 1.0
    ring.take()
    write(ring, 2, probe=3)
    assert first.item() == 3.0


def test_a_full_half_has_no_room():
    ring = Ring({"often": 3, "seldom": 1})
    assert ring.has_room(("often", "seldom"))
    write(ring, 0, often=0, seldom=0)
    assert ring.has_room(("often",))
    assert not ring.has_room(("often", "seldom"))
    ring.take()
    assert ring.has_room(("often", "seldom"))


def test_a_probe_that_observes_much_gets_fewer_rows(monkeypatch):
    monkeypatch.setattr(ring_module, "LARGEST", 10)  # bytes: two rows of one float32
    ring = Ring({"probe": 50})
    write(ring, 0, probe=0)
    assert ring.has_room(("probe",))
    write(ring, 1, probe=1)
    assert not ring.has_room(("probe",))
    assert taken(ring) == {"probe": ([0, 1], [0.0, 1.0])}


def test_a_block_without_rows_is_empty():
    assert Ring({"probe": 2}).take().steps == {}
