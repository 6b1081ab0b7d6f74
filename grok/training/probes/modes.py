r"""Progress measures of Fourier structure: concentration on few frequencies, and the losses of the circuit on these.

The waves run along a cycle, which lists classes in the order of a cyclic group; the waves are the characters of this
group. For addition the cycle has all residues. For multiplication it has the powers of a primitive root, without 0.
Vectors have one row per class, in the order of the classes, and the basis contains the order of the cycle. Rows of
classes outside the cycle do not count.

As published, power is computed from unscaled vectors, so that longer vectors count more. `fourier_interplay` needs the
Gram matrices of unit vectors: scale the rows to unit length first. The power divided by its sum is then
`grok.information.fourier_power`.

Source: Nanda, Chan, Lieberum, Smith & Steinhardt, Progress measures for grokking via mechanistic interpretability,
ICLR 2023.
"""

from typing import NamedTuple

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grok.information.entropy import shannon_entropy
from grok.training.loss import Criterion

KEY = 2  # multiple of the even share of the power from which a frequency is a key frequency


def fourier_basis(cycle: Int[Tensor, "cycle"], num_classes: int) -> Float[Tensor, "frequency 2 class"]:
    r"""Return orthonormal waves along a cycle of n classes: cosine and sine of each frequency f = 0, ..., ⌊n/2⌋.

    The cosine wave is $\sqrt{m_f/n} \cos(2\pi f i/n)$ at the i-th class of the cycle; the sine wave is analogous. Here
    $m_f$ is 1 at f = 0 and f = n/2, where the sine is zero, and 2 otherwise. The waves are zero at classes outside the
    cycle. The result is in float64.

    >>> fourier_basis(torch.tensor([1, 2, 3]), num_classes=4)[0, 0]      # the constant
    tensor([0.0000, 0.5774, 0.5774, 0.5774], dtype=torch.float64)
    """
    n = len(cycle)
    steps = torch.arange(n, device=cycle.device)
    frequencies = steps[: n // 2 + 1, None]
    angles = 2 * torch.pi * (frequencies * steps % n).double() / n
    multiplicity = torch.where(2 * frequencies % n == 0, 1, 2)
    basis = angles.new_zeros(len(frequencies), 2, num_classes)
    waves = torch.stack([angles.cos(), angles.sin()], dim=1)
    basis[:, :, cycle] = (multiplicity[..., None].double() / n).sqrt() * waves
    return basis


def power(
    vectors: Float[Tensor, "*batch class dim"], basis: Float[Tensor, "frequency 2 class"]
) -> Float[Tensor, "*batch frequency"]:
    """Return the power on each frequency: the squared amplitudes of its two waves, summed over all dimensions.

    The unit is the square of the unit of the vectors. The sum over f = 0, ..., ⌊n/2⌋ is the sum of the squared lengths
    of the vectors on the cycle (Parseval).

    >>> basis = fourier_basis(torch.arange(7), num_classes=7)
    >>> power(3 * basis[2].T + basis[0].T, basis).round(decimals=3)     # two waves of length 3, one of length 1
    tensor([ 1.,  0., 18.,  0.], dtype=torch.float64)
    """
    return _amplitudes(vectors, basis).square().sum(dim=(-2, -1))


def key_frequencies(power: Float[Tensor, "*batch frequency"]) -> Bool[Tensor, "*batch frequency"]:
    """Return which frequencies f > 0 have at least twice the even share of the power, without that at f = 0.

    With power on frequencies 0 to m, a key frequency has at least 2/m of the power on 1 to m. A circuit of k
    frequencies gives each of them about m/k times the even share.

    Twice the even share is far above chance. For random vectors in 128 dimensions, the largest share in 1,000 draws is
    1.32, 1.37 and 1.44 times the even share for n = 23, 59 and 113. Mean logits by class have fewer dimensions: in 18
    untrained networks, 6 for each n, 5 of 576 frequencies reach the threshold.

    >>> key_frequencies(torch.tensor([9.0, 0.1, 2.0, 0.2, 1.7, 0.0]))
    tensor([False, False,  True, False,  True, False])
    """
    varying = power[..., 1:]
    least = KEY / varying.shape[-1] * varying.sum(dim=-1, keepdim=True)
    return torch.cat([torch.zeros_like(power[..., :1], dtype=torch.bool), (varying >= least) & (varying > 0)], dim=-1)


class Concentration(NamedTuple):
    """Four measures of the concentration of the power on few frequencies f > 0."""

    gini: Tensor
    """Gini coefficient of the power, which is 0 for even power and near 1 for power on one frequency."""
    ipr: Tensor
    """Inverse participation ratio (sum of the squared shares), which is 1/m for even power and 1 for one frequency."""
    entropy: Tensor
    """Shannon entropy of the shares of the power, in nats."""
    key: Tensor
    """Number of key frequencies."""


def concentration(power: Float[Tensor, "*batch frequency"]) -> Concentration:
    r"""Return four measures of the concentration of the power on few frequencies f > 0.

    Let $s_1 \le \dots \le s_m$ be the shares of the power on f = 1, ..., m, in ascending order. The measures are the
    Gini coefficient $\sum_i \frac{2i - m - 1}{m} s_i$, the inverse participation ratio $\sum_i s_i^2$, the entropy
    $-\sum_i s_i \log s_i$, and the number of `key_frequencies`. For power on one frequency they are (m-1)/m, 1, 0 and
    1; for even power they are 0, 1/m, log m and 0. Without any power, all but the number are NaN.

    Shapes: (..., m + 1) -> four (...). Units: fractions, nats, and a number.

    Source: Nanda et al. 2023, who use the Gini coefficient of the lengths of the Fourier components instead of their
    power. The inverse participation ratio is the physicists' measure of localisation.

    >>> values = concentration(torch.tensor([5.0, 1.0, 0.0, 0.0, 1.0]))       # two of four frequencies
    >>> print(*(round(value.item(), 4) for value in values))
    0.5 0.5 0.6931 2.0
    """
    varying = power[..., 1:]
    shares = varying / varying.sum(dim=-1, keepdim=True)
    m = shares.shape[-1]
    ranks = torch.arange(1, m + 1, dtype=shares.dtype, device=shares.device)
    return Concentration(
        gini=(shares.sort(dim=-1).values * (2 * ranks - m - 1) / m).sum(dim=-1),
        ipr=shares.square().sum(dim=-1),
        entropy=shannon_entropy(shares),
        key=key_frequencies(power).sum(dim=-1).to(power.dtype),
    )


def single_frequency_share(
    vectors: Float[Tensor, "*batch class dim"], basis: Float[Tensor, "frequency 2 class"]
) -> Float[Tensor, "*batch"]:
    r"""Return the degree to which each dimension, such as a neuron, has power on a single frequency.

    With $P_{fj}$ the power of dimension j on frequency f, it is
    $\sum_j \max_{f>0} P_{fj} / \sum_j \sum_{f>0} P_{fj}$: the share of the largest frequency of each dimension,
    averaged with the power as weight. It is 1 if every dimension has one frequency, whichever that is.

    Source: Nanda et al. 2023, where one frequency explains most neurons of a grokked network.

    >>> basis = fourier_basis(torch.arange(7), num_classes=7)
    >>> single_frequency_share(basis[1:3, 0].T, basis).round(decimals=3)      # one of frequency 1, one of frequency 2
    tensor(1., dtype=torch.float64)
    """
    varying = _amplitudes(vectors, basis)[..., 1:, :, :].square().sum(dim=-2)
    return varying.amax(dim=-2).sum(dim=-1) / varying.sum(dim=(-2, -1))


class Circuit(NamedTuple):
    """The Fourier circuit of a network: the part of its logits that consists of waves of the key frequencies."""

    waves: Float[Tensor, "class class"]
    """Logits of the circuit, with one row per result."""
    constant: Float[Tensor, "class class"]
    """The wave of f = 0 of the logits, with one row per result."""
    on_cycle: Bool[Tensor, "class"]
    """Which results are on the cycle."""

    def restricted_loss(self, pairs: Float[Tensor, "class"], criterion: Criterion) -> Float[Tensor, ""]:
        """Return the loss of constant + circuit over the results on the cycle, weighted by their numbers of `pairs`."""
        classes = torch.arange(len(pairs), device=pairs.device)
        weights = pairs * self.on_cycle
        of_class = torch.func.vmap(lambda row, target: criterion(row[None], target[None]))
        return of_class(self.constant + self.waves, classes) @ weights / weights.sum()

    def removed(
        self, logits: Float[Tensor, "sample class"], targets: Int[Tensor, "sample"]
    ) -> tuple[Float[Tensor, "sample class"], Int[Tensor, "sample"]]:
        """Return the logits minus the circuit at their targets, and the targets with -100 for those off the cycle.

        The excluded loss is the criterion on these, over the training samples.
        """
        rows = targets.clamp(min=0)
        return logits - self.waves[rows], torch.where(self.on_cycle[rows], targets, -100)


def fourier_circuit(class_logits: Float[Tensor, "class class"], basis: Float[Tensor, "frequency 2 class"]) -> Circuit:
    r"""Return the Fourier circuit of a network, on which its restricted and its excluded loss are based.

    Let M[c] be the mean of the logits over all pairs (a, b) of both splits with a ∘ b = c, which is the part of the
    logits that depends only on the result. Along the cycle, M is a sum of waves, one for each frequency. The circuit is
    the sum of the waves of the key frequencies of M, and the constant is the wave of f = 0.

    The restricted loss is that of the logits constant + circuit. The excluded loss is that of each training sample's
    logits minus the circuit at its target. Only results on the cycle count. Without a key frequency, the restricted
    loss is that of a guess, about log C, and the excluded loss is the training loss. For a network that consists only
    of its circuit, the restricted loss is its own loss, and the excluded loss is about log C or more. Both jump when a
    frequency becomes key.

    The criterion is the loss that the network trains with: a mean over samples, from logits (n, C) and targets (n),
    that ignores targets of -100. The published criterion is the cross-entropy of softmax. Losses are in nats.

    For addition this is the published projection, on $\cos w_k(a+b)$ and $\sin w_k(a+b)$ in the basis of waves in a
    and b. Averaging a function of (a, b) over the pairs with the same sum projects it on the functions of a + b.

    Shapes: M (C, C), with one row per result. The function takes one network; `torch.func.vmap` takes many.

    Source: Nanda et al. 2023, where the key frequencies are those of the network at the end of training.

    >>> from torch.nn.functional import cross_entropy
    >>> p = 7
    >>> c = torch.arange(p)
    >>> network = 9 * torch.cos(2 * torch.pi * 2 * (c[:, None] - c) / p).double()       # logits of a circuit
    >>> circuit = fourier_circuit(network, fourier_basis(c, p))
    >>> restricted = circuit.restricted_loss(torch.ones(p).double(), cross_entropy)
    >>> excluded = cross_entropy(*circuit.removed(network, c))
    >>> print(round(restricted.item(), 4), round(excluded.item(), 4))                 # 1.9459 is log 7
    0.0654 1.9459
    """
    amplitudes = _amplitudes(class_logits, basis)
    key = key_frequencies(amplitudes.square().sum(dim=(-2, -1)))
    kept = amplitudes * key[:, None, None]
    return Circuit(
        waves=einsum(basis, kept, "frequency wave row, frequency wave logit -> row logit"),
        constant=basis[0, 0][:, None] * amplitudes[0, 0],
        on_cycle=basis[0, 0] > 0,
    )


def _amplitudes(
    vectors: Float[Tensor, "*batch class dim"], basis: Float[Tensor, "frequency 2 class"]
) -> Float[Tensor, "*batch frequency 2 dim"]:
    return einsum(basis, vectors, "frequency wave row, ... row dim -> ... frequency wave dim")
