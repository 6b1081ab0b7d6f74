"""The options of each command as frozen dataclasses. Each field is a flag, and its docstring is the help text."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import tyro

from grok.arguments import UsageError, parse_seeds
from grok.interface import WEIGHTS

MOST_THREADS = 4_096


@dataclasses.dataclass(frozen=True, kw_only=True)
class SetupOptions:
    """Options that say where and how runs are trained, and where they are stored."""

    stack: int | None = None
    """Largest number of runs to train together as one batched model. By default it is 64 on a GPU and 1 on a CPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to train on; auto takes a GPU if there is one."""
    executor: Literal["auto", "eager", "graph"] = "auto"
    """eager issues each operation from Python; graph captures steps as CUDA graphs and replays them; auto takes graph
    on a GPU."""
    threads: int | Literal["auto"] = "auto"
    """Number of threads of a run on a CPU. With auto, the command times steps with 1, 2, 4 and so on for a second or
    two and takes the fastest number. It looks again if steps become half as fast. OMP_NUM_THREADS is the largest number
    that auto takes. A fixed number never changes. run.json records it, since it decides the last bits of the results of
    all trainings but those that are computed in chunks.
    """
    weights: str = "off"
    """Steps at which the network is kept beside the record: every:K, log:N (N per decade of steps) or off."""
    tf32: bool = False
    """Let a GPU multiply matrices in TF32, which is faster but has 10 bits of mantissa in place of 23."""
    compile: bool = False
    """Let torch.compile fuse the operations of a training step on a batch of images. Compiling takes about a minute."""
    runs: Path = Path("runs")
    """Folder of the run store."""
    data: Path = Path("data")
    """Folder with a subfolder for each data set that is read from files, such as data/cifar10."""
    download: bool = False
    """Download a missing data set from the Hugging Face hub."""
    wandb: Literal["offline", "online", "disabled"] = "offline"
    """Mirror the run to wandb: offline into a local folder, online to the server, or not at all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions(SetupOptions):
    """Train one run, or one for each seed, and save every measurement in the store."""

    config: Any
    """All settings of the experiment."""
    preset: str
    """Preset that gives the settings for which no flag is passed."""
    steps: int | None = None
    """Largest number of steps to train for. By default it is the preset's."""
    seed: int = 0
    """Seed that decides the split, the initial weights and the measured samples."""
    seeds: str | None = None
    """Train a run for each of these seeds, such as 0-63 or 0,3,8-11. Finished runs are skipped, and unfinished ones are
    resumed."""
    stack: int | None = None
    """Largest number of runs of `--seeds` to train together as one batched model. By default it is 64 on a GPU and 1 on
    a CPU."""
    weights: str = WEIGHTS
    """Steps at which the network is kept beside the record: every:K, log:N (N per decade of steps) or off."""
    again: bool = False
    """Make a new run even if there is one with this config and seed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Resume an interrupted run, with the same results as without the interrupt."""

    run: tyro.conf.Positional[str]
    """A run's folder, its id, or experiment/id as `grok list` prints it, or a part of these."""
    runs: Path = Path("runs")
    """Folder of the run store."""
    data: Path | None = None
    """Folder with a subfolder for each data set that is read from files. By default it is the run's earlier folder."""
    download: bool = False
    """Download a missing data set from the Hugging Face hub."""
    threads: int | Literal["auto"] | None = None
    """Number of threads, as for `grok train`. By default it is the recorded number, which gives the same results to the
    last bit; a line says if another number is clearly faster now. A change is recorded with its step."""
    wandb: Literal["offline", "online", "disabled"] | None = None
    """Mirror the run to wandb offline, online or not at all. By default it is mirrored as before. An offline run is
    continued as a new wandb run in the same group."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepOptions(SetupOptions):
    """Train every run that a file asks for. Finished runs are skipped, and unfinished ones are resumed.

    In the table of results, a run has grokked at step t if test accuracy reached 99 % at t and stayed there up to step
    1.1 t.
    """

    file: tyro.conf.Positional[Path]
    """A TOML file (experiment, name, preset, seeds, [base] settings, [axes] of values, [[block]] parts), or the
    name of a sweep that comes with the package."""
    scheduler: str = "local"
    """local trains in processes on this machine; an address trains on the cluster of the dask scheduler there."""
    workers: int | None = None
    """Number of processes on this machine. By default, workers and their threads together are as many as the processors
    that this command may have; on a GPU there is one worker."""
    threads: int | Literal["auto"] = "auto"
    """Number of threads of each worker on a CPU. auto is one thread on this machine, and on a cluster the number with
    which a worker was started. A run that is resumed keeps its recorded number, unless a number is given here."""
    runs: Path = Path("runs")
    """Folder of the run store. On a cluster all workers must share it."""
    dry_run: bool = False
    """Print how many runs of each block would be trained, and train none."""
    json: bool = False
    """Print a row for each run as JSON in place of the table."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListOptions:
    """List the runs in the store.

    A run has grokked at step t if test accuracy reached 99 % at t and stayed there up to step 1.1 t.
    """

    runs: Path = Path("runs")
    """Folder of the run store."""
    sizes: bool = False
    """Show what each run takes on the disk, and how much of it is networks that were kept."""
    json: bool = False
    """Print the manifest of every run as JSON."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Show the settings, state and events of one run, or list the finished runs of a sweep."""

    run: tyro.conf.Positional[str]
    """A run's folder, its id, or experiment/id as `grok list` prints it, or a part of these; or the name of a sweep."""
    runs: Path = Path("runs")
    """Folder of the run store."""
    json: bool = False
    """Print the manifest of the run, or of each run of the sweep, as JSON."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Copy finished runs into another store with fewer rows, so that they are small enough to share or to commit."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Runs, named as for `grok show`, or names of sweeps. By default every finished run is copied."""
    to: Path
    """Folder of the store to copy to."""
    runs: Path = Path("runs")
    """Folder of the store to copy from."""
    rows: int = 40
    """Number of rows to keep per decade of steps."""
    columns: tuple[str, ...] = ("*",)
    """Patterns of the columns to keep, such as 'test/*' 'interplay/*/mir'."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DashboardOptions:
    """Open a run's wandb mirror in the terminal, while the run trains or afterwards."""

    run: tyro.conf.Positional[str | None] = None
    """A run, named as for `grok show`. By default it is the newest run that has a mirror."""
    runs: Path = Path("runs")
    """Folder of the run store."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FiguresOptions:
    """Draw figures from the records of runs.

    A figure is drawn if it is missing, or if its records, the code or matplotlib have changed since it was drawn.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of the figures to draw. By default all of them are drawn."""
    runs: Path = Path("runs")
    """Folder of the run store to draw from, including its `reference` folder."""
    plots: Path = Path("plots")
    """Folder for the pictures, their CSV files and their tables in Markdown."""
    again: bool = False
    """Draw all of them, whether something has changed or not."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Measure time, memory and accuracy on this machine."""

    sections: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of the sections to measure. By default all of them are measured."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to measure on; auto takes a GPU if there is one."""
    json: bool = False
    """Print the numbers and a description of the machine as JSON."""


def with_config(config_type: type[Any], presets: tuple[str, ...]) -> type[TrainOptions]:
    """Return `TrainOptions` with the experiment's own settings and presets, so that they are flags with help."""
    return dataclasses.make_dataclass(
        "TrainOptions",
        [("config", config_type), ("preset", Literal[presets])],
        bases=(TrainOptions,),
        frozen=True,
        kw_only=True,
    )


def check_train_options(options: TrainOptions) -> list[int] | None:
    """Reject options that contradict each other or are out of range, and return the seeds of `--seeds`."""
    if options.seed < 0:
        raise UsageError(f"--seed: expected an integer of at least 0, got {options.seed}")
    if options.seed and options.seeds is not None:
        raise UsageError(f"--seed: expected either --seed or --seeds, got both ({options.seed} and {options.seeds})")
    if options.stack is not None and options.seeds is None:
        raise UsageError("--stack: expected --seeds as well, got --stack alone (a stack needs several runs)")
    if options.stack is not None and options.stack < 1:
        raise UsageError(f"--stack: expected a positive integer, got {options.stack}")
    check_threads(options.threads)
    return None if options.seeds is None else parse_seeds(options.seeds)


def check_threads(threads: int | Literal["auto"] | None) -> None:
    """Reject a number of threads that is not positive or that no machine has."""
    if isinstance(threads, int) and not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"--threads: expected auto or an integer from 1 to {MOST_THREADS:,}, got {threads}")


def check_sweep_options(options: SweepOptions) -> None:
    """Reject options that contradict each other or are out of range."""
    check_threads(options.threads)
    for name in ("workers", "stack"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name}: expected a positive integer, got {value}")
    if options.scheduler != "local" and options.workers is not None:
        raise UsageError(
            f"--workers: expected --scheduler local, got {options.scheduler} (a cluster starts its own workers)"
        )
