"""What grok/README.md says about adding things is all that it takes: these tests do it to a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEADING = "## How to add something"
EDIT = re.compile(
    r"^(?P<how>Create|Append to|In) `(?P<path>[^`]+)`"
    r"(?:, (?P<place>after|in place of) the line `(?P<anchor>[^`]+)`)?:\n\n```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MOST_FILES = {"operation": 2, "probe": 4, "figure": 3, "image data set": 4, "experiment": 6, "task family": 6}


@dataclass(frozen=True)
class Edit:
    """One change that the README asks for."""

    how: str
    path: str
    place: str | None
    anchor: str | None
    text: str

    def do(self, root: Path) -> None:
        path = root / self.path
        if self.how == "Create":
            assert not path.exists(), f"{self.path} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text)
        elif self.how == "Append to":
            path.write_text(f"{path.read_text().rstrip()}\n\n\n{self.text}")
        else:
            lines = path.read_text().split("\n")
            at = [place for place, line in enumerate(lines) if line.strip() == self.anchor]
            assert len(at) == 1, f"{self.path} has {len(at)} lines {self.anchor!r}"
            lines[at[0] : at[0] + 1] = [*([lines[at[0]]] if self.place == "after" else []), *self.text.split("\n")[:-1]]
            path.write_text("\n".join(lines))


def sections() -> dict[str, list[Edit]]:
    """What is added, with the edits that add it, from the README."""
    text = (ROOT / "grok" / "README.md").read_text().partition(HEADING)[2].partition("\n## ")[0]
    found = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        kind = re.match(r"An? (.+?) \(\d+ files?\)$", title)
        assert kind, f"expected a title such as 'A probe (4 files)', got {title!r}"
        found[kind[1]] = [Edit(**match.groupdict()) for match in EDIT.finditer(section)]
        assert f"({len({edit.path for edit in found[kind[1]]})} files)" in title
    return found


@pytest.mark.parametrize("kind", MOST_FILES)
def test_adding_one_touches_few_files(kind):
    files = {edit.path for edit in sections()[kind]}
    assert 0 < len(files) <= MOST_FILES[kind]
    assert any(path.startswith("tests/") for path in files)


def add_and_test(root: Path, kinds: list[str]) -> None:
    """Copy the package, add these kinds of things to the copy, and run the tests that came with them."""
    for part in ("grok", "tests"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, root)
    edits = [edit for kind in kinds for edit in sections()[kind]]
    for edit in edits:
        edit.do(root)
    of_tests = [edit for edit in edits if "/test_" in edit.path]
    tests = [name for edit in of_tests for name in re.findall(r"^def (test_\w+)", edit.text, re.MULTILINE)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"),
            *sorted({edit.path for edit in of_tests}),
            *("-k", " or ".join(tests)),
        ],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= len(tests) > 0


def test_everything_that_the_readme_adds_works_in_one_copy_of_the_package(tmp_path):
    add_and_test(tmp_path, list(MOST_FILES))


@pytest.mark.torture
@pytest.mark.parametrize("kind", MOST_FILES)
def test_each_thing_that_the_readme_adds_works_in_a_copy_of_its_own(tmp_path, kind):
    add_and_test(tmp_path, [kind])
