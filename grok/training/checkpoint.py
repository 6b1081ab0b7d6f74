"""Checkpoints: the state of a training at one step. Loading one runs no code, since the format is safetensors."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from grok.tracking import Run
from grok.tracking.files import write_atomically
from grok.training.step import Member

KEEP = 2


class CheckpointError(Exception):
    """Raised when a checkpoint cannot be read or does not fit; the message names the file and the mend."""


def save_checkpoint(run: Run, step: int, member: Member) -> Path:
    """Write the state at `step`, then remove all but the two newest checkpoints."""
    path = run.checkpoints_path / f"step-{step:08d}.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in _state(member).items()}

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata={"step": str(step)})
        except SafetensorError as error:  # safetensors reports a full disk like this
            raise OSError(str(error)) from error

    with run.writing(path):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, write)
        for old in list(checkpoints(run).values())[:-KEEP]:
            old.unlink()
    return path


def checkpoints(run: Run) -> dict[int, Path]:
    """Return the checkpoints of a run by step, oldest first."""
    paths = sorted(run.checkpoints_path.glob("step-*.safetensors"))
    return {int(path.stem.removeprefix("step-")): path for path in paths}


def load_checkpoint(path: Path, member: Member) -> int:
    """Restore a member bit for bit to the state in `path`, and return its step.

    Raises:
        CheckpointError: if the file is damaged, or if its network or optimiser differs; the member is unchanged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            step = int(file.metadata()["step"])
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        earlier = [other for other in sorted(path.parent.glob("step-*.safetensors")) if other < path]
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
