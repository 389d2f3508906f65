"""Where the network's tiles lie and how much each voxel of a tile counts: nnU-Net's grid and Gaussian, in numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

TILE_STEP = 0.5
"""Distance of neighbouring tiles as a share of the tile, nnU-Net's default."""

_SIGMA_SCALE = 1 / 8  # standard deviation as a share of the tile, as nnunetv2's compute_gaussian
_PEAK = 10.0  # weight of the tile's centre, as in nnunetv2's sliding window


def tile_count(size: int, tile: int, step: float = TILE_STEP) -> int:
    """How many tiles cover an axis of ``size`` voxels; 1 where the axis is shorter than the tile."""
    return max(1, math.ceil((size - tile) / (tile * step)) + 1)


def tile_starts(size: int, tile: int, step: float = TILE_STEP) -> tuple[int, ...]:
    """First voxel of each tile along one axis: evenly spread, at most ``tile * step`` voxels apart.

    Equals one axis of nnunetv2's ``compute_steps_for_sliding_window``; an axis shorter than the tile is expected to
    be padded to it and has one tile at 0.
    """
    count = tile_count(size, tile, step)
    if count == 1:
        return (0,)
    distance = (size - tile) / (count - 1)
    return tuple(int(np.round(distance * index)) for index in range(count))


def longest_axis_for(count: int, tile: int, step: float = TILE_STEP) -> int:
    """The most voxels that ``count`` tiles cover."""
    return tile + math.floor((count - 1) * tile * step)


@lru_cache(maxsize=4)
def gaussian_weights(tile: tuple[int, ...]) -> np.ndarray:
    """Weight of each voxel of a tile, float32, in the tile's shape, read-only.

    The values are rounded to float16 as nnunetv2 does, and are never 0, so that a sum of weights can be divided by.
    """
    from scipy.ndimage import gaussian_filter

    weights = np.zeros(tile)
    weights[tuple(size // 2 for size in tile)] = 1
    weights = gaussian_filter(weights, [size * _SIGMA_SCALE for size in tile], 0, mode="constant", cval=0)
    weights = (weights / (weights.max() / _PEAK)).astype(np.float16)
    weights[weights == 0] = weights[weights > 0].min()
    result = weights.astype(np.float32)
    result.setflags(write=False)
    return result


def padding_to(shape: Sequence[int], tile: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Voxels to add below and above each axis so that it holds one tile, the odd one above, as nnunetv2 does."""
    missing = [max(0, size - length) for length, size in zip(shape, tile, strict=True)]
    return tuple((count // 2, count - count // 2) for count in missing)
