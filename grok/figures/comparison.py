"""Accuracy, MIR and HDR along training, in one panel for each operation, modulus or control of a study."""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from grok.columns import SAMPLE_HDR, SAMPLE_MIR, TEST_ACCURACY, TRAIN_ACCURACY
from grok.figures.bands import BAND, FEW, band_table, draw_band
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Source, Study, differing
from grok.figures.style import BLUE, GREEN, SKY, VERMILION, panels, shared_legend
from grok.figures.tables import seeds_in_words

ENOUGH = 3  # smallest number of values of a setting that are compared
ACROSS = 5  # panels in a row
LINES = {
    TRAIN_ACCURACY: ("train accuracy", SKY),
    TEST_ACCURACY: ("test accuracy", BLUE),
    SAMPLE_MIR: ("MIR", VERMILION),
    SAMPLE_HDR: ("HDR", GREEN),
}
NEEDS = {TEST_ACCURACY: "accuracy", SAMPLE_MIR: "sample"}


def draw_values(study: Study, name: str) -> Drawing | None:
    """Draw accuracy, and MIR and HDR of `sample` on the test split, in one panel per config."""
    return _draw(study, name, {group.name: _title(group, study) for group in study.groups})


def draw_controls(study: Study) -> Drawing | None:
    """Draw accuracy, and MIR and HDR of `sample` on the test split, of one config and each of its controls."""
    main = study.main()
    assert main
    titles = {name: kind or "grokking" for name, kind in study.controls().items()}
    return _draw(study, "controls", titles, heading=f"{main.grokking.task.description}; ")


def _title(group: RunGroup, study: Study) -> str:
    """Return the task, and below it the settings in which the group differs from others of the same task."""
    task = group.grokking.task.description
    others = differing([other for other in study.groups if other.grokking.task.description == task])
    return "\n".join([task, *(f"{name.rpartition('.')[2]} {group.settings.get(name)}" for name in others)])


def _draw(study: Study, name: str, titles: Mapping[str, str], *, heading: str = "") -> Drawing | None:
    records = {group.name: group.metrics(list(LINES)) for group in study.groups}
    groups = [
        group
        for group in study.groups
        if any(metrics.notna().any(axis=None) for metrics in records[group.name].values())
    ]
    if not groups:
        return None
    figure, axes = panels(
        len(groups), across=ACROSS, size=(3.3, 2.9), more=(0.4, 1.5), least_width=7.5, xlabel="step + 1"
    )
    for axis, group in zip(axes, groups, strict=True):
        of_group = records[group.name]
        for column, (label, colour) in LINES.items():
            draw_band(axis, of_group, column, colour=colour, label=label)
        axis.set(xscale="log", ylim=(-0.03, 1.03))
        size, train = group.grokking.probes.sample_size, 100 * group.grokking.task.train_fraction
        below = f"n = {size}, {seeds_in_words(len(of_group))}, {train:g} % train"
        axis.set_title(f"{titles[group.name]}\n{below}", fontsize=11)
    for axis in axes[::ACROSS]:
        axis.set_ylabel("fraction")
    shared_legend(figure, columns=len(LINES))
    how = "a line a seed" if study.seeds <= FEW else BAND
    figure.suptitle(f"{heading}pairing sample, test split; {how}")
    bands = [band_table(records[group.name], LINES).assign(config=group.name) for group in groups]
    return Drawing(
        name=study.file_name(name), figure=figure, table=pd.concat(bands, ignore_index=True), stamp=study.stamp
    )


def _varying(setting: str) -> Callable[[Source], list[Study]]:
    return lambda source: [study for study in source.studies if len(study.varies(setting)) >= ENOUGH]


OPERATIONS = FigureKind(
    name="operations",
    about="a sweep over at least three operations",
    subjects=_varying("task.operation"),
    picture=partial(draw_values, name="operations"),
    needs=NEEDS,
)

MODULI = FigureKind(
    name="moduli",
    about="a sweep over at least three moduli",
    subjects=_varying("task.modulus"),
    picture=partial(draw_values, name="moduli"),
    needs=NEEDS,
)

CONTROLS = FigureKind(
    name="controls",
    about="a sweep of one config and its controls, such as random labels",
    subjects=lambda source: [study for study in source.studies if study.controls()],
    picture=draw_controls,
    needs=NEEDS,
)
