"""The command goes on after every fault, keeps what is done, and tries again only the rest."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grok.gpu import command
from grok.gpu.command import Session, main, measure, parse
from grok.gpu.journal import Journal
from grok.gpu.parts import PARTS
from grok.gpu.sizes import FULL, SMALL
from tests.gpu import faults
from tests.gpu.faults import MACHINE, part
from tests.helpers import wait_until

ROOT = Path(__file__).parents[2]


def session(out, *parts, **settings):
    return Session(device="cpu", sizes=SMALL, out=out, parts=parts, machine=MACHINE, **{"seconds": 60.0} | settings)


def states(out):
    outcomes = Journal(out / "results.jsonl").outcomes()
    return {name: (each.state, each.message) for name, each in outcomes.items() if name != "machine"}


def numbers(out, name):
    (rows,) = Journal(out / "results.jsonl").outcomes()[name].tables.values()
    return [row["plain"]["n"] for row in rows]


def test_every_fault_is_a_line_of_the_table_and_no_other_part_suffers(tmp_path, capsys):
    parts = [
        part(faults.raises, 40),
        part(faults.dies, 40),
        part(faults.left_out, 40),
        part(faults.hangs, 3),
        part(faults.fine, 40),
    ]
    assert measure(session(tmp_path, *parts, seconds=30.0)) == 1
    out, err = capsys.readouterr()
    assert states(tmp_path) == {
        "raises": ("failed", "ValueError: the first line"),
        "dies": ("failed", "ended by SIGSEGV at: about to die"),
        "left_out": ("left out", "it needs a thing: put it there"),
        "hangs": ("out of time", "killed after 2 s at: in a place that never ends"),
        "fine": ("done", "two numbers"),
    }
    assert "| raises | a part: raises | failed | " in out
    assert "| fine | a part: fine | done | " in out
    assert "a machine of nothing\n" in out
    assert (numbers(tmp_path, "raises"), numbers(tmp_path, "hangs"), numbers(tmp_path, "fine")) == ([3], [4], [1, 2])
    assert err.splitlines()[-1] == "grok: not done: 3 of 5 parts; the same command tries them again"


def test_the_same_command_goes_on_with_what_is_not_done(tmp_path, capsys):
    parts = [part(faults.waits_once, 3), part(faults.fine, 40)]
    assert measure(session(tmp_path, *parts, seconds=40.0)) == 1
    assert states(tmp_path)["waits_once"][0] == "out of time"
    assert measure(session(tmp_path, *parts)) == 0
    assert states(tmp_path)["waits_once"] == ("done", "the second time")
    assert numbers(tmp_path, "waits_once") == [7]
    assert (tmp_path / "fine.runs").read_text() == "x"
    capsys.readouterr()
    assert measure(session(tmp_path, *parts)) == 0
    out, err = capsys.readouterr()
    assert "| waits_once | a part: waits_once | done | " in out
    assert err == ""


def test_a_half_written_file_loses_its_last_line_alone(tmp_path):
    parts = [part(faults.fine), part(faults.waits_once)]
    journal = tmp_path / "results.jsonl"
    assert measure(session(tmp_path, *parts[:1])) == 0
    journal.write_bytes(journal.read_bytes()[:-10])  # how `fine` ended is lost with it
    (tmp_path / "waited").touch()
    assert states(tmp_path) == {"fine": ("interrupted", "")}
    assert measure(session(tmp_path, *parts)) == 0
    assert states(tmp_path) == {"fine": ("done", "two numbers"), "waits_once": ("done", "the second time")}
    assert numbers(tmp_path, "fine") == [1, 2]
    assert (tmp_path / "fine.runs").read_text() == "xx"


def test_fresh_begins_anew(tmp_path):
    for fresh in (False, True):
        assert measure(session(tmp_path, part(faults.fine), fresh=fresh)) == 0
    assert (tmp_path / "fine.runs").read_text() == "x"


def test_only_chosen_parts_run(tmp_path):
    assert measure(session(tmp_path, part(faults.raises), part(faults.fine), chosen=["fine"])) == 0
    assert set(states(tmp_path)) == {"fine"}


def test_without_the_device_nothing_begins(tmp_path):
    broken = Session(
        device="cpu",
        sizes=SMALL,
        out=tmp_path,
        parts=[part(faults.fine)],
        machine=part(faults.no_gpu, name="machine"),
    )
    with pytest.raises(command.GpuError, match=r"^RuntimeError: this machine has no GPU$"):
        measure(broken)
    assert states(tmp_path) == {}
    slow = dataclasses.replace(broken, machine=part(faults.hangs, name="machine"), seconds=4.0)
    with pytest.raises(command.GpuError, match=r"^this machine did not describe itself: killed after 2 s at: in a "):
        measure(slow)


def _in_a_process(out):
    """The command in a process of its own, whose second part hangs the first time."""
    code = (
        "from pathlib import Path; from tests.gpu import faults; from tests.gpu.test_command import session;"
        "from grok.gpu.command import measure; from tests.gpu.faults import part;"
        f"raise SystemExit(measure(session(Path({str(out)!r}), part(faults.fine), part(faults.waits_once))))"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)


def _waits(out):
    return (out / "waited").exists() and "waits_once" in states(out) and "fine" in states(out)


@pytest.mark.torture
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_command_what_is_done_is_kept_and_the_rest_is_done_later(tmp_path, how):
    process = _in_a_process(tmp_path)
    wait_until(lambda: _waits(tmp_path))
    process.send_signal(how)
    _, err = process.communicate()
    assert process.returncode == (-9 if how == signal.SIGKILL else 130)
    if how != signal.SIGKILL:
        assert err.decode().splitlines()[-1].startswith("grok: interrupted; what is measured is saved. To go on, give")
        assert (tmp_path / "report.md").exists()
    assert states(tmp_path) == {"fine": ("done", "two numbers"), "waits_once": ("interrupted", "")}
    wait_until(lambda: not _children_of(tmp_path))
    again = _in_a_process(tmp_path)
    out, _ = again.communicate()
    assert again.returncode == 0
    assert states(tmp_path)["waits_once"] == ("done", "the second time")
    assert (tmp_path / "fine.runs").read_text() == "x"
    assert b"| waits_once | a part: waits_once | done |" in out


def _children_of(out):
    """The processes of parts that have this folder's logs open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = [os.readlink(each) for each in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(each.startswith(str(out)) and each.endswith(".log") for each in opened):
            found.append(process.name)
    return found


def test_two_calls_do_not_measure_into_one_folder(tmp_path):
    with (
        command._locked(tmp_path),
        pytest.raises(command.GpuError, match=f"^--out: process {os.getpid()} measures into"),
        command._locked(tmp_path),
    ):
        pass


def test_a_folder_with_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("words")
    assert main(["--device", "cpu", "--out", str(tmp_path), "--fresh"]) == 2
    assert capsys.readouterr().err == (
        f"grok: --out: expected an empty folder or one with results, got {tmp_path} with thesis.tex\n"
    )
    assert (tmp_path / "thesis.tex").read_text() == "words"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "0"], "--seconds: expected a positive number, got 0"),
        (["--device", "tpu"], "argument --device: invalid choice: 'tpu' "),
        (["--fast"], "unrecognized arguments: --fast; --help lists the options"),
        (["--parts", "stacks"], "argument --parts: invalid choice: 'stacks' "),
    ],
)
def test_a_wrong_flag_is_one_line(capsys, arguments, message):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"grok: {message}")


def test_the_sizes_are_the_papers_on_a_gpu_and_small_on_a_cpu():
    assert (parse([]).sizes, parse([]).out) == (FULL, Path("runs/gpu"))
    assert (parse(["--device", "cpu"]).sizes, parse(["--device", "cpu"]).out) == (SMALL, Path("runs/gpu-rehearsal"))
    assert parse(["--sizes", "small"]).sizes == SMALL
    assert parse(["--parts", "step", "stack"]).chosen == ["step", "stack"]


def test_small_records_are_named_for_the_commit(tmp_path):
    for run in ("a-seed0", "a-seed1"):
        folder = tmp_path / "records" / "grokking" / run
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({}))
    (folder / "metrics.parquet").write_bytes(bytes(2**20))
    text = command._to_commit(tmp_path)
    assert f"cp {tmp_path / 'report.json'} runs/reference/gpu.json" in text
    assert text.endswith(f"cp -r {tmp_path / 'records'}/. runs/reference/    # 2 runs, 1.0 MiB")


BLOCKED = """
import sys
from importlib.machinery import PathFinder


class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = name.partition(".")[0] in ("tyro", "wandb", "mnist1d")
        return None if missing else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


@pytest.fixture
def without_the_command_line(tmp_path):
    """The environment of processes that have neither tyro nor wandb nor mnist1d."""
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text(BLOCKED)
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "blocked"), str(ROOT)])}


def test_these_are_missing_there(without_the_command_line):
    code = "import importlib.util, sys; print([importlib.util.find_spec(each) for each in sys.argv[1:]])"
    command = [sys.executable, "-c", code, "tyro", "wandb", "mnist1d"]
    found = subprocess.run(command, cwd=ROOT, env=without_the_command_line, capture_output=True, text=True, check=True)
    assert found.stdout == "[None, None, None]\n"


def test_nothing_that_a_gpu_machine_may_lack_is_imported(without_the_command_line):
    modules = {part.function.partition(":")[0] for part in PARTS} | {"grok.gpu.command", "grok.gpu.child"}
    code = "import importlib, sys; [importlib.import_module(each) for each in sys.argv[1:]]"
    subprocess.run([sys.executable, "-c", code, *modules], cwd=ROOT, env=without_the_command_line, check=True)


@pytest.mark.torture
def test_the_whole_rehearsal_without_them(tmp_path, without_the_command_line):
    """All parts at small sizes, but for the tests, which would run themselves, and images, which compile for long."""
    wanted = [part.name for part in PARTS if part.name not in ("tests", "images")]
    arguments = ["--device", "cpu", "--out", str(tmp_path / "out"), "--parts", *wanted]
    command = [sys.executable, "-m", "grok.gpu", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=without_the_command_line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ended = states(tmp_path / "out")
    assert {name: state for name, (state, _) in ended.items()} == dict.fromkeys(wanted, "done") | {"preset": "left out"}
    assert ended["recording"][1] == "without a mirror, as wandb is not installed"
    assert ended["preset"][1] == "no data: No module named 'mnist1d'"
    assert len(list((tmp_path / "out" / "records").glob("grokking/*/metrics.parquet"))) == 8
