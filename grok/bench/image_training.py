"""Cost of training on images, in samples per second, compared with a plain PyTorch loop of the same network."""

import itertools
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from grok.bench.measure import ENDLESS, Figure, Row, Table, Task, interleaved
from grok.bench.training import next_steps, scratch_run
from grok.config import (
    ClassifierProbesConfig,
    ExecutorName,
    ImageModelConfig,
    ImageTaskConfig,
    SupervisedConfig,
    fastest_executor,
)
from grok.experiments.image_training import training_on
from grok.models import make_image_model
from grok.random import stream
from grok.tasks.images import ImageTask, image_task
from grok.training.engine import Engine
from grok.training.executor import EXECUTORS
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase

STEPS = {"cpu": 4, "cuda": 200}  # steps per timing
REPEATS = 7
SAMPLES = 2_000

NETWORKS = {
    "MNIST-1D, conv1d-64": ((1, 40), ImageTaskConfig(), ImageModelConfig()),
    "CIFAR, wide-resnet-28-2": (
        (3, 32, 32),
        ImageTaskConfig(dataset="cifar10", augmentation="crop-flip"),
        ImageModelConfig(network="wide-resnet", depth=28, width=2),
    ),
}


def images(device: torch.device, say: Callable[[str], None]) -> Table:
    """Time a training step at batch size 64 on random images and signals, with no probes, and a plain loop."""
    rows: list[Row] = []
    steps = STEPS[device.type]
    for name, (shape, task, model) in NETWORKS.items():
        for precision in ("float32", "bfloat16") if device.type == "cuda" else ("float32",):
            say(f"images: {name}, {precision}")
            config = SupervisedConfig(
                task=task, model=model, precision=precision, probes=ClassifierProbesConfig.only(), steps=ENDLESS
            )
            with scratch_run() as run:
                engine = image_engine(config, random_task(shape), device)
                tasks: dict[str, Task] = {
                    "ours": next_steps(engine, run, steps),
                    "plain": _plain_loop(config, random_task(shape), device, steps),
                }
                measured = interleaved(tasks, device, repeats=REPEATS)
            ours, plain = (timing for timing, _ in measured.values())
            rows.append(
                {
                    "network": name,
                    "precision": precision,
                    "step": ours.divided(steps),
                    "samples a second": Figure(config.batch_size * steps / ours.median, ",.0f"),
                    "plain loop's step": plain.divided(steps),
                    "plain / ours": Figure(plain.median / ours.median, ".2f"),
                }
            )
    return Table("a training step on a batch of 64, with nothing measured, against a plain PyTorch loop", rows)


def random_task(shape: tuple[int, ...]) -> ImageTask:
    """Return random samples of ten classes; images are bytes."""
    generator = stream(0, "bench")
    bytes_ = torch.randint(256, (SAMPLES, *shape), generator=generator)
    inputs = bytes_.byte() if len(shape) == 3 else bytes_.float()
    labels = torch.arange(SAMPLES) % 10
    return image_task(train=(inputs, labels), test=(inputs[:100], labels[:100]), num_classes=10)


def image_engine(
    config: SupervisedConfig,
    data: ImageTask,
    device: torch.device,
    *,
    executor: ExecutorName | None = None,
    compiled: bool = False,
) -> Engine:
    """Return an engine that trains on these data, with the fastest executor if none is named."""
    training = training_on(data.to(device), config, 0, device)
    member = training.member([Phase(steps=config.steps, learning_rate=LearningRateSchedule.of(config.optimiser))])
    if compiled:
        member.learner.compile_training()
    return Engine([member], executor=EXECUTORS[executor or fastest_executor(device.type, [config])])


def _plain_loop(config: SupervisedConfig, data: ImageTask, device: torch.device, steps: int) -> Task:
    """Return the usual loop, with batches on the device that are cropped and flipped as a whole."""
    model = make_image_model(
        config.model, shape=data.inputs.shape[1:], num_classes=10, generator=stream(0, "model")
    ).to(device)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, nesterov=False)
    batches = _plain_batches(config, data, device)

    def train() -> None:
        for inputs, targets in itertools.islice(batches, steps):
            with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                loss = F.cross_entropy(model(inputs), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    return train


def _plain_batches(config: SupervisedConfig, data: ImageTask, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    inputs, targets = data.inputs[data.train].to(device), data.targets[data.train].to(device)
    while True:
        for chosen in torch.randperm(len(targets), device=device).split(config.batch_size):
            batch = inputs[chosen].float()
            if config.task.augmentation == "crop-flip":
                down, right = torch.randint(9, (2,)).tolist()  # one shift per batch is the cheapest variant
                batch = F.pad(batch, (4, 4, 4, 4), mode="reflect")[..., down : down + 32, right : right + 32]
                batch = batch.flip(-1) if torch.rand(()) < 0.5 else batch
            yield batch / 128 - 1, targets[chosen]
