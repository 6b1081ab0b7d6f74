"""Features, head and labels of the geometries that networks pass through: random, collapsed, a Fourier circuit."""

import torch


def fourier_vectors(frequencies, p, *, powers=None, seed=0, dim=16):
    """p vectors, row i for residue i, with the given power on each frequency, in a rotated basis: circulant cosines."""
    powers = powers or [1 / len(frequencies)] * len(frequencies)
    angle = 2 * torch.pi * torch.arange(p, dtype=torch.float64)[:, None] * torch.tensor(frequencies) / p
    amplitudes = torch.tensor(powers, dtype=torch.float64).sqrt()
    waves = torch.cat([angle.cos() * amplitudes, angle.sin() * amplitudes], dim=1)
    return waves @ torch.linalg.qr(random_vectors(dim, waves.shape[1], seed)).Q.mT


def random_vectors(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_geometry(n, *, num_classes=113, dim=128):
    return random_vectors(n, dim, 1), random_vectors(num_classes, dim, 2), torch.arange(n) % num_classes


def collapsed_geometry(n, *, num_classes=10, dim=128, noise=0.0):
    """Samples at the corners of a simplex frame, with noise of this size relative to them."""
    head = torch.linalg.qr(random_vectors(dim, num_classes, 1)).Q.mT
    head = head - head.mean(dim=0)
    labels = torch.arange(n) % num_classes
    return head[labels] + noise / dim**0.5 * random_vectors(n, dim, 2), head, labels


def fourier_geometry(n, *, p=113, dim=128, frequencies=(3, 11, 29, 47), noise=0.0):
    """Samples at a Fourier circuit, with noise of this size relative to them, on the features alone."""
    head = fourier_vectors(frequencies, p, seed=1, dim=dim)
    labels = torch.arange(n) % p
    features = fourier_vectors(frequencies, p, seed=2, dim=dim)[labels]
    return features + noise / dim**0.5 * random_vectors(n, dim, 3), head, labels
