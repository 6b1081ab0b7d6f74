"""A norm-matched run is described and listed by the result of each training."""

import numpy as np

from grok.config import NormMatchedConfig, SampledInformationTermConfig
from grok.experiment import experiment
from grok.report import describe, list_table
from grok.tracking import Store
from grok.tracking.export import export_run
from tests.figures.helpers import add_run

PHASES = experiment("norm-matched").phase_columns
TWINS = NormMatchedConfig(information=SampledInformationTermConfig(term="mutual_information", weight=0.1), steps=1000)


def add_twins(root, first, second, **settings):
    """A record in which each training groks at its own step, or never, and ends at 99.5 or 62.5 % accuracy."""

    def accuracy(steps):
        groks = np.where(steps <= 1000, np.inf if first is None else first, np.inf if second is None else second)
        return np.where(steps % 1001 >= groks, 0.995, 0.625)

    columns = {"test/accuracy": accuracy, "norm_matched/twin": lambda steps: (steps > 1000).astype(float)}
    return add_run(Store(root), columns, config=TWINS, steps=2001, every=1, experiment="norm-matched", **settings)


def test_norm_matched_twins_are_described_each_by_when_it_grokked_and_how_accurate_it_became(tmp_path):
    run = add_twins(tmp_path, 400, 730)
    assert describe(run).split("\n\n", maxsplit=1)[1].splitlines() == [
        "training                                  grokked    test accuracy at the end",
        "with mutual_information, weight 0.1      step 400                       99.5%",
        "twin without it, of the same norm        step 730                       99.5%",
    ]
    never = describe(add_twins(tmp_path, 400, None, seed=1)).splitlines()
    assert [line.split()[-2:] for line in never[-2:]] == [["400", "99.5%"], ["never", "62.5%"]]
    never = describe(add_twins(tmp_path, None, 20, seed=2)).splitlines()
    assert [line.split()[-2:] for line in never[-2:]] == [["never", "62.5%"], ["20", "99.5%"]]


def test_a_copy_of_twins_says_the_same_as_far_as_it_has_the_columns(tmp_path):
    run = add_twins(tmp_path, 400, None)
    copy, _ = export_run(run, tmp_path / "small", rows=1, phase_columns=PHASES)
    assert describe(copy).splitlines()[-3:] == describe(run).splitlines()[-3:]
    for place, (columns, accuracies) in enumerate({"test/*": ["99.5%", "62.5%"], "norm*": ["-", "-"]}.items()):
        copy, _ = export_run(
            run,
            tmp_path / str(place),
            rows=1,
            phase_columns=PHASES,
            columns=[columns],
        )
        said = [line.split() for line in describe(copy).splitlines()[-2:]]
        assert [(words[-2], words[-1]) for words in said] == list(zip(("400", "never"), accuracies, strict=True))


def test_twins_are_listed_with_what_the_training_with_the_term_came_to(tmp_path):
    manifests = [
        add_twins(tmp_path, *steps, seed=seed).manifest() for seed, steps in enumerate([(400, None), (None, 30)])
    ]
    header, *lines = list_table(manifests).splitlines()
    assert header.endswith("  grokked at")
    assert [line.split()[-2:] for line in lines] == [["99.5%", "400"], ["62.5%", "-"]]
