"""Every sweep that comes with the package can be trained."""

import re
from pathlib import Path

import pytest

from grok.experiment import experiments
from grok.sweep.expand import expand
from grok.sweep.file import find_sweep, read_sweep, shipped

RUNS = {
    "seeds": 10,
    "controls": 40,
    "controls-gpu": 80,
    "operations": 30,
    "operations-gpu": 65,
    "permutations": 9,
    "moduli": 15,
    "moduli-gpu": 30,
    "phase": 120,
    "phase-gpu": 200,
    "supervised": 5,
    "supervised-gpu": 5,
    "label-smoothing": 35,
    "label-smoothing-gpu": 35,
    "connectivity": 25,
    "connectivity-gpu": 15,
    "pruning": 5,
    "pruning-gpu": 5,
    "objectives": 130,
    "objectives-cifar10": 65,
    "objectives-gpu": 65,
    "semi-supervised": 105,
    "semi-supervised-gpu": 105,
    "interventions": 200,
    "interventions-gpu": 200,
    "norm-matched": 80,
}


def test_they_are_found_by_name_and_files_by_path(tmp_path):
    assert set(shipped()) == set(RUNS)
    assert find_sweep(Path("controls")) == shipped()["controls"]
    own = tmp_path / "controls"
    own.touch()
    assert find_sweep(own) == own


def test_make_reproduce_trains_all_but_those_for_a_gpu():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    named, conditional = re.fullmatch(
        r"([\w \\\n-]+)\$\(if \$\(wildcard data/cifar10\),(\S+)\)",
        makefile.partition("SWEEPS := ")[2].partition("\n\n")[0],
    ).groups()
    assert {*named.replace("\\", "").split(), conditional} == {name for name in RUNS if not name.endswith("-gpu")}


@pytest.mark.parametrize("name", RUNS)
def test_each_asks_for_its_runs(name):
    wanted = expand(read_sweep(shipped()[name], experiments()))
    assert len(wanted) == RUNS[name]


def test_the_readmes_example_is_a_sweep(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    path = tmp_path / "my.toml"
    path.write_text(readme.partition("```toml\n")[2].partition("```")[0])
    wanted = expand(read_sweep(path, experiments()))
    blocks = [run.block for run in wanted]
    assert {name: blocks.count(name) for name in dict.fromkeys(blocks)} == {"grokking": 60, "random labels": 10}
