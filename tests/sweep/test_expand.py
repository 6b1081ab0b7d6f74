"""A sweep consists of every combination of its axes for every seed, in the order of the file."""

import dataclasses

from grok.config import OptimiserConfig, config_hash
from grok.experiments.grokking import laptop
from grok.sweep.expand import expand
from tests.sweep.helpers import read

TOP = 'experiment = "grokking"\npreset = "laptop"\nseeds = "3,5"\n'


def test_every_combination_comes_in_the_order_of_the_file_with_seeds_last(tmp_path):
    text = f"{TOP}[axes]\noptimiser.weight_decay = [0.3, 0]\ntask.train_fraction = [0.5, 0.25]\n"
    wanted = expand(read(tmp_path, text))
    assert [(*each.axes.values(), each.seed) for each in wanted] == [
        (decay, fraction, seed) for decay in (0.3, 0.0) for fraction in (0.5, 0.25) for seed in (3, 5)
    ]
    for each in wanted:
        decay, fraction = each.axes["optimiser.weight_decay"], each.axes["task.train_fraction"]
        expected = dataclasses.replace(
            laptop(),
            optimiser=OptimiserConfig(weight_decay=decay),
            task=dataclasses.replace(laptop().task, train_fraction=fraction),
        )
        assert each.config == expected
        assert each.key == (expected.identity(), each.seed)
        assert each.block == "sweep"


def test_tables_and_dotted_keys_and_integers_for_numbers_ask_for_the_same_runs(tmp_path):
    texts = [
        "[base]\noptimiser.weight_decay = 2\ntask.modulus = 61\nsettle = 'none'\n",
        "[base.optimiser]\nweight_decay = 2.0\n[base.task]\nmodulus = 61\n[axes]\nsettle = ['none']\n",
    ]
    first, second = ([each.key for each in expand(read(tmp_path, TOP + text))] for text in texts)
    assert first == second
    (one, _) = expand(read(tmp_path, TOP + texts[0]))
    assert one.config.settle is None
    assert one.config_hash == config_hash(
        dataclasses.replace(
            laptop(),
            optimiser=OptimiserConfig(weight_decay=2.0),
            task=dataclasses.replace(laptop().task, modulus=61),
            settle=None,
        )
    )


def test_a_file_without_axes_asks_for_its_seeds(tmp_path):
    wanted = expand(read(tmp_path, TOP))
    assert [(each.config, each.seed, each.axes) for each in wanted] == [(laptop(), 3, {}), (laptop(), 5, {})]
