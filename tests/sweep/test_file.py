"""A sweep file is read into blocks, and an error in it is one line with file, line and mend."""

from pathlib import Path

import pytest

from grok.experiment import experiments
from grok.sweep.document import SweepFileError
from grok.sweep.expand import expand
from grok.sweep.file import read_sweep
from tests.sweep.helpers import read

KNOWN = ", ".join(experiments())
TOP = 'experiment = "grokking"\nseeds = "0-1"\n'

REFUSALS = {
    "an unknown key": (
        f"{TOP}axis.steps = [1]\n",
        "3: axis: expected one of experiment, name, preset, seeds, base, axes, block; did you mean 'axes'?",
    ),
    "an unknown key of a block": (
        f'{TOP}[[block]]\nexperiment = "grokking"\n',
        "4: experiment: expected one of name, preset, seeds, base, axes",
    ),
    "no experiment": (
        'seeds = "0"\n',
        f'1: experiment: expected one of {KNOWN}, as in experiment = "grokking", got none',
    ),
    "an unknown experiment": (
        'experiment = "groking"\n',
        f"1: experiment: expected one of {KNOWN}, got 'groking'; did you mean 'grokking'?",
    ),
    "an unknown preset": (
        f'{TOP}preset = "desktop"\n',
        "3: preset: expected one of paper, laptop, small, s5, got 'desktop'",
    ),
    "a name that is no text": (
        f"{TOP}name = 3\n",
        '3: name: expected letters, digits, dots, hyphens and underscores, as in name = "weight-decays", got 3',
    ),
    "a name that no file can have": (
        f'{TOP}name = "a/b"\n',
        '3: name: expected letters, digits, dots, hyphens and underscores, as in name = "weight-decays", got "a/b"',
    ),
    "no seeds": (
        'experiment = "grokking"\n',
        '1: seeds: expected numbers and ranges in quotes, such as seeds = "0-9", got none',
    ),
    "seeds without quotes": (
        'experiment = "grokking"\n\nseeds = [0, 1]\n',
        '3: seeds: expected numbers and ranges in quotes, such as seeds = "0-9", got [0, 1]',
    ),
    "seeds that are none": (
        'experiment = "grokking"\nseeds = "3-1"\n',
        "2: seeds: expected ranges from low to high, got '3-1': did you mean 1-3?",
    ),
    "an unknown setting": (
        f"{TOP}[base]\n\ntask.modulos = 59\n",
        "5: task.modulos: no such setting; did you mean 'modulus'?",
    ),
    "a quoted name with dots": (
        f'{TOP}[base]\n"task.modulus" = 59\n',
        "4: task.modulus: expected a setting, got a quoted name with dots: write it without quotes",
    ),
    "a value for a table": (
        f"{TOP}[base]\ntask = 59\n",
        "4: task: expected one of its settings, such as task.operation, got 59",
    ),
    "a setting of the wrong type": (
        f'{TOP}[base]\nsteps = "many"\n',
        '4: steps: expected an integer, got "many"',
    ),
    "a choice with a near one": (
        f'{TOP}[axes]\noptimiser.rule = ["adam", "adam w"]\n',
        "4: optimiser.rule: expected one of adamw, adam, sgd, muon, got \"adam w\"; did you mean 'adamw'?",
    ),
    "an axis that is no list": (
        f"{TOP}[axes]\nsteps = 3\n",
        "4: steps: expected a list of one value or more, got 3",
    ),
    "an axis that is empty": (f"{TOP}[axes]\nsteps = []\n", "4: steps: expected a list of one value or more, got []"),
    "a value of an axis of the wrong type": (
        f"{TOP}[axes]\ntask.modulus = [\n  59,\n  true]\n",
        '4: task.modulus: expected an integer or "none", got true',
    ),
    "a value twice on an axis": (
        f"{TOP}[axes]\noptimiser.weight_decay = [0, 1, 1.0]\n",
        "4: optimiser.weight_decay: 1.0 is listed twice: leave one out",
    ),
    "an axis that is a base setting too": (
        f"{TOP}base.steps = 3\naxes.steps = [3, 4]\n",
        "4: steps: also set in base on line 3: leave out the base or the axis",
    ),
    "a block's base under the file's axes": (
        f"{TOP}axes.steps = [3, 4]\n[[block]]\nbase.steps = 3\n",
        "3: steps: also set in base on line 5: leave out the base or the axis",
    ),
    "a value that cannot be": (
        f"{TOP}[axes]\ntask.train_fraction = [0.3, 1.5]\n",
        "4: task.train_fraction: expected a fraction in (0, 1), got 1.5 (task.train_fraction = 1.5)",
    ),
    "a value that cannot be with another": (
        f'{TOP}base.task.operation = "divide"\naxes.task.modulus = [59, 15]\n',
        "4: task.modulus: expected a prime for divide, got 15 (task.modulus = 15)",
    ),
    "a value that cannot be with one of an axis, among axes that have no part in it": (
        f"{TOP}[base]\noptimiser.weight_decay = 0.3\nprobes.sample_size = 8\n\ntask.modulus = 15\n[axes]\n"
        'settle = [1, 2]\ntask.train_fraction = [0.3, 0.5]\ntask.operation = ["add", "divide"]\n',
        '7: task.modulus: expected a prime for divide, got 15 (task.operation = "divide")',
    ),
    "values of axes that cannot be together": (
        f"{TOP}[axes]\nprobes.sample_size = [8]\ntask.modulus = [13, 15]\nsteps = [1, 2]\n"
        'task.operation = ["add", "divide"]\n',
        '5: task.modulus: expected a prime for divide, got 15 (task.modulus = 15, task.operation = "divide")',
    ),
    "a preset's setting that cannot be with an axis of another table": (
        f'{TOP}[axes]\nprobes.collapse = ["off", "every:50"]\nsteps = [3]\ntask.modulus = [59, 11]\n',
        "6: probes.sample_size: expected at most the size of the smaller split, 36, got 256 (task.modulus = 11)",
    ),
    "a base that cannot be, whatever the axes": (
        f"{TOP}base.task.modulus = 1\naxes.steps = [1, 2]\n",
        "3: task.modulus: expected an integer of at least 3, got 1",
    ),
    "a base that cannot be": (f"{TOP}[base]\nsteps = -1\n", "4: steps: expected an integer of at least 0, got -1"),
    "a preset's setting that cannot be with an axis": (
        f'{TOP}[axes]\ntask.operation = ["s5-compose"]\n',
        "4: task.modulus: expected None, since s5-compose is on 120 permutations, got 113 "
        '(task.operation = "s5-compose")',
    ),
    "a modulus at which classes are the result of no pair": (
        f'{TOP}base.task.operation = "squares"\naxes.steps = [1, 2]\naxes.task.modulus = [113, 112]\n',
        "3: task.operation: 49 of 112 classes are the result of no pair, and Fourier modes need them all: choose "
        "another operation or modulus, or set probes.fourier off (task.modulus = 112), with seed 0",
    ),
    "a seed whose split has samples of one class": (
        f"{TOP}[base]\ntask = {{modulus = 11, train_fraction = 0.02}}\nprobes.sample_size = 2\n",
        "4: task.train_fraction: expected samples of at least 2 classes in train, got 1 (move it towards 0.5), "
        "with seed 1",
    ),
    "runs that are the same": (
        f'{TOP}[[block]]\naxes.steps = [3, 40000]\n[[block]]\nname = "long"\nseeds = "1-2"\n',
        "5: duplicate runs: 'long' is 'block 1' (steps = 40000) of line 3, with seed 1 in both: leave one out",
    ),
    "blocks of one name": (
        f'{TOP}[[block]]\nname = "a"\n[[block]]\nname = "a"\n',
        "6: name: 'a' is also the name of the block on line 3: rename one",
    ),
    "a block that is none": (f"{TOP}block = 3\n", "3: block: expected tables, each begun by [[block]]"),
}


@pytest.mark.parametrize(("text", "line"), REFUSALS.values(), ids=REFUSALS)
def test_a_file_is_refused_with_its_line_and_the_mend(tmp_path, text, line):
    with pytest.raises(SweepFileError) as caught:
        expand(read(tmp_path, text))
    assert str(caught.value) == f"{tmp_path}/sweep.toml:{line}"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SweepFileError, match=r"nothing.toml cannot be read \(No such file or directory\): name a"):
        read_sweep(tmp_path / "nothing.toml", experiments())
    with pytest.raises(SweepFileError, match=r"supervised; did you mean 'objectives'\?$"):
        read_sweep(Path("objektives"), experiments())


def test_a_block_has_the_files_settings_unless_it_has_its_own(tmp_path):
    sweep = read(
        tmp_path,
        """
experiment = "grokking"
preset = "laptop"
seeds = "0-2"
base.task.modulus = 59
base.steps = 100
axes.optimiser.weight_decay = [0, 1]
[[block]]
[[block]]
name = "own"
preset = "paper"
seeds = "7"
base.steps = 200
[block.axes.task]
train_fraction = [0.2]
""",
    )
    first, own = sweep.blocks
    assert (first.name, first.where, first.preset, first.seeds) == ("block 1", ("block", 0), "laptop", (0, 1, 2))
    assert {setting.name: setting.value for setting in first.base} == {"task.modulus": 59, "steps": 100}
    assert [(axis.name, axis.values) for axis in first.axes] == [("optimiser.weight_decay", (0.0, 1.0))]
    assert (own.name, own.where, own.preset, own.seeds) == ("own", ("block", 1), "paper", (7,))
    assert {setting.name: setting.value for setting in own.base} == {"task.modulus": 59, "steps": 200}
    assert [(axis.name, axis.values) for axis in own.axes] == [("task.train_fraction", (0.2,))]
