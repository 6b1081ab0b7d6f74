"""Neural collapse by loops over classes, pairs and samples, in numpy. Slow, and the oracle."""

import itertools

import numpy as np


def naive_neural_collapse(features, labels, weight, bias=None):
    """The ten values by name, from the definitions."""
    num_classes = len(weight)
    n = len(features)
    groups = [features[labels == c] for c in range(num_classes)]
    means = [group.mean(axis=0) for group in groups]
    global_mean = sum(features) / n
    within = sum(np.outer(h - means[c], h - means[c]) for c in range(num_classes) for h in groups[c]) / n
    between = sum(
        len(group) / n * np.outer(mean - global_mean, mean - global_mean)
        for group, mean in zip(groups, means, strict=True)
    )
    variances = [np.mean([np.sum((h - means[c]) ** 2) for h in groups[c]]) for c in range(num_classes)]
    pairs = list(itertools.permutations(range(num_classes), 2))
    centred = np.array(means) - np.mean(means, axis=0)
    rows = weight - weight.mean(axis=0)
    bias = np.zeros(num_classes) if bias is None else bias
    decided = [int(np.argmax([w @ h + b for w, b in zip(weight, bias, strict=True)])) for h in features]
    nearest = [int(np.argmin([np.linalg.norm(h - mean) for mean in means])) for h in features]
    return {
        "nc1": np.trace(within @ np.linalg.pinv(between, rcond=1e-12, hermitian=True)) / num_classes,
        "cdnv": np.mean([(variances[a] + variances[b]) / 2 / np.sum((means[a] - means[b]) ** 2) for a, b in pairs]),
        "nc2_equinorm_means": _equinorm(centred),
        "nc2_equinorm_head": _equinorm(rows),
        "nc2_equiangular_means": _equiangular(centred, pairs),
        "nc2_equiangular_head": _equiangular(rows, pairs),
        "nc2_simplex_means": _simplex_distance(centred),
        "nc2_simplex_head": _simplex_distance(rows),
        "nc3_self_duality": np.linalg.norm(rows / np.linalg.norm(rows) - centred / np.linalg.norm(centred)) ** 2,
        "nc4_agreement": np.mean([a == b for a, b in zip(decided, nearest, strict=True)]),
    }


def _equinorm(vectors):
    lengths = [np.sqrt(vector @ vector) for vector in vectors]
    return np.std(lengths) / np.mean(lengths)


def _equiangular(vectors, pairs):
    lengths = [np.sqrt(vector @ vector) for vector in vectors]
    return np.std([vectors[a] @ vectors[b] / lengths[a] / lengths[b] for a, b in pairs])


def _simplex_distance(vectors):
    num_classes = len(vectors)
    products = vectors @ vectors.T
    simplex = np.eye(num_classes) - np.ones((num_classes, num_classes)) / num_classes
    return np.linalg.norm(products / np.linalg.norm(products) - simplex / np.linalg.norm(simplex))
