"""From the host to a device, without either waiting for the other."""

from jaxtyping import Shaped
from torch import Tensor


def fill(rows: Shaped[Tensor, "row *rest"], values: Shaped[Tensor, "some *rest"]) -> None:
    """Copy the host's values into the first rows, on whichever device: after the work that it has been given."""
    values = values.to(rows.dtype)
    if rows.is_cuda:
        values = values.pin_memory()  # from other memory a copy waits for the device
    rows[: len(values)].copy_(values, non_blocking=True)
