"""Weight norm and logit scale."""

import torch

from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


class Norms(Probe):
    """Weight norm, and logit scale on train and test."""

    name = "norms"

    def observe(self, snapshot: Snapshot) -> Observation:
        """Columns `weight_norm` (L2, all parameters), `train/logit_scale`, `test/logit_scale`.

        The logit scale is the root mean square of the logits, centred over classes: what softmax sees of them.
        """
        norms = torch.stack([parameter.detach().double().norm() for parameter in snapshot.model.parameters()])
        observed = {"weight_norm": norms.norm()}
        for split in SPLITS:
            variances = snapshot.logits(split).var(dim=-1, correction=0).double()
            counted = snapshot.counted(split)
            observed[f"{split}/logit_scale"] = ((variances * counted).sum() / counted.sum()).sqrt()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """As observed."""
        return observed
