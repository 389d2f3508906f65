"""Connected pieces of one label, found inside its bounding box only.

Pieces are 26-connected (voxels that share a face, an edge or a corner), because nnU-Net's
``remove_all_but_largest_component`` calls ``skimage.measure.label`` with its default, which is full connectivity:
post-processing chosen on a validation set there means the same here.

Written with numpy and SimpleITK: Slicer's own Python, in which the panel measures edited organs, has no scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Pieces:
    """The pieces of one label.

    Attributes:
        numbered: int32 ``(z, y, x)`` of the bounding box: 0 elsewhere, otherwise the number of the piece from 1.
        voxels: int64, size of piece 1, 2, …
    """

    numbered: np.ndarray
    voxels: np.ndarray


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


def find_pieces(mask: np.ndarray) -> Pieces:
    """Number the 26-connected pieces of a mask.

    Args:
        mask: bool ``(z, y, x)``, best cropped to its bounding box.
    """
    if not mask.size:
        return Pieces(np.zeros(mask.shape, np.int32), np.zeros(0, np.int64))
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask).view(np.uint8))
    numbered = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, True)).astype(np.int32, copy=False)
    return Pieces(numbered, np.bincount(numbered[mask], minlength=1)[1:])


def _box(low: np.ndarray, high: np.ndarray) -> Box:
    return tuple(slice(int(first), int(last) + 1) for first, last in zip(low, high, strict=True))
