"""Files of the tensors at one step. Reading one runs no code, since the format is safetensors."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from grok.tracking import Run
from grok.tracking.files import write_atomically


class TensorFileError(Exception):
    """Raised when a file of tensors cannot be read; the message says why."""


def step_file(folder: Path, step: int) -> Path:
    """Return the path of the file of a step in a folder."""
    return folder / f"step-{step:08d}.safetensors"


def step_files(folder: Path) -> dict[int, Path]:
    """Return the files in a folder by step, in ascending order."""
    paths = sorted(folder.glob("step-*.safetensors"))
    return {int(path.stem.removeprefix("step-")): path for path in paths}


def write_tensors(run: Run, path: Path, tensors: Mapping[str, Tensor], *, step: int) -> None:
    """Write tensors into a file of a run, whole or not at all.

    Raises:
        StoreError: if the file cannot be written.
    """
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(contiguous, temporary, metadata={"step": str(step)})
        except SafetensorError as error:  # safetensors reports a full disk like this
            raise OSError(str(error)) from error

    with run.writing(path):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, write)


def read_tensors(path: Path) -> tuple[int, dict[str, Tensor]]:
    """Return the step and the tensors of a file.

    Raises:
        TensorFileError: if the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            step = int(file.metadata()["step"])
            return step, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TensorFileError(str(error)) from error
