"""Where to look at an organ: a voxel of it next to its centroid, which itself may lie outside a curved organ."""

from __future__ import annotations

import numpy as np
import slicer

from .segment_arrays import read_patch


def centre_ras_mm(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str
) -> tuple[float, float, float] | None:
    """The centre of a segment in the views' coordinates; None for an empty one. Errors as in `read_patch`."""
    patch = read_patch(segmentation_node, segment_id)
    if not patch.mask.size:
        return None
    index = inner_voxel(patch.mask, centroid(patch.mask)) + patch.first
    local, world = patch.affine @ (*index[::-1], 1.0), [0.0, 0.0, 0.0]
    segmentation_node.TransformPointToWorld(local[:3].tolist(), world)
    return tuple(world)


def centroid(mask: np.ndarray) -> np.ndarray:
    """Index ``(z, y, x)`` of the mean of a mask's voxels; it has at least one."""
    profiles = (mask.sum(axis=(1, 2)), mask.sum(axis=(0, 2)), mask.sum(axis=(0, 1)))
    return np.array([np.average(np.arange(len(profile)), weights=profile) for profile in profiles])


def inner_voxel(mask: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Index ``(z, y, x)`` of the mask's voxel next to ``at``, in the nearest slice that has any."""
    z = next(z for z in np.abs(np.arange(len(mask)) - at[0]).argsort(kind="stable") if mask[z].any())
    pixels = np.argwhere(mask[z])
    y, x = pixels[((pixels - at[1:]) ** 2).sum(axis=1).argmin()]
    return np.array((z, y, x))
