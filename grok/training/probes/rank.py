"""Effective ranks and spectral entropies, which count the directions that weights and features use."""

import torch
from jaxtyping import Float
from torch import Tensor

from grok.columns import rank, spectral_entropy
from grok.information.entropy import rank_of_spectrum, shannon_entropy, smaller_side
from grok.models import TokenClassifier
from grok.tasks import Task
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe, require_classes
from grok.training.snapshot import Snapshot


class Rank(Probe):
    r"""Effective rank (Roy & Vetterli 2007) of embedding, unembedding, class means and features.

    The effective rank of a matrix is $\exp(-\sum_i p_i \log p_i)$, with $p_i = \sigma_i / \sum_j \sigma_j$ for its
    singular values. Features are centred on their mean. Class means are centred on their own mean, over the classes
    that occur in the split. The squared singular values of the n×d matrix of centred features are n times the
    eigenvalues $\lambda_i$ of their covariance. The spectral entropy is the entropy of these eigenvalues,
    $-\sum_i q_i \log q_i$ in nats, with $q_i = \lambda_i / \sum_j \lambda_j$.
    """

    name = "rank"

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject splits with samples of only one class."""
        require_classes(task)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return embedding, unembedding and, for each split, the centred class means and covariance of the features."""
        observed: Observation = {"unembedding": snapshot.model.head.weight}
        if isinstance(snapshot.model, TokenClassifier):
            observed["embedding"] = snapshot.model.token_embeddings()
        for split in SPLITS:
            moments = snapshot.moments(split)
            observed[f"{split}/class_means"] = moments.centred_means
            observed[f"{split}/covariance"] = (moments.within + moments.between) / moments.counts.sum()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `rank/unembedding`, `rank/{class_means,features}/<split>` and `spectral_entropy/<split>`.

        Networks with tokens also have the column `rank/embedding`. Ranks are numbers of dimensions, and spectral
        entropies are in nats.
        """
        metrics = {rank(name): _rank(observed[name]) for name in ("embedding", "unembedding") if name in observed}
        for split in SPLITS:
            variances = torch.linalg.eigvalsh(observed[f"{split}/covariance"])
            metrics[rank("class_means", split)] = _rank(observed[f"{split}/class_means"])
            metrics[rank("features", split)] = rank_of_spectrum(variances)
            metrics[spectral_entropy(split)] = shannon_entropy(variances / variances.sum(dim=-1, keepdim=True))
        return metrics


def _rank(vectors: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    return rank_of_spectrum(torch.linalg.eigvalsh(smaller_side(vectors.double())))
