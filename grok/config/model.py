"""Settings of the network."""

import dataclasses

from grok.config.checks import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerConfig(Settings, section="model"):
    """ReLU transformer; one layer without LayerNorm as in Nanda et al. 2023, if not set otherwise."""

    num_layers: int = 1
    """Number of layers, each of attention and an MLP: 1 to 4."""
    d_model: int = 128
    """Width of the residual stream."""
    num_heads: int = 4
    """Number of attention heads."""
    d_head: int = 32
    """Width of one attention head."""
    d_mlp: int = 512
    """Width of the MLP's hidden layer."""
    layer_norm: bool = False
    """Normalise what attention, MLP and head read (pre-LayerNorm, with gain and bias)."""
    tie_embeddings: bool = False
    """Let the head's rows be the tokens' embeddings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("d_model", "num_heads", "d_head", "d_mlp"):
            self.require(name, getattr(self, name) >= 1, "a positive integer")
        self.require("num_layers", 1 <= self.num_layers <= 4, "an integer from 1 to 4")
