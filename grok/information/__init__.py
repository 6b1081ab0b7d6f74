"""Matrix information theory as pure tensor functions: no files, no models, any device."""

from grok.information.entropy import effective_rank, gram_entropy, matrix_entropy
from grok.information.gram import gram
from grok.information.interplay import Interplay, gram_interplay, hdr, interplay, mir, mutual_information
from grok.information.theory import simplex_etf_interplay

__all__ = [
    "Interplay",
    "effective_rank",
    "gram",
    "gram_entropy",
    "gram_interplay",
    "hdr",
    "interplay",
    "matrix_entropy",
    "mir",
    "mutual_information",
    "simplex_etf_interplay",
]
