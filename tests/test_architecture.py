"""The shape of the project: which way imports point, and that the tree in grok/README.md lists every source file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# package or module -> what of grok it may import, itself aside
MAY_IMPORT = {
    "operations": set(),
    "columns": set(),
    "processors": set(),
    "memory": {"config", "processors"},
    "config": {"operations"},
    "random": set(),
    "information": set(),
    "tasks": {"config", "operations", "random", "tracking"},
    "models": {"config"},
    "tracking": {"columns", "config"},
    "analysis": {"columns", "config", "tracking"},
    "experiment": {"config", "tracking", "analysis"},
    "figures": {"columns", "config", "information", "analysis", "tracking", "experiment"},
    "training": {"columns", "config", "random", "information", "tasks", "models", "tracking"},
    "experiments": {
        *("columns", "config", "random", "information", "tasks", "models", "tracking", "analysis", "training"),
        *("experiment", "figures", "memory", "processors"),
    },
    "arguments": {"config"},
    "sweep": {"arguments", "columns", "config", "experiment", "experiments", "processors", "tracking", "training"},
    "bench": {
        *("config", "experiment", "experiments", "information", "models", "processors", "random", "tasks", "tracking"),
        *("training",),
    },
    "gpu": {"bench", "columns", "config", "experiment", "experiments", "tasks", "tracking", "training"},
    "examples": {"information"},
    "report": {"analysis", "columns", "experiment", "tracking"},
    "interface": {
        *("config", "experiment", "experiments", "figures", "models", "report", "tasks", "tracking", "training"),
    },
    "cli": {
        *("analysis", "arguments", "bench", "columns", "config", "experiment", "experiments", "figures", "interface"),
        *("processors", "report", "sweep", "tasks", "tracking"),
    },
    "__main__": {"cli", "processors"},
}

# Folders in which things are added, as grok/README.md describes; the tree need not name a file that is new there.
OPEN = tuple(f"grok/{folder}/" for folder in ("experiments", "figures", "tasks/images", "training/probes"))


def _part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _imports(path: Path) -> set[str]:
    """The parts of the package that a file imports; what it imports for the type checker alone is not counted."""
    tree = ast.parse(path.read_text())
    typing = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    for node in typing:
        tree.body.remove(node)
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "grok":
            imported.add(_part(node.module))
        elif isinstance(node, ast.Import):
            imported |= {_part(alias.name) for alias in node.names if alias.name.split(".")[0] == "grok"}
    return imported - {""}


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_point_one_way(part):
    folder = ROOT / "grok" / part
    files = list(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    assert files
    for file in files:
        assert _imports(file) <= MAY_IMPORT[part] | {part}, f"{file.relative_to(ROOT)} imports what it must not"


def test_every_part_of_the_package_has_its_import_rule():
    parts = {path.stem for path in (ROOT / "grok").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} == set(MAY_IMPORT)


def test_the_tree_gives_every_source_file_one_line_but_for_those_that_are_added_to_open_folders():
    tree = (ROOT / "grok" / "README.md").read_text().partition("## The tree")[2].partition("\n## ")[0]
    listed, folders = set(), []
    for line in tree.splitlines():
        match = re.match(r"^( *)([\w./-]+)  +\S", line)
        if not match:
            continue
        depth = len(match[1]) // 2
        folders = [*folders[: depth - 2], match[2].rstrip("/")] if match[2].endswith("/") else folders[: depth - 2]
        if match[2].endswith(".py"):
            listed.add("/".join([*folders, match[2]]))
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "grok").rglob("*.py") if path.name != "__init__.py"}
    assert listed <= sources
    assert {path for path in sources - listed if not path.startswith(OPEN)} == set()


def test_every_source_file_has_a_test_file_in_its_place():
    exempt = {"grok/__main__.py", "grok/gpu/__main__.py"}
    sources = {path.relative_to(ROOT) for path in (ROOT / "grok").rglob("*.py") if path.name != "__init__.py"}
    missing = {
        str(source)
        for source in sources
        if not (ROOT / "tests" / source.relative_to("grok").parent / f"test_{source.name}").exists()
    }
    assert missing - exempt == set()


@pytest.mark.parametrize("heavy", ["torch", "wandb", "matplotlib", "pandas"])
def test_importing_the_package_is_light(heavy):
    code = f"import grok, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
