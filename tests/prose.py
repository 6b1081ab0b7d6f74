"""Markdown read as a reader does: its sentences, its links and the anchors of its headings."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

NOT_AN_END = re.compile(r"\b(?:al|cf|e\.g|i\.e|vs|No|Fig)\.$")
MARK = re.compile(r"^(?:[-*]|\d+\.) +")
LINK = re.compile(r"!?\[((?:[^\]\[]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def sentences(markdown: str) -> Iterator[str]:
    """The sentences of its prose; headings, tables, pictures and code blocks are left out.

    Code within a sentence and a link's address count as nothing or as one word.

    >>> list(sentences("# Title\\n\\nSee [the table](a.md), by Lee et al. (2024). It\\nhas `a + b`.\\n"))
    ['See the table, by Lee et al. (2024).', 'It has `code`.']
    """
    for paragraph in _paragraphs(markdown):
        words = re.sub(r"`[^`]+`", "`code`", LINK.sub(lambda link: link[1], paragraph)).split()
        sentence: list[str] = []
        for word, following in zip(words, [*words[1:], ""], strict=True):
            sentence.append(word)
            bare = word.rstrip(")*\"'`_")
            if bare.endswith((".", "!", "?")) and not NOT_AN_END.search(bare) and not following[:1].islower():
                yield " ".join(sentence)
                sentence = []
        if sentence:
            yield " ".join(sentence)


def docstrings(path: Path) -> Iterator[str]:
    """Every text in a source file that documents a module, class, function, field or constant, without its doctest."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            text = inspect.cleandoc(node.value.value).partition("\n>>> ")[0]
            yield re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)


def num_words(sentence: str) -> int:
    """How many of its parts between spaces have a letter or a digit.

    >>> num_words("MIR – a ratio – is 0.3 here.")
    6
    """
    return sum(any(character.isalnum() for character in word) for word in sentence.split())


def links(markdown: str) -> list[str]:
    """The addresses of its links and pictures, those in code left out."""
    text = re.sub(r"`[^`\n]+`", "", "\n".join(_without_code(markdown)))
    return [address for _, address in LINK.findall(text)]


def anchors(markdown: str) -> set[str]:
    """The anchors that GitHub gives to its headings.

    >>> sorted(anchors("# Is it `fast`?\\n\\n## What it costs: time\\n"))
    ['is-it-fast', 'what-it-costs-time']
    """
    headings = [line.lstrip("#").strip() for line in _without_code(markdown) if re.match(r"#{1,6} ", line)]
    plain = [LINK.sub(lambda link: link[1], heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def _without_code(markdown: str) -> Iterator[str]:
    """The lines outside of code blocks: fenced ones, and those indented after an empty line."""
    fenced = indented = False
    before = ""
    for line in markdown.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            indented = line.startswith("    ") and (indented or not before.strip())
            if not indented:
                yield line
        before = line


def _paragraphs(markdown: str) -> Iterator[str]:
    """Paragraphs and items of lists, each as one line."""
    lines: list[str] = []
    for line in [*_without_code(markdown), ""]:
        apart = not line.strip() or line.startswith(("#", "|", "!["))
        if apart or MARK.match(line):
            if lines:
                yield " ".join(lines)
            lines = []
        if not apart:
            lines.append(MARK.sub("", line).strip())
