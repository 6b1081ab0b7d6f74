"""Figure 6: accuracy of a pruned and fine-tuned network, and the interplay with the network before pruning."""

import pandas as pd

from grok.analysis.phases import FINE_TUNED, PRUNED, pruning_stages
from grok.columns import (
    PROTOTYPE_HDR,
    PROTOTYPE_MIR,
    RATIOS,
    SAMPLE_HDR,
    SAMPLE_MIR,
    SPARSITY,
    TEST_ACCURACY,
    interplay,
)
from grok.config import PruningConfig
from grok.figures.bands import BAND, FEW, draw_spread
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup
from grok.figures.style import BLUE, GREEN, VERMILION, panels, shared_legend
from grok.figures.tables import QUANTILES, markdown_table, median_cell, name_of, seeds_in_words

ACROSS = 2  # panels in a row
STAGES = {FINE_TUNED: "-", PRUNED: "--"}
LINES = {
    "accuracy": ("accuracy", BLUE),
    "mir": ("MIR", VERMILION),
    "hdr": ("HDR", GREEN),
}
PANELS = {
    "accuracy": (TEST_ACCURACY,),
    "features before and after, n = {sample}": tuple(interplay("before-after", "test", ratio) for ratio in RATIOS),
    "sample, n = {sample}": (SAMPLE_MIR, SAMPLE_HDR),
    "prototype, n = {prototype}": (PROTOTYPE_MIR, PROTOTYPE_HDR),
}


def draw_pruning(group: RunGroup) -> Drawing | None:
    """Draw the runs of a config that prunes against sparsity, on the test split.

    The panels show accuracy, and MIR and HDR of the pairings `before-after`, `sample` and `prototype`. Lines are solid
    for fine-tuned networks, and dashed for networks directly after pruning. There is one line per seed. For more than a
    few seeds, the figure shows the median and the band from the 10 % to the 90 % quantile. A Markdown table gives the
    medians.
    """
    config = group.config_as(PruningConfig)
    pruned = _pruned(group, config)
    measured = {title: [name for name in names if name in pruned] for title, names in PANELS.items()}
    shown = {title: names for title, names in measured.items() if names}
    if pruned.empty or not shown:
        return None
    sizes = {"sample": config.probes.sample_size, "prototype": config.task.num_classes}
    figure, axes = panels(
        len(shown),
        across=ACROSS,
        size=(5.0, 3.5),
        more=(0.4, 1.5),
        least_width=8.5,
        xlabel="sparsity (fraction of the weights that are 0)",
    )
    for axis, (title, columns) in zip(axes, shown.items(), strict=True):
        for stage, line in STAGES.items():
            for column in columns:
                name, colour = LINES[column.rpartition("/")[2]]
                rows = pruned[pruned["stage"] == stage]
                draw_spread(axis, rows, SPARSITY, column, colour=colour, label=f"{name}, {stage}", line=line)
        axis.set(title=title.format(**sizes), ylim=(-0.03, 1.03))
    for axis in axes[::ACROSS]:
        axis.set_ylabel("fraction")
    shared_legend(figure, columns=3)
    figure.suptitle(_title(group, config))
    measures = [column for columns in shown.values() for column in columns]
    lines = [
        {"sparsity": f"{sparsity:.3g}", "stage": str(stage)}
        | {name_of(each): median_cell(of_stage[each], each) for each in measures}
        for sparsity, of_sparsity in pruned.groupby(SPARSITY)
        for stage, of_stage in of_sparsity.groupby("stage", sort=False)
    ]
    seeds, size = seeds_in_words(len(group.runs)), sizes["sample"]
    about = f"{config.label}, {config.schedule}, test split, {seeds}, n = {size} in `sample` and `before-after`"
    return Drawing(
        name=f"pruning-{group.name}",
        figure=figure,
        table=pruned,
        stamp=group.stamp,
        markdown=f"{markdown_table(lines)}\n\n{about}: {QUANTILES}.",
    )


def _pruned(group: RunGroup, config: PruningConfig) -> pd.DataFrame:
    """Return one row per seed, sparsity and stage, which is directly after pruning or after fine-tuning."""
    columns = [SPARSITY, *(name for names in PANELS.values() for name in names)]
    parts = [
        pruning_stages(
            metrics,
            steps=config.steps,
            fine_tune_steps=config.fine_tune_steps,
            sparsities=len(config.sparsities),
        ).assign(seed=seed)
        for seed, metrics in group.metrics(columns).items()
    ]
    found = pd.concat(parts, ignore_index=True).dropna(axis="columns", how="all")
    return found[[name for name in ("seed", "stage", *columns) if name in found]]


def _title(group: RunGroup, config: PruningConfig) -> str:
    seeds = ", ".join(map(str, group.runs))
    how = f"a line a seed: {seeds}" if len(group.runs) <= FEW else f"{len(group.runs)} seeds: {BAND}"
    return f"Pruning {config.label}, {config.schedule}, test split\n{how}"


PRUNING = FigureKind(
    name="pruning",
    about="each config that was pruned",
    subjects=lambda source: source.groups,
    picture=draw_pruning,
    needs={SPARSITY: "accuracy", interplay("before-after", "test", "mir"): "sample"},
)
