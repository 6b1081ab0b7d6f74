"""The Python interface trains, opens runs, and gives their settings, records, networks and figures."""

import signal
import subprocess
import sys
import threading

import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

import grok
from grok.cli import main
from grok.config import ConfigError
from grok.experiments import driving
from grok.tracking import StoreError
from tests.experiments.helpers import interrupt_before
from tests.helpers import SMALL_FLAGS, small_config

SETTINGS = {"probes.accuracy": "every:1"}


def train(root, **how):
    return grok.train(**{"config": small_config(steps=40), "settings": SETTINGS, "runs": root, "threads": 1} | how)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs"))


def test_a_run_knows_its_settings_state_and_record(run):
    assert (run.status, run.seed, run.experiment.name) == ("finished", 0, "grokking")
    assert run.config == small_config(steps=40, accuracy="every:1")
    assert run.record.index.tolist() == list(range(41))
    assert run.record["test/accuracy"].notna().all()
    assert run.events.keys() >= {"train_accuracy_0.99", "grokked"}
    assert run.summary["last"]["test/accuracy"] == run.record["test/accuracy"][40]
    assert "finished at step 40" in str(run)
    assert len(run.task.train) + len(run.task.test) == 121


def test_the_network_of_a_step_has_the_accuracy_of_the_record(run):
    assert run.steps == [0, 1, 2, 3, 5, 7, 10, 15, 22, 32, 40]
    for step in (0, 10, 40):
        model = run.model(step)
        assert not model.training
        assert not any(parameter.requires_grad for parameter in model.parameters())
        for split in ("train", "test"):
            chosen = run.task.indices(split)
            right = model(run.task.inputs[chosen]).argmax(dim=1) == run.task.targets[chosen]
            assert right.double().mean().item() == run.record[f"{split}/accuracy"][step]
    assert torch.equal(run.model().head.weight, run.model(40).head.weight)
    with pytest.raises(StoreError, match="at step 12: the nearest are 7, 10, 15, 22"):
        run.model(12)


def test_the_figures_of_a_run_are_matplotlib_figures(run):
    figures = run.figures()
    assert any(name.startswith("figure7") for name in figures)
    assert all(isinstance(figure, Figure) for figure in figures.values())


def test_a_finished_run_is_returned_as_it_is_and_another_one_is_trained_if_asked(run):
    root = run.path.parent.parent
    assert train(root) == run == grok.open_run(run.name, runs=root) == grok.open_run(run.path)
    assert train(root, again=True) != run
    assert len(grok.open_runs(root)) == 2


def test_the_command_line_finds_the_run_of_the_interface_and_the_reverse(tmp_path, capsys):
    assert main(["train", "grokking", *SMALL_FLAGS, "--steps", "20", "--threads", "1", "--runs", str(tmp_path)]) == 0
    run = grok.train(config=small_config(steps=20), runs=tmp_path)
    assert [run] == grok.open_runs(tmp_path)
    assert run.steps[-1] == 20
    assert main(["list", "--sizes", "--runs", str(tmp_path)]) == 0
    header, row = capsys.readouterr().out.splitlines()[-2:]
    assert header.split()[-2:] == ["MiB", "networks"]
    assert 0 < float(row.split()[-1]) < float(row.split()[-2])


def test_an_interrupt_saves_and_the_same_call_continues(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 15)
        run = train(tmp_path)
    assert (run.status, run.manifest["step"]) == ("interrupted", 15)
    assert "Interrupted at step 15; everything is saved. The same call continues it.\n" in capsys.readouterr().err
    assert run.summary == run.events == {}
    assert len(run.record) == 15
    assert train(tmp_path) == run
    assert run.status == "finished"


def test_nothing_of_the_process_is_changed(tmp_path):
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    threads, precision, random = torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.get_rng_state()
    torch.set_float32_matmul_precision("high")
    try:
        train(tmp_path, threads=threads + 1)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(precision)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_it_trains_in_a_thread_that_is_not_the_main_one(tmp_path):
    runs = []
    thread = threading.Thread(target=lambda: runs.append(train(tmp_path)))
    thread.start()
    thread.join()
    assert [run.status for run in runs] == ["finished"]


def test_a_diverged_run_is_an_error_in_one_line(tmp_path, monkeypatch):
    def fail(*args, **how):
        raise driving.TrainingError("the training loss is nan at step 3: lower something")

    monkeypatch.setattr(driving.Engine, "run", fail)
    with pytest.raises(driving.TrainingError, match="at step 3: lower something"):
        train(tmp_path)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"name": "grocking"}, "experiment: expected one of .*, got 'grocking'; did you mean 'grokking'"),
        ({"config": None, "preset": "tiny"}, "preset: expected one of paper, laptop, small, s5, got 'tiny'"),
        ({"preset": "small"}, "preset: expected either a preset or a config, got both"),
        ({"settings": {"task.modulos": 7}}, r"task\.modulos: no such setting"),
        ({"weights": "often"}, "weights: expected every:K, log:N or off"),
        ({"threads": 0}, "threads: expected auto or a positive integer, got 0"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_made(tmp_path, how, message):
    with pytest.raises(ConfigError, match=message):
        train(tmp_path, **how)
    assert not list(tmp_path.iterdir())


def test_a_sweep_is_a_table_of_its_runs(tmp_path):
    file = tmp_path / "two.toml"
    file.write_text('experiment = "grokking"\npreset = "small"\nseeds = "0-1"\nbase.steps = 5\naxes.settle = [1, 2]\n')
    store = str(tmp_path / "runs")
    assert main(["sweep", str(file), "--runs", store, "--workers", "1", "--wandb", "disabled", "--device", "cpu"]) == 0
    sweep = grok.open_sweep("two", runs=store)
    table = sweep.table
    assert isinstance(table, pd.DataFrame)
    assert [*table["settle"]] == [1, 1, 2, 2]
    assert [*table["seed"]] == [0, 1, 0, 1]
    assert {"train_accuracy_0.99", "grokked", "test/accuracy"} <= set(table.columns)
    assert [run.name for run in sweep.runs] == [*table.index]
    assert all(run.steps == [] for run in sweep.runs)
    with pytest.raises(StoreError, match="kept no networks: train it with weights='log:6'"):
        sweep.runs[0].model()
    with pytest.raises(StoreError, match="no finished run of a sweep 'three'"):
        grok.open_sweep("three", runs=store)


def test_the_package_offers_the_interface_and_nothing_else():
    assert set(grok.__all__) <= set(dir(grok))
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = grok.trian
    code = "import grok, sys; grok.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
