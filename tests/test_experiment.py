"""Each experiment is registered once under its name, and those of the package register themselves."""

import subprocess
import sys
from types import MappingProxyType

import pytest

from grok import experiment as registry
from grok.config import GrokkingConfig
from grok.experiment import Experiment, UnknownExperimentError, experiment, experiments, register

SHIPPED = ["grokking", "supervised", "connectivity", "pruning", "semi-supervised", "norm-matched"]


class Own(Experiment):
    name = "own"
    description = "nothing"
    config_type = dict
    presets = MappingProxyType({"only": dict})
    default_preset = "only"

    def build(self, config, seed, device, data=None):
        raise NotImplementedError


def test_the_experiments_of_the_package_are_registered_before_any_other():
    code = (
        "from types import SimpleNamespace; from grok.experiment import experiments, register;"
        "register(SimpleNamespace(name='own', default_preset='x', presets={'x': dict}));"
        "print(list(experiments()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{[*SHIPPED, 'own']}\n"


@pytest.fixture
def own(monkeypatch):
    experiments()
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    register(Own())
    return experiment("own")


def test_those_of_the_package_come_first_and_registered_ones_after(own):
    assert list(experiments()) == [*SHIPPED, "own"]
    assert experiments()["own"] is own


def test_a_name_is_taken_once(own):
    with pytest.raises(ValueError, match=r"^experiment: expected a name that no other experiment has, got 'own'$"):
        register(Own())


@pytest.mark.parametrize("name", ["", "..", "a/b", "Own", "reference"])
def test_a_name_that_cannot_be_a_folder_of_the_store_is_rejected(own, monkeypatch, name):
    monkeypatch.setattr(Own, "name", name)
    with pytest.raises(ValueError, match=r"^experiment: expected a name of small letters, digits and hyphens"):
        register(Own())


def test_a_default_preset_that_there_is_none_of_is_rejected(own, monkeypatch):
    monkeypatch.setattr(Own, "name", "other")
    monkeypatch.setattr(Own, "default_preset", "paper")
    with pytest.raises(ValueError, match=r"^default_preset: expected one of only, got 'paper'$"):
        register(Own())


def test_an_unknown_name_is_refused_with_those_that_there_are():
    message = rf"^experiment: expected one of {', '.join(SHIPPED)}, got 'groking'; did you mean 'grokking'\?$"
    with pytest.raises(UnknownExperimentError, match=message):
        experiment("groking")


def test_by_default_runs_stack_with_those_of_the_same_config_and_every_config_passes(own):
    config = GrokkingConfig(steps=3)
    own.check(config, 0)
    assert own.alike(config) == own.alike(GrokkingConfig(steps=3)) != own.alike(GrokkingConfig(steps=4))
    assert (own.together, own.groks, own.phase_columns) == (1, False, ())


@pytest.mark.parametrize("name", SHIPPED)
def test_presets_are_whole_configs_of_the_experiment(name):
    of = experiment(name)
    assert of.default_preset in of.presets
    assert all(type(preset()) is of.config_type for preset in of.presets.values())


def test_the_experiments_of_the_package_are_known_without_torch_and_matplotlib():
    code = (
        "import sys; from grok.experiment import experiments; experiments();"
        "print({'torch', 'matplotlib'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
