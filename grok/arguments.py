"""Parser of the command line. Words that do not parse raise a `UsageError`, whose message is one line.

tyro parses the words. If it rejects them, the message is built from the types of the options. The text of tyro is used
only if these types do not explain the error.
"""

import contextlib
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import tyro

from grok.config import did_you_mean
from grok.config.types import describe, near_choice

OptionsType = TypeVar("OptionsType")
ChoiceType = TypeVar("ChoiceType")

MOST_SEEDS = 100_000


class UsageError(Exception):
    """Raised when the command line does not parse; the message says what was expected and what was given."""


def parse(options_type: type[OptionsType], command: str, arguments: Sequence[str], **how: Any) -> OptionsType:
    """Read the arguments of `grok command` as options of this type; `how` is passed on to `tyro.cli`.

    Raises:
        UsageError: if the arguments do not parse.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options, unknown = tyro.cli(
                options_type, prog=f"grok {command}", args=list(arguments), return_unknown_args=True, **how
            )
    except SystemExit as stop:
        if not stop.code:  # help was asked for
            raise
        fault = _fault(list(_options(options_type)), command, arguments, complete="default" in how)
        raise UsageError(fault or _in_one_line(said.getvalue())) from stop
    if unknown:
        raise UsageError(_unknown(unknown, _flags(_options(options_type)), command))
    return options


@dataclasses.dataclass(frozen=True)
class _Option:
    name: str
    """The flag, or the field's name for words without a flag."""
    hint: Any
    positional: bool
    required: bool


def _options(options_type: type[Any], prefix: str = "") -> Iterator[_Option]:
    """Yield the options that tyro derives from the fields of a dataclass and of the dataclasses in it."""
    hints, annotated = get_type_hints(options_type), get_type_hints(options_type, include_extras=True)
    for field in dataclasses.fields(options_type):
        hint = hints[field.name]
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            yield from _options(hint, f"{prefix}{field.name}.")
            continue
        positional = tyro.conf.Positional in getattr(annotated[field.name], "__metadata__", ())
        required = field.default is field.default_factory is dataclasses.MISSING
        names = [field.name, f"no-{field.name}"] if hint is bool else [field.name]
        for name in names:
            flag = f"--{prefix}{name}".replace("_", "-")
            yield _Option(field.name if positional else flag, hint, positional, required)


def _flags(options: Iterable[_Option]) -> dict[str, Any]:
    """Return the type of the value of each flag."""
    return {option.name: option.hint for option in options if not option.positional}


def _given(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return each flag among these words, in order, with the words that follow it; words before any flag come first.

    >>> _given(["a", "--seed", "3", "--dry_run", "--runs=b"])
    [('', ['a']), ('--seed', ['3']), ('--dry-run', []), ('--runs', ['b'])]
    """
    given: list[tuple[str, list[str]]] = [("", [])]
    for word in arguments:
        flag, joined, value = word.partition("=")
        if word.startswith("--") and word != "--":
            given.append((flag.replace("_", "-"), [value] if joined else []))
        else:
            given[-1][1].append(word)
    return given


def _fault(options: Sequence[_Option], command: str, arguments: Sequence[str], *, complete: bool) -> str:
    """Describe what is wrong with arguments that tyro rejects, or return nothing if the types do not explain it.

    Only the first fault is reported: an unknown flag, then a wrong value, then a missing value. No value can be missing
    if the options are `complete`, that is, have defaults.
    """
    flags = _flags(options)
    (_, loose), *given = _given(arguments)
    if unknown := [flag for flag, _ in given if flag not in flags]:
        return _unknown(unknown, flags, command)
    for flag, words in given:
        hint = flags[flag]
        values = words[: _most_values(hint)]
        loose += words[len(values) :]
        if hint is not bool and not _parses(hint, values):
            got = ", ".join(map(repr, values)) or "nothing"
            return f"{flag}: expected {describe(hint)}, got {got}{near_choice(hint, ' '.join(values))}"
    for option in () if complete else options:
        if option.required and not (loose if option.positional else option.name in dict(given)):
            what = f"a {option.name}" if option.positional else f"{option.name} with {describe(option.hint)}"
            return f"{command}: expected {what}, got nothing; `grok {command} --help` explains it"
    return ""


def _unknown(words: Sequence[str], flags: Iterable[str], command: str) -> str:
    near = (did_you_mean(word, flags) for word in words if word.startswith("--"))
    listed = f"options: expected those that `grok {command} --help` lists"
    return f"{listed}, got {' '.join(words)}{next(filter(None, near), '')}"


def _most_values(hint: Any) -> int | None:
    """Return the largest number of words of a flag's value: None for any number, 0 if the flag itself is the value."""
    inner = get_args(hint) if get_origin(hint) is tuple else (hint,)
    return 0 if hint is bool else None if inner[-1] is Ellipsis else len(inner)


def _parses(hint: Any, values: Sequence[str]) -> bool:
    """Return whether tyro reads these words as a value of this type."""
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        tyro.cli(hint, args=["--", *values])
        return True
    return False


def _in_one_line(text: str) -> str:
    r"""Return a text without the box around it, by keeping the words that have a letter or a digit.

    >>> _in_one_line("╭ Error ──╮\n│ Too many │\n╰─────────╯"), _in_one_line("+- Error -+\n| Too many |\n+---------+")
    ('Error Too many', 'Error Too many')
    """
    return " ".join(word for word in text.split() if any(map(str.isalnum, word)))


def choose(kind: str, name: str, choices: Mapping[str, ChoiceType]) -> ChoiceType:
    """Return the choice called `name`.

    Raises:
        UsageError: if there is none; the message lists all choices and suggests the most similar one.
    """
    if name in choices:
        return choices[name]
    listed = ", ".join(choices)
    raise UsageError(f"{kind}: expected one of {listed}, got {name!r}{did_you_mean(name, choices)}")


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that `--seeds` names, each once and in ascending order.

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
    """Raise `UsageError` if both of two flags that set the same value are given.

    >>> refuse_both("--steps", "--config.steps", ["--steps", "5"])
    """
    if {flag, other} <= dict(_given(arguments)).keys():
        raise UsageError(f"{flag}: expected one of {flag} and {other}, got both")


def value_of(flag: str, arguments: Sequence[str], *, default: str) -> str:
    """Return the last value of `--flag VALUE` or `--flag=VALUE`, which decides how the other flags are read."""
    values = [words[0] for name, words in _given(arguments) if name == flag and words]
    return values[-1] if values else default
