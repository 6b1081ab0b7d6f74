"""The wide residual network written out from its parameters, in training mode: the oracle of the fast one."""

import torch
import torch.nn.functional as F


def wide_resnet_features(model, images, *, blocks_per_group):
    """Features of a batch, normalised by the batch's own statistics."""
    weights = dict(model.named_parameters())
    x = _conv(images, weights["stem.weight"], stride=1)
    for index in range(3 * blocks_per_group):
        block = f"blocks.{index}"
        stride = 2 if index in (blocks_per_group, 2 * blocks_per_group) else 1
        activated = _norm_relu(x, weights, f"{block}.norm_1")
        hidden = _norm_relu(_conv(activated, weights[f"{block}.conv_1.weight"], stride), weights, f"{block}.norm_2")
        widened = weights.get(f"{block}.shortcut.weight")
        skipped = x if widened is None else torch.einsum("nchw,dc->ndhw", activated, widened[:, :, 0, 0])
        if widened is not None and stride == 2:
            skipped = skipped[:, :, ::2, ::2]
        x = skipped + _conv(hidden, weights[f"{block}.conv_2.weight"], stride=1)
    x = _norm_relu(x, weights, "norm")
    return x.sum(dim=(2, 3)) / (x.shape[2] * x.shape[3])


def _conv(x, weight, stride):
    """A 3×3 convolution as a sum over its nine taps."""
    padded = F.pad(x, (1, 1, 1, 1))
    height, width = x.shape[2:]
    taps = (
        torch.einsum("nchw,dc->ndhw", padded[:, :, i : i + height, j : j + width], weight[:, :, i, j])
        for i in range(3)
        for j in range(3)
    )
    return sum(taps)[:, :, ::stride, ::stride]


def _norm_relu(x, weights, name):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    gain, bias = (weights[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
    return torch.clamp((x - mean) / (variance + 1e-5).sqrt() * gain + bias, min=0)
