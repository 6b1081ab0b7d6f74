"""At its end a command reports the state of the run and the command that continues."""

from contextlib import nullcontext

from grok.cli import main
from grok.experiments import driving
from grok.tracking import Store
from tests.cli.helpers import error_line, train
from tests.helpers import before_step


def test_an_unfinished_run_is_to_be_resumed_and_can_be(runs, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(driving, "interruptible", lambda: nullcontext(before_step(2)))
        assert train(runs) == 130
    (run,) = Store(runs).runs()
    resume = f"grok resume {run.path}"
    assert capsys.readouterr().out == f"\nInterrupted at step 2; everything is saved. To continue:\n    {resume}\n"
    assert train(runs) == 1
    assert error_line(capsys) == (
        f"grok: run {run.name} was interrupted at step 2: continue it with `{resume}`, or train another beside it "
        "with --again"
    )
    assert main([*resume.split()[1:], "--wandb", "disabled"]) == 0
    assert train(runs) == 0


def test_a_diverged_run_is_one_line_and_listed_as_failed(runs, capsys):
    assert train(runs, "--config.optimiser.learning-rate", "1e30") == 1
    line = error_line(capsys)
    assert line.startswith("grok: the training loss is ")
    assert line.endswith(" at step 1: lower optimiser.learning_rate (now 1e+30)")
    assert main(["list", "--runs", str(runs)]) == 0
    assert " failed " in capsys.readouterr().out


def test_many_runs_are_to_be_drawn_where_one_of_them_finished(runs, capsys):
    assert train(runs, "--seeds", "0-1", "--config.optimiser.learning-rate", "1e30") == 1
    assert "draw" not in capsys.readouterr().out
    assert train(runs, "--seeds", "0-1") == 0
    assert capsys.readouterr().out.endswith(f"Next, draw them:\n    grok figures --runs {runs}\n")
