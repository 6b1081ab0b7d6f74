"""The line of each key of a TOML text, which tomllib does not tell."""

import re
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys from the top down; the elements of an array of tables are numbered from 0."""

_KEY = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEYS = re.compile(rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*")
_HEADER = re.compile(rf"(\[\[?)[ \t]*({_KEYS.pattern})")
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|.''',
    re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    r"""Lines, from 1, of the keys and table headers of a valid TOML text; what inline tables hold has none.

    >>> key_lines('steps = 3\n[[block]]\nname = "a"\nbase.task.modulus = 11\n')
    {('steps',): 1, ('block', 0): 2, ('block', 0, 'name'): 3, ('block', 0, 'base', 'task', 'modulus'): 4}
    """
    lines: dict[KeyPath, int] = {}
    elements: dict[KeyPath, int] = {}  # the newest element of each array of tables
    table: KeyPath = ()
    line, depth, at_start = 1, 0, True
    place = 0
    while place < len(text):
        if at_start and depth == 0 and (keys := _KEYS.match(text, place)):
            lines.setdefault(table + _split(keys[0]), line)
            place, at_start = keys.end(), False
            continue
        if at_start and depth == 0 and (header := _HEADER.match(text, place)):
            table = _resolve(_split(header[2]), elements)
            if header[1] == "[[":
                elements[table] = elements.get(table, -1) + 1
                table = (*table, elements[table])
            lines.setdefault(table, line)
            place, at_start = text.index("]" * len(header[1]), header.end()) + len(header[1]), False
            continue
        token = _TOKEN.match(text, place)
        assert token, "the last alternative matches any character"
        place = token.end()
        line += token[0].count("\n")
        depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))
        at_start = token[0] == "\n" or (at_start and token[0].isspace())
    return lines


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the nearest that holds it; the first line if none does."""
    for length in range(len(path), 0, -1):
        found = [line for key, line in lines.items() if key[:length] == path[:length]]
        if found:
            return min(found)
    return 1


def _split(keys: str) -> KeyPath:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, keys))


def _resolve(keys: KeyPath, elements: Mapping[KeyPath, int]) -> KeyPath:
    """A header's keys with the number of the newest element after each array of tables above the last."""
    path: KeyPath = ()
    for place, key in enumerate(keys):
        path = (*path, key)
        if path in elements and place < len(keys) - 1:
            path = (*path, elements[path])
    return path
