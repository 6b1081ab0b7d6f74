"""Parts that go wrong in every way in which a part can; they import nothing heavy, so that they start at once."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from grok.gpu.job import LeftOutError
from grok.gpu.parts import Part


@dataclass
class Table:
    """What a part yields, without torch."""

    title: str
    rows: list[dict[str, Any]]

    def json(self):
        return {"title": self.title, "rows": self.rows}

    def texts(self):
        return [{name: str(value) for name, value in row.items()} for row in self.rows]


def machine(job):
    yield Table("the machine", [{"property": "device", "value": "nothing"}])
    return "a machine of nothing"


def no_gpu(job):
    raise RuntimeError("this machine has no GPU")
    yield


def fine(job):
    yield Table("numbers", [{"n": 1}])
    job.say("half way")
    yield Table("numbers", [{"n": 2}])
    with (job.out / "fine.runs").open("a") as file:
        file.write("x")
    return "two numbers"


def raises(job):
    yield Table("before the fault", [{"n": 3}])
    raise ValueError("the first line\nand more")


def hangs(job):
    job.say("in a place that never ends")
    yield Table("before the hang", [{"n": 4}])
    while True:
        time.sleep(60)


def dies(job):
    job.say("about to die")
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def left_out(job):
    raise LeftOutError("it needs a thing: put it there")
    yield


def ends_when_asked(job):
    while not job.stopped():
        time.sleep(0.01)
    yield Table("until asked", [{"n": 5}])
    return "ended when asked"


def leaves_a_process(job):
    """One that outlives it, in its group."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (job.out / "pid").write_text(str(process.pid))
    yield Table("process", [{"pid": process.pid}])
    return ""


def waits_once(job):
    """Hangs the first time, and is done the second."""
    marker = job.out / "waited"
    first = not marker.exists()
    marker.touch()
    yield Table("numbers", [{"n": 6 if first else 7}])
    if first:
        time.sleep(600)
    return "the second time"


def part(function, share=1, name=None):
    return Part(
        name or function.__name__, f"a part: {function.__name__}", share, f"tests.gpu.faults:{function.__name__}"
    )


MACHINE = part(machine, share=40, name="machine")
