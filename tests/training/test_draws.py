"""Draws depend only on seed, order and step, whatever the blocks in which they are prepared."""

from itertools import chain

import pytest
import torch

from grok.random import stream
from grok.training.draws import INDICES, Draws, fill, sample_draws, shuffled, to_device
from tests.helpers import CPU


def make(*, seed=0, name="term", block=50, count=10, size=3):
    return sample_draws(count, size=size, seed=seed, name=name, block=block, device=CPU)


def taken(draws, first, count, *, order=0):
    """The samples that the given steps draw."""
    draws.prepare(first, count, order=order)
    return [draws()[INDICES].tolist() for _ in range(count)]


def test_every_step_of_an_epoch_takes_other_samples_and_every_epoch_another_order():
    steps = taken(make(), 0, 30)
    epochs = [list(chain(*steps[first : first + 3])) for first in range(0, 30, 3)]
    for epoch in epochs:
        assert len(set(epoch)) == 9
        assert set(epoch) <= set(range(10))
    assert len({tuple(epoch) for epoch in epochs}) == 10


def test_what_a_step_takes_does_not_depend_on_the_block_that_prepared_it():
    whole = taken(make(), 0, 50)
    assert taken(make(), 37, 5) == whole[37:42]
    in_blocks = make(block=7)
    assert list(chain(*(taken(in_blocks, first, 7) for first in range(0, 49, 7)))) == whole[:49]
    assert taken(in_blocks, 4, 2) == whole[4:6]  # and back
    assert [in_blocks.at(step, order=0)[INDICES].tolist() for step in range(50)] == whole


def test_seed_order_and_name_decide_what_is_taken():
    first = taken(make(), 0, 6)
    assert taken(make(), 0, 6) == first
    for other in (make(seed=1), make(name="another")):
        assert taken(other, 0, 6) != first
    assert taken(make(), 0, 6, order=1) != first


def test_an_epoch_is_drawn_once_for_a_block_however_many_names_it_has():
    drawn = []

    def draw(order, epoch):
        drawn.append(epoch)
        return {name: torch.full((2, 1), epoch) for name in ("a", "b", "c")}

    draws = Draws(draw, block=50, device=CPU)
    draws.prepare(0, 50, order=0)
    assert drawn == list(range(25))
    assert [draws()["b"].item() for _ in range(50)] == [step // 2 for step in range(50)]


def test_what_is_reserved_is_read_row_by_row_beside_what_is_drawn():
    draws = make(block=3)
    rows = torch.zeros(3, 2)
    draws.reserve("made", rows)
    for _ in range(2):
        draws.prepare(0, 3, order=0)
        rows.copy_(torch.arange(6.0).view(3, 2))
        assert [draws()["made"].tolist() for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(("count", "size", "steps"), [(10, 3, 3), (10, 10, 1), (4, 6, 1), (4, 9, 1), (1, 5, 1)])
def test_samples_of_an_epoch_come_as_often_as_each_other_but_for_those_left_over(count, size, steps):
    rows = shuffled(count, size, stream(0, "order"))
    assert rows.shape == (steps, size)
    often = torch.bincount(rows.flatten(), minlength=count)
    assert often.max() - often.min() <= 1


def test_the_first_rows_are_filled_in_their_own_precision():
    rows = torch.full((3, 2), -1.0)
    fill(rows, torch.tensor([[1, 2], [3, 4]]))
    assert rows.tolist() == [[1.0, 2.0], [3.0, 4.0], [-1.0, -1.0]]


def test_values_come_to_a_device_as_they_are():
    values = torch.tensor([1, 2])
    assert to_device(values, torch.device("cpu")) is values
