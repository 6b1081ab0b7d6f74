"""Cost of a training step relative to its arithmetic and to the usual formulation, and cost of its measurements."""

import dataclasses
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from grok.bench.full_sequence import full_sequence_logits, notebook_logits
from grok.bench.measure import ENDLESS, Figure, Row, Table, Task, Timing, interleaved
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
MEASURED_STEPS = {"cpu": 10, "cuda": 500}  # the same with probes that measure at every step
RECORDED_STEPS = 100  # the same with a record and a mirror
WHOLE_RUN = 9_244  # steps of a run of the preset `paper` until it ends (seed 0)
REPEATS = 11
NOTHING = ProbesConfig.only()
PAIRINGS = ("prototype", "sample", "embedding")
STEP_TO_FLOOR, FULL_TO_STEP = "training step / floor", "full-sequence step / training step"
NOTEBOOK_TO_STEP = "notebook step / training step"
ALL_BY_DEFAULT, ALL_ALWAYS = "all that is measured by default", "all three pairings"
TOGETHER = "together"

GROKKING = experiment("grokking")


def step(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time a step of the paper's run, its arithmetic floor, and the same step written in three other ways."""
    say("step: against the floor and the full sequence")
    steps = STEPS[device.type]
    with scratch_run() as run:
        engine = endless_engine(device, NOTHING)
        by_autograd, usual, notebook = (endless_engine(device, NOTHING).members[0] for _ in range(3))
        tasks = {
            "sgemm": _sgemm(engine, device),
            "products": _products(engine, device),
            "step": next_steps(engine, run, steps),
            "autograd": lambda: _autograd_step(by_autograd),
            "full sequence": lambda: _full_sequence_step(usual),
            "notebook": _notebook_step(notebook),
        }
        measured = interleaved(tasks, device, repeats=REPEATS)
    sgemm, products, ours, autograd, full, plain = (timing for timing, _ in measured.values())
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
        {"figure": "the same by autograd, on all samples at once", "measured": autograd},
        {
            "figure": "step by autograd / training step",
            "measured": Figure(autograd.median / ours.median * steps, ".2f"),
        },
        {"figure": "step of the usual full-sequence formulation", "measured": full},
        {"figure": FULL_TO_STEP, "measured": Figure(full.median / ours.median * steps, ".1f")},
        {"figure": "step in the style of the notebooks, with the loss on test", "measured": plain},
        {"figure": NOTEBOOK_TO_STEP, "measured": Figure(plain.median / ours.median * steps, ".1f")},
    ]
    return Table(
        "a full-batch step of the `paper` preset, with nothing measured, in float32 with the loss in float64", rows
    )


def probes(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time each default probe, and price it and all of them over a whole run; and all pairings at every step.

    The schedules are densest at the start of a run, so that no window of steps stands for the whole run. The cost is
    therefore the number of steps at which the same probes are due, times what a step with these probes takes more than
    one without, summed over all such sets of probes.
    """
    say("probes: added time over a whole run")
    default = ProbesConfig()
    due = due_together(default, WHOLE_RUN)
    alone = {name: (name,) for name in default.names() if default.schedule(name).kind != "off"}
    wanted = {(), PAIRINGS, *due, *alone.values()}
    steps = MEASURED_STEPS[device.type]
    with scratch_run() as run:
        tasks = {
            " ".join(names): next_steps(endless_engine(device, only(*names, every=1)), run, steps) for names in wanted
        }
        measured = interleaved(tasks, device, repeats=REPEATS)
    times = {names: measured[" ".join(names)][0].divided(steps) for names in wanted}
    nothing = times[()].median
    more = {names: timing.beyond(times[()]) for names, timing in times.items()}

    def row(what: str, schedule: str, count: int, timing: Timing, seconds: float) -> Row:
        share = Figure(seconds / (WHOLE_RUN * nothing), ".1%")
        return {"measured": what, "schedule": schedule, "number": f"{count:,}", "step": timing, "added time": share}

    rows = [row("none", "", 0, times[()], 0.0)]
    for name, names in alone.items():
        count = sum(number for together, number in due.items() if name in together)
        rows.append(row(name, getattr(default, name), count, times[names], count * more[names]))
    rows.append(row(ALL_ALWAYS, "every:1", WHOLE_RUN, times[PAIRINGS], WHOLE_RUN * more[PAIRINGS]))
    everything = max(due, key=len)
    seconds = sum(number * more[names] for names, number in due.items())
    count = sum(number for names, number in due.items() if names)
    rows.append(row(ALL_BY_DEFAULT, "as above", count, times[everything], seconds))
    return Table(
        f"measurements in the {WHOLE_RUN:,} steps of a `paper` run, each on train and test: their number, a step with "
        "one, and the time that they add to the run",
        rows,
    )


def due_together(config: ProbesConfig, steps: int) -> dict[tuple[str, ...], int]:
    """Return how often each set of probes is due at the same step, in the first `steps` steps of a run.

    >>> due_together(ProbesConfig.only(accuracy="every:10", norms="every:20"), 100)
    {('accuracy', 'norms'): 5, (): 90, ('accuracy',): 5}
    """
    schedules = {name: config.schedule(name) for name in config.names()}
    return dict(Counter(tuple(name for name, each in schedules.items() if each.is_due(step)) for step in range(steps)))


def recording(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time what store, recorder and wandb mirror add to a run with the default probes."""
    say("recording: added time")
    bare, recorded = (endless_engine(device, ProbesConfig()) for _ in range(2))
    rows = cost_of_recording(bare, recorded, steps=RECORDED_STEPS, repeats=5)
    return Table("the store, the recorder and the wandb mirror", rows)


def cost_of_recording(
    bare: Engine, recorded: Engine, *, steps: int, repeats: int, with_mirror: bool = True
) -> list[Row]:
    """Time what store, recorder and, if wanted, a wandb mirror add to the steps of one of two equal engines."""
    device = recorded.members[0].learner.device
    with scratch_run() as run:
        mirror = None
        if with_mirror:
            mirror = WandbMirror(run.path, mode="offline", project="bench", group=run.id, config={}, first_step=0)
        recorder = Recorder(run, mirror=mirror)

        def save() -> None:
            recorder.save()
            save_checkpoint(run, recorded.step, recorded.members[0])

        tasks: dict[str, Task] = {
            "bare": next_steps(bare, run, steps),
            "recorded": next_steps(recorded, run, steps, recorder=recorder),
            "save": save,
        }
        without, with_record, saved = (timing for timing, _ in interleaved(tasks, device, repeats=repeats).values())
        if mirror:
            mirror.finish({})
    of_record, of_saves = max(with_record.beyond(without) / without.median, 0.0), saved.median / SAVE_INTERVAL
    beside = "a record and a wandb mirror" if mirror else "a record, without wandb, which is not installed"
    return [
        {"what": f"{steps} steps with the default probes", "time": without, "added time": Figure(0.0, ".1%")},
        {"what": f"the same with {beside}", "time": with_record, "added time": Figure(of_record, ".1%")},
        {"what": f"a save, every {SAVE_INTERVAL:.0f} s", "time": saved, "added time": Figure(of_saves, ".1%")},
        # Only with a mirror is this the figure that has a target
        {
            "what": TOGETHER if mirror else f"{TOGETHER}, without a mirror",
            "time": "",
            "added time": Figure(of_record + of_saves, ".1%"),
        },
    ]


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
    config = dataclasses.replace(config or paper(), probes=measured, settle=None, steps=ENDLESS)
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


def _autograd_step(member: Member) -> None:
    # Nothing has divided this learner's samples into chunks, so that autograd computes all of them at once
    loss, _ = member.learner(())
    member.learner.zero_grad()
    loss.backward()
    member.optimiser.step()


def _full_sequence_step(member: Member) -> None:
    train = member.learner.samples("train")
    logits = full_sequence_logits(_transformer(member), train.inputs)
    loss = member.learner.objective.criterion(logits, train.targets)
    member.learner.zero_grad()
    loss.backward()
    member.optimiser.step()


def _notebook_step(member: Member) -> Task:
    """Return a task that trains as the notebooks on grokking do: plain AdamW, and the loss on train and test."""
    learner, model = member.learner, _transformer(member)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))

    def task() -> None:
        loss, _ = (
            learner.objective.criterion(notebook_logits(model, samples.inputs), samples.targets)
            for samples in (learner.samples("train"), learner.samples("test"))
        )
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    return task


def _transformer(member: Member) -> Transformer:
    assert isinstance(member.learner.model, Transformer)
    return member.learner.model


def _train_size(engine: Engine) -> int:
    return engine.members[0].learner.samples("train").count
