"""Checkpoints: network and optimiser at one step, as safetensors, so that loading one runs no code."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from grok.tracking import Run
from grok.tracking.files import write_atomically

KEEP = 2


class CheckpointError(Exception):
    """A checkpoint that cannot be read or does not fit: the message names the file and the mend."""


def save_checkpoint(run: Run, step: int, model: nn.Module, optimiser: torch.optim.Optimizer) -> Path:
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


def load_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Bring `model` and `optimiser` to the state in `path`, bit for bit, and return its step.

    Raises:
        CheckpointError: a damaged file, or one of another network; neither object has been changed.
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

    if not _fits(tensors, model):
        raise CheckpointError(f"{path} holds another network than run.json describes: restore either from a copy")
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"model.{name}"])
    moments: dict[int, dict[str, Tensor]] = {}
    for index, name in enumerate(parameters):
        prefix = f"optimiser.{name}."
        of_parameter = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        if of_parameter:  # the optimiser has none before its first step
            moments[index] = of_parameter
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})
    return step


def _state(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every tensor that the next step depends on, by name."""
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        tensors |= {f"optimiser.{name}.{key}": tensor for key, tensor in optimiser.state[parameter].items()}
    return tensors


def _fits(tensors: dict[str, Tensor], model: nn.Module) -> bool:
    """Whether the model's tensors are the model's parameters, in name and shape."""
    expected = {f"model.{name}": parameter.shape for name, parameter in model.named_parameters()}
    return expected == {name: tensor.shape for name, tensor in tensors.items() if name.startswith("model.")}
