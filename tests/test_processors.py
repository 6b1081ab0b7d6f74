"""The processors of a process are those it may run on, or what its container grants; the user's settings are kept."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from grok import processors as module
from grok.processors import let_waiting_threads_sleep, most_threads, processors, quota


def group(tmp_path, line, **files):
    """A quota read from this line of /proc/self/cgroup, and these files below /sys/fs/cgroup."""
    (tmp_path / "cgroup").write_text(f"12:pids:/\n{line}\n")
    for name, text in files.items():
        path = tmp_path / "sys" / name.replace("__", "/").replace("cpu_", "cpu.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return quota(tmp_path / "cgroup", tmp_path / "sys")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a__b__cpu_max": "150000 100000\n"}, 1.5),
        ({"a__b__cpu_max": "max 100000\n", "a__cpu_max": "400000 100000\n"}, 4.0),  # of a group above
        ({"a__b__cpu_max": "400000 100000\n", "a__cpu_max": "200000 100000\n"}, 2.0),  # the smaller one
        ({"cpu_max": "50000 100000\n"}, 0.5),  # the container sees its own group as the root
        ({"a__b__cpu_max": "max 100000\n"}, None),
        ({}, None),
    ],
)
def test_the_quota_of_version_2_is_the_smallest_up_to_the_root(tmp_path, files, expected):
    assert group(tmp_path, "0::/a/b", **files) == expected


@pytest.mark.parametrize(
    ("line", "files", "expected"),
    [
        ("4:cpu,a:/a", {"cpu,a__a__cpu_cfs_quota_us": "300000", "cpu,a__a__cpu_cfs_period_us": "100000"}, 3.0),
        ("4:cpu,cpuacct:/a", {"cpu__cpu_cfs_quota_us": "50000", "cpu__cpu_cfs_period_us": "100000"}, 0.5),
        ("4:cpu:/a", {"cpu__a__cpu_cfs_quota_us": "-1", "cpu__a__cpu_cfs_period_us": "100000"}, None),
        ("4:cpuset:/a", {"cpuset__a__cpu_cfs_quota_us": "50000", "cpuset__a__cpu_cfs_period_us": "100000"}, None),
    ],
)  # fmt: skip
def test_the_quota_of_version_1_is_that_of_the_cpu_controller(tmp_path, line, files, expected):
    assert group(tmp_path, line, **files) == expected


def test_a_group_outside_of_the_containers_view_counts_as_its_root(tmp_path):
    assert group(tmp_path, "0::/../../b", cpu_max="200000 100000", b__cpu_max="100000 100000") == 2.0


def test_without_groups_there_is_no_quota(tmp_path):
    assert quota(tmp_path / "missing", tmp_path) is None


@pytest.mark.parametrize(
    ("share", "expected"), [(None, 6), (2.0, 2), (1.5, 2), (0.2, 1), (32.0, 6)], ids=["none", "2", "1.5", "0.2", "32"]
)
def test_a_quota_is_rounded_up_and_never_raises_the_number(monkeypatch, share, expected):
    monkeypatch.setattr(module, "os", SimpleNamespace(sched_getaffinity=lambda process: set(range(6))))
    monkeypatch.setattr(module, "quota", lambda: share)
    assert processors() == expected


@pytest.mark.parametrize(
    ("wish", "expected"), [("2", 2), ("3,2", 3), (" 1 ", 1), ("64", 6), ("0", 6), ("many", 6), ("", 6)]
)
def test_omp_num_threads_is_the_largest_number_of_threads(monkeypatch, wish, expected):
    monkeypatch.setattr(module, "processors", lambda: 6)
    assert most_threads({"OMP_NUM_THREADS": wish}) == expected
    assert most_threads({}) == 6


def test_waiting_threads_sleep_unless_the_user_says_how_they_wait():
    environment = {"HOME": "/"}
    let_waiting_threads_sleep(environment)
    assert environment == {"HOME": "/", "GOMP_SPINCOUNT": "1000"}
    for chosen in ({"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}):
        environment = dict(chosen)
        let_waiting_threads_sleep(environment)
        assert environment == chosen


def test_only_the_program_itself_changes_how_threads_wait():
    code = "import grok, grok.cli, grok.processors, grok.__main__, os; print(os.environ.get('GOMP_SPINCOUNT'))"
    code += "\nimport sys; sys.argv = ['grok', '--help']; grok.__main__.main(); print(os.environ['GOMP_SPINCOUNT'])"
    code += "\nprint('torch' in sys.modules)"
    environment = {
        name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    first, *_, second, torch = done.stdout.splitlines()
    assert (first, second, torch) == ("None", "1000", "False")
