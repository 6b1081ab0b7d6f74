"""The options of each command as frozen dataclasses: each field a flag, with its help."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import tyro

from grok.arguments import UsageError, parse_seeds


@dataclasses.dataclass(frozen=True, kw_only=True)
class SetupOptions:
    """Where and how runs train, and where they are kept."""

    stack: int | None = None
    """Most runs to train together as one batched model: 64 on a GPU and 1 on a CPU if not given."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU if there is one."""
    executor: Literal["auto", "eager", "graph"] = "auto"
    """Issue each operation from Python, or capture steps as CUDA graphs and replay them, as auto does on a GPU."""
    tf32: bool = False
    """Let a GPU multiply matrices in TF32, faster and with 10 bits of mantissa in place of 23."""
    compile: bool = False
    """Let torch.compile fuse the operations of a training step on a batch of images, in a minute or so beforehand."""
    runs: Path = Path("runs")
    """The store."""
    data: Path = Path("data")
    """The folder of data sets that are read from files, with one for each, such as data/cifar10."""
    download: bool = False
    """Fetch a data set that is not there from the Hugging Face hub."""
    wandb: Literal["offline", "online", "disabled"] = "offline"
    """Mirror to wandb: into a local folder, to its server, or not at all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions(SetupOptions):
    """Train one run and keep everything measured in the store."""

    config: Any
    """Every setting of the experiment."""
    preset: str
    """Settings to start from."""
    steps: int | None = None
    """Most steps to train for, in place of the preset's."""
    seed: int = 0
    """Decides the split, the initial weights and the measured samples."""
    seeds: str | None = None
    """Train a run for each of these seeds, such as 0-63 or 0,3,8-11; runs that are finished are left as they are,
    and unfinished ones are gone on with."""
    stack: int | None = None
    """Most runs of `--seeds` to train together as one batched model: 64 on a GPU and 1 on a CPU if not given."""
    again: bool = False
    """Make a new run even if this config and seed have one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Go on with an interrupted run, to the numbers it would have had."""

    run: tyro.conf.Positional[str]
    """A run's folder, its id, or experiment/id as `grok list` prints it, or a part of these."""
    runs: Path = Path("runs")
    """The store."""
    data: Path | None = None
    """As in train, and where it was if not given."""
    download: bool = False
    """As in train."""
    wandb: Literal["offline", "online", "disabled"] | None = None
    """As in train, and as it was if not given. Offline, a resumed run is a new wandb run in the same group."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepOptions(SetupOptions):
    """Train every run that a file asks for: those that are finished are left, the others begun or gone on with.

    Grokked, in the table of results: test accuracy reached 99 % and stayed there up to 1.1 times that step.
    """

    file: tyro.conf.Positional[Path]
    """A TOML file (experiment, name, preset, seeds, [base] settings, [axes] of values, [[block]] parts), or the
    name of a sweep that comes with the package."""
    scheduler: str = "local"
    """Train in processes on this machine, or on the cluster whose dask scheduler has this address."""
    workers: int | None = None
    """Processes on this machine, each of one thread on a CPU: as many as it has cores, or 1 on a GPU, if not given."""
    runs: Path = Path("runs")
    """The store; on a cluster a folder that all workers share."""
    dry_run: bool = False
    """Print what would be trained, and train nothing."""
    json: bool = False
    """Print a row for each run as JSON in place of the table."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListOptions:
    """List the runs in the store. Grokked: test accuracy reached 99 % and stayed there up to 1.1 times that step."""

    runs: Path = Path("runs")
    """The store."""
    json: bool = False
    """Print every manifest as JSON."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Show one run: its settings, its state and its events; of a sweep, the list of its finished runs."""

    run: tyro.conf.Positional[str]
    """A run's folder, its id, or experiment/id as `grok list` prints it, or a part of these; or the name of a sweep."""
    runs: Path = Path("runs")
    """The store."""
    json: bool = False
    """Print the manifest as JSON, or those of the sweep's runs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Copy finished runs, thinned, into another store: small enough to share or to commit."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Which runs: each as in show, or names of sweeps; every finished run if none is named."""
    to: Path
    """The store to copy into."""
    runs: Path = Path("runs")
    """The store to copy from."""
    rows: int = 40
    """Rows to keep a decade of steps."""
    columns: tuple[str, ...] = ("*",)
    """Patterns of the columns to keep, such as 'test/*' 'interplay/*/mir'."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DashboardOptions:
    """Open a run's wandb mirror in the terminal, while it trains or after."""

    run: tyro.conf.Positional[str | None] = None
    """A run, named as in show; the newest run that has a mirror if none is named."""
    runs: Path = Path("runs")
    """The store."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FiguresOptions:
    """Draw figures from records alone."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Which figures; all of them if none is named."""
    runs: Path = Path("runs")
    """The store to draw from, its `reference` folder included."""
    plots: Path = Path("plots")
    """Where the pictures, their CSV files and their tables in Markdown go."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Measure time, memory and accuracy on this machine."""

    sections: tyro.conf.Positional[tuple[str, ...]] = ()
    """Which sections; all of them if none is named."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to measure; auto takes a GPU if there is one."""
    json: bool = False
    """Print the numbers, and the machine, as JSON."""


def with_config(config_type: type[Any], presets: tuple[str, ...]) -> type[TrainOptions]:
    """`TrainOptions` with the experiment's own settings and presets, so that they are flags with help."""
    return dataclasses.make_dataclass(
        "TrainOptions",
        [("config", config_type), ("preset", Literal[presets])],
        bases=(TrainOptions,),
        frozen=True,
        kw_only=True,
    )


def check_train_options(options: TrainOptions) -> list[int] | None:
    """Refuse what no training can be, and read `--seeds`."""
    if options.seed < 0:
        raise UsageError(f"--seed: expected an integer of at least 0, got {options.seed}")
    if options.seed and options.seeds is not None:
        raise UsageError(f"--seed: expected either --seed or --seeds, got both ({options.seed} and {options.seeds})")
    if options.stack is not None and options.seeds is None:
        raise UsageError("--stack: expected --seeds with it, got --stack alone: one run is no stack")
    if options.stack is not None and options.stack < 1:
        raise UsageError(f"--stack: expected a positive integer, got {options.stack}")
    return None if options.seeds is None else parse_seeds(options.seeds)


def check_sweep_options(options: SweepOptions) -> None:
    """Refuse what no sweep can be."""
    for name in ("workers", "stack"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name}: expected a positive integer, got {value}")
    if options.scheduler != "local" and options.workers is not None:
        raise UsageError("--workers: expected --scheduler local with it: a cluster has the workers that it has")
