"""The training engine: one full-batch step, whole and visible, and what is measured along it."""

from collections.abc import Callable

import torch
from torch import Tensor

from grok.config import OptimiserConfig
from grok.models import Classifier
from grok.tasks import Task
from grok.training.loss import cross_entropy
from grok.training.probes import Probe
from grok.training.recorder import Recorder, Row
from grok.training.snapshot import Snapshot
from grok.training.stopping import Settle

BLOCK = 50  # steps between fetches of the measured values: no host waits for a GPU in between


class TrainingError(Exception):
    """Training cannot go on: the message says at which step, why, and the mend."""


def make_optimiser(model: Classifier, config: OptimiserConfig) -> torch.optim.AdamW:
    """AdamW on every parameter, its update fused into one pass over memory."""
    return torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )


def warmed_up(config: OptimiserConfig, step: int) -> float:
    """Learning rate of the update that leads from `step` to `step + 1`: linear over the warm-up, then constant.

    >>> config = OptimiserConfig(learning_rate=1.0, warmup_steps=10)
    >>> warmed_up(config, 0), warmed_up(config, 9), warmed_up(config, 10)
    (0.1, 1.0, 1.0)
    """
    return config.learning_rate * min(1.0, (step + 1) / max(config.warmup_steps, 1))


class Engine:
    """Trains one network full batch and measures it. Row `step` of the record is the network after `step` updates."""

    def __init__(
        self,
        *,
        task: Task,
        model: Classifier,
        optimiser: torch.optim.AdamW,
        optimiser_config: OptimiserConfig,
        loss_dtype: torch.dtype,
        probes: list[Probe],
        settle: Settle,
    ) -> None:
        self.task = task
        self.model = model
        self.optimiser = optimiser
        self.optimiser_config = optimiser_config
        self.loss_dtype = loss_dtype
        self.probes = probes
        self.settle = settle
        self.step = 0

    def run(
        self,
        recorder: Recorder,
        on_block: Callable[[list[tuple[int, Row]]], None] = lambda rows: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the end, and return True; or stop before the next step once `interrupted()`, and return False.

        `on_block` is given the rows measured since it was last called, after `recorder` has them.

        Raises:
            TrainingError: the loss is no longer finite.
        """
        inputs, targets = self.task.inputs[self.task.train], self.task.targets[self.task.train]
        block = self.settle.look_every(BLOCK)
        for step, row in recorder.earlier_rows():
            self.settle.update(step, row)
        while not interrupted():
            # Is this the last row?
            if self.step % block == 0 or self.step >= self.settle.last_step:
                on_block(self._fetch(recorder))
            last = self.step >= self.settle.last_step

            # Forward
            features = self.model.features(inputs)
            logits = self.model.head(features)
            loss = cross_entropy(logits, targets, self.loss_dtype)

            # Measure
            self._check(loss)
            due = [probe for probe in self.probes if last or probe.schedule.is_due(self.step)]
            if due:
                snapshot = Snapshot(
                    step=self.step,
                    model=self.model,
                    task=self.task,
                    train_features=features,
                    train_logits=logits,
                    train_loss=loss,
                    loss_dtype=self.loss_dtype,
                )
                with torch.no_grad():
                    measured = [probe.measure(snapshot) for probe in due]
                recorder.record(self.step, {name: value for metrics in measured for name, value in metrics.items()})
            if last:
                on_block(self._fetch(recorder))
                return True

            # Backward
            self.optimiser.zero_grad()
            loss.backward()

            # Update
            for group in self.optimiser.param_groups:
                group["lr"] = warmed_up(self.optimiser_config, self.step)
            self.optimiser.step()
            self.step += 1
        on_block(self._fetch(recorder))
        return False

    def _fetch(self, recorder: Recorder) -> list[tuple[int, Row]]:
        rows = recorder.fetch()
        for step, row in rows:
            self.settle.update(step, row)
        return rows

    def _check(self, loss: Tensor) -> None:
        """Look at a loss on the CPU every step, at one on a GPU where the host waits anyway, at the end of a block."""
        if (loss.device.type == "cpu" or self.step % BLOCK == 0) and not loss.isfinite():
            raise TrainingError(
                f"the training loss is {loss.item()} at step {self.step}: lower optimiser.learning_rate "
                f"(now {self.optimiser_config.learning_rate:g})"
            )
