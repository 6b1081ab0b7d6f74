"""The update of one network: gradient filter, rule, pruned weights, norm and average, with all their state."""

import torch
from jaxtyping import Float
from torch import Tensor

from grok.config import OptimiserConfig
from grok.models import Classifier
from grok.training.adjustments import Average, FixedNorm, FollowedNorm, Grokfast, Pruning
from grok.training.rules import make_rule


class Optimiser:
    """Updates the parameters of a network as its config says.

    All its state is made beforehand, and an update is work of the device alone, so that it can be captured; but for
    Muon, which reads its learning rate on the host. It refers to the parameters themselves, not to their memory, which
    changes as a network joins a stack or leaves it.
    """

    def __init__(
        self,
        model: Classifier,
        config: OptimiserConfig,
        *,
        pruning: Pruning | None = None,
        average: Average | None = None,
        followed_norm: FollowedNorm | None = None,
    ) -> None:
        """Of a network of which `pruning`, if given, holds weights at 0, and which an `average` follows.

        With `followed_norm`, its norm is kept for another training, or held to that of one.
        """
        self._parameters = dict(model.named_parameters())
        self._rule = make_rule(model, config)
        self._grokfast: Grokfast | None = None
        if config.grokfast:
            self._grokfast = Grokfast(self._parameters, amplitude=config.grokfast, decay=config.grokfast_decay)
        self._fixed_norm = FixedNorm(self._parameters.values()) if config.fixed_norm else None
        self._pruning = pruning
        self._average = average
        self.followed_norm = followed_norm
        self._make_state()
        self.set_rate(config.learning_rate)
        self.to_lower = f"optimiser.learning_rate (now {config.learning_rate:g})"
        """The setting that may be too large where the loss is no longer a number, and its value."""

    def set_rate(self, rate: float | Float[Tensor, ""]) -> None:
        """Take this learning rate from now on: of a tensor, what it holds at each update."""
        for optimiser in self._rule:
            for group in optimiser.param_groups:
                group["lr"] = rate

    def step(self) -> None:
        """Update the parameters by their `grad`: filter it, apply the rule, restore the norm; the average follows."""
        if self._grokfast:
            self._grokfast()
        for optimiser in self._rule:
            optimiser.step()
        if self._pruning:
            self._pruning()
        if self._fixed_norm:
            self._fixed_norm()
        if self.followed_norm:
            self.followed_norm()
        if self._average:
            self._average()

    def restart(self) -> None:
        """Forget all earlier gradients: the next update is as the first."""
        for optimiser in self._rule:
            for tensors in optimiser.state.values():
                for tensor in tensors.values():
                    tensor.zero_()
        if self._grokfast:
            self._grokfast.restart()

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves that the next update depends on, beside the parameters and the rate, by name."""
        state = {
            f"{name}.{key}": tensor
            for optimiser in self._rule
            for name, parameter in self._parameters.items()
            for key, tensor in optimiser.state.get(parameter, {}).items()
        }
        if self._grokfast:
            state |= {f"grokfast.{name}": tensor for name, tensor in self._grokfast.state().items()}
        if self._pruning:
            state |= {f"mask.{name}": mask for name, mask in self._pruning.masks.items()}
        if self.followed_norm:
            state |= {f"norm.{name}": tensor for name, tensor in self.followed_norm.state().items()}
        if self._average:
            state |= {f"average.{name}": tensor for name, tensor in self._average.state().items()}
        return state

    def _make_state(self) -> None:
        """Let the rule make its state, as torch does at the first update: by one of rate 0. Before it, all is 0."""
        self.set_rate(0.0)
        for parameter in self._parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        for optimiser in self._rule:
            optimiser.step()
        self.restart()
        for parameter in self._parameters.values():
            parameter.grad = None
