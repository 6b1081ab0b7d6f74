"""What came on the command line, read; what does not parse becomes a one-line `UsageError`."""

import contextlib
import io
import re
import sys
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import tyro

from grok.config import did_you_mean

OptionsType = TypeVar("OptionsType")

MOST_SEEDS = 100_000

VALUES = {
    "INT": "an integer",
    "{None}|INT": "an integer or None",
    "FLOAT FLOAT": "two numbers",
    "FLOAT": "a number",
}
"""What tyro's placeholders for a value stand for; of two that begin alike the longer is first."""
UNKNOWN = "Unrecognized options: "


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
            raise UsageError(_in_one_line(_unbox(err.getvalue()), command)) from stop
        sys.stdout.write(out.getvalue())
        raise


class _Utf8Text(io.StringIO):
    """Text in memory that tyro takes for a modern terminal, so that its boxes are drawn with lines everywhere."""

    encoding = "utf-8"


def _unbox(text: str) -> list[str]:
    r"""The sections inside a box of line-drawing characters, without the pointer to the help at its end.

    >>> _unbox("╭ Value error ╮\n│ Error parsing │\n│ --seed: bad   │\n│ ───────────── │\n│ For full helptext │\n╰╯")
    ['Error parsing --seed: bad']
    """
    lines = [line.strip("│ \n") for line in text.splitlines() if line.startswith("│")]
    sections = re.split(r"\n─+\n", "\n".join(lines))
    return [" ".join(section.split()) for section in sections if not section.startswith("For full helptext")]


def _in_one_line(sections: Sequence[str], command: str) -> str:
    """What is wrong as name, expected and got; what tyro says in words not known here stays as it is."""
    what, about = (*sections, "")[:2]
    unknown = [section.removeprefix(UNKNOWN) for section in sections if section.startswith(UNKNOWN)]
    if unknown:
        words = unknown[0].split(", ")
        near = _near_flag(words, sections)
        return f"options: expected those that `grok {command} --help` lists, got {' '.join(words)}{near}"
    if bad := re.match(r"Error parsing (\S+): ", what):
        form = about.removeprefix(f"Argument helptext: {bad[1]} ")
        expected = next((words for start, words in VALUES.items() if form.startswith(f"{start} ")), None)
        got = re.search(r"(?:from|arguments) \[(.*)\](?:\. Got errors| into)|: (['\"].*['\"])$", what)
        if expected and got:
            return f"{bad[1]}: expected {expected}, got {got[1] or got[2]}"
    if choice := re.fullmatch(r"invalid choice '(.*)' for argument '(\S+)'\. Expected one of \((.*)\)\.", what):
        return _no_choice(choice[2], choice[1], re.findall(r"'([^']*)'", choice[3]))
    if few := re.fullmatch(r"Missing value for argument '(\S+)'\. Expected (\d+) values\.", what):
        return f"{few[1]}: expected " + ("a value, got none" if few[2] == "1" else f"{few[2]} values, got fewer")
    if lacking := re.fullmatch(r"Missing from grok [\w ]+?: (--\S+ )?[A-Z]+ (\w)(.*?)\.? \(required\)", what):
        return f"{(lacking[1] or command).strip()}: expected {lacking[2].lower()}{lacking[3]}, got none"
    return ". ".join(sections[:2])


def _near_flag(words: Sequence[str], sections: Sequence[str]) -> str:
    """What the first unknown flag was perhaps meant to be, of those that tyro finds similar to it."""
    similar = dict(section.partition(": ")[::2] for section in sections)
    for word in words:
        listed = similar.get("Perhaps you meant") or similar.get(f"Arguments similar to {word}")
        if word.startswith("--") and listed:
            return did_you_mean(word, re.findall(r"(?<!\S)--[\w.-]+", listed), nearness=0.0)
    return ""


def choose(kind: str, name: str, choices: dict[str, Any]) -> Any:
    """The choice called `name`, or a `UsageError` that lists them and the closest."""
    if name in choices:
        return choices[name]
    raise UsageError(_no_choice(kind, name, choices))


def _no_choice(kind: str, name: str, choices: Collection[str]) -> str:
    return f"{kind}: expected one of {', '.join(choices)}, got {name!r}{did_you_mean(name, choices)}"


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
