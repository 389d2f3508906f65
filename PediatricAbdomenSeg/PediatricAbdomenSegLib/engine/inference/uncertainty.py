"""How sure the network is of each voxel: the entropy of its class probabilities, between 0 and 1.

The probabilities are nnU-Net's: the softmax of the logits averaged over tiles, mirrorings and folds. Their Shannon
entropy, divided by the logarithm of the number of classes, is 0 where one class is certain and 1 where all are equally
likely. It is taken on the network's grid while the logits stream by, so that the classes never exist all at once on
the input grid; only this one number is then interpolated. High values mark where to look first, at boundaries mostly;
a low one does not promise that a contour is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .predictor import Slab
from .resampling import AxisGrid

if TYPE_CHECKING:
    import torch

STEPS = 255
"""An entropy of 1 as uint8: a quarter of the memory, and far finer than what can be read from a picture."""


def with_entropy(slabs: Iterable[Slab], entropy: np.ndarray) -> Iterator[Slab]:
    """Hand slabs on and note their entropy.

    Args:
        slabs: of a whole image.
        entropy: float32 ``(z, y, x)`` of the network's image; filled in.
    """
    for slab in slabs:
        for index, logits in enumerate(slab.logits, slab.start):  # by slice: no second copy of the slab's classes
            entropy[index] = normalised_entropy(logits).cpu().numpy()
        yield slab


def normalised_entropy(logits: torch.Tensor) -> torch.Tensor:
    """Shannon entropy of the softmax over the last axis, 0 to 1; at least two classes."""
    import torch

    log_probabilities = torch.log_softmax(logits, -1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
    return (entropy / math.log(logits.shape[-1])).clamp_(0, 1)


def entropy_on_source_grid(entropy: np.ndarray, axes: Sequence[AxisGrid]) -> np.ndarray:
    """Interpolate the entropy as the logits are interpolated, linearly, plane by plane.

    Args:
        entropy: float32 ``(z, y, x)`` on the network's grid, 0 to 1.
        axes: the relation of the three axes to the source grid.

    Returns:
        uint8, 0 to `STEPS`, of the source voxels in `AxisGrid.source_range`.
    """
    along_z, along_y, along_x = (axis.label_weights() for axis in axes)
    result = np.empty([len(index) for index, _ in (along_z, along_y, along_x)], np.uint8)
    for plane, index, weight in zip(result, *along_z, strict=True):
        values = _between(entropy, np.array([index]), np.array([weight]), 0)[0]
        values = _between(_between(values, *along_y, 0), *along_x, 1)
        plane[...] = np.rint(values * STEPS)
    return result


def mean_entropies(labels: np.ndarray, entropy: np.ndarray) -> dict[int, float]:
    """Mean entropy, 0 to 1, of the voxels of each label present, background left out.

    Args:
        labels: uint8 ``(z, y, x)``.
        entropy: uint8 of the same shape, 0 to `STEPS`.
    """
    voxels, sums = np.zeros(256, np.int64), np.zeros(256)
    for plane, values in zip(labels, entropy, strict=True):
        voxels += np.bincount(plane.ravel(), minlength=256)
        sums += np.bincount(plane.ravel(), values.ravel(), minlength=256)
    return {int(label): float(sums[label] / voxels[label] / STEPS) for label in np.flatnonzero(voxels) if label}


def _between(array: np.ndarray, index: np.ndarray, weight: np.ndarray, axis: int) -> np.ndarray:
    """``(1 - weight) * [index] + weight * [index + 1]`` along an axis, see `AxisGrid.label_weights`."""
    lower = array.take(index, axis)
    if not weight.any():
        return lower
    upper = array.take(index + 1, axis)
    share = weight.reshape([-1 if axis == other else 1 for other in range(array.ndim)])
    return lower + share * (upper - lower)
