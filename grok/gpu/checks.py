"""Parts that check what the device computes: the device tests, and captured steps held to eager ones."""

import dataclasses
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from xml.etree import ElementTree

import torch

from grok.bench.image_training import NETWORKS, image_engine, random_task
from grok.bench.measure import ENDLESS, Figure, Row, Table
from grok.bench.training import scratch_run
from grok.columns import loss
from grok.config import (
    ClassifierProbesConfig,
    ExecutorName,
    GrokkingConfig,
    ImageModelConfig,
    ProbesConfig,
    SupervisedConfig,
    TransformerConfig,
)
from grok.gpu.costs import engine, transformer
from grok.gpu.job import ROOT, FailedError, Job, LeftOutError, OutOfTimeError
from grok.training.engine import Engine
from grok.training.measurements import Measurements
from grok.training.recorder import Recorder

WITH_GPU = ("tests/test_devices.py", "tests/training/test_executor.py", "tests/training/test_measurements.py")
"""The files with tests that are marked `gpu`."""
LOOK = 0.1  # seconds between looks at pytest
PACKAGES = ("pytest", "hypothesis", "beartype")

TOLERANCE = 1e-4
"""Largest relative difference of a loss of the transformer. The same kernels run in both, so that only sums whose order
is not fixed can differ, by about 1e-7, and training amplifies such a difference."""
IMAGE_TOLERANCE = 1e-2
"""The same for the network on images, whose convolutions may use another algorithm and whose batches are small."""


def tests(job: Job) -> Generator[Table, None, str]:
    """Run the tests that are marked `gpu` in one process.

    Raises:
        LeftOutError: if pytest, a package that the tests import, or the tests themselves are not here.
        FailedError: if a test fails; the message names the first one.
    """
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise LeftOutError(f"the tests need {', '.join(missing)}: pip install {' '.join(missing)}")
    if not all((ROOT / name).exists() for name in WITH_GPU):
        raise LeftOutError("there are no tests beside the package: run this in a checkout")
    job.say("pytest -m gpu")
    written = job.out / "tests.xml"
    written.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "-p", "no:cacheprovider", f"--junitxml={written}"]
    status = run_until_stopped([*command, *WITH_GPU], job)
    if not written.exists():
        raise FailedError(f"pytest ended with status {status} before its first test: see tests.log")
    suite = next(ElementTree.parse(written).iter("testsuite"))
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    bad = counts["failures"] + counts["errors"]
    passed = counts["tests"] - bad - counts["skipped"]
    row: Row = {
        "tests": counts["tests"],
        "passed": passed,
        "failed": bad,
        "skipped": counts["skipped"],
        "time": Figure(float(suite.get("time", 0)), ".1f", " s"),
    }
    yield Table("tests that are marked `gpu`", [row])
    if bad or status:
        raise FailedError(f"{bad} of {counts['tests']} tests failed; the first: {_first_failure(suite)}")
    return f"{passed} passed, {counts['skipped']} skipped{' as they need a GPU' if job.device == 'cpu' else ''}"


def run_until_stopped(command: Sequence[str], job: Job) -> int:
    """Run a command in the root of the checkout, and return its exit status.

    Raises:
        OutOfTimeError: if the budget is used up before it ends; it is terminated.
    """
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if job.stopped():
                process.terminate()
                raise OutOfTimeError("tests.log names the tests that have passed")
            time.sleep(LOOK)
    return process.returncode


def _first_failure(suite: ElementTree.Element) -> str:
    for case in suite.iter("testcase"):
        for kind in ("failure", "error"):
            if (fault := case.find(kind)) is not None:
                first, *_ = fault.get("message", "").splitlines() or [""]
                return f"{case.get('classname')}::{case.get('name')}: {first}"
    return "none has a report"


@dataclasses.dataclass(frozen=True)
class Compared:
    """A network whose losses by two executors are compared."""

    build: Callable[[ExecutorName], Engine]
    steps: int
    tolerance: float
    """Largest relative difference of a loss."""


def captured(job: Job) -> Generator[Table, None, str]:
    """Hold the losses of captured steps to those of eager ones, which a CPU takes twice, as it has no graphs.

    Raises:
        FailedError: if a loss differs by more than the tolerance, or is not a number.
    """
    device, sizes = torch.device(job.device), job.sizes
    executors: tuple[ExecutorName, ExecutorName] = ("eager", "graph" if job.device == "cuda" else "eager")
    every = ProbesConfig.only(accuracy="every:1", prototype="every:1", embedding="every:1")
    config = transformer(sizes, every)
    deep = dataclasses.replace(config, model=TransformerConfig(num_layers=2, layer_norm=True, tie_embeddings=True))
    images = SupervisedConfig(
        task=dataclasses.replace(NETWORKS["CIFAR, wide-resnet-28-2"][1], measured_train=sizes.batch_size),
        model=ImageModelConfig(network="wide-resnet", depth=sizes.depth, width=sizes.width),
        batch_size=sizes.batch_size,
        probes=ClassifierProbesConfig.only(accuracy="every:1"),
        steps=ENDLESS,
    )
    data = random_task((3, 32, 32))

    def stacked(config: GrokkingConfig, members: int) -> Compared:
        return Compared(
            lambda executor: engine(config, device, members=members, executor=executor), sizes.compared_steps, TOLERANCE
        )

    cases = {f"the paper's, stack of {count}": stacked(config, count) for count in sizes.compared_members}
    cases["two layers, LayerNorm, tied"] = stacked(deep, 1)
    cases[f"WideResNet-{sizes.depth}-{sizes.width}"] = Compared(
        lambda executor: image_engine(images, data, device, executor=executor),
        sizes.compared_image_steps,
        IMAGE_TOLERANCE,
    )
    wrong = []
    for name, case in job.each(cases):
        expected, got = (losses(case.build(executor), case.steps) for executor in executors)
        error = ((got - expected).abs() / expected.abs()).max().item()
        if not error <= case.tolerance:  # nor if it is not a number
            wrong.append(f"{name}: {error:.1e}")
        row: Row = {
            "network": name,
            "steps": case.steps,
            "last loss": Figure(expected[-1, 0].item(), ".6g"),
            "largest relative difference": Figure(error, ".1e"),
            "tolerance": Figure(case.tolerance, ".0e"),
        }
        yield Table(f"losses by step, {' against '.join(reversed(executors))}", [row])
    if wrong:
        raise FailedError(f"losses differ by more than the tolerance: {', '.join(wrong)}")
    return "" if job.device == "cuda" else "eager twice, as a CPU has no CUDA graphs"


def losses(trained: Engine, steps: int) -> torch.Tensor:
    """Return the training losses before each of the next steps, of shape (step, member), in float64."""
    count = len(trained.members)
    found: list[list[float]] = [[] for _ in range(count)]

    def on_block(measured: dict[int, Measurements]) -> None:
        for member, measurements in measured.items():
            found[member].extend(value for _, value in measurements.column(loss("train")))

    left = iter(range(steps))
    with scratch_run() as run:
        trained.run(
            [Recorder(run) for _ in range(count)], on_block=on_block, interrupted=lambda: next(left, None) is None
        )
    return torch.tensor(found, dtype=torch.float64).T
