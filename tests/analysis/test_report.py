"""The events of a run are described in words."""

from grok.analysis.report import events_in_words

SUMMARY = {"events": {"train_accuracy_0.99": 140, "grokked": 2300, "turns": {}}, "last": {}}


def test_the_step_of_grokking_is_told_of_experiments_that_grok_alone():
    assert events_in_words(SUMMARY, groks=True)[:2] == [
        "train accuracy 99 %  step 140",
        "grokked              step 2,300",
    ]
    assert events_in_words(SUMMARY, groks=False)[:2] == ["train accuracy 99 %  step 140", ""]
