"""Matrix entropy from log-determinants in place of eigenvalues, so that the host never waits for a GPU."""

import torch
from jaxtyping import Float
from torch import Tensor

LOG_SCALES = tuple(range(-28, 11))
"""The values of log t at the quadrature nodes. The truncation on either side loses less than 1e-8 nats."""

AT_ONCE = 2**22
"""Numbers held at once (32 MiB), which limits how many nodes one batched factorisation covers."""


def determinant_entropy(density: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch"]:
    r"""Entropy of positive semi-definite matrices of trace 1, by quadrature with Cholesky factors.

    Nothing is checked but the dtype. As T grows, $\int_0^T \log(1 + x/t)\,dt$ approaches $x - x \log x + x \log T$.
    Subtracting the same expression for $\kappa = \operatorname{tr}\rho^2$ with the weight $x/\kappa$ leaves
    $-x \log x + x \log\kappa$. The sum over the eigenvalues x, whose logarithms add up to a determinant, gives

    $$H(\rho) = \int_0^\infty \Bigl[\log\det\bigl(I + \tfrac{\rho}{t}\bigr)
      - \tfrac1\kappa \log\bigl(1 + \tfrac{\kappa}{t}\bigr)\Bigr] dt - \log\kappa.$$

    With $t = e^u$ the integrand is analytic for $|\operatorname{Im} u| < \pi$. The error of the trapezoidal rule with
    step 1 is therefore a few times $e^{-2\pi^2} = 3 \cdot 10^{-9}$ (Trefethen & Weideman, 2014). This choice of
    $\kappa$ makes the integrand fall as $1/t$ at the upper end. The 39 factorisations of n³/3 multiplications cost a
    CPU more than eigenvalues would. A GPU factorises in batches, whereas each call for eigenvalues makes the host wait.

    Shapes: (..., n, n) -> (...), float64. Units: nats. Error: below 1e-8 nats for n up to 512 against float64
    eigenvalues, also where eigenvalues are zero.

    Raises:
        ValueError: if the matrix is float32, whose rounding leaves eigenvalues too far below 0 to be factorised.

    Source: this project; Trefethen & Weideman, The exponentially convergent trapezoidal rule, SIAM Review 2014.

    >>> import torch
    >>> densities = torch.stack([torch.eye(4) / 4, torch.diag(torch.tensor([0.5, 0.5, 0.0, 0.0]))]).double()
    >>> determinant_entropy(densities)         # log 4, log 2
    tensor([1.3863, 0.6931], dtype=torch.float64)
    """
    if density.dtype != torch.float64:
        raise ValueError(f"density: expected float64, got {density.dtype} (form it from vectors.double())")
    identity = torch.eye(density.shape[-1], dtype=torch.float64, device=density.device)
    kappa = density.square().sum(dim=(-2, -1))
    integral = torch.zeros_like(kappa)
    scales = torch.tensor(LOG_SCALES, dtype=torch.float64, device=density.device).exp()
    for some in scales.split(max(1, AT_ONCE // density.numel())):
        t = some.view(-1, *[1] * kappa.ndim)
        factors = torch.linalg.cholesky_ex(identity + density / t[..., None, None], check_errors=False).L
        log_determinants = 2 * factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        integral = integral + (t * (log_determinants - (kappa / t).log1p() / kappa)).sum(dim=0)
    return integral - kappa.log()
