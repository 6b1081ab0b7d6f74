"""Figures that are drawn from records alone, as matplotlib figures with the plotted tables or as files of both."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from grok.experiment import experiments
from grok.figures.cost import COST
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Study, runs_source, store_source
from grok.tracking import Run
from grok.tracking.drawn import Drawn, file_facts, places
from grok.tracking.notes import listening, note


def figure_kinds() -> dict[str, FigureKind[Any]]:
    """Return every kind of figure by its name: those that the experiments have, and `cost`.

    Raises:
        ValueError: if two kinds have the same name.
    """
    found: dict[str, FigureKind[Any]] = {}
    of_experiments = [kind for experiment in experiments().values() for kind in experiment.figures()]
    for kind in (*of_experiments, COST):
        if found.setdefault(kind.name, kind) is not kind:
            raise ValueError(f"figures: expected a name that no other figure has, got {kind.name!r} twice")
    return found


def draw(name: str, runs: Iterable[Run]) -> list[Drawing]:
    """Draw one kind of figure from these runs, and return a drawing for each config or study that it can show.

    Each drawing has a matplotlib `figure` and the `table` of the values in it; `write` makes files of both. Only
    finished runs of experiments that have such a figure are drawn. They are grouped by their whole config.

    Raises:
        ValueError: if there is no figure of this name.
    """
    kinds = figure_kinds()
    if name not in kinds:
        raise ValueError(f"figure: expected one of {', '.join(kinds)}, got {name!r}")
    return list(kinds[name].drawings(runs_source(runs, _experiments_of(kinds[name]))))


class Written(NamedTuple):
    """The files of the figures that were drawn, in order, and the number of figures that were up to date."""

    files: list[Path]
    kept: int


def draw_figures(kinds: Sequence[FigureKind[Any]], runs: Path, plots: Path, *, again: bool = False) -> Written:
    """Draw these kinds of figures from the runs in `runs`, then from those in `runs/reference`, and write their files.

    A figure whose records, code and files are as they were is not drawn, unless `again` is set. Figures of the
    reference records go to `plots/reference`, so that new runs never change the committed figures.
    """
    drawn = Drawn(runs, plots, experiments())
    drawn.know(figure_kinds())
    if again:
        drawn.forget([kind.name for kind in kinds])
    written, kept = [], 0
    wanted = {name for kind in kinds for name in _experiments_of(kind)}
    progress = tqdm(
        total=len(places(runs, plots)) * len(kinds), desc="figures", unit="figure", leave=False, disable=None
    )
    with progress:
        for store, place in places(runs, plots).items():
            with listening() as left_out:
                source = store_source(place.store, wanted)
            for kind in kinds:
                of_kind = _experiments_of(kind)
                before = drawn.begin(kind.name, store, of_kind, left_out)
                for subject in kind.subjects(source.of(of_kind)):
                    facts = _facts(drawn, store, subject)
                    if facts in before:
                        drawn.keep(kind.name, store, facts, before[facts])
                        kept += bool(before[facts]["files"])
                        for line in before[facts]["said"]:
                            note(line)
                        continue
                    with listening() as said:
                        drawing = kind.draw(subject)
                    files = drawing.write(place.plots) if drawing else []
                    drawn.add(kind.name, store, facts, files, said)
                    written += files
                drawn.end(kind.name, store)
                progress.update()
    return Written(written, kept)


def _facts(drawn: Drawn, store: str, subject: RunGroup | Study | Path) -> str:
    """Return the facts of what a figure shows: its runs and their grouping, or its file."""
    if isinstance(subject, Path):
        return drawn.facts_of_runs(store, [], subject.name, file_facts(subject))
    groups = subject.groups if isinstance(subject, Study) else [subject]
    part = dict(subject.part) if isinstance(subject, Study) else {}
    runs = [run.path for group in groups for run in group.runs.values()]
    return drawn.facts_of_runs(store, runs, subject.name, part, [(group.name, list(group.runs)) for group in groups])


def _experiments_of(kind: FigureKind[Any]) -> list[str]:
    """Return the names of the experiments that have this kind of figure."""
    return [name for name, experiment in experiments().items() if kind in experiment.figures()]


__all__ = ["Drawing", "FigureKind", "Written", "draw", "draw_figures", "figure_kinds"]
