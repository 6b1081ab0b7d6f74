"""How device work is carried out: a step issued anew or captured once and replayed, measurements on the side."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from grok.config import ExecutorName

Due = tuple[str, ...]
"""The probes to observe at a step, by name."""

Step = Callable[[Due], None]
"""One step of training; what changes from step to step lies in tensors."""

Executor = Callable[[Step], Step]
"""Makes of a step one that does the same."""

WARM_UP = 3  # calls before a capture: they allocate what the step keeps and let libraries choose their kernels


def eager(step: Step) -> Step:
    """Every operation is issued by Python."""
    return step


class CudaGraphs:
    """A CUDA graph for each set of probes that are due together: one launch a step, nothing issued by Python.

    The first calls of each set are plain steps on a side stream, as capturing needs; the next is captured, which does
    not run it, and from then on the graph is replayed. The graphs share their memory, since one is done before the
    next begins.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._calls: Counter[Due] = Counter()
        self._graphs: dict[Due, torch.cuda.CUDAGraph] = {}
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, due: Due) -> None:
        """Take one step."""
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
    """A second queue of device work, for what may run beside the next steps. A device without queues has none."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @property
    def exists(self) -> bool:
        """Whether anything can run beside anything."""
        return self._stream is not None

    def mark(self) -> torch.cuda.Event | None:
        """The end of the work given out so far."""
        return torch.cuda.current_stream().record_event() if self._stream else None

    def after(self, event: torch.cuda.Event | None) -> AbstractContextManager[object]:
        """Run what is given out inside on the side, once the work before `event` is done."""
        if self._stream is None or event is None:
            return nullcontext()
        self._stream.wait_event(event)
        return torch.cuda.stream(self._stream)
