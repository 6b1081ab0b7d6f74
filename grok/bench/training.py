"""Cost of a training step relative to its arithmetic and to the usual formulation, and cost of its measurements."""

import dataclasses
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from grok.bench.full_sequence import full_sequence_logits
from grok.bench.measure import Figure, Row, Table, Task, interleaved
from grok.config import GrokkingConfig, ProbesConfig, config_hash, config_to_json, fastest_executor
from grok.experiment import experiment
from grok.experiments.driving import SAVE_INTERVAL
from grok.experiments.grokking import paper
from grok.models import Transformer
from grok.tracking import Run, Store
from grok.tracking.wandb_mirror import WandbMirror
from grok.training.checkpoint import save_checkpoint
from grok.training.engine import Engine
from grok.training.executor import EXECUTORS
from grok.training.recorder import Recorder
from grok.training.step import Member

STEPS = {"cpu": 20, "cuda": 500}  # steps per timing
MEASURED_STEPS = {"cpu": 50, "cuda": 500}  # steps per timing with probes: whole numbers of their default intervals
RECORDED_STEPS = 100  # the same with a record and a mirror
REPEATS, MEASURED_REPEATS = 11, 7
NOTHING = ProbesConfig.only()
PAIRINGS = ("prototype", "sample", "embedding")
STRUCTURE = ("fourier", "neurons", "collapse", "rank")
STEP_TO_FLOOR, FULL_TO_STEP = "training step / floor", "full-sequence step / training step"
ALL_SELDOM, ALL_ALWAYS = "all three pairings every 10 steps", "all three pairings every step"
TOGETHER = "together"

GROKKING = experiment("grokking")


def step(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time a step of the paper's run, its arithmetic floor, and the usual formulation."""
    say("step: against the floor and the full sequence")
    steps = STEPS[device.type]
    with scratch_run() as run:
        engine = endless_engine(device, NOTHING)
        usual = endless_engine(device, NOTHING)
        tasks = {
            "sgemm": _sgemm(engine, device),
            "products": _products(engine, device),
            "step": next_steps(engine, run, steps),
            "full sequence": lambda: _full_sequence_step(usual.members[0]),
        }
        measured = interleaved(tasks, device, repeats=REPEATS)
    sgemm, products, ours, full = (timing for timing, _ in measured.values())
    flops = step_flops(engine)
    rate = _sgemm_flops(engine) / sgemm.median
    floor = flops / rate
    rows: list[Row] = [
        {"figure": "sgemm rate", "measured": Figure(rate / 1e9, ",.0f", " GFLOP/s")},
        {
            "figure": f"floor of a step: {flops / 1e9:.2f} GFLOP at that rate",
            "measured": Figure(floor * 1e3, ".3g", " ms"),
        },
        {"figure": "the step's matrix products alone, into existing memory", "measured": products},
        {"figure": "matrix products / floor", "measured": Figure(products.median / floor, ".2f")},
        {"figure": "training step", "measured": ours.divided(steps)},
        {"figure": STEP_TO_FLOOR, "measured": Figure(ours.median / steps / floor, ".2f")},
        {"figure": "steps a second", "measured": Figure(steps / ours.median, ",.0f")},
        {"figure": "step of the usual full-sequence formulation", "measured": full},
        {"figure": FULL_TO_STEP, "measured": Figure(full.median / ours.median * steps, ".1f")},
    ]
    return Table(
        "a full-batch step of the `paper` preset, with nothing measured, in float32 with the loss in float64", rows
    )


def probes(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time what each pairing, each probe of structure and the default probes add to a step."""
    say("probes: added time")
    settings = {"none": NOTHING}
    settings |= {f"{name} every 10 steps": only(name, every=10) for name in PAIRINGS}
    settings |= {ALL_SELDOM: only(*PAIRINGS, every=10), ALL_ALWAYS: only(*PAIRINGS, every=1)}
    settings |= {f"{name} every 10 steps": only(name, every=10) for name in STRUCTURE}
    settings["all that is measured by default"] = ProbesConfig()
    steps = MEASURED_STEPS[device.type]
    with scratch_run() as run:
        tasks = {name: next_steps(endless_engine(device, config), run, steps) for name, config in settings.items()}
        measured = {name: timing for name, (timing, _) in interleaved(tasks, device, repeats=MEASURED_REPEATS).items()}
    rows: list[Row] = [
        {
            "measured": name,
            "step": timing.divided(steps),
            "added time": Figure(timing.median / measured["none"].median - 1, ".1%"),
        }
        for name, timing in measured.items()
    ]
    return Table("a step of the `paper` preset with probes on train and test", rows)


def recording(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time what store, recorder and wandb mirror add to a run with the default probes."""
    say("recording: added time")
    steps = RECORDED_STEPS
    with scratch_run() as run:
        mirror = WandbMirror(run.path, mode="offline", project="bench", group=run.id, config={}, first_step=0)
        mirrored = Recorder(run, mirror=mirror)
        bare_engine, engine = endless_engine(device, ProbesConfig()), endless_engine(device, ProbesConfig())

        def save() -> None:
            mirrored.save()
            save_checkpoint(run, engine.step, engine.members[0])

        tasks: dict[str, Task] = {
            "bare": next_steps(bare_engine, run, steps),
            "mirrored": next_steps(engine, run, steps, recorder=mirrored),
            "save": save,
        }
        bare, with_mirror, saved = (timing for timing, _ in interleaved(tasks, device, repeats=5).values())
        mirror.finish({})
    mirror_share = max(with_mirror.median / bare.median - 1, 0.0)
    save_share = saved.median / SAVE_INTERVAL
    rows: list[Row] = [
        {"what": f"{steps} steps with the default probes", "time": bare, "added time": Figure(0.0, ".1%")},
        {"what": "the same with a wandb mirror", "time": with_mirror, "added time": Figure(mirror_share, ".1%")},
        {"what": f"a save, every {SAVE_INTERVAL:.0f} s", "time": saved, "added time": Figure(save_share, ".1%")},
        {"what": TOGETHER, "time": "", "added time": Figure(mirror_share + save_share, ".1%")},
    ]
    return Table("the store, the recorder and the wandb mirror", rows)


@contextmanager
def scratch_run() -> Iterator[Run]:
    """Yield a run in a store that is deleted afterwards."""
    config = GrokkingConfig()
    with tempfile.TemporaryDirectory(prefix="grok-bench-") as folder:
        yield Store(Path(folder)).create(
            experiment="bench",
            label=config.label,
            config=config_to_json(config),
            config_hash=config_hash(config),
            seed=0,
            command=["grok", "bench"],
            environment={},
        )


def step_flops(engine: Engine) -> float:
    """Return the floating-point operations of the floor.

    They are those of the attention output, the MLP and the unembedding at the last position, forward and backward.
    """
    return 6.0 * _train_size(engine) * sum(weight.numel() for weight in _weights(engine))


def _weights(engine: Engine) -> list[Tensor]:
    model = _transformer(engine.members[0])
    return [model.attention_out, model.mlp_in, model.mlp_out, model.head.weight]


def _sgemm(engine: Engine, device: torch.device) -> Task:
    samples, width = _train_size(engine), len(_transformer(engine.members[0]).mlp_in)
    left, right = torch.randn(samples, width, device=device), torch.randn(width, width, device=device)
    product = torch.empty(samples, width, device=device)
    return lambda: torch.mm(left, right, out=product)


def _products(engine: Engine, device: torch.device) -> Task:
    """Return a task with the matrix products of `step_flops`: for each weight, the output and both gradients."""
    samples = _train_size(engine)
    layers = [
        (
            weight.detach(),
            torch.randn(samples, weight.shape[1], device=device),
            torch.randn(samples, len(weight), device=device),
        )
        for weight in _weights(engine)
    ]
    gradients = [torch.empty_like(weight) for weight, _, _ in layers]

    def task() -> None:
        for weight, x, y in layers:
            torch.mm(x, weight.mT, out=y)
        for (weight, x, y), gradient in zip(layers, gradients, strict=True):
            torch.mm(y.mT, x, out=gradient)
            torch.mm(y, weight, out=x)

    return task


def _sgemm_flops(engine: Engine) -> float:
    return 2.0 * _train_size(engine) * len(_transformer(engine.members[0]).mlp_in) ** 2


def endless_engine(device: torch.device, measured: ProbesConfig, *, config: GrokkingConfig | None = None) -> Engine:
    """Return an engine that never ends, with the `paper` preset if no other config is given."""
    config = dataclasses.replace(config or paper(), probes=measured, settle=None, steps=10**9)
    executor = EXECUTORS[fastest_executor(device.type, [config])]
    return Engine([GROKKING.build(config, 0, device)], executor=executor)


def only(*names: str, every: int) -> ProbesConfig:
    """Return settings with only these probes, which measure every `every` steps."""
    return ProbesConfig.only(**dict.fromkeys(names, f"every:{every}"))


def next_steps(engine: Engine, run: Run, steps: int, *, recorder: Recorder | None = None) -> Task:
    """Return a task that trains the engine's next steps; measurements are evaluated as in a run, but not saved."""

    def task() -> None:
        count = itertools.count()
        recorders = [recorder] if recorder else [Recorder(run) for _ in engine.members]
        engine.run(recorders, interrupted=lambda: next(count) >= steps)

    return task


def _full_sequence_step(member: Member) -> None:
    train = member.learner.samples("train")
    logits = full_sequence_logits(_transformer(member), train.inputs)
    loss = member.learner.objective.criterion(logits, train.targets)
    member.learner.zero_grad()
    loss.backward()
    member.optimiser.step()


def _transformer(member: Member) -> Transformer:
    assert isinstance(member.learner.model, Transformer)
    return member.learner.model


def _train_size(engine: Engine) -> int:
    return engine.members[0].learner.samples("train").count
