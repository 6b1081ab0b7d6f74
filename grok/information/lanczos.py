"""Entropy of a density matrix from its products with vectors alone, to a tolerance, by sampled quadratic forms."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grok.information.quadrature import Product, QuadraticForms, quadratic_forms

Draw = Callable[[int], Float[Tensor, "n probes"]]
"""Returns a number of new probes: random columns with independent entries of mean 0 and variance 1."""

FIRST_PROBES = 32
FEWEST_PROBES = 8  # from fewer, the standard error itself is too uncertain to claim an accuracy
"""Number of probes from whose noise the number that is needed is predicted."""

MARGIN = 1.2
"""Factor by which more probes are drawn than predicted, since the noise itself is uncertain."""

SHARE = 1 / 16
"""Largest share of the tolerance that the error bound of the quadratures may take, and that of the split again."""

LARGEST_RESIDUAL = 0.1
"""Ritz vectors whose residual is a larger fraction of their eigenvalue are sampled with the rest."""

SMALLEST_TOLERANCE = 1e-5
"""Fraction of the entropy below which no tolerance is taken to be."""

COLLINEAR = 1e-4
"""Combinations of the controls, each scaled to variation 1, are left out if they vary less than this."""


class EntropyEstimate(NamedTuple):
    """An entropy and its standard error in nats, float64 scalars on the host, and whether the tolerance was reached."""

    value: Float[Tensor, ""]
    standard_error: Float[Tensor, ""]
    reached: bool
    num_probes: int


def exactly(entropy: Float[Tensor, ""]) -> EntropyEstimate:
    """Return the estimate that this exact entropy is."""
    value = entropy.cpu().double()
    return EntropyEstimate(value, torch.zeros_like(value), reached=True, num_probes=0)


class SecondMoment(NamedTuple):
    r"""A function that computes $\operatorname{tr} A^2$, and its cost as a number of products with one vector."""

    compute: Callable[[], float]
    cost: float


class RitzVectors(NamedTuple):
    """Orthonormal vectors near eigenvectors, their Ritz values, and the lengths of their residuals, in float64."""

    basis: Float[Tensor, "n k"]
    values: Float[Tensor, "k"]
    residuals: Float[Tensor, "k"]

    def where(self, chosen: Bool[Tensor, "k"]) -> "RitzVectors":
        """Return the chosen vectors."""
        return RitzVectors(self.basis[:, chosen.to(self.basis.device)], self.values[chosen], self.residuals[chosen])

    def remove_from(self, columns: Float[Tensor, "n vectors"]) -> Float[Tensor, "n vectors"]:
        """Return the part of the columns that is orthogonal to these vectors."""
        return columns - self.basis @ (self.basis.mT @ columns)


def lanczos_entropy(
    product: Product,
    draw: Draw,
    subspace: Float[Tensor, "n rank"],
    *,
    tolerance: Callable[[float], float],
    num_probes: int,
    steps: int,
    second_moment: SecondMoment | None = None,
    budget: float = torch.inf,
) -> EntropyEstimate:
    r"""Estimate $\operatorname{tr} f(A)$, $f(x) = -x \log x$, for a density matrix A given by `product`.

    **Split.** Ritz vectors Q of A are found from `subspace`, with Ritz values θ and residuals of length ρ. With
    $P = I - QQ^T$,

    $$\operatorname{tr} f(A) = \sum_i f(\theta_i) + \operatorname{tr} f(PAP) - D, \qquad
      D \approx \sum_i \rho_i^2 \frac{\log\theta_i - \log\mu}{\theta_i - \mu}.$$

    The first term is computed and the second sampled. D is the relative entropy of A to its two blocks. It is at least
    0. Its estimate is of second order in ρ, with the mean eigenvalue $\mu = \operatorname{tr}(PAP)^2 /
    \operatorname{tr} PAP$ of the sampled block. Half of D counts as error. Only vectors with small residuals are
    kept, so that D is a small share of the tolerance.

    **Sample.** The second term is the expectation of $u^T f(PAP) u$ over the probes $u = Pz$. Gauss and Gauss-Radau
    quadrature of one Lanczos run bracket it (Golub & Meurant, 1994). The even derivatives of f are negative, and the
    odd ones above the first are positive. Gauss quadrature is therefore an upper bound, and Radau quadrature with a
    node at 0 a lower bound. Half the bracket counts as error.

    **Control.** The same runs give $u^T PAP u$ and $u^T (PAP)^2 u$, whose expectations are known exactly:

    $$\operatorname{tr} PAP = 1 - \sum_i \theta_i, \qquad
      \operatorname{tr} (PAP)^2 = \operatorname{tr} A^2 - \sum_i (\theta_i^2 + 2 \rho_i^2).$$

    They are control variates. A least-squares fit over the probes predicts $u^T f(PAP) u$ from them, and its prediction
    at their expectations is the estimate. Only the noise of f less a polynomial of degree 1 or 2 remains.
    $\operatorname{tr} A^2$ is computed if it saves more products than it costs.

    **Stop.** The standard error is that of this prediction plus the errors named above. From the noise of the first
    probes, the number that is needed is predicted and drawn, until twice the standard error is at most
    `tolerance(entropy)`, in nats. The estimate ends before that at `num_probes` probes, or if more than `budget`
    products with one vector would be needed. No Lanczos run has more than `steps` steps.

    Shapes: `product` and `draw` handle blocks of column vectors (n, vectors); `subspace` is (n, rank). Units: nats.

    Returns: the entropy with its standard error, and whether the tolerance was reached.

    Sources: Ubaru, Chen & Saad, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, SIAM 2017. For the
    split: Meyer, Musco, Musco & Woodruff, Hutch++, SOSA 2021. For the brackets: Golub & Meurant, Matrices, moments and
    quadrature, 1994. For controls: Adams et al., Estimating the spectral density of large implicit matrices, 2018. The
    estimate of D is by this project.
    """
    known = _ritz_vectors(product, subspace)
    while True:
        split = _Split(product, known, tolerance, steps)
        if split.weight <= split.rounding:
            break
        split.sample(draw(min(FIRST_PROBES, num_probes)))
        affordable = split.affordable()
        if affordable.all():
            break
        known = known.where(affordable)

    while True:
        value, noise, bound = split.estimate()
        allowed, m = tolerance(value) / 2, len(split.forms.mass)
        reached = noise + bound <= allowed and not 0 < m < FEWEST_PROBES
        if reached or m in (0, num_probes):
            break
        per_variance = MARGIN * m / (allowed - bound) ** 2 if allowed > bound else torch.inf
        needed = per_variance * noise**2
        if second_moment is not None and not split.square_is_known:
            saved = min(needed, num_probes) - max(per_variance * split.noise_with_square() ** 2, m)
            if saved * split.steps_taken > second_moment.cost:
                split.know_square(second_moment.compute())
                continue
        if needed * split.steps_taken > budget:
            break
        split.sample(draw(int(min(num_probes, needed + 1)) - m))
    value, error = torch.tensor([value, noise + bound], dtype=torch.float64)
    return EntropyEstimate(value, error, reached, m)


class _Estimate(NamedTuple):
    """An estimated entropy, the standard deviation of its noise, and a bound of its other errors."""

    value: float
    noise: float
    bound: float


class _Split:
    """An entropy split into that of Ritz vectors and that of the block orthogonal to them, which probes sample."""

    def __init__(self, product: Product, known: RitzVectors, tolerance: Callable[[float], float], steps: int) -> None:
        self._product = product
        self._known = known
        self._tolerance = tolerance
        self._steps = steps
        self._known_entropy = torch.special.entr(known.values).sum().item()
        self.weight = 1 - known.values.sum().item()
        eps = torch.finfo(known.basis.dtype).eps
        self.rounding = max(4, len(known.values)) * eps
        self._expected, self._rounding = [self.weight], [4 * eps]
        self.forms = QuadraticForms(*known.values.new_empty(4, 0))
        self.steps_taken = 0

    def sample(self, probes: Float[Tensor, "n probes"]) -> None:
        """Add the forms of these probes, with quadratures as precise as the tolerance asks for."""
        before = self.forms
        remaining = self._known.remove_from
        for forms, steps_taken in quadratic_forms(
            lambda columns: remaining(self._product(columns)), remaining(probes), self._steps
        ):
            self.steps_taken = steps_taken
            self.forms = QuadraticForms(*map(torch.cat, zip(before, forms, strict=True)))
            if forms.half_gap <= self._share():
                break

    def affordable(self) -> Bool[Tensor, "k"]:
        """Return which of the Ritz vectors have couplings to the sampled block that together are small enough."""
        order = self._couplings().argsort()
        enough = self._couplings()[order].cumsum(0) / 2 <= self._share()
        return torch.empty_like(enough).scatter(0, order, enough)

    @property
    def square_is_known(self) -> bool:
        """Whether the expected square is a control."""
        return len(self._expected) == 2

    def know_square(self, trace: float) -> None:
        """Take the expected square as a second control, from the trace of the square of the whole matrix."""
        known = self._known.values.square() + 2 * self._known.residuals.square()
        self._expected.append(trace - known.sum().item())
        self._rounding.append(self._rounding[0] * trace)

    def noise_with_square(self) -> float:
        """Return what the noise would be if the expected square were known."""
        return _fit(self.forms, [self.weight, self.forms.square.mean().item()], [0.0, 0.0]).noise

    def estimate(self) -> _Estimate:
        """Return the entropy of the whole."""
        if self.weight <= self.rounding:
            return _Estimate(self._known_entropy, 0.0, 0.0)
        degrees = range(1, len(self._expected) + 1)
        fits = [_fit(self.forms, self._expected[:degree], self._rounding[:degree]) for degree in degrees]
        rest = min(fits, key=lambda fit: fit.noise + fit.bound)
        coupling = self._couplings().sum().item()
        return _Estimate(self._known_entropy + rest.value - coupling, rest.noise, rest.bound + coupling / 2)

    def _couplings(self) -> Float[Tensor, "k"]:
        """Return what each Ritz vector adds to the relative entropy of the matrix to its two blocks."""
        mean = self.forms.square.sum() / self.forms.mass.sum()
        ratios = self._known.values / mean
        return self._known.residuals.square() / mean * torch.where(ratios == 1, 1, ratios.log() / (ratios - 1))

    def _share(self) -> float:
        entropy = self.estimate().value
        return SHARE * max(self._tolerance(entropy), SMALLEST_TOLERANCE * entropy)


def _fit(forms: QuadraticForms, expected: list[float], rounding: list[float]) -> _Estimate:
    """Estimate the expected form of f from the forms of probes, of which the expected mass and square may be known.

    It is the prediction of a least-squares fit on as many of these two controls as are known, up to `rounding`, and as
    the number of probes allows. The bound is that of the quadratures and of the effect of rounding.
    """
    m = len(forms.mass)
    degree = min(len(expected), m - 2)
    values = (forms.lower + forms.upper) / 2
    controls = torch.stack([forms.mass, forms.square], dim=1)[:, :degree]
    deviations = controls - controls.mean(dim=0)
    scale = deviations.norm(dim=0).clamp(min=torch.finfo(deviations.dtype).tiny)
    left, singular_values, right = torch.linalg.svd(deviations / scale, full_matrices=False)
    varies = singular_values > COLLINEAR
    left, directions = left[:, varies], right[varies].mT / singular_values[varies] / scale[:, None]
    slopes = left.mT @ (values - values.mean())
    shift = (values.new_tensor(expected[:degree]) - controls.mean(dim=0)) @ directions
    residual = values - values.mean() - left @ slopes
    variance = residual.square().sum() / (m - 1 - len(slopes))
    rounded = (directions @ slopes).abs() @ values.new_tensor(rounding[:degree])
    return _Estimate(
        value=(values.mean() + shift @ slopes).item(),
        noise=(variance * (1 / m + shift.square().sum())).sqrt().item(),
        bound=forms.half_gap + rounded.item(),
    )


def _ritz_vectors(product: Product, subspace: Float[Tensor, "n rank"]) -> RitzVectors:
    """Return the Ritz vectors of the image of `subspace` that are near eigenvectors."""
    basis = torch.linalg.qr(product(subspace)).Q
    image = product(basis)
    values, rotation = torch.linalg.eigh(basis.mT @ image)
    basis, image = basis @ rotation, image @ rotation
    residuals = (image - values * basis).norm(dim=0)
    every = RitzVectors(basis, values.double().cpu(), residuals.double().cpu())
    return every.where(every.residuals <= LARGEST_RESIDUAL * every.values)
