"""The networks that a run keeps along training: their weights, at the steps of a schedule, beside the record."""

from pathlib import Path

import torch
from torch import Tensor

from grok.models import Classifier
from grok.tracking import Run, StoreError
from grok.training.step import Member
from grok.training.tensor_files import TensorFileError, read_tensors, step_file, step_files, write_tensors

SHOWN = 2  # kept steps on either side of one that is not kept


def keep_weights(run: Run, step: int, member: Member) -> None:
    """Keep the measured network of a member, which is that after `step` updates."""
    write_tensors(run, step_file(folder_of(run), step), network_tensors(member), step=step)


def folder_of(run: Run) -> Path:
    """Return the folder of a run's kept networks."""
    return run.path / "weights"


def kept_weights(run: Run) -> dict[int, Path]:
    """Return the files of a run's kept networks by step, in ascending order."""
    return step_files(folder_of(run))


def measured_network(member: Member) -> Classifier:
    """Return the network that probes measure: the trained one, or its moving average if there is one."""
    learner = member.learner
    return learner.average or learner.model


def network_tensors(member: Member) -> dict[str, Tensor]:
    """Return parameters and buffers of the measured network by name, as the tensors themselves."""
    network = measured_network(member)
    return dict((*network.named_parameters(), *network.named_buffers()))


def load_weights(run: Run, step: int, member: Member) -> None:
    """Set the measured network of a member to the one that the run kept at `step`, bit for bit.

    Raises:
        StoreError: if no network was kept at this step, or if its file is damaged or holds another network.
    """
    kept = kept_weights(run)
    if step not in kept:
        raise StoreError(f"run {run.name} kept no network at step {step:,}: {_nearest(step, list(kept))}")
    path = kept[step]
    try:
        _, tensors = read_tensors(path)
    except TensorFileError as error:
        raise StoreError(f"{path} is damaged ({error}): restore it from a copy, or take another step") from error
    own = network_tensors(member)
    forms = ({name: (each.shape, each.dtype) for name, each in group.items()} for group in (tensors, own))
    if next(forms) != next(forms):
        raise StoreError(f"{path} holds another network than run.json describes: restore either from a copy")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])


def _nearest(step: int, kept: list[int]) -> str:
    """Return the end of a message about a step that was not kept: the nearest ones, or how to keep some."""
    if not kept:
        return "it kept none; train it with --weights log:6"
    below, above = [each for each in kept if each < step][-SHOWN:], [each for each in kept if each > step][:SHOWN]
    return f"the nearest are {', '.join(f'{each:,}' for each in below + above)}"
