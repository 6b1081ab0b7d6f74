"""Figure 7: a one-layer transformer memorises modular addition, then groks it, with MIR and HDR measured throughout."""

import torch

from grok.config import GrokkingConfig, TaskConfig, TransformerConfig
from grok.experiments.runner import Experiment
from grok.models import Transformer
from grok.random import stream
from grok.tasks import modular_task
from grok.training.engine import Engine, make_optimiser
from grok.training.probes import make_probes
from grok.training.stopping import Settle


def paper() -> GrokkingConfig:
    """A + b (mod 113) on 30 % of all pairs, as published."""
    return GrokkingConfig()


def laptop() -> GrokkingConfig:
    """A smaller modulus and network that grok within a minute or two on two cores."""
    return GrokkingConfig(
        task=TaskConfig(modulus=59, train_fraction=0.4),
        model=TransformerConfig(d_mlp=256),
        steps=20_000,
        settle=1_000,
    )


def build(config: GrokkingConfig, seed: int, device: torch.device) -> Engine:
    """The engine at step 0. Split, initial weights and measured samples come from `seed`, alike on every device."""
    task = modular_task(config.task, seed).to(device)
    model = Transformer(
        config.model, num_tokens=task.num_tokens, num_classes=task.num_classes, generator=stream(seed, "model")
    ).to(device)
    return Engine(
        task=task,
        model=model,
        optimiser=make_optimiser(model, config.optimiser),
        optimiser_config=config.optimiser,
        loss_dtype=getattr(torch, config.loss_dtype),
        probes=make_probes(config.probes, task, model, seed),
        settle=Settle(steps=config.steps, settle=config.settle),
    )


EXPERIMENT = Experiment(
    name="grokking",
    description="a small transformer on modular addition, with MIR and HDR before and after it groks (Figure 7)",
    config_type=GrokkingConfig,
    presets={"paper": paper, "laptop": laptop},
    build=build,
)
