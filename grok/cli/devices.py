"""Choices of device, executor, precision, compilation, stack size and workers from the flags and this machine."""

from collections.abc import Sequence
from typing import Any

from grok.arguments import UsageError
from grok.config import fastest_executor, not_captured
from grok.processors import processors


def choose_device(name: str) -> Any:
    """Return the device that `--device` names; auto is a GPU if there is one."""
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: expected a device that this machine has, got cuda: use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def choose_executor(name: str, device: Any, configs: Sequence[Any]) -> Any:
    """Return the executor that `--executor` names; auto is graph on a GPU if every step can be captured."""
    if name == "graph" and device.type != "cuda":
        raise UsageError("--executor: expected eager or auto where there is no GPU, got graph")
    issued = [what for config in configs if (what := not_captured(config))]
    if name == "graph" and issued:
        raise UsageError(
            f"--executor: expected eager or auto with {issued[0]} no graph can capture, got graph: use --executor eager"
        )
    if name == "auto":
        return fastest_executor(device.type, configs)
    return name


def choose_tf32(wanted: bool, device: Any) -> bool:
    """Return whether to multiply in TF32, which only a GPU has."""
    if wanted and device.type != "cuda":
        raise UsageError("--tf32: expected a GPU to train on, got a CPU, which has no TF32: leave it out")
    return wanted


def choose_compile(wanted: bool, stack: int | None, configs: Sequence[Any]) -> bool:
    """Return whether to compile the training step, which requires training on batches and one run at a time."""
    if wanted and (stack or 1) > 1:
        raise UsageError(f"--compile: expected runs that train one by one, got --stack {stack}: leave one of them out")
    if wanted and not all(hasattr(config, "batch_size") for config in configs):
        raise UsageError(
            "--compile: expected an experiment that trains on batches, got one on all samples at once: leave it out"
        )
    return wanted


def choose_stack(wanted: int | None, device: Any, *, on_gpu: int, compiled: bool) -> int:
    """Return the largest number of runs to train together.

    It is the value of `--stack` if that is given. Otherwise it is `on_gpu` on a GPU, and 1 on a CPU or if the training
    step is compiled.
    """
    return wanted or (on_gpu if device.type == "cuda" and not compiled else 1)


def workers_and_threads(workers: int | None, threads: Any, device: Any) -> tuple[int, int]:
    """Return the number of local workers of a sweep, and the threads of each, from `--workers` and `--threads`.

    On a CPU there is by default a worker of one thread for each processor that this process may have. A second worker
    speeds up small networks more than a second thread does. With `threads` alone there are fewer
    workers, and with `workers` alone each still has one thread. On a GPU there is one worker by default, and workers
    share the processors.
    """
    if device.type == "cuda":
        workers = workers or 1
        return workers, max(1, processors() // workers) if threads == "auto" else threads
    threads = 1 if threads == "auto" else threads
    return workers or max(1, processors() // threads), threads
