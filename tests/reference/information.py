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


def simplex_etf(num_classes):
    """The rows of the centring matrix: C vectors of which any two have the cosine -1/(C-1)."""
    return np.eye(num_classes) - 1 / num_classes
