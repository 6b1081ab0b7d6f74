"""The training engine, which runs blocks of steps, records their measurements, and ends members."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grok.columns import TEST_ACCURACY
from grok.config import Schedule
from grok.training.alike import check_alike
from grok.training.executor import Due, Executor, SideStream, Step, eager
from grok.training.measurements import Measurements, evaluate
from grok.training.recorder import Recorder
from grok.training.ring import Block
from grok.training.stack import Stack, pad_splits, release
from grok.training.step import LOSS, Member, TrainingStep

NEVER = Schedule(kind="off")
BLOCK = 50  # steps between evaluations of observations; within a block the host does not wait for a GPU


class TrainingError(Exception):
    """Raised when training cannot continue; the message says at which step, why, and the mend."""


@dataclass(frozen=True)
class _Together:
    """The members that train together, by index, with their step and the function that executes it."""

    members: list[int]
    step: TrainingStep
    take: Step


@dataclass(frozen=True)
class _Launched:
    """A block whose steps have been queued on the device, and the event that marks their end."""

    block: Block
    done: torch.cuda.Event | None


@dataclass(frozen=True)
class _Evaluated:
    """The measurements of one member in a block, with step and value of its first loss that is not finite."""

    measurements: Measurements
    diverged: tuple[int, float] | None


def _raise(index: int, error: TrainingError | None) -> None:
    if error:
        raise error


class Engine:
    """Trains one network, or many at once, and measures them.

    Row `step` of a record describes the network after `step` updates. A member leaves when it reaches its end, and the
    others continue. The step itself is `TrainingStep`.
    """

    def __init__(self, members: Sequence[Member], *, first_step: int = 0, executor: Executor = eager) -> None:
        """Train `members`, which must be able to form a stack, from `first_step` on.

        Raises:
            ValueError: under the conditions of `check_alike`.
        """
        pad_splits([member.learner for member in members])
        check_alike(members)
        self.members = list(members)
        self.active = list(range(len(members)))
        self.step = first_step
        self._executor = executor
        self._together: _Together | None = None
        self._side = SideStream(members[0].learner.device)
        # A GPU evaluates a block while it trains the next one, so two blocks pass before an end is detected.
        self.overlap = self._side.exists and all(member.settle.allows(2) for member in members)
        self._pending: _Launched | None = None

    def run(
        self,
        recorders: Sequence[Recorder],
        on_block: Callable[[dict[int, Measurements]], None] = lambda measured: None,
        on_end: Callable[[int, TrainingError | None], None] = _raise,
        interrupted: Callable[[], bool] = lambda: False,
        keeps: Schedule = NEVER,
        on_keep: Callable[[], None] = lambda: None,
    ) -> bool:
        """Train until all members have ended, and return True; or stop once `interrupted()`, and return False.

        There is one recorder per member. `on_block` receives the measurements of a block by member, after the recorders
        have stored them. `on_end` is called for each member whose record is complete, or, with the error, whose loss is
        no longer finite. By default it raises that error. `on_keep` is called at the steps of the schedule `keeps`,
        while the active members are as they are after so many updates.
        """
        self._recorders, self._on_block, self._on_end, self._keeps = recorders, on_block, on_end, keeps
        while True:
            # End the members that have reached their last row
            self._end_members()
            if not self.active:
                return True
            together = self._compose()
            if keeps.is_due(self.step):
                on_keep()

            # Train a block of steps: the host queues work and waits for nothing
            with together.step.computing():
                stopped = self._train_block(together, interrupted)

            # Measure: on a GPU, the previous block while this one trains
            before, self._pending = self._pending, _Launched(together.step.ring.take(), self._side.mark())
            if before:
                self._measure(before)
            if stopped or not self.overlap:
                self.catch_up()
            if stopped:
                return False

    def _train_block(self, together: _Together, interrupted: Callable[[], bool]) -> bool:
        """Train to the end of the block, or until `interrupted()`, and return whether it was interrupted."""
        ring = together.step.ring
        end = self._end_of_block()
        together.step.prepare(self.step, end - self.step)
        while self.step < end and ring.has_room(due := self._due()):
            if interrupted():
                return True
            self._enter_phases(self.active)
            together.take(due)
            ring.note(self.step, (LOSS, *due))
            self.step += 1
        return False

    def catch_up(self) -> None:
        """Evaluate all observations so far, so that the recorders have all rows before `step`."""
        pending, self._pending = self._pending, None
        if pending:
            self._measure(pending)

    def _measure(self, launched: _Launched) -> None:
        assert self._together
        members = self._together.members
        with self._side.after(launched.done), self._together.step.computing():
            evaluated = self._evaluate(members, launched.block)
        self._take_in(members, evaluated)

    def _compose(self) -> _Together:
        """Return the step of the active members, and make a new one if members have left."""
        if self._together is None or self._together.members != self.active:
            self.catch_up()
            step = TrainingStep([self.members[index] for index in self.active], block=BLOCK)
            self._together = _Together(list(self.active), step, self._executor(step))
        return self._together

    def _end_of_block(self) -> int:
        """Return the last step of the block, which passes neither a step to keep nor the end of a member or a phase."""
        settles = [self.members[index].settle for index in self.active]
        boundaries = [first for index in self.active for first in self.members[index].phases.later(self.step)]
        length = min(settle.look_every(BLOCK, delay=2 if self.overlap else 1) for settle in settles)
        end = self.step - self.step % length + length
        kept = [step for step in range(self.step + 1, end) if self._keeps.is_due(step)]
        return min(end, *(settle.last_step for settle in settles), *boundaries, *kept[:1])

    def _due(self) -> Due:
        """Return the probes that measure at this step, which are the same for all members."""
        member = self.members[self.active[0]]
        phase, first = member.phases.at(self.step)
        in_phase = self.step - first
        in_full = in_phase in phase.measured
        step = in_phase if phase.own_schedule else self.step
        return tuple(
            name
            for name, probe in member.learner.probes.items()
            if (in_full or probe.schedule.is_due(step)) and name not in phase.without
        )

    def _enter_phases(self, members: Sequence[int]) -> None:
        for index in members:
            if phase := self.members[index].phases.begins(self.step):
                phase.enter()

    def _end_members(self) -> None:
        """Measure every member that has reached its last step with all probes, and let it leave."""
        if any(self.step >= self.members[index].settle.last_step for index in self.active):
            self.catch_up()
        for index in list(self.active):
            if index in self.active and self.step >= self.members[index].settle.last_step:
                self._measure_last(index)
                if index in self.active:  # its last loss is finite
                    self._leave(index, None)

    def _measure_last(self, index: int) -> None:
        learner, phases = self.members[index].learner, self.members[index].phases
        self._enter_phases([index])
        phase, first = phases.at(self.step)
        learner.prepare(phase, self.step - first, 0)
        due = tuple(name for name in learner.probes if name not in phase.without)
        stack = Stack([learner])
        with torch.no_grad(), stack.computing():
            losses, observed = stack(due, last=True)
            observed = {LOSS: {LOSS: losses}} | observed
            block = Block(
                {probe: [self.step] for probe in observed},
                {probe: {name: value[None] for name, value in values.items()} for probe, values in observed.items()},
            )
            evaluated = self._evaluate([index], block)
        self._take_in([index], evaluated)

    def _leave(self, index: int, error: TrainingError | None) -> None:
        if error:
            self.active.remove(index)  # the others are saved next, which may measure a pending block of this member
            self._on_end(index, error)
        else:
            self._on_end(index, None)
            self.active.remove(index)
        release(self.members[index].learner)

    def _evaluate(self, members: list[int], block: Block) -> list[_Evaluated]:
        """Evaluate a block for each of its members, up to the first loss that is not finite."""
        steps = block.steps.get(LOSS)
        if not steps:
            return []
        losses = block.observed[LOSS][LOSS].cpu()
        ends = _first_not_finite(steps, losses)
        probes = self.members[members[0]].learner.probes  # those of the others evaluate alike, as `check_alike` ensures
        measured = evaluate(block, probes, ends)
        bad = [steps.index(end) if end <= steps[-1] else None for end in ends.tolist()]
        return [
            _Evaluated(each, None if at is None else (steps[at], losses[at, place].item()))
            for place, (each, at) in enumerate(zip(measured, bad, strict=True))
        ]

    def _take_in(self, members: list[int], evaluated: list[_Evaluated]) -> None:
        """Record the measurements, and end members whose loss is not finite."""
        active = {index: each for index, each in zip(members, evaluated, strict=False) if index in self.active}
        for index, each in active.items():
            self._recorders[index].record(each.measurements)
            for step, accuracy in each.measurements.column(TEST_ACCURACY):
                self.members[index].settle.update(step, accuracy)
        for index, each in active.items():
            if each.diverged:
                step, loss = each.diverged
                mend = self.members[index].mend(step)
                self._leave(index, TrainingError(f"the training loss is {loss} at step {step}: {mend}"))
        if active:
            self._on_block({index: each.measurements for index, each in active.items()})


def _first_not_finite(steps: list[int], losses: Tensor) -> np.ndarray:
    """Return, for each member, the first step at which its loss is not finite, or the step after the last."""
    after = steps[-1] + 1
    at = torch.where(losses.isfinite(), after, torch.tensor(steps)[:, None])
    return at.amin(dim=0).numpy()
