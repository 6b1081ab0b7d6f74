"""The parts that image experiments share: a network with its data, batches, probes and update."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Int
from torch import Tensor

from grok.config import SupervisedConfig
from grok.models import make_image_model
from grok.random import stream
from grok.tasks import Task
from grok.tasks.images import VIEWS, DataFolder, ImageTask, make_image_task, measured_task
from grok.training.adjustments import Average, Pruning
from grok.training.batches import Batches
from grok.training.engine import BLOCK
from grok.training.information_term import InformationTerm
from grok.training.learner import Learner
from grok.training.loss import Criterion, cross_entropy
from grok.training.objective import Objective, Supervised
from grok.training.optimiser import Optimiser
from grok.training.phases import Phase, Phases, Settle
from grok.training.probes import Probe, make_probes, objective_probes
from grok.training.step import Member

AT_ONCE = 1_000  # samples per forward pass of a measurement

MoreProbes = Callable[[Task, int], Sequence[Probe]]
"""Makes the additional probes of an experiment, from the measured samples and the dimension of the features."""

MakeObjective = Callable[[ImageTask, Criterion, InformationTerm | None], Objective]
"""Makes the objective of a training from the data, the criterion and the information loss, if there is one."""


def _no_more(task: Task, dim: int) -> list[Probe]:
    return []


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageTraining:
    """A network at step 0, with everything that trains it except the phases."""

    config: SupervisedConfig
    learner: Learner
    optimiser: Optimiser
    pruning: Pruning | None

    def member(self, phases: Sequence[Phase], kept: Mapping[str, Tensor] | None = None) -> Member:
        """Return the member that trains in these phases; `kept` are tensors that later phases need."""
        return Member(
            learner=self.learner,
            optimiser=self.optimiser,
            settle=Settle(steps=self.config.total_steps, settle=None),
            phases=Phases(phases),
            kept=kept or {},
        )

    def network(self) -> dict[str, Tensor]:
        """Return the parameters and buffers of the network by name, as the tensors themselves, without gradients."""
        model = self.learner.model
        tensors = (*model.named_parameters(), *model.named_buffers())
        return {name: tensor.detach() for name, tensor in tensors}


def image_training(
    config: SupervisedConfig,
    seed: int,
    device: torch.device,
    folder: DataFolder | None,
    *,
    more_probes: MoreProbes = _no_more,
    pruned: bool = False,
) -> ImageTraining:
    """Build standard training, with additional probes or pruning if an experiment asks for them.

    The seed determines initial weights, order of the data, augmentation and measured samples, equally on every device.

    Raises:
        DataError: if the data set is not available.
    """
    data = make_image_task(config.task, seed, folder or DataFolder(), device)
    return training_on(data, config, seed, device, more_probes=more_probes, pruned=pruned)


def training_on(
    data: ImageTask,
    config: SupervisedConfig,
    seed: int,
    device: torch.device,
    *,
    make_objective: MakeObjective | None = None,
    more_probes: MoreProbes = _no_more,
    pruned: bool = False,
    average_decay: float | None = None,
) -> ImageTraining:
    """Build `image_training` on data that are already on this device, with a choice of the objective.

    By default the objective is the criterion on labelled batches. With `average_decay`, the probes measure the moving
    average of the network with that decay.
    """
    measured = measured_task(data, config.task, seed).to(device)
    model = make_image_model(
        config.model,
        shape=data.inputs.shape[1:],
        num_classes=data.num_classes,
        generator=stream(seed, "model"),
    )
    model = model.to(device)
    if config.model.network == "wide-resnet":
        for parameter in model.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    criterion = partial(cross_entropy, label_smoothing=config.label_smoothing)
    trained = partial(criterion, dtype=torch.float32)
    term = InformationTerm(config.information, device) if config.information.is_on else None
    if make_objective is None:
        objective: Objective = Supervised(labelled_batches(data, config, seed), trained, term)
    else:
        objective = make_objective(data, trained, term)
    average, following = None, None
    if average_decay is not None:
        average = copy.deepcopy(model).requires_grad_(False)
        following = Average(model, average, average_decay)
    probes = [
        *make_probes(config.probes, measured, model, seed, criterion=criterion),
        *more_probes(measured, model.head.in_features),
        *objective_probes(config.probes, objective.values()),
    ]
    learner = Learner(
        task=measured,
        model=model,
        objective=objective,
        probes=probes,
        average=average,
        autocast=torch.bfloat16 if config.precision == "bfloat16" else None,
        at_once=AT_ONCE,
    )
    pruning = Pruning(model) if pruned else None
    optimiser = Optimiser(model, config.optimiser, pruning=pruning, average=following)
    return ImageTraining(config=config, learner=learner, optimiser=optimiser, pruning=pruning)


def labelled_batches(
    data: ImageTask, config: SupervisedConfig, seed: int, samples: Int[Tensor, "sample"] | None = None
) -> Batches:
    """Return the batches of standard training, drawn from all training samples or from the given ones."""
    view = VIEWS[config.task.augmentation]()
    return Batches(data, size=config.batch_size, views=[view], seed=seed, block=BLOCK, samples=samples)
