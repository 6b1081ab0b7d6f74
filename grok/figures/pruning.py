"""Figure 6: accuracy, and the interplay with the network before, of one that is pruned and fine-tuned."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.analysis.phases import FINE_TUNED, PRUNED, SPARSITY, pruning_stages
from grok.config import PruningConfig
from grok.figures.bands import BAND, FEW, draw_spread
from grok.figures.markdown import QUANTILES, median_cell, name_of, seeds_in_words, table, write_markdown
from grok.figures.missing import not_drawn
from grok.figures.records import RunGroup, finished_groups
from grok.figures.style import BLUE, GREEN, VERMILION, shared_legend, styled, write_figure

STAGES = {FINE_TUNED: "-", PRUNED: "--"}
LINES = {
    "accuracy": ("accuracy", BLUE),
    "mir": ("MIR", VERMILION),
    "hdr": ("HDR", GREEN),
}
PANELS = {
    "accuracy": ("test/accuracy",),
    "features before and after, n = {sample}": ("interplay/before-after/test/mir", "interplay/before-after/test/hdr"),
    "sample, n = {sample}": ("interplay/sample/test/mir", "interplay/sample/test/hdr"),
    "prototype, n = {prototype}": ("interplay/prototype/test/mir", "interplay/prototype/test/hdr"),
}


def draw_pruning(source: Path, target: Path) -> list[Path]:
    """Draw every config in `source` that was pruned, against sparsity, on the test split.

    Accuracy; MIR and HDR of the features before pruning with those after, of `sample` and of `prototype`. Solid what is
    fine-tuned, dashed what is only just pruned; a line a seed, or of more than a few seeds the median, and the band
    from the 10 % to the 90 % quantile. The medians are in Markdown beside it.
    """
    return [path for group in finished_groups(source, "pruning") for path in _draw_group(group, target)]


def _draw_group(group: RunGroup, folder: Path) -> list[Path]:
    config = group.config_as(PruningConfig)
    pruned = _pruned(group, config)
    shown = {title: [name for name in names if name in pruned] for title, names in PANELS.items()}
    panels = {title: names for title, names in shown.items() if names}
    if pruned.empty or not panels:
        not_drawn("pruning", group.name, {SPARSITY: "accuracy", "interplay/before-after/test/mir": "sample"})
        return []
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    sizes = {"sample": config.probes.sample_size, "prototype": config.task.num_classes}
    with styled():
        figure = Figure(
            figsize=(max(5 * across + 0.4, 8.5), 3.5 * down + 1.5),
            layout=ConstrainedLayoutEngine(rect=(0, 0.03, 1, 0.97)),
        )
        axes = list(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat)
        for place, (axis, (title, columns)) in enumerate(zip(axes, panels.items(), strict=False)):
            for stage, line in STAGES.items():
                for column in columns:
                    name, colour = LINES[column.rpartition("/")[2]]
                    rows = pruned[pruned["stage"] == stage]
                    draw_spread(axis, rows, SPARSITY, column, colour=colour, label=f"{name}, {stage}", line=line)
            axis.set(title=title.format(**sizes), ylim=(-0.03, 1.03))
            if place % across == 0:
                axis.set_ylabel("fraction")
            if place + across >= len(panels):  # none below it
                axis.set_xlabel("sparsity (fraction of the weights that are 0)")
                axis.tick_params(labelbottom=True)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        shared_legend(figure, columns=3)
        figure.suptitle(_title(group, config))
        name = f"pruning-{group.name}"
        written = write_figure(figure, pruned, folder, name, stamp=group.stamp)
    measures = [column for columns in panels.values() for column in columns]
    lines = [
        {"sparsity": f"{sparsity:.3g}", "stage": str(stage)}
        | {name_of(each): median_cell(of_stage[each], each) for each in measures}
        for sparsity, of_sparsity in pruned.groupby(SPARSITY)
        for stage, of_stage in of_sparsity.groupby("stage", sort=False)
    ]
    seeds, size = seeds_in_words(len(group.runs)), sizes["sample"]
    about = f"{config.label}, {config.schedule}, test split, {seeds}, n = {size} in `sample` and `before-after`"
    return [*written, write_markdown(folder, name, [table(lines), f"{about}: {QUANTILES}."])]


def _pruned(group: RunGroup, config: PruningConfig) -> pd.DataFrame:
    """A row a seed, sparsity and stage: the network straight after pruning, and the fine-tuned one."""
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
