"""Batches depend only on seed, order and step; they cut whole epochs and are augmented and normalised."""

from itertools import chain

import pytest
import torch

from grok.random import stream
from grok.tasks.images import VIEWS, image_task, normalise, strong_view
from grok.training.batches import Batches
from tests.reference.augmentation import cropped_and_flipped

SIZE, NUMBER = 4, 23  # five batches an epoch, three samples over
STEPS = 5


def make_task():
    """Images with distinct first pixels; some are test samples, which are in no batch."""
    images = torch.randint(256, (NUMBER + 5, 3, 8, 8), generator=stream(0, "images"), dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(NUMBER + 5)
    targets = torch.arange(NUMBER + 5) % 7
    return image_task(
        train=(images[:NUMBER], targets[:NUMBER]), test=(images[NUMBER:], targets[NUMBER:]), num_classes=7
    )


TASK = make_task()


def make(augmentation="none", *, seed=0, block=50, size=SIZE):
    return Batches(TASK, size=size, views=[VIEWS[augmentation]()], seed=seed, block=block)


def taken(batches, first, count, *, order=0):
    """The training batches of the given steps."""
    batches.prepare(first, count, order=order)
    return [batches() for _ in range(count)]


def samples_of(inputs):
    """The training samples that these inputs come from, by their first pixels."""
    first = inputs[:, 0, 0, 0] * TASK.std[0] + TASK.mean[0]
    return first.round().long().tolist()


def assert_equal(got, expected):
    for ours, theirs in zip(got, expected, strict=True):
        assert all(map(torch.equal, ours, theirs))


def test_an_epoch_has_whole_batches_of_different_training_samples():
    steps = [samples_of(inputs) for inputs, _ in taken(make(), 0, 4 * STEPS)]
    assert {len(samples) for samples in steps} == {SIZE}
    epochs = [list(chain(*steps[first : first + STEPS])) for first in range(0, 4 * STEPS, STEPS)]
    for epoch in epochs:
        assert len(set(epoch)) == STEPS * SIZE
        assert set(epoch) < set(range(NUMBER))
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert len({frozenset(range(NUMBER)) - frozenset(epoch) for epoch in epochs}) > 1  # others are left over each time


def test_inputs_are_normalised_and_have_their_targets():
    for inputs, targets in taken(make(), 0, STEPS):
        samples = samples_of(inputs)
        assert torch.equal(inputs, normalise(TASK.inputs[samples], TASK.mean, TASK.std))
        assert torch.equal(targets, TASK.targets[samples])


@pytest.mark.parametrize("augmentation", ["none", "crop-flip"])
def test_a_batch_does_not_depend_on_the_block_that_prepared_it(augmentation):
    whole = taken(make(augmentation), 0, 50)
    assert_equal(taken(make(augmentation), 37, 3), whole[37:40])
    in_blocks = make(augmentation, block=7)
    assert_equal([batch for first in range(0, 49, 7) for batch in taken(in_blocks, first, 7)], whole[:49])
    assert_equal(taken(in_blocks, 3, 2), whole[3:5])  # and back


@pytest.mark.parametrize("augmentation", ["none", "crop-flip"])
def test_the_batch_of_a_step_can_be_had_without_taking_it(augmentation):
    batches = make(augmentation)
    batches.prepare(8, 4, order=1)
    looked_at = [batches.batch(step, order=1) for step in range(8, 12)]
    other_order = batches.batch(8, order=2)
    assert_equal([batches() for _ in range(4)], looked_at)
    assert not torch.equal(other_order[0], looked_at[0][0])


def test_seed_and_order_decide_the_batches():
    first = taken(make(), 0, STEPS)
    assert_equal(taken(make(), 0, STEPS), first)
    for other in (taken(make(seed=1), 0, STEPS), taken(make(), 0, STEPS, order=1)):
        assert [samples_of(inputs) for inputs, _ in other] != [samples_of(inputs) for inputs, _ in first]


def test_augmented_images_are_those_by_hand_before_they_are_normalised():
    batches, plain = make("crop-flip"), make()
    for step in range(2 * STEPS):
        batches.prepare(step, 1, order=0)
        shifts, flips = batches.draws.get_buffer("view0_shifts")[0], batches.draws.get_buffer("view0_flips")[0]
        inputs, targets = batches()
        unaugmented, same_targets = plain.batch(step, order=0)  # the same samples: another stream draws the order
        images = TASK.inputs[samples_of(unaugmented)]
        by_hand = cropped_and_flipped(images, shifts, flips)
        assert torch.equal(inputs, normalise(by_hand, TASK.mean, TASK.std))
        assert torch.equal(targets, same_targets)


def test_every_epoch_and_order_augments_anew():
    batches = make("crop-flip")
    drawn = []
    for step, order in ((0, 0), (STEPS, 0), (0, 1)):
        batches.prepare(step, 1, order=order)
        drawn.append(batches.draws.get_buffer("view0_shifts")[0].clone())
    assert not any(torch.equal(drawn[i], drawn[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert all(shifts.abs().max() <= 4 for shifts in drawn)


def test_a_batch_can_be_all_training_samples():
    (inputs, _), (again, _) = taken(make(size=NUMBER), 0, 2)
    assert sorted(samples_of(inputs)) == sorted(samples_of(again)) == list(range(NUMBER))
    assert samples_of(inputs) != samples_of(again)


def test_two_views_show_the_same_samples_of_those_asked_for():
    views = [VIEWS["none"](), VIEWS["crop-flip"](), VIEWS["crop-flip"]()]
    batches = Batches(TASK, size=3, views=views, seed=0, block=50, samples=torch.tensor([4, 9, 2, 7]))
    plain, once, twice, targets = batches.batch(1, order=0)
    assert set(samples_of(plain)) < {2, 4, 7, 9}
    assert torch.equal(targets, TASK.targets[samples_of(plain)])
    drawn = batches.draws.at(1, order=0)
    for place, seen in ((1, once), (2, twice)):
        by_hand = VIEWS["crop-flip"]()(
            TASK.inputs[samples_of(plain)],
            {"shifts": drawn[f"view{place}_shifts"], "flips": drawn[f"view{place}_flips"]},
        )
        assert torch.equal(seen, normalise(by_hand, TASK.mean, TASK.std))
    assert not torch.equal(once, twice)


def test_fewer_samples_than_a_batch_has_come_as_often_as_each_other():
    batches = Batches(TASK, size=5, views=[VIEWS["none"]()], seed=0, block=50, samples=torch.tensor([3, 1]))
    assert batches.steps_per_epoch == 1
    for inputs, _ in taken(batches, 0, 8):
        assert sorted(samples_of(inputs)) in ([1, 1, 3, 3, 3], [1, 1, 1, 3, 3])


def test_batches_of_another_name_are_drawn_independently():
    first, other = (
        Batches(TASK, size=SIZE, views=[VIEWS["none"]()], seed=0, block=50, name=name) for name in ("", "other/")
    )
    assert samples_of(first.batch(0, order=0)[0]) != samples_of(other.batch(0, order=0)[0])


def test_what_is_made_beforehand_is_what_each_step_reads():
    views = [VIEWS["crop-flip"](), strong_view(TASK.inputs)]
    batches = Batches(TASK, size=SIZE, views=views, seed=0, block=7)
    expected = [batches.batch(step, order=0) for step in range(3, 9)]
    assert_equal(taken(batches, 3, 6), expected)
    weak, strong, _ = expected[0]
    assert not torch.equal(weak, strong)
