"""What a run ran on, so that its numbers can be judged and repeated."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import grok

PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "safetensors", "einops")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Versions, git commit, device and thread count."""
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
            continue  # run from a source tree without that package's metadata
    return versions


def _git_commit() -> str | None:
    """The commit of the source tree, marked where it has changes; None where there is no git or no checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
