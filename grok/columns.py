"""The names of a record's columns, for all that write or read them.

A column is named by what was measured, on which split if it is of one, and the value, with slashes between them.
"""

RATIOS = {"mir": "MIR", "hdr": "HDR"}
"""The two ratios of an interplay, with their titles."""


def accuracy(split: str) -> str:
    """Accuracy on a split, a fraction."""
    return f"{split}/accuracy"


def loss(split: str) -> str:
    """Mean loss on a split, in nats."""
    return f"{split}/loss"


def interplay(pairing: str, *split_and_value: str) -> str:
    """A value of a pairing; `embedding`, which is of no split, has the value alone.

    >>> interplay("sample", "test", "mir"), interplay("embedding", "hdr")
    ('interplay/sample/test/mir', 'interplay/embedding/hdr')
    """
    return "/".join(("interplay", pairing, *split_and_value))


def theory(pairing: str, ratio: str) -> str:
    """A ratio that a Fourier circuit with the measured power spectra would have."""
    return f"theory/{pairing}/{ratio}"


def collapse(split: str, value: str) -> str:
    """A measure of neural collapse on a split.

    >>> collapse("test", "nc1")
    'collapse/test/nc1'
    """
    return f"collapse/{split}/{value}"


TRAIN_ACCURACY, TEST_ACCURACY, TEST_LOSS = accuracy("train"), accuracy("test"), loss("test")
SAMPLE_MIR, SAMPLE_HDR = (interplay("sample", "test", ratio) for ratio in RATIOS)
PROTOTYPE_MIR, PROTOTYPE_HDR = (interplay("prototype", "test", ratio) for ratio in RATIOS)
NC1, NC3 = collapse("test", "nc1"), collapse("test", "nc3_self_duality")
