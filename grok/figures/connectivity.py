"""Figures 3 and 4: accuracy, loss, MIR and HDR of the networks between two others, and the loss barrier."""

import pandas as pd

from grok.analysis.phases import STATISTICS, barrier_of_test_loss, networks_between
from grok.columns import (
    OMEGA,
    PROTOTYPE_HDR,
    PROTOTYPE_MIR,
    RECOMPUTED,
    SAMPLE_HDR,
    SAMPLE_MIR,
    TEST_ACCURACY,
    TEST_LOSS,
)
from grok.config import ConnectivityConfig
from grok.figures.bands import BAND, FEW, draw_spread
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, panels, shared_legend
from grok.figures.tables import QUANTILES, cell, markdown_table, median_cell, name_of, seeds_in_words

RATE = "optimiser.learning_rate"
ACROSS = 3  # panels in a row
PANELS = {
    TEST_ACCURACY: ("accuracy", "fraction"),
    SAMPLE_MIR: ("MIR, sample, n = {sample}", "fraction"),
    SAMPLE_HDR: ("HDR, sample, n = {sample}", "fraction"),
    TEST_LOSS: ("loss", "nats"),
    PROTOTYPE_MIR: ("MIR, prototype, n = {prototype}", "fraction"),
    PROTOTYPE_HDR: ("HDR, prototype, n = {prototype}", "fraction"),
}
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
STYLES = {1.0: "-", 0.0: "--"}  # line styles for recomputed and for interpolated batch statistics


def draw_connectivity(study: Study) -> Drawing | None:
    """Draw a study of linear mode connectivity against omega, with one colour per learning rate.

    Lines are solid if batch statistics are recomputed, and dashed if they are interpolated like the weights. There is
    one line per seed. For more than a few seeds, the figure shows the median and the band from the 10 % to the 90 %
    quantile. The legend gives the median over seeds of each barrier of the test loss (`grok.analysis.phases`), and a
    further table gives the barrier of each seed. A Markdown table gives the medians at omega 0 and 0.5.
    """
    between = pd.concat([_between(group) for group in study.groups], ignore_index=True)
    shown = [column for column in PANELS if column in between and between[column].notna().any()]
    if not shown:
        return None
    barriers = _barriers(between)
    config = study.groups[0].config_as(ConnectivityConfig)
    sizes = {"sample": config.probes.sample_size, "prototype": config.task.num_classes}
    figure, axes = panels(
        len(shown),
        across=ACROSS,
        size=(4.3, 3.5),
        more=(0.4, 1.2 + 0.25 * len(study.groups)),
        least_width=8.5,
        foot=0.035,
        xlabel="omega",
        sharey=False,
    )
    for axis, column in zip(axes, shown, strict=True):
        for (rate, recomputed), colour in _lines(study).items():
            how = STATISTICS[recomputed]
            label = f"learning rate {rate:g}, statistics {how}{_median_barrier(barriers, rate, recomputed)}"
            rows = between[(between[RATE] == rate) & (between[RECOMPUTED] == recomputed)]
            draw_spread(axis, rows, OMEGA, column, colour=colour, label=label, line=STYLES[recomputed])
        title, unit = PANELS[column]
        axis.set(title=title.format(**sizes), ylabel=unit)
        axis.set_ylim(*((-0.03, 1.03) if unit == "fraction" else (0, None)))
    shared_legend(figure, columns=2)
    figure.suptitle(_title(study, config))
    return Drawing(
        name=study.file_name("connectivity"),
        figure=figure,
        table=between,
        stamp=study.stamp,
        tables={"barriers": barriers},
        markdown="\n\n".join(_in_words(study, between, barriers)),
    )


def _in_words(study: Study, between: pd.DataFrame, barriers: pd.DataFrame) -> list[str]:
    """Return tables of barrier and accuracy, and of MIR and HDR, by learning rate and statistics, with captions."""
    ratios = [column for column in (SAMPLE_MIR, SAMPLE_HDR) if column in between]
    heights, interplay = [], []
    for rate in study.varies(RATE)[::-1]:
        for recomputed, how in STATISTICS.items():
            line = between[(between[RATE] == rate) & (between[RECOMPUTED] == recomputed)]
            height = barriers.loc[(barriers[RATE] == rate) & (barriers[RECOMPUTED] == recomputed), "barrier"]
            place = {"learning rate": f"{rate:g}", "statistics": how}
            barrier = cell((height.median(), height.min(), height.max()), ".3f")
            heights.append(place | {"barrier, nats": barrier} | _at_omegas(line, TEST_ACCURACY))
            interplay.append(place)
            for column in ratios:
                medians = line.groupby(OMEGA)[column].median()
                span = {f"{name_of(column)}: range": f"{medians.max() - medians.min():.3f}"}
                interplay[-1] |= _at_omegas(line, column) | span
    config = study.groups[0].config_as(ConnectivityConfig)
    parts = [
        markdown_table(heights),
        f"{config.label}, test split, {seeds_in_words(study.seeds)}: {QUANTILES}; "
        "of barriers the least and the most over seeds.",
    ]
    below = (
        f"n = {config.probes.sample_size} in `sample`; range: the most less the least that the median over seeds is on "
        "the line, both ends included."
    )
    return [*parts, markdown_table(interplay), below] if ratios else parts


def _at_omegas(line: pd.DataFrame, column: str) -> dict[str, str]:
    """Return the cells of a measure at one end of the line and in its middle."""
    measured = line.reindex(columns=[OMEGA, column])
    return {
        f"{name_of(column)} at omega {omega:g}": median_cell(measured.loc[measured[OMEGA] == omega, column], column)
        for omega in (0.0, 0.5)
    }


def _between(group: RunGroup) -> pd.DataFrame:
    """Return one row for each network between the two trained ones: a seed, an omega and a kind of statistics."""
    steps = group.config_as(ConnectivityConfig).steps
    columns = [OMEGA, RECOMPUTED, *PANELS]
    parts = []
    for seed, metrics in group.metrics(columns).items():
        rows = networks_between(metrics, steps=steps)
        parts.append(rows.assign(config=group.name, seed=seed, **{RATE: group.settings[RATE]}))
    found = pd.concat(parts, ignore_index=True)
    return found[[name for name in ("config", RATE, "seed", *columns) if name in found]]


def _barriers(between: pd.DataFrame) -> pd.DataFrame:
    """Return the loss barrier of each seed in nats; it is NaN unless the losses at both ends were measured."""
    rows = []
    for (config, rate, seed, recomputed), line in between.groupby(["config", RATE, "seed", RECOMPUTED]):
        of_line = {"config": config, RATE: rate, "seed": seed, RECOMPUTED: recomputed}
        rows.append(of_line | {"barrier": barrier_of_test_loss(line)})
    return pd.DataFrame(rows)


def _lines(study: Study) -> dict[tuple[float, float], str]:
    """Return the colour by learning rate and kind of statistics; each kind is one column of the legend."""
    rates = study.varies(RATE)[::-1]
    colours = {rate: COLOURS[place % len(COLOURS)] for place, rate in enumerate(rates)}
    return {(rate, recomputed): colour for recomputed in STATISTICS for rate, colour in colours.items()}


def _median_barrier(barriers: pd.DataFrame, rate: float, recomputed: float) -> str:
    median = barriers.loc[(barriers[RATE] == rate) & (barriers[RECOMPUTED] == recomputed), "barrier"].median()
    return "" if pd.isna(median) else f": barrier {median:.3f} nats"


def _title(study: Study, config: ConnectivityConfig) -> str:
    how = "a line a seed" if study.seeds <= FEW else f"{study.seeds} seeds: {BAND}"
    return f"Between two networks of one initialisation, {config.label}, test split, {how}"


def _by_rate(source: Source) -> list[Study]:
    """Return the studies, each split so that only the learning rate varies within a figure."""
    return [part for study in source.studies for part in study.parts([RATE])]


CONNECTIVITY = FigureKind(
    name="connectivity",
    about="each config of linear mode connectivity; several learning rates share a figure",
    subjects=_by_rate,
    picture=draw_connectivity,
    needs={OMEGA: "accuracy", TEST_ACCURACY: "accuracy"},
)
