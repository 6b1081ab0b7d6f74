"""Training objectives from matrix information: terms that are added to a classification loss."""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from grok.information.checks import check_samples
from grok.information.interplay import gram_interplay
from grok.information.precision import outside_autocast

KINDS = ("mutual_information", "entropy_difference", "mir", "hdr")


@outside_autocast
def information_loss(
    features: Shaped[Tensor, "..."],
    head: Shaped[Tensor, "..."],
    labels: Shaped[Tensor, "..."],
    *,
    kind: str,
    weights: Shaped[Tensor, "..."] | None = None,
    check: bool = True,
) -> Float[Tensor, ""]:
    r"""Information loss of a batch of features F and the head rows V of its labels, to be minimised.

    | kind | loss | range |
    |---|---|---|
    | `mutual_information` | $-\mathrm{MI}(G(F), G(V))$, as in the paper | nats, in [-log n, 0] |
    | `entropy_difference` | $\lvert H(G(F)) - H(G(V)) \rvert$, as in the paper | nats, in [0, log n] |
    | `mir` | $-\mathrm{MIR}$, the ratio that the figures show | fraction, in [-1, 0] |
    | `hdr` | $\mathrm{HDR}$, the ratio that the figures show | fraction, in [0, 1] |

    The first two are not normalised. The easiest way to increase mutual information is to increase the entropy on both
    sides, which MIR divides out.

    The gradient with respect to features and head is finite for every set of vectors, also at neural collapse and with
    fewer directions than samples. The derivative $\nabla H = -\log\rho - 1$ diverges only on directions that no vector
    has, where it is multiplied by 0. Repeated eigenvalues need no gradient of eigenvectors. If the two entropies are
    equal, $\lvert\cdot\rvert$ and min have a kink, and the function returns a subgradient.

    Weights $w_i$ may replace 1/n, as in `gram_interplay`. A sample of weight 0 is ignored.

    Shapes: (n, d1), (C, d2), (n,) integers in [0, C), weights (n,) that sum to 1 -> scalar. Half precision is widened
    to float32.

    `check=False` skips the checks of the numbers, which make the host wait for a GPU. A zero feature vector then
    causes an error of torch's own.

    Raises:
        ValueError: if features or head are not finite matrices or have a zero row in use; if the labels do not fit; or
            if `kind` is none of the four.

    Source: Song et al., ICML 2024, section 6, Tables 1 and 2.

    >>> import torch
    >>> information_loss(torch.eye(3), torch.eye(3), torch.arange(3), kind="mutual_information")      # -log 3
    tensor(-1.0986)
    """
    _check_kind(kind)
    features, head = _widened(features), _widened(head)
    if check:
        check_samples(features, head, labels, weights)
    values = gram_interplay(features, head[labels.long()], weights=weights, check=False)
    if kind == "mutual_information":
        return values.joint_entropy - values.entropy_1 - values.entropy_2
    if kind == "entropy_difference":
        return (values.entropy_1 - values.entropy_2).abs()
    return -values.mir if kind == "mir" else values.hdr


class InformationLoss(nn.Module):
    r"""Module that computes `weight` times `information_loss`, for use in a training loop.

    `kind="mutual_information"` is the paper's $-\lambda_{mi} \mathrm{MI}$, `kind="entropy_difference"` its
    $+\lambda_{id} |\Delta H|$; `"mir"` and `"hdr"` are the normalised versions. For semi-supervised training, the
    labels are pseudo-labels.

    Raises:
        ValueError: if `kind` is none of the four, or if the weight is negative or not finite.

    >>> import torch
    >>> head = torch.nn.Linear(16, 10)
    >>> features, labels = torch.randn(64, 16, requires_grad=True), torch.arange(64) % 10
    >>> criterion = InformationLoss("mutual_information", weight=0.1)
    >>> loss = torch.nn.functional.cross_entropy(head(features), labels) + criterion(features, head.weight, labels)
    >>> loss.backward()
    """

    def __init__(self, kind: str, weight: float, *, check: bool = True) -> None:
        super().__init__()
        _check_kind(kind)
        if not 0 <= weight < math.inf:
            raise ValueError(f"weight: expected a finite number of at least 0, got {weight}")
        self.kind = kind
        self.weight = weight
        self.check = check

    def forward(
        self, features: Shaped[Tensor, "..."], head: Shaped[Tensor, "..."], labels: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Return the weighted term, a scalar to add to the loss."""
        return self.weight * information_loss(features, head, labels, kind=self.kind, check=self.check)

    def extra_repr(self) -> str:
        """Return the arguments that `print` shows."""
        return f"{self.kind!r}, weight={self.weight}"


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")


def _widened(tensor: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
    half = isinstance(tensor, Tensor) and tensor.dtype in (torch.float16, torch.bfloat16)
    return tensor.float() if half else tensor
