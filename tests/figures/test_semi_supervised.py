"""Table 1 compares methods and information losses with FreeMatch of the same label count and seeds."""

import numpy as np
import pytest

from grok.config import ClassifierProbesConfig, SemiSupervisedConfig
from grok.config.update import InformationTermConfig
from grok.figures.tables import escaped
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings
from tests.figures.tables import difference, plus_minus, rows_of_latex, rows_of_markdown, sign_flip_p

FREEMATCH, FIXMATCH, ALONE = [0.80, 0.84, 0.82, 0.86, 0.83], [0.78, 0.80, 0.81, 0.82, 0.80], [0.5, 0.6, 0.5, 0.7, 0.6]
WITH_MI, WITH_MIR = [0.82, 0.87, 0.83, 0.87, 0.85], [0.79, 0.85, 0.82, 0.85, 0.84]
PLAIN = ("none", 0.0)
STUDY = {
    ("freematch", ("mir", 0.1), 4): WITH_MIR,
    ("freematch", ("mutual_information", 0.1), 4): WITH_MI,
    ("freematch", PLAIN, 10): ALONE,
    ("fixmatch", PLAIN, 10): FREEMATCH,
    ("freematch", PLAIN, 4): FREEMATCH,
    ("fixmatch", PLAIN, 4): FIXMATCH,
    ("supervised", PLAIN, 4): ALONE,
}
PSEUDO = {"pseudo_labels/used": constant(0.75), "pseudo_labels/accuracy": constant(0.9)}
TITLES = ["labels alone", "FixMatch", "FreeMatch", "FreeMatch + MI, 0.1", "FreeMatch + MIR, 0.1"]


def add(tmp_path, method, term, labels, accuracies, *, seeds=None, columns=None, **settings):
    config = SemiSupervisedConfig(
        method=method,
        information=InformationTermConfig(term=term[0], weight=term[1]),
        labels_per_class=labels,
        probes=ClassifierProbesConfig(sample_size=64),
        **settings,
    )
    for seed, accuracy in zip(seeds or range(len(accuracies)), accuracies, strict=True):
        pseudo = {} if method == "supervised" else PSEUDO
        add_run(
            Store(tmp_path / "runs"),
            {"test/accuracy": constant(accuracy)} | pseudo if columns is None else columns,
            seed=seed,
            config=config,
            experiment="semi-supervised",
            sweeps=["mine"],
            every=100,
        )


def add_study(tmp_path, study, **settings):
    for each, accuracies in study.items():
        add(tmp_path, *each, accuracies, **settings)


def draw(tmp_path):
    return drawings("semi-supervised", tmp_path / "runs")


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    """Return the drawing of a whole study."""
    root = tmp_path_factory.mktemp("study")
    add_study(root, STUDY)
    (drawing,) = draw(root)
    assert drawing.name == "semi-supervised-mine"
    return drawing


def test_the_table_has_errors_differences_by_seed_and_p_values_adjusted_for_as_many_labels(drawing):
    rows, text = rows_of_markdown(drawing.markdown)
    four, ten, published = rows[:5], rows[5:7], rows[7:]
    assert [row["method"] for row in four] == TITLES
    values = [1 - np.array(each) for each in (ALONE, FIXMATCH, FREEMATCH, WITH_MI, WITH_MIR)]
    base = values[2]
    assert [row["error, %"] for row in four] == [plus_minus(each) for each in values]
    assert [row["difference, points"] for row in four] == [
        "–" if each is base else difference(each, base) for each in values
    ]
    p_values = [sign_flip_p(each, base) for each in values if each is not base]
    assert p_values == [0.0625, 0.0625, 0.0625, 1.0]
    assert [row["p"] for row in four] == ["0.250", "0.250", "–", "0.250", "1.000"]
    assert [(row["method"], row["labels a class"], row["p"]) for row in ten] == [
        ("FixMatch", "10", "0.062"),
        ("FreeMatch", "10", "–"),
    ]
    assert {(row["seeds"], row["labels a class"]) for row in four} == {("5", "4")}
    used = "pseudo-labels used", "of those right", "NC1"
    assert [[row[name] for name in used] for row in four] == [
        ["–"] * 3,
        *[["0.750 ± 0.000", "0.900 ± 0.000", "–"]] * 4,
    ]
    assert [{name: cell for name, cell in row.items() if cell != "–"} for row in published] == [
        {"method": f"published: STL-10, 40 labels, {name}", "error, %": error}
        for name, error in (
            ("FreeMatch + one term", "16.61"),
            ("FreeMatch + the other", "14.93"),
            ("OTMatch", "12.10"),
        )
    ]
    about = (
        "mnist1d, conv1d-64, test split at the end, 5 seeds, batches of 16 labelled and 112 unlabelled samples, 3,000"
    )
    assert text.startswith(about)
    assert "p is of the exact sign-flip test, adjusted for the comparisons of as many labels (Holm)" in text


def test_the_latex_table_has_the_same_cells_as_the_markdown(drawing):
    rows, text = rows_of_markdown(drawing.markdown)
    assert rows_of_latex(drawing.latex) == [
        [escaped(cell) for cell in cells] for cells in (list(rows[0]), *(list(row.values()) for row in rows))
    ]
    assert rf"\caption{{{escaped(text)}}}" in drawing.latex


def test_the_plotted_values_hold_every_run_in_the_order_of_the_table(drawing):
    plotted = drawing.table
    values = [*ALONE, *FIXMATCH, *FREEMATCH, *WITH_MI, *WITH_MIR, *FREEMATCH, *ALONE]
    assert plotted["test/accuracy"].tolist() == values
    np.testing.assert_allclose(plotted["test error"], 1 - np.array(values), atol=1e-6)
    assert plotted["seed"].tolist() == list(range(5)) * 7


def test_the_picture_has_a_panel_a_label_count_with_strokes_means_and_the_line_of_freematch(drawing):
    few, more = drawing.figure.axes
    assert [axis.get_title() for axis in (few, more)] == ["4 labels a class", "10 labels a class"]
    assert [label.get_text() for label in reversed(few.get_yticklabels())] == TITLES
    top = len(TITLES) - 1
    strokes = {line.get_ydata()[0]: line.get_xdata() for line in few.lines if len(line.get_xdata()) == 5}
    np.testing.assert_allclose(strokes[top], 100 * (1 - np.array(ALONE)))
    means = [bars.lines[0].get_xdata(orig=False).item() for bars in few.containers]
    expected = [100 * (1 - np.mean(each)) for each in (WITH_MIR, WITH_MI, FREEMATCH, FIXMATCH, ALONE)]
    assert means == pytest.approx(expected)
    for axis, accuracies in ((few, FREEMATCH), (more, ALONE)):
        (base,) = [line for line in axis.lines if line.get_linestyle() == "--"]
        assert base.get_xdata()[0] == pytest.approx(100 * (1 - np.mean(accuracies)))


def test_differences_are_of_the_seeds_that_both_have(tmp_path):
    add(tmp_path, "freematch", PLAIN, 4, [0.5, 0.6, 0.9], seeds=[3, 1, 7])
    add(tmp_path, "fixmatch", PLAIN, 4, [0.62, 0.1, 0.51], seeds=[1, 8, 3])
    add(tmp_path, "supervised", PLAIN, 4, [0.7], seeds=[2])
    alone, fixmatch, _, *_ = rows_of_markdown(draw(tmp_path)[0].markdown)[0]
    assert fixmatch["difference, points"] == difference([0.49, 0.38], [0.5, 0.4])
    assert (alone["error, %"], alone["difference, points"], alone["p"]) == ("30.00", "–", "–")


def test_without_freematch_of_as_many_labels_there_is_nothing_to_differ_from(tmp_path):
    add(tmp_path, "supervised", PLAIN, 4, ALONE)
    add(tmp_path, "freematch", ("mir", 0.1), 4, WITH_MIR)
    rows, _ = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert [(row["method"], row["difference, points"], row["p"]) for row in rows[:2]] == [
        ("labels alone", "–", "–"),
        ("FreeMatch + MIR, 0.1", "–", "–"),
    ]


def test_one_config_alone_is_no_comparison(tmp_path):
    add(tmp_path, "freematch", PLAIN, 4, FREEMATCH)
    assert draw(tmp_path) == []


def test_configs_that_differ_in_more_are_in_tables_of_their_own(tmp_path):
    study = {each: values for each, values in STUDY.items() if each[2] == 10}
    for steps in (100, 200):
        add_study(tmp_path, study, steps=steps)
    add(tmp_path, "supervised", PLAIN, 10, ALONE, steps=300)  # plain FreeMatch has nothing to be compared with
    found = draw(tmp_path)
    assert [drawing.name for drawing in found] == [f"semi-supervised-mine-steps-{steps}" for steps in (100, 200)]
    for drawing in found:
        rows, _ = rows_of_markdown(drawing.markdown)
        assert [row["method"] for row in rows[:-3]] == ["FixMatch", "FreeMatch"]


def test_a_study_without_accuracies_is_left_out_with_a_line(tmp_path, capsys):
    add_study(tmp_path, {each: [0.5] for each in STUDY}, columns=PSEUDO)
    assert draw(tmp_path) == []
    line = "grok: figure semi-supervised not drawn for mine: its records have no test/accuracy (probes.accuracy)\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("other", [{"status": "interrupted"}, {"experiment": "supervised"}])
def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path, other):
    add_study(tmp_path, {each: values[:1] for each, values in STUDY.items()})
    for run in Store(tmp_path / "runs").runs():
        run.update(**other)
    assert draw(tmp_path) == []


def test_the_title_is_within_the_picture_of_one_label_count_too(tmp_path):
    add_study(tmp_path, {each: accuracies for each, accuracies in STUDY.items() if each[2] == 4})
    (drawing,) = draw(tmp_path)
    figure = drawing.figure
    assert len(figure.axes) == 1
    title = figure._suptitle.get_window_extent()
    assert 0 <= title.x0 < title.x1 <= figure.bbox.width
