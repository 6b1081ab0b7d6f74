"""Start-up time of a command."""

import subprocess
import sys
from collections.abc import Callable

import torch

from grok.bench.measure import Row, Table, interleaved

COMMANDS = {
    "python, nothing imported": ["-c", "pass"],
    "import grok.cli": ["-c", "import grok.cli"],
    "grok list": ["-m", "grok", "list", "--runs", "nowhere"],
    "import torch": ["-c", "import torch"],
    "import grok.information": ["-c", "import grok.information"],
    "import torch, and all that training imports": [
        "-c",
        "import grok.experiments.runner, grok.experiments.grokking.training",
    ],
}


def startup(device: torch.device, say: Callable[[str], None], repeats: int = 5) -> Table:
    """Time whole processes from start to end."""
    say("startup: processes")
    tasks = {name: _process(arguments) for name, arguments in COMMANDS.items()}
    rows: list[Row] = [
        {"process": name, "time": timing} for name, (timing, _) in interleaved(tasks, device, repeats=repeats).items()
    ]
    return Table("start-up of a process", rows)


def _process(arguments: list[str]) -> Callable[[], None]:
    def task() -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return task
