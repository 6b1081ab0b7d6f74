"""The command `python -m grok.gpu`: runs every part that is not done yet, and prints the tables."""

import argparse
import contextlib
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from grok.gpu.budget import RESERVE, budget_of
from grok.gpu.job import RECORDS
from grok.gpu.journal import DONE, FAILED, LEFT_OUT, Journal, JournalError
from grok.gpu.parts import MACHINE, PARTS, Part
from grok.gpu.report import write
from grok.gpu.sizes import FULL, SMALL, Sizes
from grok.gpu.supervise import Ended, run_part
from grok.tracking import StoreError
from grok.tracking.errors import RunInUseError
from grok.tracking.live_line import LiveLine
from grok.tracking.lock import lock, lock_holder

SUCCESS, INCOMPLETE, BAD_USAGE, STOPPED = 0, 1, 2, 130
"""Exit statuses: everything is done or left out; something is not; bad usage; interrupted."""
OUT = {"cuda": Path("runs/gpu"), "cpu": Path("runs/gpu-rehearsal")}
SIZES = {"full": FULL, "small": SMALL}
TEN_MINUTES = 600.0
SHORTEST = 1.0  # seconds of budget below which no further part begins


class GpuError(Exception):
    """Raised when the measurement cannot begin; the message says what was expected and what to do."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """What one call of the command measures, where, and in which time."""

    device: str
    sizes: Sizes
    out: Path
    data: Path = Path("data")
    seconds: float = TEN_MINUTES
    parts: Sequence[Part] = PARTS
    chosen: Sequence[str] = ()
    """Names of the parts to run; without any, all."""
    machine: Part = MACHINE
    fresh: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """What must be the same in every call that continues these results."""
        return {"device": self.device, "sizes": self.sizes.json()}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GpuError(f"{message}; --help lists the options")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        return measure(parse(sys.argv[1:] if arguments is None else arguments))
    except (GpuError, JournalError, StoreError) as error:
        print(f"grok: {error}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:  # outside of every part
        return STOPPED


def parse(arguments: Sequence[str]) -> Session:
    """Read the command line. This command does not use tyro, which the machine with the GPU may lack.

    Raises:
        GpuError: if the arguments do not parse.
    """
    parser = _Parser(prog="python -m grok.gpu", description=measure.__doc__, allow_abbrev=False)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu rehearses every part")
    parser.add_argument("--sizes", choices=tuple(SIZES), help="by default full on cuda, and small on cpu")
    parser.add_argument("--out", type=Path, help="folder of the results, by default runs/gpu or runs/gpu-rehearsal")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder with cifar10/, by default data")
    parser.add_argument("--seconds", type=float, default=TEN_MINUTES, help="time for everything, by default 600")
    parser.add_argument(
        "--parts", nargs="+", choices=[part.name for part in PARTS], default=[], help="run only these", metavar="PART"
    )
    parser.add_argument("--fresh", action="store_true", help="delete the results in the folder and begin anew")
    options = parser.parse_args(list(arguments))
    if not options.seconds > 0:
        raise GpuError(f"--seconds: expected a positive number, got {options.seconds:g}")
    return Session(
        device=options.device,
        sizes=SIZES[options.sizes or ("full" if options.device == "cuda" else "small")],
        out=options.out or OUT[options.device],
        data=options.data,
        seconds=options.seconds,
        chosen=options.parts,
        fresh=options.fresh,
    )


def measure(session: Session) -> int:
    """Measure what this machine's GPU can do: tests, costs and whole runs, in ten minutes and without a network.

    Every measurement is written down at once. The same command goes on with the parts that are not done yet.
    """
    deadline = time.monotonic() + session.seconds * (1 - RESERVE)
    with _locked(session.out):
        journal = _open(session)
        try:
            with _terminations_as_interrupts():
                _run_parts(session, journal, deadline)
        except KeyboardInterrupt:
            write(session.out, session.parts, journal.outcomes(), session.settings)
            print(
                "\ngrok: interrupted; what is measured is saved. To go on, give the same command again"
                f"{' without --fresh' if session.fresh else ''}.",
                file=sys.stderr,
            )
            return STOPPED
        outcomes = journal.outcomes()
        print(write(session.out, session.parts, outcomes, session.settings))
        if session.settings == {"device": "cuda", "sizes": FULL.json()}:
            print(_to_commit(session.out))
    wanted = [part.name for part in session.parts if not session.chosen or part.name in session.chosen]
    states = [outcomes[name].state if name in outcomes else None for name in wanted]
    if open_parts := sum(state not in (DONE, LEFT_OUT) for state in states):
        again = " without --fresh" if session.fresh else ""
        print(
            f"grok: not done: {open_parts} of {len(wanted)} parts; the same command{again} tries them again",
            file=sys.stderr,
        )
        return INCOMPLETE
    return SUCCESS


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Make the folder if needed, and keep other calls out of it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GpuError(f"--out: cannot make {out} ({error.strerror}): choose another folder") from error
    with contextlib.ExitStack() as locks:
        try:
            locks.enter_context(lock(out))
        except RunInUseError as error:
            holder = lock_holder(out)
            raise GpuError(f"--out: process {holder} measures into {out}: wait for it, or choose another") from error
        yield


def _open(session: Session) -> Journal:
    """Return the journal of the folder, a new one if there is none or if `fresh` asks for it.

    Raises:
        GpuError: if the folder holds something else.
        JournalError: if it holds results with other settings.
    """
    journal = Journal(session.out / "results.jsonl")
    inside = [path for path in session.out.iterdir() if path.name != "lock"]
    if inside and not journal.exists():
        raise GpuError(f"--out: expected an empty folder or one with results, got {session.out} with {inside[0].name}")
    for path in inside if session.fresh else ():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    journal.begin(session.settings)
    return journal


def _run_parts(session: Session, journal: Journal, deadline: float) -> None:
    """Run the parts that are not done, each with its share of the time that is left.

    Raises:
        GpuError: if this machine does not have the device, or does not answer.
    """
    done = {name for name, outcome in journal.outcomes().items() if outcome.state == DONE}
    todo = [part for part in session.parts if part.name not in done and part.name in (session.chosen or [part.name])]
    if not todo:
        return
    machine = ""
    queue = [session.machine, *todo]
    for place, part in enumerate(queue, start=1):
        budget = budget_of(part.share, [later.share for later in queue[place:]], deadline - time.monotonic())
        if budget < SHORTEST:
            return
        ended = _run(session, journal, part, budget, machine)
        if part is session.machine:
            if ended.state == FAILED:
                raise GpuError(ended.message)
            if ended.state != DONE:
                raise GpuError(f"this machine did not describe itself: {ended.message}; give more --seconds")
            machine = ended.message
        write(session.out, session.parts, journal.outcomes(), session.settings)


def _run(session: Session, journal: Journal, part: Part, budget: float, machine: str) -> Ended:
    """Run one part, and write down how it ended."""
    journal.add(part=part.name, begun=machine)
    line = LiveLine()
    task = {
        "part": part.name,
        "function": part.function,
        "device": session.device,
        "sizes": session.sizes.json(),
        "out": str(session.out.absolute()),
        "data": str(session.data.absolute()),
        "journal": str(journal.path.absolute()),
    }
    try:
        ended = run_part(
            task,
            log=session.out / f"{part.name}.log",
            budget=budget,
            show=lambda seconds, said: line.update(f"{part.name}  {seconds:.0f} of {budget:.0f} s  {said}"),
        )
        line.update(f"{part.name}: {ended.state}, {ended.seconds:.0f} of {budget:.0f} s  {ended.message}")
    finally:
        line.close()
    journal.add(
        part=part.name,
        state=ended.state,
        message=ended.message,
        seconds=round(ended.seconds, 1),
        budget=round(budget, 1),
    )
    return ended


@contextlib.contextmanager
def _terminations_as_interrupts() -> Iterator[None]:
    """Let a termination signal or a closed terminal end the command as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    earlier = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in earlier.items():
            signal.signal(each, handler)


def _to_commit(out: Path) -> str:
    """Return what there is to commit, and how to take it over."""
    records = sorted((out / RECORDS).glob("*/*/run.json"))
    size = sum(path.stat().st_size for path in (out / RECORDS).rglob("*") if path.is_file())
    lines = ["To commit:", f"    cp {shlex.quote(str(out / 'report.json'))} runs/reference/gpu.json"]
    if records:
        lines.append(
            f"    cp -r {shlex.quote(str(out / RECORDS))}/. runs/reference/    # {len(records)} runs, "
            f"{size / 2**20:.1f} MiB"
        )
    return "\n".join(lines)
