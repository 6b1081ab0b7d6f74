"""Matrix information theory as pure tensor functions that need no files or models and run on any device."""

from grok.information.bounds import rank_ratio, regression_error, regression_error_bound
from grok.information.collapse import NeuralCollapse, collapse_of_moments, neural_collapse
from grok.information.determinants import determinant_entropy
from grok.information.entropy import effective_rank, exp_entropy, gram_entropy, matrix_entropy
from grok.information.estimate import AccuracyWarning, InterplayEstimate, estimate_interplay
from grok.information.gram import centre, gram
from grok.information.interplay import Interplay, gram_interplay, hdr, interplay, mir, mutual_information
from grok.information.losses import InformationLoss, information_loss
from grok.information.moments import ClassMoments
from grok.information.monitor import Monitor, MonitorSummary
from grok.information.theory import (
    fourier_interplay,
    fourier_power,
    orthogonal_frame_interplay,
    simplex_etf_interplay,
)

__all__ = [
    "AccuracyWarning",
    "ClassMoments",
    "InformationLoss",
    "Interplay",
    "InterplayEstimate",
    "Monitor",
    "MonitorSummary",
    "NeuralCollapse",
    "centre",
    "collapse_of_moments",
    "determinant_entropy",
    "effective_rank",
    "estimate_interplay",
    "exp_entropy",
    "fourier_interplay",
    "fourier_power",
    "gram",
    "gram_entropy",
    "gram_interplay",
    "hdr",
    "information_loss",
    "interplay",
    "matrix_entropy",
    "mir",
    "mutual_information",
    "neural_collapse",
    "orthogonal_frame_interplay",
    "rank_ratio",
    "regression_error",
    "regression_error_bound",
    "simplex_etf_interplay",
]
