"""How a data set is had: made on the spot, taken from a package, or read from files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grok.tasks.images.image_task import ImageTask


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """Where data sets lie that are read from files."""

    path: Path = Path("data")
    """It has a folder for each, such as data/cifar10."""
    download: bool = False
    """Whether to fetch what is not there from the Hugging Face hub."""


def _always(folder: DataFolder) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """How one data set is had."""

    make: Callable[[int, DataFolder], ImageTask]
    """Makes or reads it for a seed: bytes or signals, not normalised. Raises DataError if it cannot be had."""
    is_there: Callable[[DataFolder], bool] = _always
    """Whether `make` is certain to find it, told without making it."""
    depends_on_seed: bool = False
    """Whether the seed splits it; if not, all runs of a process share its tensors."""
