"""Normalisation of channels to mean 0 and standard deviation 1."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

BLOCK = 1024  # samples converted to float64 at a time


def channel_statistics(
    inputs: Shaped[Tensor, "sample channel *space"],
) -> tuple[Float[Tensor, "channel"], Float[Tensor, "channel"]]:
    """Mean and standard deviation of each channel over all samples and positions, in the units of the inputs.

    The standard deviation is that of the population, which divides by n. Sums are in float64 and results in float32.

    Raises:
        ValueError: if a channel is constant, since it cannot be normalised.

    >>> [statistic.item() for statistic in channel_statistics(torch.tensor([[[0, 255]], [[255, 0]]]).byte())]
    [127.5, 127.5]
    """
    over = [0, *range(2, inputs.ndim)]
    constant = (inputs.amin(dim=over) == inputs.amax(dim=over)).nonzero().flatten().tolist()
    if constant:
        raise ValueError(f"inputs: expected channels that vary, got one value alone in channel {constant[0]}")
    count = inputs.numel() / inputs.shape[1]
    blocks = inputs.split(BLOCK)
    mean = torch.stack([block.double().sum(dim=over) for block in blocks]).sum(dim=0) / count
    squares = [(block.double() - _along_channels(mean, inputs)).square().sum(dim=over) for block in blocks]
    return mean.float(), (torch.stack(squares).sum(dim=0) / count).sqrt().float()


def normalise(
    inputs: Shaped[Tensor, "sample channel *space"],
    mean: Float[Tensor, "channel"],
    std: Float[Tensor, "channel"],
) -> Float[Tensor, "sample channel *space"]:
    """Return (inputs − mean) / std by channel, as floats.

    Mean and std are in the units of the inputs, such as 0 to 255 for uint8.

    >>> normalise(torch.tensor([[[0, 255]]]).byte(), torch.tensor([127.5]), torch.tensor([127.5])).tolist()
    [[[-1.0, 1.0]]]
    """
    return (inputs - _along_channels(mean, inputs)) / _along_channels(std, inputs)


class Normalisation(nn.Module):
    """`normalise` with a mean and a standard deviation, which are buffers, so that many networks can be stacked."""

    def __init__(self, mean: Float[Tensor, "channel"], std: Float[Tensor, "channel"]) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Shaped[Tensor, "sample channel *space"]) -> Float[Tensor, "sample channel *space"]:
        """Return normalised inputs."""
        return normalise(inputs, self.get_buffer("mean"), self.get_buffer("std"))


def _along_channels(
    values: Float[Tensor, "channel"], inputs: Shaped[Tensor, "sample channel *space"]
) -> Float[Tensor, "channel *ones"]:
    """Return one value per channel, in a shape that broadcasts with the inputs."""
    return values.view(-1, *[1] * (inputs.ndim - 2))
