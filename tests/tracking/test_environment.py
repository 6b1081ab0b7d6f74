"""A manifest describes the software and hardware of its run."""

import platform
import subprocess

import numpy
import torch

import grok
from grok.tracking import environment
from grok.tracking.environment import describe_environment


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=Test", "-c", "user.email=test@example.com", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_device_threads_and_versions_are_those_of_this_process():
    described = describe_environment(torch.device("cpu"))
    assert (described["device"], described["device_name"]) == ("cpu", platform.machine())
    assert described["threads"] == torch.get_num_threads()
    versions = described["versions"]
    assert (versions["grok"], versions["python"]) == (grok.__version__, platform.python_version())
    assert (versions["torch"], versions["numpy"]) == (torch.__version__, numpy.__version__)


def test_a_package_without_metadata_is_left_out(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("torch", "no-such-package"))
    assert set(describe_environment(torch.device("cpu"))["versions"]) == {"grok", "python", "torch"}


def test_the_commit_is_that_of_the_source_tree_marked_where_it_has_changes(tmp_path, monkeypatch):
    source = tmp_path / "source.py"
    source.write_text("one")
    git(tmp_path, "init")
    git(tmp_path, "add", "source.py")
    git(tmp_path, "commit", "--message", "first")
    commit = git(tmp_path, "rev-parse", "--short=12", "HEAD")
    monkeypatch.setattr(environment, "__file__", str(source))
    assert describe_environment(torch.device("cpu"))["git_commit"] == commit
    source.write_text("two")
    assert describe_environment(torch.device("cpu"))["git_commit"] == f"{commit}-dirty"


def test_without_a_checkout_or_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "source.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert describe_environment(torch.device("cpu"))["git_commit"] is None
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_environment(torch.device("cpu"))["git_commit"] is None
