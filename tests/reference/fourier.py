"""Fourier structure with loops and numpy.fft. Slow, and the oracle."""

import numpy as np


def naive_components(vectors, cycle):
    """Power of each dimension of the cycle's vectors on each frequency; the sum over both is their squared lengths."""
    rows = np.stack([np.asarray(vectors[c], dtype=np.float64) for c in cycle])
    n = len(rows)
    squares = np.abs(np.fft.fft(rows, axis=0)) ** 2 / n
    return np.array([squares[f] if f == (n - f) % n else squares[f] + squares[n - f] for f in range(n // 2 + 1)])


def naive_power(vectors, cycle):
    return naive_components(vectors, cycle).sum(axis=1)


def naive_concentration(power):
    """Gini coefficient as the mean difference over twice the mean, the rest as written."""
    shares = power[1:] / power[1:].sum()
    m = len(shares)
    return {
        "gini": sum(abs(a - b) for a in shares for b in shares) / (2 * m**2 * shares.mean()),
        "ipr": sum(share**2 for share in shares),
        "entropy": -sum(share * np.log(share) for share in shares if share > 0),
        "key": sum(share >= 2 / m for share in shares),
    }


def naive_key_frequencies(power):
    return [f for f in range(1, len(power)) if power[f] >= 2 / (len(power) - 1) * power[1:].sum()]


def naive_single(vectors, cycle):
    """Each dimension's largest share, in the mean weighed by power; a dead neuron has none."""
    components = np.array([of_one for of_one in naive_components(vectors, cycle)[1:].T if of_one.any()])
    return np.average([of_one.max() / of_one.sum() for of_one in components], weights=components.sum(axis=1))


def cross_entropy(logits, target):
    return np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target]


def stablemax_cross_entropy(logits, target):
    s = np.array([x + 1 if x >= 0 else 1 / (1 - x) for x in logits])
    return -np.log(s[target] / s.sum())


def naive_circuit_losses(logits, targets, train, cycle, loss=cross_entropy):
    """(restricted, excluded) from the logits of all pairs: class by class, sample by sample."""
    means = {c: logits[targets == c].mean(axis=0) for c in cycle}
    spectrum = np.fft.fft([means[c] for c in cycle], axis=0)
    n = len(cycle)
    modes = {mode for f in naive_key_frequencies(naive_power(means, cycle)) for mode in (f, n - f)}
    kept = np.array([spectrum[mode] if mode in modes else 0 * spectrum[mode] for mode in range(n)])
    circuit = dict(zip(cycle, np.fft.ifft(kept, axis=0).real, strict=True))
    constant = np.mean([means[c] for c in cycle], axis=0)
    on_cycle = [index for index in range(len(targets)) if targets[index] in circuit]
    restricted = [loss(constant + circuit[targets[index]], targets[index]) for index in on_cycle]
    excluded = [
        loss(logits[index] - circuit[targets[index]], targets[index]) for index in on_cycle if index in set(train)
    ]
    return np.mean(restricted), np.mean(excluded)


def published_projection(logits, frequency):
    """The part of logits (a, b, c) in cos w(a+b) and sin w(a+b), by the naive 2-D DFT over all pairs."""
    p = len(logits)
    part = np.zeros_like(logits)
    for wave in (np.cos, np.sin):
        plane = np.array([[wave(2 * np.pi * frequency * (a + b) / p) for b in range(p)] for a in range(p)])
        plane /= np.linalg.norm(plane)
        part += plane[:, :, None] * sum(plane[a, b] * logits[a, b] for a in range(p) for b in range(p))
    return part
