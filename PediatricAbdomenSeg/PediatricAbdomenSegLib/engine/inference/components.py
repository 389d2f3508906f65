"""Connected pieces of one label, found inside its bounding box only.

Pieces are 26-connected (voxels that share a face, an edge or a corner), because nnU-Net's
``remove_all_but_largest_component`` calls ``skimage.measure.label`` with its default, which is full connectivity:
post-processing chosen on a validation set there means the same here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    from scipy import ndimage

    return {index + 1: box for index, box in enumerate(ndimage.find_objects(labels)) if box is not None}


def find_pieces(mask: np.ndarray) -> Pieces:
    """Number the 26-connected pieces of a mask.

    Args:
        mask: bool ``(z, y, x)``, best cropped to its bounding box.
    """
    from scipy import ndimage

    numbered, count = ndimage.label(mask, structure=np.ones((3, 3, 3), bool))
    return Pieces(numbered, np.bincount(numbered[mask], minlength=count + 1)[1:])
