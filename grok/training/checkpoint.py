"""Checkpoints: the state of a training at one step, from which it resumes."""

from pathlib import Path

import torch
from torch import Tensor

from grok.tracking import Run
from grok.training.step import Member
from grok.training.tensor_files import TensorFileError, read_tensors, step_file, step_files, write_tensors

KEEP = 2


class CheckpointError(Exception):
    """Raised when a checkpoint cannot be read or does not fit; the message names the file and the mend."""


def save_checkpoint(run: Run, step: int, member: Member) -> Path:
    """Write the state at `step`, then remove all but the two newest checkpoints."""
    path = step_file(run.checkpoints_path, step)
    write_tensors(run, path, _state(member), step=step)
    with run.writing(path):
        for old in list(checkpoints(run).values())[:-KEEP]:
            old.unlink()
    return path


def checkpoints(run: Run) -> dict[int, Path]:
    """Return the checkpoints of a run by step, oldest first."""
    return step_files(run.checkpoints_path)


def load_checkpoint(path: Path, member: Member) -> int:
    """Restore a member bit for bit to the state in `path`, and return its step.

    Raises:
        CheckpointError: if the file is damaged, or if its network or optimiser differs; the member is unchanged.
    """
    try:
        step, tensors = read_tensors(path)
    except TensorFileError as error:
        earlier = [other for other in step_files(path.parent).values() if other < path]
        mend = (
            f"delete it to continue from {earlier[-1].name}"
            if earlier
            else "there is no earlier one; train anew beside it with --again"
        )
        raise CheckpointError(f"{path} is damaged ({error}): {mend}") from error

    state = _state(member)
    parts = {"model.": "network", "optimiser.": "optimiser", "objective.": "training loss", "kept.": "experiment"}
    for part, what in parts.items():
        if _form(tensors, part) != _form(state, part):
            raise CheckpointError(f"{path} holds another {what} than run.json describes: restore either from a copy")
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(tensors[name])
    return step


def _state(member: Member) -> dict[str, Tensor]:
    """Return every tensor on which later steps depend, by name."""
    model = member.learner.model
    tensors = {f"model.{name}": tensor.detach() for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    tensors |= {f"optimiser.{name}": tensor for name, tensor in member.optimiser.state().items()}
    tensors |= {f"objective.{name}": tensor for name, tensor in member.learner.objective.state().items()}
    return tensors | {f"kept.{name}": tensor for name, tensor in member.kept.items()}


def _form(tensors: dict[str, Tensor], part: str) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Return the shape and type of the tensors whose names begin with `part`."""
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items() if name.startswith(part)}
