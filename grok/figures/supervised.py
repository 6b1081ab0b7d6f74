"""Figures 1 and 2: accuracy, MIR, HDR and neural collapse along standard training."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from grok.columns import NC1, RATIOS, SAMPLE_MIR, TEST_ACCURACY, TRAIN_ACCURACY, collapse, interplay
from grok.config import SupervisedConfig
from grok.figures.bands import BAND, FEW, band, band_table, draw_band
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup
from grok.figures.style import BLUE, GREEN, GREY, PURPLE, SKY, VERMILION, own_legend, panels
from grok.figures.tables import QUANTILES, cell, form_of, markdown_table, name_of, seeds_in_words
from grok.information import simplex_etf_interplay

ACCURACY = {TRAIN_ACCURACY: ("train", SKY, "-"), TEST_ACCURACY: ("test", BLUE, "-")}
PAIRINGS = {"sample": VERMILION, "prototype": BLUE}
DISAGREEMENT = "nc4_disagreement"  # 1 - nc4_agreement, which is 0 at collapse like the others
COLLAPSE = {
    "nc1": ("NC1: spread within classes", BLUE),
    "nc2_simplex_means": ("NC2: class means to simplex", VERMILION),
    "nc3_self_duality": ("NC3: head to class means", GREEN),
    DISAGREEMENT: ("NC4: 1 - agreement", PURPLE),
}

Lines = dict[str, tuple[str, str, str]]
"""Label, colour and line style of each column."""


def draw_supervised(group: RunGroup) -> Drawing | None:
    """Draw the runs of a config of standard training.

    The panels show accuracy on both splits, and MIR and HDR of the pairings `sample` and `prototype` on the test split,
    with the MIR of neural collapse. A further panel shows NC1 to NC4 (`grok.information.neural_collapse`), all of which
    are 0 at collapse. There is one line per seed. For more than a few seeds, the figure shows the median and the band
    from the 10 % to the 90 % quantile. A Markdown table gives the first, last, lowest and highest medians on the test
    split.
    """
    config = group.config_as(SupervisedConfig)
    records = {seed: _with_disagreement(metrics) for seed, metrics in group.metrics().items()}
    shown = _shown(config, next(iter(records.values())).columns)
    if not shown:
        return None
    figure, axes = panels(len(shown), across=2, size=(5.9, 3.9), more=(0.4, 0.9), xlabel="step + 1", sharey=False)
    for axis, (title, lines) in zip(axes, shown.items(), strict=True):
        for column, (label, colour, line) in lines.items():
            draw_band(axis, records, column, colour=colour, label=label, line=line)
        _finish(axis, title, config.task.num_classes)
    figure.suptitle(_title(group, config))
    columns = [column for lines in shown.values() for column in lines]
    return Drawing(
        name=f"supervised-{group.name}",
        figure=figure,
        table=_plotted(records, columns),
        stamp=group.stamp,
        markdown="\n\n".join(_in_words(records, columns, config)),
    )


def _with_disagreement(metrics: pd.DataFrame) -> pd.DataFrame:
    found = {
        collapse(split, DISAGREEMENT): 1 - metrics[collapse(split, "nc4_agreement")]
        for split in ("train", "test")
        if collapse(split, "nc4_agreement") in metrics
    }
    return metrics.assign(**found)


def _shown(config: SupervisedConfig, measured: Iterable[str]) -> dict[str, Lines]:
    """Return the lines of each panel that has something to show, by its title."""
    sizes = {"sample": config.probes.sample_size, "prototype": config.task.num_classes}
    lines_of: dict[str, Lines] = {"accuracy": ACCURACY}
    for ratio, label in RATIOS.items():
        lines_of[f"{label}, test"] = {
            interplay(pairing, "test", ratio): (f"{pairing}, n = {sizes[pairing]}", colour, "-")
            for pairing, colour in PAIRINGS.items()
        }
    lines_of["neural collapse, test (train dashed)"] = {
        collapse(split, name): (label if split == "test" else "_", colour, line)
        for name, (label, colour) in COLLAPSE.items()
        for split, line in (("train", "--"), ("test", "-"))
    }
    shown = {title: {name: how for name, how in lines.items() if name in measured} for title, lines in lines_of.items()}
    return {title: lines for title, lines in shown.items() if lines}


def _finish(axis: Axes, title: str, num_classes: int) -> None:
    if title.startswith("MIR"):
        value = simplex_etf_interplay(num_classes).mir.item()
        axis.axhline(value, color=GREY, linestyle="--", label=f"at neural collapse, {value:.3f}")
    axis.set(xscale="log", title=title)
    if title.startswith("neural collapse"):
        axis.set(yscale="log", ylabel="0 at collapse")
    else:
        axis.set(ylim=(-0.03, 1.03), ylabel="fraction")
    own_legend(axis)


def _plotted(records: dict[int, pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return the plotted values: one row per seed and step, or the bands of many seeds."""
    if len(records) > FEW:
        return band_table(records, columns)
    rows = [metrics.reindex(columns=columns).reset_index().assign(seed=seed) for seed, metrics in records.items()]
    return pd.concat(rows)[["seed", "step", *columns]]


def _in_words(records: dict[int, pd.DataFrame], columns: list[str], config: SupervisedConfig) -> list[str]:
    """Return a table with one row per measure on the test split, and its caption."""
    rows = []
    for column in columns:
        found = band(records, column)
        if "test/" not in column or found is None:
            continue
        medians, form = found["median"], form_of(column)
        cells = {"at the start": cell(found.iloc[0], form)}
        for name, place in (("lowest", int(medians.argmin())), ("highest", int(medians.argmax()))):
            cells[name] = f"{cell(found.iloc[place], form)} at step {found.index[place]:,}"
        cells["at the end"] = cell(found.iloc[-1], form)
        label = COLLAPSE[column.rpartition("/")[2]][0] if column.startswith(collapse("test", "")) else name_of(column)
        rows.append({"measure": label} | cells)
    mir = simplex_etf_interplay(config.task.num_classes).mir.item()
    about = f"{config.label}, test split, {seeds_in_words(len(records))}, n = {config.probes.sample_size} in `sample`"
    text = f"{about}: {QUANTILES}; lowest and highest are those of the median. MIR at neural collapse: {mir:.3f}."
    return [markdown_table(rows), text] if rows else ["Nothing was measured on the test split."]


def _title(group: RunGroup, config: SupervisedConfig) -> str:
    seeds = ", ".join(map(str, group.runs))
    how = f"a line a seed: {seeds}" if len(group.runs) <= FEW else f"{len(group.runs)} seeds: {BAND}"
    return f"Standard training, {config.label}, {how}"


SUPERVISED = FigureKind(
    name="supervised",
    about="each config of standard training that stands alone",
    subjects=lambda source: source.alone,
    picture=draw_supervised,
    needs={TEST_ACCURACY: "accuracy", SAMPLE_MIR: "sample", NC1: "collapse"},
)
