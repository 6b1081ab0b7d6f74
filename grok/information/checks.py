"""Checks of arguments at the boundary of the package.

Each error names the argument, what was expected and what was passed.
"""

import math
import operator
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor


def check_integer(name: str, value: Any, least: int | None = None, *, also: str = "") -> None:
    """Raise `ValueError` unless `value` is an integer of any type and at least `least`.

    `also` is appended to the expected value in the message.
    """
    expected = f"an integer{'' if least is None else f' of at least {least}'}{also}"
    try:
        too_small = operator.index(value) < (-torch.inf if least is None else least)
    except TypeError as error:
        raise ValueError(f"{name}: expected {expected}, got {value!r}") from error
    if too_small:
        raise ValueError(f"{name}: expected {expected}, got {value}")


def check_positive(name: str, value: Any) -> None:
    """Raise `ValueError` unless `value` is a number above 0 and finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")


def check_vectors(name: str, vectors: Shaped[Tensor, "..."], weights: Shaped[Tensor, "..."] | None = None) -> None:
    """Raise `ValueError` unless `vectors` is a finite (..., n, d) float tensor in which no row is zero.

    With weights (..., n), rows of weight 0 are not checked.
    """
    _check_float(name, vectors)
    if vectors.ndim < 2 or 0 in vectors.shape:
        raise ValueError(f"{name}: expected vectors as rows, shape (..., n, d), got {tuple(vectors.shape)}")
    if weights is not None:
        check_same_shape(f"{name} without its last axis", vectors.shape[:-1], "weights", weights.shape)
        vectors = torch.where(weights[..., None] > 0, vectors, 1.0)
    _check_finite(name, vectors)
    zero = ~vectors.any(dim=-1)
    if zero.any():
        where = ", ".join(str(index) for index in zero.nonzero()[0].tolist())
        raise ValueError(f"{name}: expected vectors that have a direction, got a zero vector at row {where}")


def check_matrix(name: str, matrix: Shaped[Tensor, "..."]) -> None:
    """Raise `ValueError` unless `matrix` is a finite (n, d) float tensor; its rows may be zero."""
    _check_two_axes(name, matrix)
    _check_finite(name, matrix)


def check_gram(name: str, matrix: Shaped[Tensor, "..."]) -> None:
    """Raise `ValueError` unless `matrix` is a finite, square, symmetric (..., n, n) float tensor of cosines."""
    _check_float(name, matrix)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or 0 in matrix.shape:
        raise ValueError(f"{name}: expected a square matrix, shape (..., n, n), got {tuple(matrix.shape)}")
    _check_finite(name, matrix)
    tolerance = matrix.shape[-1] * 16 * torch.finfo(matrix.dtype).eps
    diagonal_error = (matrix.diagonal(dim1=-2, dim2=-1) - 1).abs().max().item()
    if diagonal_error > tolerance:
        raise ValueError(
            f"{name}: expected a Gram matrix of unit vectors, with ones on its diagonal, "
            f"got a diagonal {diagonal_error:.3g} away from 1 (make it with grok.information.gram)"
        )
    largest = matrix.abs().max().item()
    if largest > 1 + tolerance:
        raise ValueError(f"{name}: expected cosines, in [-1, 1], got an entry of size {largest:.3g}")
    asymmetry = (matrix - matrix.mT).abs().max().item()
    if asymmetry > tolerance:
        raise ValueError(f"{name}: expected a symmetric matrix, got entries {asymmetry:.3g} from their mirror image")


def check_weights(name: str, weights: Shaped[Tensor, "..."]) -> None:
    """Raise `ValueError` unless `weights` is a finite (..., n) float tensor without negative entries that sums to 1."""
    _check_float(name, weights)
    _check_finite(name, weights)
    if (weights < 0).any():
        raise ValueError(f"{name}: expected no negative number, got {weights.min().item():.3g}")
    error = (weights.sum(dim=-1) - 1).abs().max().item()
    if error > weights.shape[-1] * 16 * torch.finfo(weights.dtype).eps:
        raise ValueError(f"{name}: expected a sum of 1, got one {error:.3g} away (divide them by their sum)")


def check_same_shape(name_1: str, shape_1: torch.Size, name_2: str, shape_2: torch.Size) -> None:
    """Raise `ValueError` unless the two shapes are equal."""
    if shape_1 != shape_2:
        raise ValueError(f"{name_2}: expected the shape of {name_1}, {tuple(shape_1)}, got {tuple(shape_2)}")


def _check_float(name: str, tensor: object) -> None:
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{name}: expected a torch tensor, got {type(tensor).__name__} (convert it with torch.tensor)")
    if tensor.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name}: expected float32 or float64, got {tensor.dtype} (convert it with .float())")


def _check_two_axes(name: str, matrix: Shaped[Tensor, "..."]) -> None:
    _check_float(name, matrix)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"{name}: expected a matrix, shape (n, d), got {tuple(matrix.shape)}")


def _check_finite(name: str, tensor: Shaped[Tensor, "..."]) -> None:
    if not tensor.isfinite().all():
        raise ValueError(f"{name}: expected finite numbers, got {int((~tensor.isfinite()).sum())} that are not")


def check_samples(
    features: Shaped[Tensor, "..."],
    head: Shaped[Tensor, "..."],
    labels: Shaped[Tensor, "..."],
    weights: Shaped[Tensor, "..."] | None = None,
) -> None:
    """Raise `ValueError` unless the arguments are (n, d1) features, (C, d2) head rows and n labels.

    No feature vector, and no head row that a label uses, may be zero. The weights must sum to 1. The features and the
    head row of a sample of weight 0 are not checked.
    """
    if weights is not None:
        check_weights("weights", weights)
    _check_two_axes("features", features)
    check_matrix("head", head)
    check_labels("labels", labels, len(features), len(head))
    check_vectors("features", features, weights)
    directionless = ~head.any(dim=-1)[labels.long()]
    if weights is not None:
        directionless &= weights > 0
    if directionless.any():
        row = int(labels[directionless][0])
        raise ValueError(f"head: expected rows that have a direction for all labels, got a zero vector at row {row}")


def check_labels(name: str, labels: Shaped[Tensor, "..."], num_samples: int, num_classes: int) -> None:
    """Raise `ValueError` unless `labels` holds one integer in [0, num_classes) per sample."""
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"{name}: expected a tensor of integers, got {getattr(labels, 'dtype', type(labels))}")
    if labels.shape != (num_samples,):
        raise ValueError(f"{name}: expected one label per sample, shape ({num_samples},), got {tuple(labels.shape)}")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= num_classes:
        raise ValueError(f"{name}: expected labels in [0, {num_classes}), one per head row, got {lowest} to {highest}")
