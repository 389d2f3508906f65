"""Which labels there are in label maps, and where each lies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

Box = tuple[slice, slice, slice]


def labels_present(label_maps: Iterable[np.ndarray]) -> set[int]:
    """The values, background's 0 included, in any of several arrays of uint8 ``(z, y, x)``; empty for none."""
    voxels = np.zeros(256, np.int64)
    for labels in label_maps:
        for plane in labels:  # bincount copies what it counts to 64-bit integers: a plane at a time, not a case
            voxels += np.bincount(plane.ravel(), minlength=256)
    return set(np.flatnonzero(voxels).tolist())


def bounding_boxes(labels: np.ndarray) -> dict[int, Box]:
    """Bounding box of each label value present, background left out; empty for an empty array.

    Args:
        labels: uint8 ``(z, y, x)``.
    """
    lowest: dict[int, np.ndarray] = {}
    highest: dict[int, np.ndarray] = {}
    for z, plane in enumerate(labels):
        rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
        if not len(rows):
            continue
        corner = np.array([z, rows[0], columns[0]])
        inner = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        for label in (np.flatnonzero(np.bincount(inner.ravel(), minlength=256)[1:]) + 1).tolist():
            here = inner == label
            ys, xs = np.flatnonzero(here.any(axis=1)), np.flatnonzero(here.any(axis=0))
            low, high = corner + (0, ys[0], xs[0]), corner + (0, ys[-1], xs[-1])
            lowest[label] = np.minimum(lowest.get(label, low), low)
            highest[label] = np.maximum(highest.get(label, high), high)
    return {label: _box(lowest[label], highest[label]) for label in sorted(lowest)}


def _box(low: np.ndarray, high: np.ndarray) -> Box:
    return tuple(slice(int(first), int(last) + 1) for first, last in zip(low, high, strict=True))
