"""Finished runs in which each column is a known function of the step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grok.config import GrokkingConfig, SupervisedConfig, config_hash, config_to_json
from grok.experiment import experiment as registered
from grok.figures import Drawing, draw
from grok.tracking import Run, Store

Column = Callable[[np.ndarray], np.ndarray]


def add_run(
    store: Store,
    columns: Mapping[str, Column],
    *,
    seed: int = 0,
    config: GrokkingConfig | SupervisedConfig | None = None,
    steps: int = 2000,
    every: int = 10,
    status: str = "finished",
    experiment: str = "grokking",
    sweeps: Sequence[str] | None = None,
) -> Run:
    """Add a finished run that measured these columns every `every` steps; without columns it has no record."""
    config = config or GrokkingConfig()
    run = store.create(
        experiment=experiment,
        label=config.label,
        config=config_to_json(config),
        config_hash=config_hash(config),
        seed=seed,
        command=["grok", "train", experiment],
        environment={"device": "cpu"},
    )
    at = np.arange(0, steps + 1, every)
    table = {"step": pa.array(at)} | {name: pa.array(np.asarray(of(at), float)) for name, of in columns.items()}
    if columns:
        run.append_table(pa.table(table), first_step=0)
    run.update(status=status, step=steps, sweeps=None if sweeps is None else list(sweeps))
    if columns and status == "finished":
        run.update(summary=registered(experiment).summarise(run))
    return run


def drawings(name: str, root: Path) -> list[Drawing]:
    """Draw one kind of figure from the runs of the store in a folder."""
    return draw(name, Store(root).runs())


def legend_of(owner: Figure | Axes) -> list[str]:
    """Return the labels in the legend of a panel, or in the shared legend of a figure."""
    legend = owner.get_legend() if isinstance(owner, Axes) else owner.legends[0]
    return [text.get_text() for text in legend.get_texts()]


def constant(value: float) -> Column:
    return lambda steps: np.full(len(steps), value)


def rises_at(step: int) -> Column:
    """Return a column that is 0 before the step and 1 from it on."""
    return lambda steps: (steps >= step).astype(float)


def by_place(first: int, values: Sequence[float], *, before: float = 0.0) -> Column:
    """Return a column that is `before` until step `first`, and then takes one of the values at each step."""
    return lambda steps: np.where(steps < first, before, np.asarray(values)[np.maximum(steps - first, 0)])
