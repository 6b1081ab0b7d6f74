"""Every call's shapes and types are checked while the tests run; no test reaches the network or the user's home."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests' networks are small: a second thread only waits
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # and leaves its core to the other processes of the tests

from pathlib import Path
from pkgutil import iter_modules

from jaxtyping import install_import_hook

# Settings check themselves, and say in their own words what they expected.
PARTS = [part.name for part in iter_modules([str(Path(__file__).parents[1] / "grok")]) if part.name != "config"]
install_import_hook([f"grok.{name}" for name in PARTS], "beartype.beartype")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a GPU")


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk():
    """Bringing files to disk protects them from a loss of power, which no test can cause, and takes most of a save."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def alone(tmp_path_factory, monkeypatch):
    """A home folder of its own, and wandb offline without a key."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_API_KEY", "WANDB_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ctrl_c_works():
    """Also where the tests run in the background of a shell, which lets its jobs ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
