"""Checkpoints: network and optimiser at one step, as safetensors, so that loading one runs no code."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from grok.tracking import Run
from grok.tracking.files import write_atomically
from grok.training.optimiser import Optimiser

KEEP = 2


class CheckpointError(Exception):
    """A checkpoint that cannot be read or does not fit: the message names the file and the mend."""


def save_checkpoint(run: Run, step: int, model: nn.Module, optimiser: Optimiser) -> Path:
    """Write the state at `step`, then remove all but the newest two."""
    path = run.checkpoints_path / f"step-{step:08d}.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in _state(model, optimiser).items()}

    def write(temporary: Path) -> None:
        try:
            save_file(tensors, temporary, metadata={"step": str(step)})
        except SafetensorError as error:  # how it reports a full disk
            raise OSError(str(error)) from error

    with run.writing(path):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, write)
        for old in list(checkpoints(run).values())[:-KEEP]:
            old.unlink()
    return path


def checkpoints(run: Run) -> dict[int, Path]:
    """The checkpoints of a run by step, oldest first."""
    paths = sorted(run.checkpoints_path.glob("step-*.safetensors"))
    return {int(path.stem.removeprefix("step-")): path for path in paths}


def load_checkpoint(path: Path, model: nn.Module, optimiser: Optimiser) -> int:
    """Bring `model` and `optimiser` to the state in `path`, bit for bit, and return its step.

    Raises:
        CheckpointError: a damaged file, or one of another network or optimiser; neither object has been changed.
    """
    try:
        with safe_open(path, framework="pt") as file:
            step = int(file.metadata()["step"])
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        earlier = [other for other in sorted(path.parent.glob("step-*.safetensors")) if other < path]
        mend = (
            f"delete it to go on from {earlier[-1].name}"
            if earlier
            else "there is no earlier one; train anew beside it with --again"
        )
        raise CheckpointError(f"{path} is damaged ({error}): {mend}") from error

    state = _state(model, optimiser)
    for part, what in {"model.": "network", "optimiser.": "optimiser"}.items():
        if _form(tensors, part) != _form(state, part):
            raise CheckpointError(f"{path} holds another {what} than run.json describes: restore either from a copy")
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(tensors[name])
    return step


def _state(model: nn.Module, optimiser: Optimiser) -> dict[str, Tensor]:
    """Every tensor that the next step depends on, by name."""
    parameters = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    return parameters | {f"optimiser.{name}": tensor for name, tensor in optimiser.state().items()}


def _form(tensors: dict[str, Tensor], part: str) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Shape and precision of the tensors whose names begin with `part`."""
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items() if name.startswith(part)}
