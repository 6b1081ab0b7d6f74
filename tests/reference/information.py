"""The definitions of matrix entropy and interplay, written out with numpy and scipy. Slow, and the oracle."""

import numpy as np
import scipy.linalg


def naive_gram(vectors):
    """Cosines, one by one."""
    vectors = [np.asarray(vector, dtype=np.float64) for vector in vectors]
    return np.array([[a @ b / np.sqrt(a @ a) / np.sqrt(b @ b) for b in vectors] for a in vectors])


def naive_entropy(matrix):
    """-tr[(K/n) log(K/n)] in nats, by the eigenvalues that are above rounding."""
    values = scipy.linalg.eigvalsh(np.asarray(matrix, dtype=np.float64) / len(matrix))
    return -sum(value * np.log(value) for value in values if value > 1e-15)


def naive_interplay(vectors_1, vectors_2):
    """(MIR, HDR) of two sets of vectors, straight from the definitions."""
    gram_1, gram_2 = naive_gram(vectors_1), naive_gram(vectors_2)
    entropy_1, entropy_2 = naive_entropy(gram_1), naive_entropy(gram_2)
    mutual = entropy_1 + entropy_2 - naive_entropy(gram_1 * gram_2)
    return mutual / min(entropy_1, entropy_2), abs(entropy_1 - entropy_2) / max(entropy_1, entropy_2)


def naive_weighted_interplay(vectors_1, vectors_2, weights):
    """The five values of the state sum_i sqrt(w_i)|i>|a_i>|b_i>, from the partial traces of that very state."""
    units = [[np.asarray(row, dtype=np.float64) for row in vectors] for vectors in (vectors_1, vectors_2)]
    terms = [
        np.sqrt(w) * np.multiply.outer(a / np.linalg.norm(a), b / np.linalg.norm(b)) if w else np.outer(0 * a, 0 * b)
        for w, a, b in zip(weights, *units, strict=True)
    ]
    state = np.array(terms)  # index, first, second
    densities = (
        np.einsum("iab,icb->ac", state, state),
        np.einsum("iab,iac->bc", state, state),
        np.einsum("iab,icd->abcd", state, state).reshape(state[0].size, -1),
    )
    first, second, joint = (naive_entropy(len(density) * density) for density in densities)
    ratios = (first + second - joint) / min(first, second), abs(first - second) / max(first, second)
    return *ratios, first, second, joint


def simplex_etf(num_classes):
    """The rows of the centring matrix: C vectors of which any two have the cosine -1/(C-1)."""
    return np.eye(num_classes) - 1 / num_classes
