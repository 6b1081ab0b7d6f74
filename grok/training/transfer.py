"""From the host to a device, without either waiting for the other."""

import torch
from jaxtyping import Shaped
from torch import Tensor


def fill(rows: Shaped[Tensor, "row *rest"], values: Shaped[Tensor, "some *rest"]) -> None:
    """Copy the host's values into the first rows, on whichever device: after the work that it has been given."""
    values = values.to(rows.dtype)
    rows[: len(values)].copy_(to_device(values, rows.device), non_blocking=True)


def to_device(values: Shaped[Tensor, "*shape"], device: torch.device) -> Shaped[Tensor, "*shape"]:
    """Values on a device, after the work that it has been given."""
    if device.type == "cuda" and not values.is_cuda:
        values = values.pin_memory()  # from other memory a copy waits for the device
    return values.to(device, non_blocking=True)
