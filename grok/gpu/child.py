"""The process of one part, which `supervise.py` starts: `python -m grok.gpu.child`.

The first line on stdin says what to do. After that, stdin stays open as long as the parent lives. A termination signal
asks the part to come to an end. What is said goes to stderr after `grok: `, and the last such line is the result of the
part in words. Nothing heavy is imported before the part itself.
"""

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grok.gpu.job import FailedError, Job, LeftOutError, OutOfTimeError
from grok.gpu.journal import Journal
from grok.gpu.sizes import Sizes

if TYPE_CHECKING:
    from grok.bench.measure import Table

PREFIX = "grok: "
DONE, FAILED, OUT_OF_TIME, LEFT_OUT = 0, 1, 3, 4
"""Exit statuses of this process."""

Function = Callable[[Job], "Generator[Table, None, str]"]
"""A part: it yields what it measures, as tables of one row or more, and returns its result in words."""


def main() -> int:
    """Run the part that stdin names, and return the exit status."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which asks this process to stop
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    task: dict[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    job = Job(
        device=task["device"],
        sizes=Sizes.of_json(task["sizes"]),
        out=Path(task["out"]),
        data=Path(task["data"]),
        stopped=stop.is_set,
        say=say,
    )
    try:
        say(_measure(find(task["function"]), job, Journal(Path(task["journal"])), task["part"]))
    except OutOfTimeError as error:
        return _end(error, OUT_OF_TIME)
    except LeftOutError as error:
        return _end(error, LEFT_OUT)
    except FailedError as error:
        return _end(error, FAILED)
    except BaseException as error:
        traceback.print_exc()
        say(in_one_line(error))
        return FAILED
    return DONE


def find(function: str) -> Function:
    """Return the function that `module:name` names."""
    module, _, name = function.partition(":")
    found: Function = getattr(importlib.import_module(module), name)
    return found


def _measure(function: Function, job: Job, journal: Journal, part: str) -> str:
    """Write every row to the journal as soon as it is measured, and return the result in words."""
    measuring = function(job)
    while True:
        try:
            table = next(measuring)
        except StopIteration as end:
            return end.value or ""
        for plain, text in zip(table.json()["rows"], table.texts(), strict=True):
            journal.add(part=part, title=table.title, plain=plain, text=text)


def say(line: str) -> None:
    """Show a line in the terminal of the command."""
    print(f"{PREFIX}{line}", file=sys.stderr, flush=True)


def in_one_line(error: BaseException) -> str:
    r"""Return the type of an error and the first line of its message.

    >>> in_one_line(RuntimeError("CUDA error: an illegal memory access\nFor debugging, consider"))
    'RuntimeError: CUDA error: an illegal memory access'
    """
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _end(error: Exception, status: int) -> int:
    say(" ".join(str(error).split()))
    return status


def _end_with_the_parent() -> None:
    """Wait until the parent has ended, however it did, and end this process and all that it started at once."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(os.getpid(), signal.SIGKILL)  # `supervise.py` makes it the leader of its group


if __name__ == "__main__":
    raise SystemExit(main())
