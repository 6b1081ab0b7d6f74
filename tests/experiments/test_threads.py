"""A training takes the threads that are fastest, changes them when it has become slow, and its record says so."""

import pytest
import torch

from grok.experiments import runner, threads
from grok.experiments.threads import Copies, advise, fastest, record_threads, threads_at
from grok.report import describe
from grok.training.checkpoint import checkpoints
from grok.training.threads import Timings
from tests.experiments.helpers import (
    EXPERIMENT,
    assert_same_record,
    interrupt_before,
    only_run,
    resume,
    save_at_every_block,
    setup,
)
from tests.helpers import new_run, small_config, small_member


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    """Two processors for a training, and torch's threads as they were afterwards."""
    before = torch.get_num_threads()
    monkeypatch.setattr(threads, "most_threads", lambda: 2)
    monkeypatch.setattr(threads, "processors", lambda: 2)
    yield
    torch.set_num_threads(before)


def timed(monkeypatch, *answers):
    """Let timings be these, after a few real steps with each number; return what was asked."""
    asked, left = [], list(answers)

    def time_steps(counts, take, *, steps_left):
        asked.append((list(counts), steps_left))
        for count in counts:
            take(count, 3)
        return left.pop(0)

    monkeypatch.setattr(threads, "time_steps", time_steps)
    return asked


def start(root, **how):
    (run,), finished = runner.start(EXPERIMENT, [(small_config(), 0)], setup(root, **how))
    return run, finished


ONE, TWO = Timings({1: 0.01, 2: 0.03}), Timings({1: 0.02, 2: 0.01})


@pytest.mark.parametrize(("timings", "count"), [(ONE, 1), (TWO, 2)])
def test_a_run_with_chosen_threads_is_the_run_with_this_number_to_the_last_bit(
    tmp_path, monkeypatch, capsys, timings, count
):
    asked = timed(monkeypatch, timings)
    chosen, _ = start(tmp_path / "chosen", threads="auto")
    err = capsys.readouterr().err
    fixed, _ = start(tmp_path / "fixed", threads=count)
    assert asked == [([1, 2], 60)]  # copies stand halfway, where measurements are as usual
    assert err.startswith(f"threads: {count} of 2 processors (10 ms a step; ")
    assert chosen.manifest()["threads"] == fixed.manifest()["threads"] == count
    assert "threads_by_step" not in chosen.manifest()
    assert_same_record(chosen, fixed)
    assert checkpoints(chosen)[120].read_bytes() == checkpoints(fixed)[120].read_bytes()
    assert torch.get_num_threads() == count


def test_without_a_choice_torch_keeps_its_threads_and_nothing_is_timed(tmp_path, monkeypatch, capsys):
    asked = timed(monkeypatch)
    torch.set_num_threads(2)
    run, _ = start(tmp_path)
    assert (asked, run.manifest()["threads"]) == ([], 2)
    assert "threads" not in capsys.readouterr().err


def test_of_a_single_processor_nothing_is_timed_or_said(monkeypatch):
    monkeypatch.setattr(threads, "most_threads", lambda: 1)
    asked, said = timed(monkeypatch), []
    assert fastest(lambda: Copies([small_member()], 0), said.append) == 1
    assert (asked, said) == ([], [])


class SlowAt:
    """A pace that finds a training slow once, after this step."""

    def __init__(self, step):
        self.step, self.resets = step, []

    def is_slow(self, step):
        return step >= self.step and not self.resets

    def reset(self, *, in_vain):
        self.resets.append(in_vain)


def slow_at(monkeypatch, step):
    pace = SlowAt(step)
    monkeypatch.setattr(threads, "Pace", lambda: pace)
    return pace


def test_a_slow_run_changes_its_threads_and_resumes_to_the_same_record(tmp_path, monkeypatch, capsys):
    timed(monkeypatch, TWO, ONE)
    pace = slow_at(monkeypatch, 50)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 70)
        run, finished = start(tmp_path / "halves", threads="auto")
    assert (finished, pace.resets) == (False, [False])
    assert "threads: 1 from step 50 on, 3.0 times as fast as 2 now\n" in capsys.readouterr().err
    manifest = run.manifest()
    assert (manifest["threads"], manifest["threads_by_step"]) == (1, [[0, 2], [50, 1]])
    assert set(checkpoints(run)) == {50, 70}  # saved at the change
    assert "threads  2, from step 50 on 1" in describe(run)
    checkpoints(run)[70].unlink()  # as after a kill
    assert resume(run)
    assert (torch.get_num_threads(), run.manifest()["threads_by_step"]) == (1, [[0, 2], [50, 1]])

    timed(monkeypatch, TWO, ONE)
    slow_at(monkeypatch, 50)
    whole, _ = start(tmp_path / "whole", threads="auto")
    assert_same_record(run, whole)


def test_a_slow_run_that_no_other_number_speeds_up_goes_on_as_it_is(tmp_path, monkeypatch):
    timed(monkeypatch, TWO, Timings({1: 0.085, 2: 0.1}))
    pace = slow_at(monkeypatch, 50)
    run, _ = start(tmp_path, threads="auto")
    assert pace.resets == [True]
    assert (run.manifest()["threads"], torch.get_num_threads()) == (2, 2)
    assert "threads_by_step" not in run.manifest()


def test_a_slow_run_makes_no_copies_for_which_there_is_no_memory(tmp_path, monkeypatch):
    asked = timed(monkeypatch, TWO)
    pace = slow_at(monkeypatch, 50)
    free = iter([2**40])  # enough until the training has begun
    monkeypatch.setattr("grok.memory.free_memory", lambda device: next(free, 0))
    run, finished = start(tmp_path, threads="auto")
    assert (finished, run.manifest()["threads"]) == (True, 2)
    assert (len(asked), pace.resets) == (1, [True])


def test_a_given_number_of_threads_never_changes(tmp_path, monkeypatch):
    asked = timed(monkeypatch)
    slow_at(monkeypatch, 0)
    run, _ = start(tmp_path, threads=2)
    assert (asked, run.manifest()["threads"]) == ([], 2)


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """A run of two threads that stands at step 30."""
    with monkeypatch.context() as patch:
        interrupt_before(patch, 30)
        run, _ = start(tmp_path, threads=2)
    torch.set_num_threads(1)
    return run


def test_a_run_resumes_with_its_threads_and_is_advised_of_faster_ones(interrupted, monkeypatch, capsys):
    asked = timed(monkeypatch, Timings({1: 0.01, 2: 0.052}))
    resume(interrupted, advised=True)
    assert asked == [([1, 2], 90)]
    line = capsys.readouterr().err.splitlines()[0]
    assert line == "threads: 2, as recorded; --threads 1 is 5.2 times as fast (equal up to rounding)"
    assert len(line) <= 80
    assert (torch.get_num_threads(), interrupted.manifest()["threads"]) == (2, 2)


@pytest.mark.parametrize("timings", [Timings({1: 0.010, 2: 0.012}), Timings({1: 0.01}, untimed="of a reason")])
def test_no_advice_is_given_where_little_is_to_be_gained(monkeypatch, timings):
    timed(monkeypatch, timings)
    said = []
    advise(lambda: Copies([small_member()], 0), 2, said.append)
    assert said == []


def test_the_recorded_number_is_timed_even_if_it_is_none_that_would_be_chosen(monkeypatch):
    asked = timed(monkeypatch, Timings({1: 0.03, 2: 0.01, 3: 0.03}))
    said = []
    advise(lambda: Copies([small_member()], 0), 3, said.append)
    assert asked == [([1, 2, 3], 120)]
    assert said == ["threads: 3, as recorded; --threads 2 is 3.0 times as fast (equal up to rounding)"]


@pytest.mark.parametrize("how", [1, "auto"])
def test_a_run_resumed_with_other_threads_records_the_change(interrupted, monkeypatch, how):
    timed(monkeypatch, ONE)
    resume(interrupted, threads=how)
    manifest = interrupted.manifest()
    assert (manifest["threads"], manifest["threads_by_step"]) == (1, [[0, 2], [30, 1]])
    assert torch.get_num_threads() == 1


def test_a_run_resumed_from_before_a_change_takes_the_threads_of_that_time(tmp_path, monkeypatch):
    timed(monkeypatch, TWO, ONE)
    slow_at(monkeypatch, 100)
    save_at_every_block(monkeypatch)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 100)
        run, _ = start(tmp_path, threads="auto")
    record_threads(run, 100, 1)
    checkpoints(run)[100].unlink()  # damaged, and deleted as the message asks for
    resume(run)
    assert run.manifest()["threads"] == 2
    assert "threads_by_step" not in run.manifest()


def test_the_numbers_by_step_are_kept_in_order_and_without_repeats(tmp_path):
    run = new_run(tmp_path)
    run.update(threads=4)
    record_threads(run, 0, 2)
    assert (run.manifest()["threads"], run.manifest().get("threads_by_step")) == (2, None)
    record_threads(run, 10, 2)
    assert run.manifest().get("threads_by_step") is None
    for step, count in ((20, 1), (30, 4), (30, 3)):
        record_threads(run, step, count)
    assert run.manifest()["threads_by_step"] == [[0, 2], [20, 1], [30, 3]]
    assert [threads_at(run.manifest(), step) for step in (0, 19, 20, 29, 30, 99)] == [2, 2, 1, 1, 3, 3]
    assert only_run(tmp_path) == run


def test_copies_that_diverge_or_end_take_no_more_steps():
    trial = threads._Trial([small_member(steps=5)], 2)
    assert trial.steps_left == 3
    assert trial.take(1, 2)
    assert not trial.take(1, 2)
