"""Effective ranks and spectral entropies: how many directions weights and features use."""

import torch
from jaxtyping import Float
from torch import Tensor

from grok.information.entropy import rank_of_spectrum, shannon_entropy, smaller_side
from grok.models import TokenClassifier
from grok.tasks import Task
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe, require_classes
from grok.training.snapshot import Snapshot


class Rank(Probe):
    r"""Effective rank (Roy & Vetterli 2007) of embedding, unembedding, class means and features.

    Class means are about their mean, of the classes that have a sample in the split, and features about theirs:
    $\exp(-\sum_i p_i \log p_i)$ with $p_i = \sigma_i / \sum_j \sigma_j$ over the singular values of the n×d matrix of
    centred features, whose squares are n times the eigenvalues $\lambda_i$ of their covariance. The spectral entropy
    weighs those themselves: $-\sum_i q_i \log q_i$ in nats, with $q_i = \lambda_i / \sum_j \lambda_j$.
    """

    name = "rank"

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject splits with samples of one class alone."""
        require_classes(task)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Embedding, unembedding, and of either split the centred class means and the covariance of the features."""
        observed: Observation = {"unembedding": snapshot.model.head.weight}
        if isinstance(snapshot.model, TokenClassifier):
            observed["embedding"] = snapshot.model.token_embeddings()
        for split in SPLITS:
            moments = snapshot.moments(split)
            observed[f"{split}/class_means"] = moments.centred_means
            observed[f"{split}/covariance"] = (moments.within + moments.between) / moments.counts.sum()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `rank/unembedding`, `rank/{class_means,features}/<split>` and, of tokens, `rank/embedding`.

        These are numbers of dimensions; and `spectral_entropy/<split>` (nats).
        """
        metrics = {f"rank/{name}": _rank(observed[name]) for name in ("embedding", "unembedding") if name in observed}
        for split in SPLITS:
            variances = torch.linalg.eigvalsh(observed[f"{split}/covariance"])
            metrics[f"rank/class_means/{split}"] = _rank(observed[f"{split}/class_means"])
            metrics[f"rank/features/{split}"] = rank_of_spectrum(variances)
            metrics[f"spectral_entropy/{split}"] = shannon_entropy(variances / variances.sum(dim=-1, keepdim=True))
        return metrics


def _rank(vectors: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    return rank_of_spectrum(torch.linalg.eigvalsh(smaller_side(vectors.double())))
