"""The update rules by their names in the config, each as the torch optimisers that carry it out."""

from collections.abc import Sequence

import torch
from torch import nn

from grok.config import OptimiserConfig
from grok.models import Classifier

OUTER = {"embedding", "positions", "head"}  # names of what reads the input and writes the output


def make_rule(model: Classifier, config: OptimiserConfig) -> list[torch.optim.Optimizer]:
    """The optimisers that together update every parameter once, each parameter by one of them.

    adamw: decoupled weight decay (Loshchilov & Hutter, ICLR 2019).
    adam: weight decay is added to the gradient (Kingma & Ba, ICLR 2015).
    sgd: b <- momentum·b + g, then p <- p - rate·b; weight decay is added to the gradient.
    muon: the gradients' moving average of each hidden matrix (`hidden_matrices`), with Nesterov momentum and made
    orthogonal by five Newton-Schulz steps in bfloat16 (Jordan et al., Muon, 2024), times 0.2·sqrt(larger side), the
    size of AdamW's updates (Liu et al., Muon is Scalable for LLM Training, 2025); AdamW updates the rest.

    All but Muon are fused into one pass over memory and read their learning rate on the device, so that a CUDA graph
    can capture them; Muon reads it on the host.
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
    """Names of the matrices of attention and MLP: all 2-D parameters but embeddings, positions and head."""
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
    # The steps before a capture, and those of the eager executor, are none of the mistakes that torch would warn of.
    adam._warned_capturable_if_run_uncaptured = True
    return adam
