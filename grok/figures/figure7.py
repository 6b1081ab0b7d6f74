"""Figure 7: accuracy with MIR and with HDR along training, for the three pairings of a grokking run."""

import pandas as pd
from matplotlib.axes import Axes

from grok.columns import PROTOTYPE_MIR, RATIOS, SAMPLE_MIR, TEST_ACCURACY, TRAIN_ACCURACY, accuracy, interplay, theory
from grok.figures.bands import BAND, FEW, band_table, draw_band
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup
from grok.figures.style import BLUE, GREEN, GREY, PURPLE, SKY, VERMILION, panels, shared_legend
from grok.information import simplex_etf_interplay
from grok.tracking.export import thinned

ROWS = 150  # drawn per decade of steps from each record, if each seed is a line

COLOURS = {"mir": VERMILION, "hdr": GREEN}


def draw_figure7(group: RunGroup) -> Drawing | None:
    """Draw the runs of a config, with MIR and HDR in rows and the pairings in columns.

    There is one line per seed. For more than a few seeds, the figure shows the median and the band from the 10 % to the
    90 % quantile. Two lines show theory: the value at neural collapse, and the closed form of the Fourier circuit for
    the power spectra measured at each step.
    """
    pairings = _pairings(group)
    if not pairings:
        return None
    records = group.metrics()
    if len(records) <= FEW:
        records = {seed: thinned(metrics, ROWS) for seed, metrics in records.items()}
    collapse = simplex_etf_interplay(group.grokking.task.num_elements)
    places = [(ratio, pairing) for ratio in RATIOS for pairing in pairings]
    figure, axes = panels(
        len(places), across=len(pairings), size=(4.6, 4.0), more=(0.4, 0.4), foot=0.045, xlabel="step + 1"
    )
    for axis, (ratio, pairing) in zip(axes, places, strict=True):
        label = RATIOS[ratio]
        for split, colour in (("train", SKY), ("test", BLUE)):
            draw_band(axis, records, accuracy(split), colour=colour, label=f"{split} accuracy")
        _draw_ratio(axis, records, pairing, ratio, label)
        value = getattr(collapse, ratio).item()
        axis.axhline(value, color=GREY, linestyle=":", label=f"{label} at neural collapse ({value:.3f})")
        axis.set(xscale="log", ylim=(-0.03, 1.03))
    for axis, label in zip(axes[:: len(pairings)], RATIOS.values(), strict=True):
        axis.set_ylabel(f"accuracy and {label} (fractions)")
    for axis, title in zip(axes, pairings.values(), strict=False):
        axis.set_title(title)
    shared_legend(figure, columns=4)
    figure.suptitle(_title(group))
    return Drawing(name=f"figure7-{group.name}", figure=figure, table=_plotted(records, pairings), stamp=group.stamp)


def _title(group: RunGroup) -> str:
    seeds = ", ".join(map(str, group.runs))
    what = f"Grokking {group.grokking.task.description}"
    if len(group.runs) <= FEW:
        return f"{what}, a line a seed: {seeds}"
    return f"{what}, {len(group.runs)} seeds: {BAND}"


def _pairings(group: RunGroup) -> dict[str, str]:
    """Return the pairings that were measured, with their titles, which give n."""
    columns = next(iter(group.runs.values())).columns()
    num_classes, size = group.grokking.task.num_elements, group.grokking.probes.sample_size
    titles = {
        "prototype": f"prototype: head rows with class means, n = {num_classes}",
        "sample": f"sample: features with their head rows, n = {size}",
        "embedding": f"embedding: tokens with head rows, n = {num_classes}",
    }
    return {
        pairing: title
        for pairing, title in titles.items()
        if any(column.startswith(interplay(pairing, "")) for column in columns)
    }


def _draw_ratio(axis: Axes, records: dict[int, pd.DataFrame], pairing: str, ratio: str, label: str) -> None:
    colour = COLOURS[ratio]
    on_test = f"{label}, test (embedding: no split)"
    if pairing == "embedding":
        draw_band(axis, records, interplay("embedding", ratio), colour=colour, label=on_test)
    else:
        on_train = interplay(pairing, "train", ratio)
        draw_band(axis, records, on_train, colour=colour, line="--", label=f"{label}, train")
        draw_band(axis, records, interplay(pairing, "test", ratio), colour=colour, label=on_test)
    circuit = f"{label} of a Fourier circuit, from the measured spectra"
    draw_band(axis, records, theory(pairing, ratio), colour=PURPLE, line="-.", label=circuit)


def _plotted(records: dict[int, pd.DataFrame], pairings: dict[str, str]) -> pd.DataFrame:
    """Return the plotted values: one row per seed and step, or the bands of many seeds."""
    columns = [
        column
        for column in next(iter(records.values())).columns
        if column in (TRAIN_ACCURACY, TEST_ACCURACY)
        or (column.split("/")[-1] in RATIOS and column.split("/")[1] in pairings)
    ]
    if len(records) > FEW:
        return band_table(records, columns)
    return pd.concat([metrics[columns].reset_index().assign(seed=seed) for seed, metrics in records.items()])[
        ["seed", "step", *columns]
    ]


FIGURE7 = FigureKind(
    name="figure7",
    about="each grokking config that stands alone or has controls",
    subjects=lambda source: source.alone,
    picture=draw_figure7,
    needs={
        PROTOTYPE_MIR: "prototype",
        SAMPLE_MIR: "sample",
        interplay("embedding", "mir"): "embedding",
    },
)
