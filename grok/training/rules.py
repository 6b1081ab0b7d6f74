"""The update rules by their names in the config, each as a list of torch optimisers."""

from collections.abc import Sequence

import torch
from torch import nn

from grok.config import OptimiserConfig
from grok.models import Classifier

OUTER = {"embedding", "positions", "head"}  # names of the modules that read the input and write the output


def make_rule(model: Classifier, config: OptimiserConfig) -> list[torch.optim.Optimizer]:
    """Return the optimisers that together update every parameter, each parameter by one of them.

    - adamw: Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019).
    - adam: Adam, with weight decay added to the gradient (Kingma & Ba, ICLR 2015).
    - sgd: b <- momentum·b + g, then p <- p - rate·b, with weight decay added to the gradient.
    - muon: the moving average of the gradient of each hidden matrix (`hidden_matrices`), with Nesterov momentum. Five
      Newton-Schulz steps in bfloat16 make it orthogonal (Jordan et al., Muon, 2024). The factor 0.2·sqrt(larger side)
      gives it the size of AdamW's updates (Liu et al., Muon is Scalable for LLM Training, 2025). AdamW updates the
      rest.

    All rules except muon are fused into one pass over memory and read the learning rate on the device, so that a CUDA
    graph can capture them. Muon reads the learning rate on the host.
    """
    every = dict(model.named_parameters())
    match config.rule:
        case "adamw":
            return [_adam(torch.optim.AdamW, list(every.values()), config)]
        case "adam":
            return [_adam(torch.optim.Adam, list(every.values()), config)]
        case "sgd":
            sgd = torch.optim.SGD(
                every.values(),
                lr=config.learning_rate,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
                fused=True,
            )
            return [sgd]
        case "muon":
            hidden = hidden_matrices(model)
            muon = torch.optim.Muon(
                [every[name] for name in hidden],
                lr=config.learning_rate,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
            rest = [parameter for name, parameter in every.items() if name not in hidden]
            return [muon, _adam(torch.optim.AdamW, rest, config)]


def hidden_matrices(model: Classifier) -> list[str]:
    """Return the names of the matrices of attention and MLP, which excludes embeddings, positions and head."""
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim == 2 and OUTER.isdisjoint(name.split("."))
    ]


def _adam(
    kind: type[torch.optim.Adam], parameters: Sequence[nn.Parameter], config: OptimiserConfig
) -> torch.optim.Adam:
    adam = kind(
        parameters,
        lr=config.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
        capturable=parameters[0].is_cuda,
    )
    # Steps before a capture and steps of the eager executor are intended, so torch need not warn about them.
    adam._warned_capturable_if_run_uncaptured = True
    return adam
