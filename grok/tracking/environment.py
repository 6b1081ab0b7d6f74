"""Description of the software and hardware of a run, so that its numbers can be judged and reproduced."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import grok

PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "safetensors", "einops")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Return the versions of packages, the git commit, the device and the number of threads."""
    return {
        "git_commit": _git_commit(),
        "versions": {"grok": grok.__version__, "python": platform.python_version()} | _package_versions(),
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
    }


def _package_versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue  # a source tree may lack the metadata of a package
    return versions


def _git_commit() -> str | None:
    """Return the commit of the source tree, marked if it has changes; it is None without git or a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
