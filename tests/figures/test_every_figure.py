"""A figure draws what was measured; a figure without data says why, and the others are drawn."""

import dataclasses
import os
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import grok.experiment
from grok.config import GrokkingConfig, OptimiserConfig, ProbesConfig, SampledInformationTermConfig, TaskConfig
from grok.config.checks import Settings
from grok.experiment import experiment, experiments, register
from grok.figures import Drawing, FigureKind, draw, draw_figures, figure_kinds
from grok.figures.records import runs_source
from grok.figures.style import panels
from grok.tracking import Store, drawn
from tests.figures.helpers import add_run, constant, rises_at

ACCURACY = {"train/accuracy": constant(1.0), "test/accuracy": rises_at(500)}
SAMPLE = {"interplay/sample/test/mir": constant(0.4), "interplay/sample/test/hdr": constant(0.1)}
EMBEDDING = {
    f"{source}/embedding/{ratio}": constant(0.4) for source in ("interplay", "theory") for ratio in ("mir", "hdr")
}
SIZES = {f"interplay/sample-{size}/test/{ratio}": constant(0.4) for size in (64, 128) for ratio in ("mir", "hdr")}
OF_GROKKING = [kind.name for kind in experiment("grokking").figures()]


def add_studies(root, columns):
    """Add a study of each kind, whose runs measured these columns."""
    adds = {
        "alone": [GrokkingConfig()],
        "operations": [GrokkingConfig(task=TaskConfig(operation=name)) for name in ("add", "subtract", "divide")],
        "moduli": [GrokkingConfig(task=TaskConfig(modulus=p, train_fraction=0.5)) for p in (31, 43, 59)],
        "controls": [GrokkingConfig(optimiser=OptimiserConfig(weight_decay=decay)) for decay in (0.0, 1.0)],
        "phase": [
            GrokkingConfig(task=TaskConfig(train_fraction=fraction), optimiser=OptimiserConfig(weight_decay=decay))
            for fraction in (0.2, 0.3, 0.4)
            for decay in (0.1, 0.5, 2.0)
        ],
        "interventions": [
            GrokkingConfig(information=SampledInformationTermConfig(term=term, weight=weight))
            for term, weight in (("none", 0.0), ("mir", 0.1))
        ],
    }
    for name, configs in adds.items():
        for config in configs:
            add_run(Store(root), columns, config=config, sweeps=[name])
    return Store(root).runs()


@pytest.mark.parametrize(
    ("columns", "drawn"),
    [
        (ACCURACY | EMBEDDING, set(OF_GROKKING) - {"sample-sizes"}),
        (SAMPLE, {"figure7", "operations", "moduli", "controls", "phase"}),
        (SIZES, {"sample-sizes"}),
    ],
    ids=["accuracy and embedding", "sample", "sizes"],
)
def test_every_figure_is_drawn_that_has_something_to_show_and_no_other(tmp_path, columns, drawn):
    runs = add_studies(tmp_path, columns)
    source = runs_source(runs, ["grokking"])
    firsts = {kind.name: next(kind.drawings(source), None) for kind in experiment("grokking").figures()}
    assert {name for name, drawing in firsts.items() if drawing} == drawn
    assert all(drawing.name.startswith(name) and len(drawing.table) for name, drawing in firsts.items() if drawing)


@pytest.mark.parametrize("columns", [{}, {"weight_norm": constant(1.0)}], ids=["no record", "no such measure"])
def test_a_figure_with_nothing_to_show_names_what_it_needs_and_the_probe(tmp_path, capsys, columns):
    add_studies(tmp_path / "runs", columns)
    kinds = list(figure_kinds().values())
    assert draw_figures(kinds, tmp_path / "runs", tmp_path / "plots") == ([], 0)
    lines = capsys.readouterr().err.splitlines()
    assert draw_figures(kinds, tmp_path / "runs", tmp_path / "plots") == ([], 0)
    assert sorted(capsys.readouterr().err.splitlines()) == sorted(lines)  # said again although nothing has changed
    accuracy, mir = "test/accuracy (probes.accuracy)", "interplay/sample/test/mir (probes.sample)"
    assert f"grok: figure phase not drawn for phase: its records have no {accuracy} or {mir}" in lines
    assert f"grok: figure lead-time not drawn for controls: its records have no {accuracy}" in lines
    assert {line.split()[2] for line in lines} == set(OF_GROKKING) - {"sample-sizes"}


def test_reference_records_are_drawn_into_their_own_folder(tmp_path):
    for root in (tmp_path / "runs" / "reference", tmp_path / "runs"):
        add_run(Store(root), SAMPLE)
    written = draw_figures([figure_kinds()["figure7"]], tmp_path / "runs", tmp_path / "plots")
    plots = tmp_path / "plots"
    assert [path.parent for path in written.files] == [plots] * 3 + [plots / "reference"] * 3  # own runs first
    assert all(path.exists() for path in written.files)


def drawn_names(written):
    return sorted(path.name for path in written.files if path.suffix == ".png")


def test_only_what_is_missing_or_has_other_records_is_drawn_again(tmp_path, monkeypatch):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    store, kinds = Store(runs), [figure_kinds()[name] for name in ("figure7", "sample-sizes")]
    other = GrokkingConfig(task=TaskConfig(modulus=11, train_fraction=0.5), probes=ProbesConfig(sample_size=32))
    first, second = add_run(store, SAMPLE), add_run(store, SAMPLE, config=other)
    names = [f"figure7-{run.id.partition('-seed')[0]}.png" for run in (first, second)]
    assert drawn_names(draw_figures(kinds, runs, plots)) == sorted(names)
    assert draw_figures(kinds, runs, plots) == ([], 2)

    # a deleted file
    (plots / names[0]).unlink()
    written = draw_figures(kinds, runs, plots)
    assert (drawn_names(written), written.kept) == ([names[0]], 1)

    # another seed of one of both configs
    add_run(store, SAMPLE, config=other, seed=1)
    written = draw_figures(kinds, runs, plots)
    assert (drawn_names(written), written.kept) == ([names[1]], 1)

    # a record that was written anew
    os.utime(first.metrics_path, (1, 1))
    assert drawn_names(draw_figures(kinds, runs, plots)) == [names[0]]

    # an unfinished run changes nothing
    unfinished = add_run(store, SAMPLE, config=other, seed=2)
    unfinished.update(status="interrupted")
    assert draw_figures(kinds, runs, plots) == ([], 2)

    # on demand, and with other code
    assert drawn_names(draw_figures(kinds, runs, plots, again=True)) == sorted(names)
    monkeypatch.setattr(drawn, "LIBRARIES", ("matplotlib",))
    assert drawn_names(draw_figures(kinds, runs, plots)) == sorted(names)


def test_a_drawing_that_is_interrupted_leaves_whole_files_and_is_continued(tmp_path, monkeypatch):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    for modulus in (11, 13):
        task = TaskConfig(modulus=modulus, train_fraction=0.5)
        add_run(Store(runs), SAMPLE, config=GrokkingConfig(task=task, probes=ProbesConfig(sample_size=32)))
    kinds, savefig = [figure_kinds()["figure7"]], Figure.savefig

    def interrupted(figure, path, **settings):
        savefig(figure, path, **settings)
        if len(list(plots.glob("*.png"))) == 1 and settings["format"] == "png":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", interrupted)
        with pytest.raises(KeyboardInterrupt):
            draw_figures(kinds, runs, plots)
    assert sorted(path.suffix for path in plots.iterdir() if path.is_file()) == [".csv", ".json", ".pdf", ".png"]
    written = draw_figures(kinds, runs, plots)
    assert (len(drawn_names(written)), written.kept) == (1, 1)


def test_a_figure_that_there_is_none_of_is_an_error_with_the_choices(tmp_path):
    with pytest.raises(ValueError, match=r"figure: expected one of figure7, .*, cost, got 'figure8'"):
        draw("figure8", [])


def test_the_page_of_results_describes_figures_that_there_are():
    page = (Path(__file__).parents[2] / "plots" / "README.md").read_text()
    rows = page.partition("\n| figure | ")[2].partition("\n\n")[0].splitlines()[2:]
    named = [name for row in rows for name in re.findall("`([^`]+)`", row.split("|")[1])]
    assert len(named) == len(set(named)) > 15
    assert set(named) <= set(figure_kinds())


def test_an_experiment_says_which_figures_its_runs_are_drawn_in(tmp_path, monkeypatch):
    class Other(type(experiment("grokking"))):
        name = "other"

        def figures(self):
            return super().figures()[:1]

    monkeypatch.setattr(grok.experiment, "_registered", dict(experiments()))
    register(Other())
    run = add_run(Store(tmp_path), SAMPLE, experiment="other")
    assert [drawing.name for drawing in draw("figure7", [run])] == [f"figure7-{run.id.removesuffix('-seed0')}"]
    assert draw("sample-sizes", [run]) == []


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnSettings(Settings):
    """Settings that share nothing with those of the package."""

    width: int = 3

    @property
    def label(self):
        return f"own-{self.width}"


def test_an_experiment_with_settings_of_its_own_has_figures_of_its_own(tmp_path, monkeypatch):
    def picture(group):
        figure, (axis,) = panels(1, across=1, size=(5.0, 4.0))
        axis.set_title(group.description)
        return Drawing(name=group.name, figure=figure, table=group.metrics()[0], stamp=group.stamp)

    kind = FigureKind(name="own", about="each config", subjects=lambda source: source.alone, picture=picture)

    class Own(type(experiment("supervised"))):
        name = "own"
        config_type = OwnSettings

        def figures(self):
            return (kind,)

    monkeypatch.setattr(grok.experiment, "_registered", dict(experiments()))
    register(Own())
    run = add_run(Store(tmp_path), {"x": constant(2.0)}, config=OwnSettings(width=5), experiment="own")
    (drawing,) = draw("own", [run])
    assert drawing.figure.axes[0].get_title() == "own-5"
    assert set(drawing.table["x"]) == {2.0}
