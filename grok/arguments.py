"""What came on the command line, read; what does not parse becomes a one-line `UsageError`."""

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

from grok.config import did_you_mean

OptionsType = TypeVar("OptionsType")

MOST_SEEDS = 100_000


class UsageError(Exception):
    """The command line does not parse: the message says what was expected, and what came."""


def parse(options_type: type[OptionsType], command: str, arguments: Sequence[str], **how: Any) -> OptionsType:
    """Let tyro read the arguments, and turn its boxed message into one line."""
    out, err = _Utf8Text(), _Utf8Text()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return tyro.cli(options_type, prog=f"grok {command}", args=list(arguments), **how)
    except SystemExit as stop:
        if stop.code:
            raise UsageError(_unbox(err.getvalue())) from stop
        sys.stdout.write(out.getvalue())
        raise


class _Utf8Text(io.StringIO):
    """Text in memory that tyro takes for a modern terminal, so that its boxes are drawn with lines everywhere."""

    encoding = "utf-8"


def _unbox(text: str) -> str:
    r"""The sentence inside a box of line-drawing characters, without the pointer to the help at its end.

    >>> _unbox("╭ Value error ╮\n│ Error parsing │\n│ --seed: bad   │\n│ ───────────── │\n│ For full helptext │\n╰╯")
    'Error parsing --seed: bad'
    """
    lines = [line.strip("│ \n") for line in text.splitlines() if line.startswith("│")]
    sections = re.split(r"\n─+\n", "\n".join(lines))
    sentences = [" ".join(section.split()) for section in sections if not section.startswith("For full helptext")]
    return ". ".join(sentences[:2])  # what is wrong, and the nearest that would be right


def choose(kind: str, name: str, choices: dict[str, Any]) -> Any:
    """The choice called `name`, or a `UsageError` that lists them and the closest."""
    if name in choices:
        return choices[name]
    raise UsageError(f"{kind}: expected one of {', '.join(choices)}, got {name!r}{did_you_mean(name, choices)}")


def parse_seeds(text: str) -> list[int]:
    """The seeds that `--seeds` names, each once, in order.

    >>> parse_seeds("0-3,8,2")
    [0, 1, 2, 3, 8]
    """
    seeds: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            raise UsageError(f"--seeds: expected numbers and ranges such as 0-63 or 0,3,8-11, got {text!r}")
        if dash and int(last) < int(first):
            raise UsageError(
                f"--seeds: expected ranges from low to high, got '{first}-{last}': did you mean {last}-{first}?"
            )
        if dash and int(last) - int(first) >= MOST_SEEDS:
            raise UsageError(f"--seeds: expected at most {MOST_SEEDS:,} seeds, got {text!r}")
        seeds.update(range(int(first), int(last or first) + 1))
    return sorted(seeds)


def refuse_both(flag: str, other: str, arguments: Sequence[str]) -> None:
    """Raise `UsageError` where two flags are given that set the same thing.

    >>> refuse_both("--steps", "--config.steps", ["--steps", "5"])
    """
    if all(any(word == each or word.startswith(f"{each}=") for word in arguments) for each in (flag, other)):
        raise UsageError(f"{flag}: expected one of {flag} and {other}, got both")


def value_of(flag: str, arguments: Sequence[str], *, default: str) -> str:
    """The value that `--flag VALUE` or `--flag=VALUE` gives, before the flags that depend on it can be read."""
    value = default
    for index, argument in enumerate(arguments):
        if argument == flag and index + 1 < len(arguments):
            value = arguments[index + 1]
        elif argument.startswith(f"{flag}="):
            value = argument.partition("=")[2]
    return value
