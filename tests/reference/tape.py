"""A CUDA graph's rules on a CPU: what a function asks of the device is recorded once, and replayed without Python."""

from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten


class Tape(TorchDispatchMode):
    """Records every tensor operation with the tensors themselves; replaying computes into the same memory again.

    As with a CUDA graph, whatever Python decided while recording stays as it was: a number read from a tensor, a
    step counted on the host, a tensor made anew from a list.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple, dict, list[torch.Tensor]]] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        outputs = [x.detach() for x in tree_flatten(result)[0] if isinstance(x, torch.Tensor)]
        self.calls.append((function, args, kwargs or {}, outputs))
        return result

    def replay(self) -> None:
        with torch.no_grad():
            for function, args, kwargs, outputs in self.calls:
                again = [x for x in tree_flatten(function(*args, **kwargs))[0] if isinstance(x, torch.Tensor)]
                for kept, new in zip(outputs, again, strict=True):
                    if kept.data_ptr() != new.data_ptr():
                        kept.copy_(new)


class Tapes:
    """An executor as `CudaGraphs` is one: a few plain steps of each set of due probes, then a recording, replayed.

    Recording on a tape runs the step, where capturing a CUDA graph does not; so the recorded call is its first replay.
    """

    def __init__(self, step) -> None:
        self.step = step
        self.plain: Counter = Counter()
        self.tapes: dict[tuple[str, ...], Tape] = {}
        self.replayed = 0

    def __call__(self, due) -> None:
        if self.plain[due] < 3:
            self.plain[due] += 1
            self.step(due)
        elif due not in self.tapes:
            self.tapes[due] = Tape()
            with self.tapes[due]:
                self.step(due)
        else:
            self.tapes[due].replay()
            self.replayed += 1
