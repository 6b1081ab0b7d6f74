"""The full-sequence formulations compute the same logits as the network that is timed against them."""

import pytest
import torch

from grok.bench.full_sequence import full_sequence_logits, notebook_logits
from grok.config import TransformerConfig
from grok.models import Transformer
from grok.random import stream
from tests.reference.transformer import full_sequence_logits as textbook_logits


@pytest.mark.parametrize("logits", [full_sequence_logits, notebook_logits])
def test_the_usual_formulations_are_the_textbook_one(logits):
    config = TransformerConfig(num_heads=3, d_head=5, d_model=7, d_mlp=11)
    model = Transformer(config, num_tokens=14, num_classes=13, generator=stream(0, "model")).double()
    tokens = torch.cartesian_prod(torch.arange(13), torch.arange(13), torch.tensor([13]))
    torch.testing.assert_close(logits(model, tokens), textbook_logits(model, tokens), rtol=0, atol=1e-12)
