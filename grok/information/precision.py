"""Excludes the measures from automatic mixed precision, which would round matrix products to 8 or 11 bits."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


def outside_autocast(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Wrap `function` so that `torch.autocast` is off on the device of its first tensor.

    The result is then the same inside and outside an autocast region.

    >>> import torch
    >>> square = outside_autocast(lambda matrix: matrix @ matrix)
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     print(square(torch.eye(2)).dtype, (torch.eye(2) @ torch.eye(2)).dtype)
    torch.float32 torch.bfloat16
    """

    @functools.wraps(function)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
        tensor = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)
        if tensor is None or not torch.is_autocast_enabled(tensor.device.type):
            return function(*args, **kwargs)
        with torch.autocast(tensor.device.type, enabled=False):
            return function(*args, **kwargs)

    return wrapped
