"""The names of a record's columns, for the code that writes or reads them.

A name joins with slashes what was measured, on which split if there is one, and the value. Columns that only one
objective has are named where they are written.
"""

RATIOS = {"mir": "MIR", "hdr": "HDR"}
"""The two ratios of an interplay, with their titles in figures and tables."""

WEIGHT_NORM = "weight_norm"
RESTRICTED_LOSS, EXCLUDED_LOSS = "fourier/restricted_loss", "fourier/excluded_loss"

OMEGA, RECOMPUTED = "connectivity/omega", "connectivity/recomputed"
SPARSITY = "pruning/sparsity"
TWIN = "norm_matched/twin"
"""Columns that tell the phases of a training apart."""


def accuracy(split: str) -> str:
    """Return the column of the accuracy on a split, a fraction."""
    return f"{split}/accuracy"


def loss(split: str) -> str:
    """Return the column of the mean loss on a split, in nats."""
    return f"{split}/loss"


def logit_scale(split: str) -> str:
    """Return the column of the root mean square of the centred logits on a split."""
    return f"{split}/logit_scale"


def swapped(kind: str) -> str:
    """Return the column of the accuracy on test pairs whose swap is a training pair (`seen`) or is not (`unseen`)."""
    return f"swapped/{kind}_accuracy"


def interplay(pairing: str, *split_and_value: str) -> str:
    """Return the column of a value of a pairing, or without the value the prefix of the pairing's columns.

    The pairing `embedding` does not depend on a split.

    >>> interplay("sample", "test", "mir"), interplay("embedding", "hdr")
    ('interplay/sample/test/mir', 'interplay/embedding/hdr')
    """
    return "/".join(("interplay", pairing, *split_and_value))


def theory(pairing: str, ratio: str) -> str:
    """Return the column of a ratio that a Fourier circuit with the measured power spectra would have."""
    return f"theory/{pairing}/{ratio}"


def collapse(split: str, value: str) -> str:
    """Return the column of a measure of neural collapse on a split.

    >>> collapse("test", "nc1")
    'collapse/test/nc1'
    """
    return f"collapse/{split}/{value}"


def fourier(vectors: str, value: str) -> str:
    """Return the column of how concentrated the power of the embedding, neurons and so on is on few frequencies.

    >>> fourier("embedding", "gini")
    'fourier/embedding/gini'
    """
    return f"fourier/{vectors}/{value}"


def rank(*vectors_and_split: str) -> str:
    """Return the column of an effective rank; that of the embedding or unembedding does not depend on a split.

    >>> rank("features", "test"), rank("embedding")
    ('rank/features/test', 'rank/embedding')
    """
    return "/".join(("rank", *vectors_and_split))


def spectral_entropy(split: str) -> str:
    """Return the column of the entropy of the features' variances on a split, in nats."""
    return f"spectral_entropy/{split}"


TRAIN_ACCURACY, TEST_ACCURACY, TEST_LOSS = accuracy("train"), accuracy("test"), loss("test")
SAMPLE_MIR, SAMPLE_HDR = (interplay("sample", "test", ratio) for ratio in RATIOS)
PROTOTYPE_MIR, PROTOTYPE_HDR = (interplay("prototype", "test", ratio) for ratio in RATIOS)
NC1, NC3 = collapse("test", "nc1"), collapse("test", "nc3_self_duality")
