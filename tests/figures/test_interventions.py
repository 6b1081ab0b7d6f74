"""Each training is compared with the plain training, or with its twin, of the same seed."""

import math

import numpy as np
import pytest
from scipy import stats

from grok.config import GrokkingConfig, NormMatchedConfig, OptimiserConfig, SampledInformationTermConfig
from grok.figures.tables import escaped
from grok.tracking import Store
from grok.tracking.export import export_run
from tests.figures.helpers import add_run, constant, drawings
from tests.figures.tables import rows_of_latex, rows_of_markdown

BUDGET = 1000
MI = {"term": "mutual_information", "weight": 0.1, "samples": 64}
PLAIN = [400, 500, 600, 300, None, 700]
EARLIER = [200, 250, 300, 150, 900, 350]
NEVER = [None] * 6
MIXED = [500, 400, None, 300, None, 350]
STUDY = {"hdr": NEVER, "mi": EARLIER, "decay": MIXED, "plain": PLAIN}
SETTINGS = {
    "plain": {},
    "mi": {"term": MI},
    "hdr": {"term": MI | {"term": "hdr", "weight": -1.0}},
    "decay": {"weight_decay": 3.0},
}


def groks(first, second=None, *, norm):
    """Return columns of a training that groks at a step, and of its twin, which begins one step after its end."""

    def accuracy(steps):
        groks_at = np.where(steps <= BUDGET, *(math.inf if at is None else at for at in (first, second)))
        return (steps % (BUDGET + 1) >= groks_at).astype(float)

    return {"test/accuracy": accuracy, "weight_norm": constant(norm)}


def add(tmp_path, steps, *, term=None, seeds=None, norm=20.0, columns=None, budget=BUDGET, **optimiser):
    information = SampledInformationTermConfig(**term) if term else SampledInformationTermConfig()
    config = GrokkingConfig(information=information, optimiser=OptimiserConfig(**optimiser), steps=budget, settle=None)
    return [
        add_run(
            Store(tmp_path / "runs"),
            groks(at, norm=norm + seed) if columns is None else columns,
            seed=seed,
            config=config,
            steps=BUDGET - 10,
            sweeps=["mine"],
        )
        for seed, at in zip(seeds or range(len(steps)), steps, strict=True)
    ]


def add_study(tmp_path, **more):
    return [run for name, steps in STUDY.items() for run in add(tmp_path, steps, **SETTINGS[name], **more)]


def add_twins(tmp_path, steps, *, term=MI, norm=10.0, seeds=None, **optimiser):
    config = NormMatchedConfig(
        information=SampledInformationTermConfig(**term), optimiser=OptimiserConfig(**optimiser), steps=BUDGET
    )
    which = {"norm_matched/twin": lambda steps: (steps > BUDGET).astype(float)}
    return [
        add_run(
            Store(tmp_path / "runs"),
            groks(*pair, norm=norm) | which,
            seed=seed,
            config=config,
            steps=2 * BUDGET + 1,
            every=1,
            experiment="norm-matched",
            sweeps=["twins"],
        )
        for seed, pair in zip(seeds or range(len(steps)), steps, strict=True)
    ]


def draw(tmp_path, runs="runs"):
    return drawings("interventions", tmp_path / runs)


def titles_of(tmp_path):
    return [row["training"] for row in rows_of_markdown(draw(tmp_path)[0].markdown)[0]]


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    """Return the drawing of a whole study."""
    root = tmp_path_factory.mktemp("study")
    add_study(root)
    (drawing,) = draw(root)
    assert drawing.name == "interventions-mine"
    return drawing


def test_each_training_is_compared_with_the_plain_one_by_seed(drawing):
    rows, text = rows_of_markdown(drawing.markdown)
    assert [list(row.values())[:7] for row in rows] == [
        ["plain", "5 of 6", "0", "550 (300 to never)", "–", "–", "–"],
        ["weight decay 3", "4 of 6", "0", "450 (300 to never)", "2, 2", "0.90", "1.000"],
        ["MI, 0.1", "6 of 6", "0", "275 (150 to 900)", "6, 0", "0.50", "0.094"],
        ["HDR, −1", "0 of 6", "0", "never", "0, 5", "–", "0.125"],
    ]
    assert [row["weight norm at the end"] for row in rows] == ["22.5"] * 4
    assert list(rows[0]) == [
        *("training", "grokked", "lost again", "at step", "earlier, later", "step / compared", "p"),
        *("accuracy at the end, %", "difference, points", "p of the difference", "weight norm at the end"),
    ]
    assert text.startswith("add-p113, 6 seeds, at most 1,000 steps. Grokked: ")
    assert "Each p is adjusted for all of its column (Holm)" in text


def test_the_p_values_are_of_the_binomial_test_adjusted_for_three_comparisons(drawing):
    raw = [stats.binomtest(earlier, n).pvalue for earlier, n in ((6, 6), (0, 5), (2, 4))]
    adjusted = [3 * raw[0], max(3 * raw[0], 2 * raw[1]), 1.0]
    by_title = {row["training"]: row["p"] for row in rows_of_markdown(drawing.markdown)[0]}
    assert [by_title[title] for title in ("MI, 0.1", "HDR, −1", "weight decay 3")] == [f"{p:.3f}" for p in adjusted]


def test_the_accuracy_at_the_end_is_compared_by_seed(drawing):
    plain, decay, mi, hdr = rows_of_markdown(drawing.markdown)[0]
    names = "accuracy at the end, %", "difference, points", "p of the difference"
    assert [plain[name] for name in names] == ["83.3 ± 42.8", "–", "–"]
    assert [mi[name] for name in names] == ["100.0 ± 0.0", "+16.7 ± 42.8", "1.000"]
    assert [hdr[name] for name in names] == ["0.0 ± 0.0", "−83.3 ± 42.8", f"{3 * 2 / 2**5:.3f}"]
    assert decay["difference, points"].startswith("−16.7 ± ")


def test_the_latex_table_has_the_same_cells_as_the_markdown(drawing):
    rows, text = rows_of_markdown(drawing.markdown)
    assert rows_of_latex(drawing.latex) == [
        [escaped(cell) for cell in cells] for cells in (list(rows[0]), *(list(row.values()) for row in rows))
    ]
    assert rf"\caption{{{escaped(text)}}}" in drawing.latex


def test_the_plotted_values_hold_every_training_and_seed_without_a_step_where_it_never_grokked(drawing):
    plotted = drawing.table
    steps = [step for each in (PLAIN, MIXED, EARLIER, NEVER) for step in each]
    assert plotted["grokked"].tolist() == pytest.approx(
        [math.nan if step is None else step for step in steps], nan_ok=True
    )
    assert plotted["training"].drop_duplicates().tolist() == ["plain", "weight decay 3", "MI, 0.1", "HDR, −1"]
    assert plotted["compared with"].isna().sum() == 6
    assert plotted["test accuracy"].tolist() == [float(step is not None) for step in steps]
    assert plotted["weight norm"].tolist() == [20, 21, 22, 23, 24, 25] * 4


def by_marker(axis):
    """Return the row of each line and the positions of its marks, by marker."""
    return {
        marker: {
            tuple(line.get_ydata())[:1]: list(line.get_xdata()) for line in axis.lines if line.get_marker() == marker
        }
        for marker in ("|", "o", "x")
    }


def test_the_picture_has_a_row_a_training_with_strokes_medians_and_how_many_never_grokked(drawing):
    axis, accuracy = drawing.figure.axes
    titles = [label.get_text() for label in axis.get_yticklabels()]
    assert titles == ["HDR, −1", "MI, 0.1", "weight decay 3", "plain"]
    places = by_marker(axis)
    assert places["|"][(1,)] == EARLIER
    assert places["o"] == {(1,): [275], (2,): [450], (3,): [550]}
    assert list(places["x"]) == [(0,), (2,), (3,)]
    assert [text.get_text() for text in axis.texts] == ["6", "2", "1"]
    (plain,) = [line for line in axis.lines if line.get_linestyle() == "--"]
    assert set(plain.get_xdata()) == {550}
    at_the_end = by_marker(accuracy)
    assert at_the_end["|"] == {(0,): [0] * 6, (1,): [1] * 6, (2,): [1, 1, 0, 1, 0, 1], (3,): [1, 1, 1, 1, 0, 1]}
    assert at_the_end["o"] == {(0,): [0], (1,): [1], (2,): [1], (3,): [1]}
    assert drawing.figure.get_suptitle() == "add-p113, 6 seeds: a stroke a seed, and their median; dashed: plain"


def test_trainings_of_other_seeds_are_compared_where_they_have_the_same(tmp_path):
    add(tmp_path, [400, 500, 600], seeds=[5, 1, 2])
    add(tmp_path, [100, 200, 800], seeds=[2, 7, 5], term=MI)
    add(tmp_path, [100], seeds=[9], term=MI | {"weight": 1.0})
    _, row, alone = rows_of_markdown(draw(tmp_path)[0].markdown)[0]
    assert (row["earlier, later"], row["grokked"]) == ("1, 1", "3 of 3")
    assert row["step / compared"] == f"{(100 / 600 + 800 / 400) / 2:.2f}"
    assert [alone[name] for name in ("grokked", "at step", "earlier, later", "p")] == ["1 of 1", "100", "0, 0", "–"]


def test_a_training_is_named_by_all_in_which_it_differs(tmp_path):
    add(tmp_path, [400], fixed_norm=True)
    add(tmp_path, [300], fixed_norm=True, term=MI)
    add(tmp_path, [300], fixed_norm=True, term=MI | {"samples": 128})
    add(tmp_path, [300], fixed_norm=True, term=MI, weight_decay=0.5)
    add(tmp_path, [300], grokfast=2.0)
    add(tmp_path, [300], fixed_norm=False)
    assert titles_of(tmp_path) == [
        "plain",
        "Grokfast 2, free norm",
        "free norm",
        "MI, 0.1, n = 64",
        "MI, 0.1, n = 128",
        "MI, 0.1, n = 64, weight decay 0.5",
    ]


def test_the_plain_training_is_the_one_that_most_terms_leave_otherwise_as_it_is(tmp_path):
    for decay in (0.5, 1.0):
        add(tmp_path, [400], weight_decay=decay)
    for decay, weight in ((0.5, 0.1), (1.0, 0.1), (1.0, 1.0)):
        add(tmp_path, [300], weight_decay=decay, term=MI | {"weight": weight})
    assert titles_of(tmp_path)[:2] == ["plain", "weight decay 0.5"]
    assert titles_of(tmp_path)[2:] == ["MI, 0.1, weight decay 0.5", "MI, 0.1", "MI, 1"]


@pytest.mark.parametrize(
    "names", [["plain", "decay"], ["mi", "hdr"], ["decay", "mi"]], ids=["no term", "no plain one", "another rule alone"]
)
def test_without_a_term_and_the_same_training_without_it_nothing_is_drawn(tmp_path, names):
    for name in names:
        add(tmp_path, STUDY[name], **SETTINGS[name])
    assert draw(tmp_path) == []


def test_trainings_of_other_lengths_or_rates_are_not_compared(tmp_path):
    add(tmp_path, PLAIN)
    add(tmp_path, EARLIER, term=MI, budget=2 * BUDGET)
    assert draw(tmp_path) == []
    for name in ("plain", "mi"):
        add(tmp_path, STUDY[name], **SETTINGS[name], learning_rate=0.5)
    assert [drawing.name for drawing in draw(tmp_path)] == ["interventions-mine-learning_rate-0.5-steps-1000"]


def test_a_norm_that_was_not_measured_is_a_dash(tmp_path):
    for name in ("plain", "mi"):
        for seed, step in enumerate(STUDY[name]):
            columns = {"test/accuracy": groks(step, norm=0)["test/accuracy"]}
            add(tmp_path, [step], seeds=[seed], columns=columns, **SETTINGS[name])
    rows, _ = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert [row["weight norm at the end"] for row in rows] == ["–", "–"]


@pytest.mark.parametrize("columns", [{}, {"weight_norm": constant(1.0)}], ids=["no record", "no accuracy"])
def test_a_study_without_accuracies_is_left_out_with_a_line_and_not_said_never_to_grok(tmp_path, capsys, columns):
    add_study(tmp_path, columns=columns)
    assert draw(tmp_path) == []
    line = "grok: figure interventions not drawn for mine: its records have no test/accuracy (probes.accuracy)\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("without", ["plain", "hdr"])
def test_a_training_without_accuracies_is_left_out_and_so_are_those_that_it_is_compared_with(tmp_path, capsys, without):
    for name in ("plain", "mi", "hdr"):
        columns = {"weight_norm": constant(1.0)} if name == without else None
        add(tmp_path, STUDY[name], **SETTINGS[name], columns=columns)
    if without == "plain":
        assert draw(tmp_path) == []
        assert "figure interventions not drawn for mine" in capsys.readouterr().err
    else:
        assert titles_of(tmp_path) == ["plain", "MI, 0.1"]


def test_the_caption_says_when_runs_end_early(tmp_path):
    for term in (None, MI):
        information = SampledInformationTermConfig(**term) if term else SampledInformationTermConfig()
        config = GrokkingConfig(information=information, steps=BUDGET, settle=500)
        add_run(Store(tmp_path / "runs"), groks(400, norm=1), config=config, steps=900, sweeps=["mine"])
    _, text = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert text.startswith("add-p113, 1 seed, at most 1,000 steps; one that groks ends 500 steps later. Grokked: ")


def test_trainings_with_a_term_are_compared_with_their_twins_by_seed(tmp_path):
    add_twins(tmp_path, [(None, None)] * 2, term=MI | {"term": "hdr"}, norm=12.0)
    add_twins(tmp_path, [(200, 400), (300, None), (900, 600), (100, 200), (100, 400), (100, 500)])
    rows, _ = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert [list(row.values())[:7] for row in rows] == [
        ["MI, 0.1", "6 of 6", "0", "150 (100 to 900)", "5, 1", "0.50", "0.219"],
        ["MI, 0.1: twin", "5 of 6", "0", "450 (200 to never)", "–", "–", "–"],
        ["HDR, 0.1", "0 of 2", "0", "never", "0, 0", "–", "–"],
        ["HDR, 0.1: twin", "0 of 2", "0", "never", "–", "–", "–"],
    ]
    assert [list(row.values())[7:] for row in rows] == [
        ["100.0 ± 0.0", "+16.7 ± 42.8", "1.000", "10.0"],
        ["83.3 ± 42.8", "–", "–", "10.0"],
        ["0.0 ± 0.0", "+0.0 ± 0.0", "1.000", "12.0"],
        ["0.0 ± 0.0", "–", "–", "12.0"],
    ]


def test_twins_under_other_rules_are_told_apart(tmp_path):
    for decay in (0.5, 1.0):
        add_twins(tmp_path, [(200, 300)], weight_decay=decay)
    assert titles_of(tmp_path) == [
        f"MI, 0.1, weight decay {decay}{which}" for decay in ("0.5", "1") for which in ("", ": twin")
    ]


def test_copies_of_few_rows_and_columns_give_the_same_tables_since_events_are_in_run_json(tmp_path):
    runs = [*add_study(tmp_path), *add_twins(tmp_path, [(200, 400), (300, None)])]
    for run in runs:
        export_run(run, tmp_path / "small", rows=1, columns=["test/accuracy", "weight_norm"])
    whole, copies = draw(tmp_path), draw(tmp_path, "small")
    assert len(whole) == 2
    for one, other in zip(whole, copies, strict=True):
        assert (one.name, one.stamp, one.markdown, one.latex) == (other.name, other.stamp, other.markdown, other.latex)
        assert one.table.equals(other.table)


@pytest.mark.parametrize("other", [{"status": "interrupted"}, {"experiment": "supervised"}])
def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path, other):
    for run in (*add(tmp_path, [300]), *add(tmp_path, [200], term=MI), *add_twins(tmp_path, [(200, 400)])):
        run.update(**other)
    assert draw(tmp_path) == []


def test_accuracy_by_whether_the_swapped_pair_trained_is_in_the_table_where_it_was_measured(tmp_path):
    swapped = {"swapped/seen_accuracy": constant(1.0), "swapped/unseen_accuracy": constant(0.25)}
    add(tmp_path, [400, 500], columns={"test/accuracy": constant(0.5)} | swapped)
    add(tmp_path, [300, 400], term=MI)
    rows, text = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert text.endswith("(b, a) trained: accuracy on the test pairs (a, b) of which (b, a) is a training pair.")
    kinds = "(b, a) trained, %", "the others, %"
    assert [[row[kind] for kind in kinds] for row in rows] == [["100.0 ± 0.0", "25.0 ± 0.0"], ["–", "–"]]


def test_those_that_lose_it_again_are_counted(tmp_path):
    lost = {"test/accuracy": lambda steps: np.where(steps < 300, 0.0, np.where(steps < 800, 1.0, 0.5))}
    add(tmp_path, [400, 500])
    add(tmp_path, [300, 400], term=MI, columns=lost)
    rows, _ = rows_of_markdown(draw(tmp_path)[0].markdown)
    assert [(row["grokked"], row["lost again"]) for row in rows] == [("2 of 2", "0"), ("2 of 2", "2")]
