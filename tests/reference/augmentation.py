"""Crop and flip as one would do it by hand, one image at a time."""

import numpy as np
import torch


def cropped_and_flipped(images, shifts, flips):
    """Pad each image, cut its window out, mirror it."""
    results = []
    for image, (down, right), flip in zip(images.numpy(), shifts.tolist(), flips.tolist(), strict=True):
        _, height, width = image.shape
        margin = max(abs(down), abs(right))
        padded = np.pad(image, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
        window = padded[:, margin + down : margin + down + height, margin + right : margin + right + width]
        results.append(torch.tensor(window[:, :, ::-1].copy() if flip else window))
    return torch.stack(results)
