"""Each run that grokked has a dot of measurement against closed form, and the title gives the largest deviation."""

from grok.config import GrokkingConfig, TaskConfig
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings, rises_at


def columns(*, closed, measured, grokked_at=1000):
    found = {"test/accuracy": rises_at(grokked_at)}
    for ratio in ("mir", "hdr"):
        found |= {f"theory/{pairing}/{ratio}": constant(closed) for pairing in ("prototype", "embedding")}
        found |= {f"interplay/{place}/{ratio}": constant(measured) for place in ("prototype/test", "embedding")}
    return found


def test_only_runs_that_grokked_are_drawn_and_the_largest_deviation_is_in_the_title(tmp_path):
    store = Store(tmp_path / "runs")
    add_run(store, columns(closed=0.37, measured=0.36), seed=0)
    add_run(store, columns(closed=0.40, measured=0.45), seed=1)
    add_run(store, columns(closed=0.9, measured=0.1, grokked_at=5000), seed=2)
    divided = GrokkingConfig(task=TaskConfig(operation="divide", modulus=59))
    add_run(store, columns(closed=0.5, measured=0.51), config=divided)
    (drawing,) = drawings("fourier-circuit", store.root)
    assert drawing.table["run"].nunique() == 3
    assert len(drawing.table) == 3 * 4
    assert drawing.stamp == "3 runs of 2 configs in runs; ids in the CSV"
    assert drawing.figure.axes[0].get_title() == "prototype, MIR: largest deviation 0.050"
    assert drawing.figure.get_suptitle() == "3 grokked runs, at their last step, n = 59, 113 classes"


def test_a_training_that_may_go_on_for_longer_in_another_run_is_one_dot_the_longest(tmp_path):
    store = Store(tmp_path / "runs")
    for steps, measured in ((8000, 0.38), (2000, 0.36)):
        config = GrokkingConfig(steps=steps)
        add_run(store, columns(closed=0.37, measured=measured), config=config, steps=steps)
    assert set(drawings("fourier-circuit", store.root)[0].table["measured"]) == {0.38}


def test_a_run_without_frequencies_is_left_out(tmp_path):
    add_run(
        Store(tmp_path / "runs"),
        {
            "test/accuracy": rises_at(100),
            "interplay/embedding/mir": constant(0.5),
            "interplay/embedding/hdr": constant(0.1),
        },
    )
    assert drawings("fourier-circuit", tmp_path / "runs") == []


def test_a_pairing_that_no_run_measured_has_no_row(tmp_path):
    of_embedding = {name: column for name, column in columns(closed=0.4, measured=0.5).items() if "proto" not in name}
    add_run(Store(tmp_path / "runs"), of_embedding)
    titles = [axis.get_title() for axis in drawings("fourier-circuit", tmp_path / "runs")[0].figure.axes]
    assert titles == [f"embedding, {ratio}: largest deviation 0.100" for ratio in ("MIR", "HDR")]
