"""The check that members can form a stack, which computes by the code and the settings of its first member."""

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType

import numpy as np
from torch import Tensor, nn

from grok.training.probes import Probe
from grok.training.step import Member

OF_TORCH = set(vars(nn.Module()))  # attributes in which every module keeps its parts, hooks and mode
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, type)

_short = reprlib.Repr()
_short.maxlist = _short.maxtuple = 12
_short.maxstring = _short.maxother = 120


def check_alike(members: Sequence[Member]) -> None:
    """Reject members that a stack would train or measure by the settings of another member.

    A stack gives each member its own parameters and buffers, which must agree in form. It reads everything else from
    the first member: the types of all objects, their attributes, and the values of buffers in `Probe.evaluate`. All of
    these must be equal. A function equals only itself, so one that is made for each member is rejected. A class names
    the exceptions in `per_member`.

    Raises:
        ValueError: if a member differs from the first; the message names the attribute and both values.
    """
    for index, member in enumerate(members[1:], start=1):
        for (what, expected), (_, value) in zip(_read(members[0]), _read(member), strict=True):
            if value != expected:
                raise ValueError(
                    f"members: expected {what} to be the same in all, got {_short.repr(expected)} in member 0 and "
                    f"{_short.repr(value)} in member {index} (train them separately)"
                )


def _read(value: object, path: str = "member", *, in_probe: bool = False) -> Iterator[tuple[str, object]]:
    """Yield what a stack reads from a value of its first member, with descriptions.

    The descriptions for two members agree up to the first difference.
    """
    if isinstance(value, Tensor | np.ndarray):
        yield f"the values of {path}", value.tolist()
    elif isinstance(value, partial):
        parts = {"func": value.func, "args": value.args, "keywords": value.keywords}
        yield from _read(parts, path, in_probe=in_probe)
    elif isinstance(value, Mapping | list | tuple):
        items = dict(value) if isinstance(value, Mapping) else dict(enumerate(value))
        yield f"the keys of {path}", list(items)
        for key, item in items.items():
            yield from _read(item, f"{path}.{key}", in_probe=in_probe)
    elif hasattr(value, "__dict__") and not isinstance(value, FUNCTIONS):
        yield f"the type of {path}", type(value)
        yield from _read_object(value, path, in_probe=in_probe or isinstance(value, Probe))
    else:
        yield path, value


def _read_object(value: object, path: str, *, in_probe: bool) -> Iterator[tuple[str, object]]:
    """Yield the forms of the parameters and buffers of an object, followed by all else that is read from it."""
    own = {name for kind in type(value).__mro__ for name in vars(kind).get("per_member", ())}
    attributes = {name: each for name, each in vars(value).items() if name not in own}
    if isinstance(value, nn.Module):
        tensors = value._parameters | value._buffers
        forms = {name: None if each is None else _form(each) for name, each in tensors.items()}
        yield f"the tensors of {path}", list(forms)
        yield from ((f"the form of {path}.{name}", form) for name, form in forms.items())
        constants = {name: each for name, each in value._buffers.items() if in_probe and name not in own}
        attributes = {name: each for name, each in attributes.items() if name not in OF_TORCH}
        attributes |= value._modules | constants
    yield from _read(attributes, path, in_probe=in_probe)


def _form(tensor: Tensor) -> str:
    trained = ", trained" if tensor.requires_grad else ""
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}{trained}"
