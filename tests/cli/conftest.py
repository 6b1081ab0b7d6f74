"""In these tests the command is called `grok` and has a store of its own."""

import sys

import pytest


@pytest.fixture(autouse=True)
def called_as_grok(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["grok"])


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"
