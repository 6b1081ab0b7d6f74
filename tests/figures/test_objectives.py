"""Table 2 and its picture compare each information loss and weight with plain training of the same seeds."""

import numpy as np
import pytest

from grok.config import ClassifierProbesConfig, OptimiserConfig, SupervisedConfig
from grok.config.update import InformationTermConfig
from grok.figures import objectives
from grok.figures.tables import escaped
from grok.tracking import Store
from grok.tracking.export import export_run
from tests.figures.helpers import add_run, constant, drawings, legend_of
from tests.figures.tables import difference, plus_minus, rows_of_latex, rows_of_markdown, sign_flip_p

MIR, HDR, NC1 = "interplay/sample/test/mir", "interplay/sample/test/hdr", "collapse/test/nc1"
PLAIN = [0.90, 0.92, 0.91, 0.93]
LOW, HIGH, HARMFUL = [0.91, 0.93, 0.93, 0.94], [0.95, 0.96, 0.94, 0.97], [0.80, 0.82, 0.79, 0.84]
STUDY = {
    ("mutual_information", 1.0): HIGH,
    ("hdr", 0.1): HARMFUL,
    ("none", 0.0): PLAIN,
    ("mutual_information", 0.1): LOW,
}


def add(tmp_path, term, weight, accuracies, *, columns=None, sweep="mine", seeds=None, **settings):
    config = SupervisedConfig(
        information=InformationTermConfig(term=term, weight=weight),
        probes=ClassifierProbesConfig(sample_size=64),
        **settings,
    )
    fixed = {HDR: constant(0.25), NC1: constant(2.0)}
    measured = {MIR: constant(0.5 + weight / 8)} | fixed if columns is None else columns
    return [
        add_run(
            Store(tmp_path / "runs"),
            measured if accuracy is None else {"test/accuracy": constant(accuracy)} | measured,
            seed=seed,
            config=config,
            experiment="supervised",
            sweeps=[sweep],
            every=100,
        )
        for seed, accuracy in zip(seeds or range(len(accuracies)), accuracies, strict=True)
    ]


def add_study(tmp_path, study=None, **settings):
    return [run for each, values in (study or STUDY).items() for run in add(tmp_path, *each, values, **settings)]


def draw(tmp_path, runs="runs"):
    return drawings("objectives", tmp_path / runs)


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    """Return the drawing of a whole study."""
    root = tmp_path_factory.mktemp("study")
    add_study(root)
    (drawing,) = draw(root)
    assert drawing.name == "objectives-mine"
    return drawing


def test_the_table_has_means_differences_by_seed_and_adjusted_p_values(drawing):
    rows, text = rows_of_markdown(drawing.markdown)
    ours, published = rows[:4], rows[4:]
    assert [row["term, weight"] for row in ours] == ["none", "MI, 0.1", "MI, 1", "HDR, 0.1"]
    assert [row["accuracy, %"] for row in ours] == [plus_minus(each) for each in (PLAIN, LOW, HIGH, HARMFUL)]
    others = (LOW, HIGH, HARMFUL)
    assert [row["difference, points"] for row in ours] == ["–", *(difference(each, PLAIN) for each in others)]
    assert [sign_flip_p(each, PLAIN) for each in others] == [0.125] * 3
    assert [row["p"] for row in ours] == ["–", "0.375", "0.375", "0.375"]
    assert [row["MIR, `sample`"] for row in ours] == [f"{0.5 + w / 8:.3f} ± 0.000" for w in (0, 0.1, 1, 0.1)]
    assert {(row["seeds"], row["NC1"], row["HDR, `sample`"], row["NC3"]) for row in ours} == {
        ("4", "2.000 ± 0.000", "0.250 ± 0.000", "–")
    }
    named = [{name: cell for name, cell in row.items() if cell != "–"} for row in published]
    assert named == [
        {
            "term, weight": "published: CIFAR-10, either term, best",
            "accuracy, %": "95.57",
            "difference, points": "+0.22",
        },
        {
            "term, weight": "published: CIFAR-100, either term, best",
            "accuracy, %": "80.96",
            "difference, points": "+0.19",
        },
    ]
    assert text.startswith(
        "mnist1d-conv1d-64, test split at the end, 4 seeds, batch size 64, n = 64 in `sample`: means"
    )
    assert "p is of the exact sign-flip test, adjusted for all of the table (Holm)" in text


def test_the_published_gains_are_those_of_the_paper():
    best, without = {"CIFAR-10,": 95.57, "CIFAR-100,": 80.96}, {"CIFAR-10,": 95.35, "CIFAR-100,": 80.77}
    for row in objectives.PUBLISHED:
        name = row["term, weight"].split()[1]
        assert float(row["accuracy, %"]) == best[name]
        assert float(row["difference, points"]) == pytest.approx(best[name] - without[name])


def test_the_latex_table_has_the_same_cells_as_the_markdown(drawing):
    rows, text = rows_of_markdown(drawing.markdown)
    assert rows_of_latex(drawing.latex) == [
        [escaped(cell) for cell in cells] for cells in (list(rows[0]), *(list(row.values()) for row in rows))
    ]
    assert rf"\caption{{{escaped(text)}}}" in drawing.latex


def test_differences_are_of_the_seeds_that_both_have(tmp_path):
    add(tmp_path, "none", 0.0, [0.5, 0.6, 0.9], seeds=[3, 1, 7])
    add(tmp_path, "mir", 0.1, [0.62, 0.1, 0.51], seeds=[1, 8, 3])
    add(tmp_path, "hdr", 0.1, [0.7], seeds=[7])
    add(tmp_path, "entropy_difference", 0.1, [0.7], seeds=[2])
    rows, _ = rows_of_markdown(draw(tmp_path)[0].markdown)
    by_term = {row["term, weight"]: row for row in rows}
    assert by_term["MIR, 0.1"]["difference, points"] == difference([0.51, 0.62], [0.5, 0.6])
    assert (by_term["MIR, 0.1"]["seeds"], by_term["MIR, 0.1"]["p"]) == ("3", "1.000")  # p is 0.5, times 2 comparisons
    assert (by_term["HDR, 0.1"]["difference, points"], by_term["HDR, 0.1"]["p"]) == ("−20.00", "1.000")
    assert (by_term["ΔH, 0.1"]["difference, points"], by_term["ΔH, 0.1"]["p"]) == ("–", "–")
    assert by_term["ΔH, 0.1"]["accuracy, %"] == "70.00"


def test_the_plotted_values_hold_every_run_in_the_order_of_the_table(drawing):
    plotted = drawing.table
    assert plotted["test/accuracy"].tolist() == [*PLAIN, *LOW, *HIGH, *HARMFUL]
    assert plotted["seed"].tolist() == list(range(4)) * 4
    assert plotted["information.term"].tolist() == np.repeat(["none", *["mutual_information"] * 2, "hdr"], 4).tolist()


def test_the_picture_has_a_line_a_term_over_the_weights_with_the_intervals_of_the_table(tmp_path):
    add_study(tmp_path)
    add(tmp_path, "hdr", -0.1, HIGH)  # a logarithmic axis cannot show them
    (drawing,) = draw(tmp_path)
    figure = drawing.figure
    assert [axis.get_title() for axis in figure.axes] == [
        "accuracy above training without",
        "MIR, sample",
        "HDR, sample",
        "NC1",
    ]
    differences, mir, *_ = figure.axes
    lines = {bars.get_label(): bars.lines for bars in differences.containers}
    assert list(lines) == ["MI", "HDR"]
    (line, _, (strokes,)) = lines["MI"]
    np.testing.assert_allclose(line.get_xdata(orig=False), [0.1 * 1.08**-1.5, 1.08**-1.5])  # moved aside
    np.testing.assert_allclose(line.get_ydata(orig=False), [0.0125, 0.04])
    for stroke, values in zip(strokes.get_segments(), (LOW, HIGH), strict=True):
        half = np.diff(stroke[:, 1])[0] / 2
        assert difference(values, PLAIN).endswith(f"± {100 * half:.2f}")
    np.testing.assert_allclose(mir.containers[0].lines[0].get_ydata(orig=False), [0.5125, 0.625])
    for axis, value in ((differences, 0.0), (mir, 0.5)):
        (plain,) = [line for line in axis.lines if line.get_linestyle() == "--"]
        assert set(plain.get_ydata()) == {value}
    assert legend_of(figure) == ["without a term", "MI", "HDR"]
    assert figure.get_suptitle() == "mnist1d-conv1d-64, test split at the end, 4 seeds: means and 95 % intervals"


def test_weights_below_0_alone_are_in_the_table_all_the_same(tmp_path):
    add(tmp_path, "none", 0.0, PLAIN)
    add(tmp_path, "mir", -1.0, LOW)
    rows, _ = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert (rows[1]["term, weight"], rows[1]["difference, points"]) == ("MIR, −1", difference(LOW, PLAIN))


@pytest.mark.parametrize(
    "study",
    [
        {each: values for each, values in STUDY.items() if each[0] != "none"},
        {("none", 0.0): PLAIN},
        {("mir", 0.1): LOW},
    ],
    ids=["no plain config", "the plain config alone", "one term alone"],
)
def test_without_a_plain_config_and_another_beside_it_nothing_is_drawn(tmp_path, study):
    add_study(tmp_path, study)
    assert draw(tmp_path) == []


def test_each_value_of_another_setting_has_a_table_of_its_own(tmp_path):
    for smoothing, shift in ((0.0, 0.0), (0.1, 0.02)):
        study = {each: np.add(STUDY[each], shift).tolist() for each in (("none", 0.0), ("hdr", 0.1))}
        add_study(tmp_path, study, label_smoothing=smoothing)
    found = draw(tmp_path)
    assert [drawing.name for drawing in found] == [f"objectives-mine-label_smoothing-{value}" for value in (0.0, 0.1)]
    for drawing, shift in zip(found, (0.0, 0.02), strict=True):
        rows, _ = rows_of_markdown(drawing.markdown)
        assert rows[0]["accuracy, %"] == plus_minus(np.add(PLAIN, shift))


def test_terms_trained_at_another_rate_than_the_plain_config_are_not_compared_with_it(tmp_path):
    add(tmp_path, "none", 0.0, PLAIN, optimiser=OptimiserConfig(rule="sgd", learning_rate=0.1))
    add(tmp_path, "mir", 0.1, LOW, optimiser=OptimiserConfig(rule="sgd", learning_rate=0.01))
    assert draw(tmp_path) == []


@pytest.mark.parametrize("columns", [{}, {"weight_norm": constant(1.0)}], ids=["no record", "no accuracy"])
def test_a_study_without_accuracies_is_left_out_with_a_line(tmp_path, capsys, columns):
    for each in STUDY:
        add(tmp_path, *each, [None], columns=columns)
    assert draw(tmp_path) == []
    line = "grok: figure objectives not drawn for mine: its records have no test/accuracy (probes.accuracy)\n"
    assert capsys.readouterr().err == line


def test_the_same_records_trained_in_another_order_and_thinned_give_the_same_tables(tmp_path, drawing):
    for run in add_study(tmp_path, dict(reversed(STUDY.items()))):
        export_run(run, tmp_path / "runs" / "small", rows=1)
    (again,) = draw(tmp_path, runs="runs/small")
    assert (again.markdown, again.latex) == (drawing.markdown, drawing.latex)


@pytest.mark.parametrize("other", [{"status": "interrupted"}, {"experiment": "pruning"}])
def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path, other):
    for run in add_study(tmp_path):
        run.update(**other)
    assert draw(tmp_path) == []
