"""Estimate of the memory that the training of a transformer needs, from its settings alone."""

from grok.config import TransformerConfig, TransformerTrainingConfig
from grok.training.chunks import CHUNK_SIZE, num_chunks
from grok.training.engine import BLOCK
from grok.training.snapshot import MOST_LOGITS

PROGRAM = 2**28  # bytes of the loaded libraries and of small tensors
DATA = 200  # bytes per pair, while they are made and kept: tokens, elements, target, split, and labels of the probes
STATE = 4  # tensors of the size of the parameters: they, their gradients and two moments
GRAMS = 8  # n×n matrices of an interplay of n samples: Gram matrices, their product, and copies for LAPACK
OBSERVATIONS = 12  # C×d matrices in float64 that all probes together observe at a step
ROWS = 2 * BLOCK  # observations that are kept: those of two blocks of steps
LOSSES = 4  # values in float64 per logit, while the loss of a sample and its gradient are computed
MARGIN = 2.0  # for what is not counted, such as freed memory that the program keeps: p = 1,999 needs more than 1.6
FLOAT, DOUBLE = 4, 8


def memory_needed(config: TransformerTrainingConfig, *, members: int, device: str, threads: int) -> int:
    """Return about how many bytes it takes to train and measure `members` networks together.

    The estimate sums what grows with the settings. These are the data, the state of the optimiser, the features and
    neurons of all pairs, the activations of the samples that are computed at once, Gram matrices, and observations.
    On a CPU, each thread computes one chunk of a single network. Otherwise a step computes all training samples of all
    members at once.
    """
    in_chunks = device == "cpu" and members == 1 and not config.information.is_on
    model, probes = config.model, config.probes
    pairs, train, classes = config.task.num_pairs, config.task.train_size, config.task.num_elements
    logits = sum(min(samples * classes, MOST_LOGITS) for samples in (train, pairs - train))
    kept = model.d_model + (0 if probes.neurons == "off" else model.d_mlp)
    grams = GRAMS * DOUBLE * max(classes, 0 if probes.sample == "off" else probes.sample_size) ** 2
    of_member = (
        DATA * pairs
        + STATE * FLOAT * _parameters(model, classes)
        + FLOAT * (pairs * kept + logits)
        + ROWS * OBSERVATIONS * DOUBLE * classes * model.d_model
    )
    at_once = min(train, CHUNK_SIZE) if in_chunks else train
    of_worker = at_once * (FLOAT * _activations(model) + LOSSES * DOUBLE * classes) + grams
    workers = min(threads, num_chunks(train)) if in_chunks else members
    return round(MARGIN * (PROGRAM + members * of_member + workers * of_worker))


def _parameters(model: TransformerConfig, classes: int) -> int:
    """Return about the number of parameters."""
    attention = 4 * model.d_model * model.num_heads * model.d_head
    return 2 * (classes + 4) * model.d_model + model.num_layers * (attention + 2 * model.d_model * model.d_mlp)


def _activations(model: TransformerConfig) -> int:
    """Return about the number of activations and their gradients per sample; several layers compute all positions."""
    folded = model.num_layers == 1 and not model.layer_norm
    layer = 3 * model.d_mlp + 8 * model.d_model + 8 * model.num_heads * model.d_head
    return layer if folded else 3 * model.num_layers * layer
