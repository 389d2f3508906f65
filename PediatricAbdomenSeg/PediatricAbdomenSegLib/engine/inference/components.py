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


@dataclass(frozen=True)
class Pieces:
    """The pieces of one label.

    Attributes:
        numbered: int32 ``(z, y, x)`` of the bounding box: 0 elsewhere, otherwise the number of the piece from 1.
        voxels: int64, size of piece 1, 2, …
    """

    numbered: np.ndarray
    voxels: np.ndarray


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
