"""A step is work of the device only: a replayed step trains and measures bit for bit as an eager one."""

import warnings

import pytest
import torch

from grok.config import OptimiserConfig
from grok.training.executor import CudaGraphs, SideStream, eager
from tests.helpers import CPU, small_member
from tests.reference.tape import Tape, Tapes
from tests.training.test_stack import member, rows_of

DEEP = {"num_layers": 2, "layer_norm": True, "tie_embeddings": True}
several = pytest.mark.parametrize(
    ("count", "model"), [(1, {}), (3, {}), (1, DEEP), (2, DEEP)], ids=["alone", "stacked", "deep", "deep, stacked"]
)


@several
def test_a_replayed_step_gives_the_record_of_the_plain_one(tmp_path, count, model):
    made = []
    replayed = rows_of(
        [member(index, **model) for index in range(count)],
        tmp_path,
        executor=lambda step: made.append(Tapes(step)) or made[-1],
    )
    plain = rows_of([member(index, **model) for index in range(count)], tmp_path)
    assert replayed == plain
    assert made[0].replayed >= 30  # with the warm-up of the learning rate, and all probes among them
    assert len(made[0].tapes) == 1 + 1  # probes due every step, and with those due every 10th


def test_a_tape_shows_what_reads_a_tensor_on_the_host():
    value = torch.tensor(1.0)

    def step():
        value.add_(value.item())

    with Tape() as tape:
        step()
    tape.replay()
    assert value.item() == 3.0  # the 1 that was read once, not the 2 that stood there: 4 would be right


def test_a_device_without_queues_has_no_side():
    side = SideStream(CPU)
    assert not side.exists
    with side.after(side.mark()):
        pass


@pytest.mark.gpu
@several
def test_a_captured_step_gives_the_record_of_the_eager_one(tmp_path, count, model):
    records = []
    for executor in (eager, CudaGraphs):
        members = [member(index, device="cuda", **model) for index in range(count)]
        records.append(rows_of(members, tmp_path, executor=executor))
    for plain, captured in zip(*records, strict=True):
        for (_, expected), (_, row) in zip(plain, captured, strict=True):
            assert row == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", ["adamw", "adam", "sgd"])
def test_no_step_waits_for_the_gpu(rule):
    from grok.training.step import TrainingStep

    optimiser = OptimiserConfig(rule=rule, grokfast=2.0, fixed_norm=True)
    member = small_member(device="cuda", optimiser=optimiser, sample_sizes="every:1")
    step = TrainingStep([member], block=10)
    step.prepare(0, 4)
    everything = tuple(member.learner.probes)
    step(everything)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            step(everything)
    finally:
        torch.cuda.set_sync_debug_mode("default")
