"""Description of how a data set is obtained: generated, taken from a package, or read from files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grok.tasks.images.image_task import ImageTask


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """The folder of data sets that are read from files."""

    path: Path = Path("data")
    """Folder with a subfolder for each data set, such as data/cifar10."""
    download: bool = False
    """Whether to download missing files from the Hugging Face hub."""


def _always(folder: DataFolder) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """The functions that obtain one data set."""

    make: Callable[[int, DataFolder], ImageTask]
    """Makes or reads the data set for a seed, as bytes or signals that are not normalised. It raises DataError if the
    data set is not available."""
    is_there: Callable[[DataFolder], bool] = _always
    """Returns whether `make` is certain to find the data set, without making it."""
    depends_on_seed: bool = False
    """Whether the seed decides the split. If not, all runs of a process share the tensors."""
