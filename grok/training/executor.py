"""Execution of device work: steps run eagerly or as replayed CUDA graphs, and measurements run on a side stream."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from grok.config import ExecutorName

Due = tuple[str, ...]
"""The probes to observe at a step, by name."""

Step = Callable[[Due], None]
"""One training step. All values that change between steps are in tensors."""

Executor = Callable[[Step], Step]
"""Turns a step into an equivalent one with another way of execution."""

WARM_UP = 3  # calls before a capture, which allocate the tensors of the step and let libraries choose kernels


def eager(step: Step) -> Step:
    """Return the step unchanged, so that Python launches every operation."""
    return step


class CudaGraphs:
    """A step as one CUDA graph for each set of probes that are due together, with one launch per step.

    The first calls of each set are eager steps on a side stream, as CUDA requires before a capture. The next call
    captures the step, which does not execute it, and replays the graph, as do all later calls. The graphs share memory,
    since each one is finished before the next begins.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._calls: Counter[Due] = Counter()
        self._graphs: dict[Due, torch.cuda.CUDAGraph] = {}
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, due: Due) -> None:
        """Execute one step."""
        if self._calls[due] < WARM_UP:
            self._calls[due] += 1
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                self._step(due)
            torch.cuda.current_stream().wait_stream(self._stream)
            return
        if due not in self._graphs:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool):
                self._step(due)
            self._graphs[due] = graph
        self._graphs[due].replay()


EXECUTORS: dict[ExecutorName, Executor] = {"eager": eager, "graph": CudaGraphs}


class SideStream:
    """A second queue of device work, which may run in parallel with the next steps; a CPU has none."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @property
    def exists(self) -> bool:
        """Whether the device has a second queue."""
        return self._stream is not None

    def mark(self) -> torch.cuda.Event | None:
        """Return the event that marks the end of the work queued so far."""
        return torch.cuda.current_stream().record_event() if self._stream else None

    def after(self, event: torch.cuda.Event | None) -> AbstractContextManager[object]:
        """Queue the work of this context on the side stream, after the work before `event`."""
        if self._stream is None or event is None:
            return nullcontext()
        self._stream.wait_event(event)
        return torch.cuda.stream(self._stream)
