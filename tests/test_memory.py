"""Free memory is what the machine has available, or what the container's limits leave of it."""

import pytest
import torch

from grok.config import ConfigError
from grok.memory import free_memory, refuse_beyond

CPU = torch.device("cpu")


@pytest.fixture
def machine(tmp_path):
    """A machine with 8 GiB available, and a process in the group /jobs/one."""
    (tmp_path / "meminfo").write_text("MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\n")
    (tmp_path / "cgroup").write_text("0::/jobs/one\n")
    (tmp_path / "groups/jobs/one").mkdir(parents=True)
    return tmp_path


def limit(folder, most, current, cache=0):
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")


def free(machine):
    return free_memory(CPU, meminfo=machine / "meminfo", cgroup=machine / "cgroup", root=machine / "groups")


def test_without_a_limit_it_is_what_the_machine_has_available(machine):
    assert free(machine) == 8 * 2**30
    limit(machine / "groups/jobs", "max", 5)
    assert free(machine) == 8 * 2**30


def test_the_tightest_limit_counts_and_cache_is_given_back(machine):
    limit(machine / "groups/jobs", 4 * 2**30, 2**30)
    limit(machine / "groups/jobs/one", 3 * 2**30, 2 * 2**30, cache=2**29)
    assert free(machine) == 2**30 + 2**29


def test_limits_of_the_first_version_of_cgroups_count(machine):
    (machine / "cgroup").write_text("9:memory:/jobs\n4:cpu,cpuacct:/other\n")
    folder = machine / "groups/memory/jobs"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("1000")
    (folder / "memory.usage_in_bytes").write_text("400")
    (folder / "memory.stat").write_text("inactive_file 100\n")
    assert free(machine) == 700


def test_a_system_that_does_not_say_gives_none_and_refuses_nothing(tmp_path):
    assert free_memory(CPU, meminfo=tmp_path / "none", cgroup=tmp_path / "none", root=tmp_path) is None


def test_what_does_not_fit_is_refused_with_both_numbers(monkeypatch):
    monkeypatch.setattr("grok.memory.free_memory", lambda device: 3 * 2**30)
    refuse_beyond(3 * 2**30, CPU, mend="wait")
    with pytest.raises(
        ConfigError, match=r"^config: .*free memory of 3\.0 GiB, got one that needs about 4\.5 GiB: wait$"
    ):
        refuse_beyond(int(4.5 * 2**30), CPU, mend="wait")
