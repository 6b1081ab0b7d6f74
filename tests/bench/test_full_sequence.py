"""The full-sequence formulation computes the same logits as the network that is timed against it."""

import torch

from grok.bench.full_sequence import full_sequence_logits
from grok.config import TransformerConfig
from grok.models import Transformer
from grok.random import stream
from tests.reference.transformer import full_sequence_logits as textbook_logits


def test_the_usual_formulation_is_the_textbook_one():
    config = TransformerConfig(num_heads=3, d_head=5, d_model=7, d_mlp=11)
    model = Transformer(config, num_tokens=14, num_classes=13, generator=stream(0, "model")).double()
    tokens = torch.cartesian_prod(torch.arange(13), torch.arange(13), torch.tensor([13]))
    torch.testing.assert_close(full_sequence_logits(model, tokens), textbook_logits(model, tokens), rtol=0, atol=1e-12)
