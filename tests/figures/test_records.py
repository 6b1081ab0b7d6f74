"""Runs are grouped by config and by sweep, and a seed that was trained again counts once."""

from dataclasses import replace

import pytest

from grok.config import (
    ConnectivityConfig,
    GrokkingConfig,
    NormMatchedConfig,
    OptimiserConfig,
    ProbesConfig,
    PruningConfig,
    SemiSupervisedConfig,
    SupervisedConfig,
    TaskConfig,
)
from grok.experiment import experiments
from grok.figures.records import differing, runs_source, store_source
from grok.tracking import Store
from grok.tracking.notes import each_once
from tests.figures.helpers import add_run, constant

COLUMNS = {"x": constant(1.0), "y": constant(2.0)}
OTHER = GrokkingConfig(optimiser=OptimiserConfig(weight_decay=0.5))
DIVISION = GrokkingConfig(task=TaskConfig(operation="divide", modulus=59))


def groups_in(root, experiment="grokking"):
    return store_source(root, [experiment]).groups


def studies_in(root, experiment="grokking"):
    return store_source(root, [experiment]).studies


def test_a_group_holds_one_run_a_seed_in_the_order_of_seeds(tmp_path):
    for seed in (2, 0, 1):
        add_run(Store(tmp_path), COLUMNS, seed=seed)
    (group,) = groups_in(tmp_path)
    assert list(group.runs) == [0, 1, 2]
    assert group.name == group.runs[0].id.removesuffix("-seed0")
    assert group.grokking == GrokkingConfig()


def test_a_seed_trained_again_is_represented_by_its_newest_run(tmp_path):
    add_run(Store(tmp_path), COLUMNS)
    again = add_run(Store(tmp_path), COLUMNS)
    (group,) = groups_in(tmp_path)
    assert group.runs[0].id == again.id
    assert again.id.endswith("-seed0-2")


def test_a_run_of_an_operation_that_is_no_more_is_named_once_and_left_out(tmp_path, capsys):
    kept, gone = add_run(Store(tmp_path), COLUMNS), add_run(Store(tmp_path), COLUMNS, seed=1)
    config = gone.manifest()["config"]
    gone.update(config=config | {"task": config["task"] | {"operation": "square-minus"}})
    with each_once():
        for _ in range(2):
            assert [list(group.runs.values()) for group in groups_in(tmp_path)] == [[kept]]
    (line,) = capsys.readouterr().err.splitlines()
    why = "task.operation: expected one of add, "
    assert line.startswith(f"grok: run {gone.name} left out (draw it with the version that trained it): {why}")


def test_records_are_indexed_by_step_and_read_by_column(tmp_path):
    add_run(Store(tmp_path), COLUMNS, seed=3)
    (group,) = groups_in(tmp_path)
    assert group.metrics()[3].index[-1] == 2000
    assert list(group.metrics(["y", "z"])[3].columns) == ["y"]


def test_a_study_has_the_groups_of_its_sweep_and_a_run_may_be_in_two(tmp_path):
    store = Store(tmp_path)
    add_run(store, COLUMNS, sweeps=["one"])
    add_run(store, COLUMNS, seed=1, sweeps=["one", "two"])
    add_run(store, COLUMNS, config=OTHER, sweeps=["two"])
    add_run(store, COLUMNS, config=DIVISION)
    add_run(store, COLUMNS, status="interrupted", sweeps=["one"])
    found = {study.name: [list(group.runs) for group in study.groups] for study in studies_in(tmp_path)}
    alone = found.keys() - {"one", "two"}
    assert found == {"one": [[0, 1]], "two": [[1], [0]], alone.pop(): [[0]]}


def test_what_varies_in_a_study_is_found_by_setting(tmp_path):
    for config in (DIVISION, OTHER, GrokkingConfig()):
        add_run(Store(tmp_path), COLUMNS, config=config, sweeps=["all"])
    (study,) = studies_in(tmp_path)
    assert study.varies("optimiser.weight_decay") == [0.5, 1.0]
    assert study.varies("task.operation") == ["divide", "add"]


@pytest.mark.parametrize(("seeds", "text"), [([0, 1, 2, 5], "0-2, 5"), ([4], "4")])
def test_the_stamp_names_sweep_runs_seeds_and_configs(tmp_path, seeds, text):
    for seed in seeds:
        add_run(Store(tmp_path), COLUMNS, seed=seed, config=OTHER, sweeps=["mine"])
    (study,) = studies_in(tmp_path)
    code = study.groups[0].name.rpartition("-")[2]
    assert study.stamp == f"mine: {len(seeds)} runs, seeds {text}, configs {code}"


@pytest.mark.parametrize(("seeds", "end"), [([3, 4], "-seed3, {name}-seed4"), ([0, 1, 2, 3, 7], "-seed[0-3, 7]")])
def test_the_stamp_of_a_group_names_its_runs(tmp_path, seeds, end):
    for seed in seeds:
        add_run(Store(tmp_path), COLUMNS, seed=seed)
    (group,) = groups_in(tmp_path)
    assert group.stamp == f"runs: {group.name}{end.format(name=group.name)}"


def test_a_config_has_all_its_seeds_whatever_sweeps_asked_for_them(tmp_path):
    for seed in range(4):
        add_run(Store(tmp_path), COLUMNS, seed=seed, sweeps=["one"] if seed < 3 else ["two"])
    (group,) = groups_in(tmp_path)
    assert list(group.runs) == [0, 1, 2, 3]


def test_a_control_differs_in_one_thing_and_the_steps_alone(tmp_path):
    main = GrokkingConfig(task=TaskConfig(modulus=59))
    configs = {
        None: main,
        "random labels": replace(main, task=TaskConfig(modulus=59, operation="random"), steps=7),
        "weight decay 0": replace(main, optimiser=OptimiserConfig(weight_decay=0.0)),
        "too little data": replace(main, task=TaskConfig(modulus=59, train_fraction=0.1), settle=None),
    }
    for config in configs.values():
        add_run(Store(tmp_path / "controls"), COLUMNS, config=config, sweeps=["c"])
    (study,) = studies_in(tmp_path / "controls")
    assert list(study.controls().values()) == list(configs)
    assert study.main().grokking == main
    for modulus, fraction in ((59, 0.4), (31, 0.5)):
        config = GrokkingConfig(task=TaskConfig(modulus=modulus, train_fraction=fraction))
        add_run(Store(tmp_path / "moduli"), COLUMNS, config=config, sweeps=["m"])
    (study,) = studies_in(tmp_path / "moduli")
    assert (study.controls(), study.main()) == ({}, None)


def test_permutations_which_have_no_random_labels_beside_them_are_no_controls_of_each_other(tmp_path):
    for name in ("compose", "conjugate"):
        config = GrokkingConfig(
            task=TaskConfig(operation=f"s5-{name}", modulus=None),
            probes=ProbesConfig(fourier="off", neurons="off"),
        )
        add_run(Store(tmp_path), COLUMNS, config=config, sweeps=["permutations"])
    (study,) = studies_in(tmp_path)
    assert (study.controls(), study.main()) == ({}, None)


def test_groups_and_studies_are_of_one_experiment_with_settings_of_its_type(tmp_path):
    configs = {
        "grokking": GrokkingConfig(),
        "supervised": SupervisedConfig(),
        "connectivity": ConnectivityConfig(points=5),
        "semi-supervised": SemiSupervisedConfig(),
        "norm-matched": NormMatchedConfig(),
        "pruning": PruningConfig(sparsities=(0.0, 0.5)),
    }
    assert configs.keys() == experiments().keys()
    for experiment, config in configs.items():
        add_run(Store(tmp_path), COLUMNS, config=config, experiment=experiment, sweeps=["one"])
    for experiment, config in configs.items():
        (group,) = groups_in(tmp_path, experiment)
        (study,) = studies_in(tmp_path, experiment)
        assert group.config_as(type(config)) == config
        assert (group.name, study.main().name) == (group.runs[0].id.removesuffix("-seed0"),) * 2
    assert group.settings["sparsities"] == (0.0, 0.5)
    with pytest.raises(AssertionError, match="pruning has no GrokkingConfig"):
        assert group.grokking


def test_configs_of_other_experiments_are_no_controls(tmp_path):
    for decay in (0.0, 5e-4):
        config = SupervisedConfig(optimiser=OptimiserConfig(rule="sgd", weight_decay=decay))
        add_run(Store(tmp_path), COLUMNS, config=config, experiment="supervised", sweeps=["one"])
    (study,) = studies_in(tmp_path, "supervised")
    assert (study.controls(), study.main()) == ({}, None)


def test_a_study_falls_into_parts_that_differ_in_the_settings_named_alone(tmp_path):
    for rate in (0.001, 0.01):
        for decay in (0.5, 1.0):
            config = GrokkingConfig(optimiser=OptimiserConfig(learning_rate=rate, weight_decay=decay))
            add_run(Store(tmp_path), COLUMNS, config=config, sweeps=["one"])
    (study,) = studies_in(tmp_path)
    rate, decay = "optimiser.learning_rate", "optimiser.weight_decay"
    parts = study.parts([rate])
    assert [part.part for part in parts] == [{decay: 0.5}, {decay: 1.0}]
    assert [(part.varies(rate), part.varies(decay)) for part in parts] == [
        ([0.001, 0.01], [0.5]),
        ([0.001, 0.01], [1.0]),
    ]
    assert study.parts([rate, decay]) == [study]


def test_what_differs_along_with_the_settings_named_parts_a_study_if_it_is_to_be_split_strictly(tmp_path):
    rate, steps = "optimiser.learning_rate", "steps"
    for value, length in ((0.001, 100), (0.01, 200), (0.1, 200)):
        config = GrokkingConfig(optimiser=OptimiserConfig(learning_rate=value), steps=length)
        add_run(Store(tmp_path), COLUMNS, config=config, sweeps=["one"])
    (study,) = studies_in(tmp_path)
    assert study.parts([rate]) == [study]
    parts = study.parts([rate], strictly=True)
    assert [(part.part, part.varies(rate)) for part in parts] == [
        ({steps: 100}, [0.001]),
        ({steps: 200}, [0.01, 0.1]),
    ]
    assert study.parts([rate, steps], strictly=True) == [study]


def test_runs_of_one_hash_with_other_configs_are_groups_with_names_of_their_own(tmp_path):
    first, second, third = (add_run(Store(tmp_path), COLUMNS, seed=seed) for seed in range(3))
    config = second.manifest()["config"]
    second.update(config=config | {"steps": 7})  # as if the default had been different
    third.update(config={name: value for name, value in config.items() if name != "loss"})  # a newer setting
    whole, other = groups_in(tmp_path)
    assert ([*whole.runs.values()], [*other.runs.values()]) == ([first, third], [second])
    assert (whole.config, other.config) == (GrokkingConfig(), GrokkingConfig(steps=7))
    assert (whole.name, other.name) == (first.id.removesuffix("-seed0"), f"{first.id.removesuffix('-seed0')}_2")
    assert [study.name for study in studies_in(tmp_path)] == [whole.name, other.name]


def test_runs_from_anywhere_are_grouped_as_those_of_a_store_are(tmp_path):
    for config in (OTHER, GrokkingConfig()):
        add_run(Store(tmp_path), COLUMNS, config=config)
    add_run(Store(tmp_path), COLUMNS, config=SupervisedConfig(), experiment="supervised")
    runs = Store(tmp_path).runs()
    source = runs_source(reversed(runs), ["grokking"])
    assert (source.groups, source.folder) == (groups_in(tmp_path), tmp_path)
    both = runs_source(runs, ["grokking", "supervised"])
    assert [group.experiment for group in both.groups] == ["grokking", "grokking", "supervised"]
    assert both.of(["grokking"]).studies == source.studies
    assert runs_source([], ["grokking"]).groups == []


def test_what_is_learned_is_a_formula_or_a_data_set_with_its_network(tmp_path):
    add_run(Store(tmp_path), COLUMNS, config=DIVISION)
    add_run(Store(tmp_path), COLUMNS, config=SupervisedConfig(), experiment="supervised")
    source = store_source(tmp_path, ["grokking", "supervised"])
    assert [group.description for group in source.groups] == ["a / b mod 59", "mnist1d-conv1d-64"]


def test_runs_whose_rules_of_rounding_give_the_same_split_are_one_group_and_differ_in_no_setting(tmp_path):
    nearest, down = (GrokkingConfig(task=TaskConfig(modulus=59, rounding=rule)) for rule in ("nearest", "down"))
    for seed, config in enumerate((down, nearest, replace(nearest, steps=7))):
        add_run(Store(tmp_path), COLUMNS, seed=seed, config=config, sweeps=["s"])
    (study,) = studies_in(tmp_path)
    assert [list(group.runs) for group in study.groups] == [[0, 1], [2]]
    assert differing(study.groups) == ["steps"]


@pytest.mark.parametrize("rule", ["nearest", "down"])
def test_random_labels_are_a_control_of_division_though_the_rule_matters_to_their_split_alone(tmp_path, rule):
    main = GrokkingConfig(task=TaskConfig(operation="divide", modulus=31, train_fraction=0.6, rounding=rule))
    for config in (main, replace(main, task=replace(main.task, operation="random"))):
        add_run(Store(tmp_path), COLUMNS, config=config, sweeps=["s"])
    (study,) = studies_in(tmp_path)
    assert list(study.controls().values()) == [None, "random labels"]
