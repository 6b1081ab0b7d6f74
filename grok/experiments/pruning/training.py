"""Training, after which the network is pruned to one sparsity after another and fine-tuned at each."""

import dataclasses

import torch

from grok.columns import SPARSITY
from grok.config import PruningConfig, Schedule
from grok.experiments.image_training import ImageTraining, image_training
from grok.tasks import Task
from grok.tasks.images import DataFolder
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase
from grok.training.probes import BeforeAfter, PhaseValues, Probe
from grok.training.step import Member


class Trained:
    """The trained network, from which pruning starts."""

    def __init__(self, training: ImageTraining, before_after: BeforeAfter) -> None:
        self._training = training
        self._before_after = before_after
        self.network = {name: torch.zeros_like(tensor) for name, tensor in training.network().items()}

    def keep(self) -> None:
        """Store the current network and its features of the measured samples."""
        for name, tensor in self._training.network().items():
            self.network[name].copy_(tensor)
        model = self._training.learner.model
        model.eval()
        with torch.no_grad():
            self._before_after.remember(self._training.learner.snapshot())
        model.train()

    def restore(self) -> None:
        """Return to the stored network."""
        for name, tensor in self._training.network().items():
            tensor.copy_(self.network[name])


def build(config: PruningConfig, seed: int, device: torch.device, folder: DataFolder | None) -> Member:
    """Return the network at step 0."""

    def more_probes(task: Task, dim: int) -> list[Probe]:
        schedule = Schedule.parse(config.probes.sample)
        return [
            BeforeAfter(schedule, task, size=config.probes.sample_size, seed=seed, dim=dim),
            PhaseValues(Schedule.parse(config.probes.accuracy), [SPARSITY], device),
        ]

    training = image_training(config, seed, device, folder, more_probes=more_probes, pruned=True)
    before_after = training.learner.probes[BeforeAfter.name]
    assert isinstance(before_after, BeforeAfter)
    trained, rates = Trained(training, before_after), LearningRateSchedule.of(config.optimiser)
    phases = [
        Phase(steps=config.steps, learning_rate=rates, values={SPARSITY: 0.0}, without=(BeforeAfter.name,)),
        *(
            _fine_tuning(config, training, trained, sparsity, order=1 + index)
            for index, sparsity in enumerate(config.sparsities)
        ),
    ]
    kept = {f"trained.{name}": tensor for name, tensor in trained.network.items()}
    return training.member(phases, kept | before_after.remembered())


def _fine_tuning(
    config: PruningConfig, training: ImageTraining, trained: Trained, sparsity: float, *, order: int
) -> Phase:
    """Return the phase of one sparsity: it measures right after pruning, and in a last step without an update."""
    rates = LearningRateSchedule.of(config.optimiser)

    def enter() -> None:
        if order == 1:
            trained.keep()
        if config.schedule == "one-shot":
            trained.restore()
        assert training.pruning
        training.pruning.prune(sparsity)
        training.optimiser.restart()

    return Phase(
        steps=config.fine_tune_steps + 1,
        updates=config.fine_tune_steps,
        learning_rate=dataclasses.replace(
            rates, rate=config.fine_tune_learning_rate, setting="fine_tune_learning_rate"
        ),
        enter=enter,
        order=order,
        values={SPARSITY: sparsity},
        measured=(0, config.fine_tune_steps),
    )
