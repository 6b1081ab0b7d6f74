"""How far rounding can move a number: the bounds within which tests compare floating-point results.

Processors sum in different orders: the order depends on the width of the vector instructions, on the number of threads
and on the linear algebra library. Each bound here follows from the type of the numbers and from how many are summed.
None was measured on one processor.
"""

import math

import torch


def rounding(dtype: torch.dtype, terms: int = 1, *, steps: int = 1) -> float:
    r"""The error that rounding can leave in a sum of `terms` numbers, as a fraction of the sum of their sizes.

    A sum of n numbers is rounded n times, each time by at most $u = \varepsilon / 2$ of its size. Such errors go up as
    often as down, so the probability that they add up to more than $\lambda \sqrt{n} u$ is at most
    $2 \exp(-\lambda^2 / 2)$. With $\lambda = 8$ this is $3 \cdot 10^{-14}$, and the bound is $4 \sqrt{n} \varepsilon$.

    A product of matrices sums as many numbers as its inner size. A weight after t updates is a sum of t gradients, each
    of which is a mean over n samples: it is rounded n t times, and `steps` is t.

    Source: Higham & Mary, A new approach to probabilistic rounding error analysis, SIAM Journal on Scientific
    Computing 41(5), 2019, theorem 2.4.

    >>> rounding(torch.float32, 100) / rounding(torch.float32)
    10.0
    >>> rounding(torch.float32, 100, steps=4) / rounding(torch.float32, 100)
    2.0
    """
    return 4 * math.sqrt(terms * steps) * torch.finfo(dtype).eps


def measurement_rounding(samples: int, *, steps: int) -> dict[str, float]:
    """How far what the probes measure of a small network after so many float32 updates may be off; for `pytest.approx`.

    Fractions are wrong by the rounding of the features. Measures such as NC1 are quotients of class means about their
    mean. These are ten times shorter than the features, so their relative error is ten times larger.
    """
    error = rounding(torch.float32, samples, steps=steps)
    return {"rel": 10 * error, "abs": error}


def entropy_rounding(dtype: torch.dtype, n: int) -> float:
    r"""The error in nats that rounding can leave in the entropy of an n×n matrix of trace 1.

    Two such matrices whose eigenvalues differ by T in sum have entropies at most $T \log n + T \log(1/T)$ apart. The
    Frobenius norm of the matrix is at most 1, so that of its error is `rounding(dtype, n)`, and the error's n
    eigenvalues sum to at most $\sqrt{n}$ times that: $T = 4 n \varepsilon$. The bound is $T \log(1/(4\varepsilon))$.

    Source: Fannes, A continuity property of the entropy density for spin lattice systems, Communications in
    Mathematical Physics 31, 1973.

    >>> print(f"{entropy_rounding(torch.float64, 12):.0e} {entropy_rounding(torch.float64, 113):.0e}")
    4e-13 3e-12
    """
    eps = torch.finfo(dtype).eps
    return 4 * n * eps * math.log(1 / (4 * eps))
