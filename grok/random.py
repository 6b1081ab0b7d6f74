"""Independent random streams from one seed, the same on every machine and device."""

import hashlib

import torch


def stream(seed: int, name: str) -> torch.Generator:
    """Return a CPU generator for one purpose, such as "split". Drawing from one stream does not change the others.

    >>> torch.equal(torch.rand(3, generator=stream(0, "split")), torch.rand(3, generator=stream(0, "split")))
    True
    >>> torch.equal(torch.rand(3, generator=stream(0, "split")), torch.rand(3, generator=stream(1, "split")))
    False
    >>> torch.equal(torch.rand(3, generator=stream(0, "split")), torch.rand(3, generator=stream(0, "model")))
    False
    """
    # torch's CPU generator reads only the low 32 bits of its seed, so seed and name must both be mixed into them.
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:4], "big"))
