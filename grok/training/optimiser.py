"""The update of one network: gradient filter, rule, pruning, norm and average, with their state."""

import torch
from jaxtyping import Float
from torch import Tensor

from grok.config import OptimiserConfig
from grok.models import Classifier
from grok.training.adjustments import Adjustment, Average, FixedNorm, FollowedNorm, Grokfast, Pruning
from grok.training.rules import make_rule


class Optimiser:
    """Updates the parameters of a network as its config says.

    All state is allocated in advance, and an update is work of the device only, so that it can be captured. Muon is the
    exception, since it reads its learning rate on the host. The optimiser refers to the parameters, not to their
    memory, which changes when a network joins or leaves a stack.
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
        """Make the optimiser of a network; `pruning` holds weights at 0, and `average` follows the network.

        With `followed_norm`, the norm is stored for another training, or scaled to the norm of one.
        """
        self._parameters = dict(model.named_parameters())
        self._rule = make_rule(model, config)
        self._before: list[Adjustment] = []
        if config.grokfast:
            self._before = [Grokfast(self._parameters, amplitude=config.grokfast, decay=config.grokfast_decay)]
        fixed_norm = FixedNorm(self._parameters.values()) if config.fixed_norm else None
        after = (pruning, fixed_norm, followed_norm, average)  # the average follows the adjusted network
        self._after: list[Adjustment] = [adjustment for adjustment in after if adjustment]
        self.followed_norm = followed_norm
        self._make_state()
        self.set_rate(config.learning_rate)

    def set_rate(self, rate: float | Float[Tensor, ""]) -> None:
        """Use this learning rate from now on; a tensor is read at each update."""
        for optimiser in self._rule:
            for group in optimiser.param_groups:
                group["lr"] = rate

    def step(self) -> None:
        """Update the parameters by their `grad`: filter it, apply the rule, prune, restore the norm, and average."""
        for adjust in self._before:
            adjust()
        for optimiser in self._rule:
            optimiser.step()
        for adjust in self._after:
            adjust()

    def restart(self) -> None:
        """Forget all earlier gradients, so that the next update equals a first update."""
        for optimiser in self._rule:
            for tensors in optimiser.state.values():
                for tensor in tensors.values():
                    tensor.zero_()
        for adjustment in (*self._before, *self._after):
            adjustment.restart()

    def state(self) -> dict[str, Tensor]:
        """Return the tensors on which the next update depends, by name, without the parameters and the rate."""
        state = {
            f"{name}.{key}": tensor
            for optimiser in self._rule
            for name, parameter in self._parameters.items()
            for key, tensor in optimiser.state.get(parameter, {}).items()
        }
        for adjustment in (*self._before, *self._after):
            state |= {f"{adjustment.prefix}.{name}": tensor for name, tensor in adjustment.state().items()}
        return state

    def _make_state(self) -> None:
        """Let torch allocate the state of the rule in an update with rate 0, then set the state to 0."""
        self.set_rate(0.0)
        for parameter in self._parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        for optimiser in self._rule:
            optimiser.step()
        self.restart()
        for parameter in self._parameters.values():
            parameter.grad = None
