"""Every sweep that comes with the package can be trained."""

import re
from pathlib import Path

import pytest

from grok.experiment import experiments
from grok.sweep.expand import expand
from grok.sweep.file import find_sweep, read_sweep, shipped
from grok.sweep.packs import existing_runs
from grok.tracking import Store

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


@pytest.mark.parametrize(
    ("page", "runs"),
    [("README.md", {"my-weight-decays": 6}), ("grok/sweep/README.md", {"grokking": 60, "random labels": 10})],
)
def test_the_example_of_a_readme_is_a_sweep(tmp_path, page, runs):
    readme = (Path(__file__).parents[2] / page).read_text()
    path = tmp_path / "my.toml"
    path.write_text(readme.partition("```toml\n")[2].partition("```")[0])
    blocks = [run.block for run in expand(read_sweep(path, experiments()))]
    assert {name: blocks.count(name) for name in dict.fromkeys(blocks)} == runs


def test_the_readme_lists_every_sweep_that_comes_with_the_package():
    readme = (Path(__file__).parents[2] / "grok" / "sweep" / "README.md").read_text()
    table = readme.partition("## The sweeps that come with the package")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(name for name in RUNS if not name.endswith("-gpu"))


def test_every_reference_record_is_a_run_of_the_sweeps_that_it_names():
    store = Store(Path(__file__).parents[2] / "runs/reference")
    runs = {name: existing_runs(store, name) for name in experiments()}
    named = {sweep: set() for sweep in shipped()}
    for of_experiment in runs.values():
        for key, run in of_experiment.items():
            for sweep in run.manifest()["sweeps"]:
                named[sweep].add(key)
    wanted = {name: {run.key for run in expand(read_sweep(find_sweep(Path(name)), experiments()))} for name in named}
    assert sum(map(len, runs.values())) == 798
    assert all(keys <= wanted[name] for name, keys in named.items())
    assert named["phase"] == wanted["phase"], "a part of its splits depends on the rule of rounding"
