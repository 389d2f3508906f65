"""Tools that auto-contours need and the Segment Editor lacks; each is one step of `edit_history.undo_last`.

They work on the segment's own voxels, in slices across the patient's long axis (the axial slices of an axial CT, also
of an oblique one). A tool that adds voxels never takes one from another segment; it returns False, and leaves no step
to undo, when it changed nothing.
"""

from __future__ import annotations

import numpy as np
import slicer

from ..engine.errors import UsageError
from . import mask_filters
from .edit_history import SegmentChange, record_step, undo_last
from .edited_slices import edited_slices, remember_interpolated
from .model_result import model_patch
from .placement import one_modification
from .segment_arrays import (
    Patch,
    read_patch,
    segment_id_of_organ,
    segment_of,
    window_of_others,
    write_patch,
)
from .segment_properties import organ_of_segment

__all__ = [
    "crop_beyond_slice",
    "fill_holes",
    "interpolate_between_slices",
    "keep_largest_piece",
    "restore_model_result",
    "smooth_in_plane",
    "swap_sides",
    "undo_last",
]

ABOVE, BELOW = "above", "below"
DEFAULT_SIGMA_MM = 2.0  # two pixels of a child's CT: steps between voxels vanish, anatomy of 4 mm stays
DEFAULT_MAX_GAP_MM = 30.0  # beyond that two contours of an abdominal organ say little about the slices between


def keep_largest_piece(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> bool:
    """Remove all but the largest 26-connected piece."""
    patch = read_patch(segmentation_node, segment_id)
    return _apply(segmentation_node, "Keep largest piece", segment_id, patch, mask_filters.largest_piece(patch.mask))


def fill_holes(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> bool:
    """Fill holes that are closed within a slice, except voxels of other segments in them."""
    patch = read_patch(segmentation_node, segment_id)
    axis, _ = mask_filters.axial_axis(patch.affine)
    return _apply(segmentation_node, "Fill holes", segment_id, patch, mask_filters.filled_in_slices(patch.mask, axis))


def smooth_in_plane(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, sigma_mm: float = DEFAULT_SIGMA_MM
) -> bool:
    """Round the outlines in every slice; each slice keeps its area but for voxels that belong to neighbours.

    Raises:
        UsageError: ``sigma_mm`` is not positive.
    """
    if not sigma_mm > 0:
        raise UsageError(f"The smoothing of {sigma_mm} mm is not positive.", "Choose about 1 to 4 mm.")
    spacing_mm = read_patch(segmentation_node, segment_id).spacing_mm
    patch = read_patch(segmentation_node, segment_id, margin=1 + int(2 * sigma_mm / min(spacing_mm)))
    axis, _ = mask_filters.axial_axis(patch.affine)
    smooth = mask_filters.smoothed_in_slices(patch.mask, axis, patch.spacing_mm, sigma_mm)
    return _apply(segmentation_node, "Smooth", segment_id, patch, smooth)


def crop_beyond_slice(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    segment_id: str,
    position_ras_mm: tuple[float, float, float],
    side: str,
) -> bool:
    """Remove what lies above or below a slice; the slice itself stays.

    Args:
        position_ras_mm: a point of the slice in the views' coordinates.
        side: "above" (toward the head) or "below".

    Raises:
        UsageError: another side.
    """
    if side not in (ABOVE, BELOW):
        raise UsageError(f"There is no side {side!r}.", f"Choose {ABOVE} or {BELOW}.")
    patch = read_patch(segmentation_node, segment_id)
    local = [0.0, 0.0, 0.0]
    segmentation_node.TransformPointFromWorld(position_ras_mm, local)
    axis, toward_head = mask_filters.axial_axis(patch.affine)
    index_xyz = (np.linalg.inv(patch.affine) @ [*local, 1.0])[:3]
    here = int(round(index_xyz[2 - axis])) - patch.first[axis]
    kept = patch.mask.copy()
    slices = np.moveaxis(kept, axis, 0)
    if (side == ABOVE) == toward_head:
        slices[max(here + 1, 0) :] = False
    else:
        slices[: max(here, 0)] = False
    return _apply(segmentation_node, f"Crop {side}", segment_id, patch, kept)


def interpolate_between_slices(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, max_gap_mm: float = DEFAULT_MAX_GAP_MM
) -> bool:
    """Draw the slices between those edited by hand anew, from the edited ones.

    A slice counts as edited by hand when it differs from the model's result and was not itself put in by this tool.
    Without two such slices, gaps between slices that hold anything are filled. Pairs of edited slices further apart
    than ``max_gap_mm`` are left alone.
    """
    patch = read_patch(segmentation_node, segment_id)
    axis, _ = mask_filters.axial_axis(patch.affine)
    keys = edited_slices(segmentation_node, segment_id, patch, axis)
    if len(keys) < 2:
        occupied = patch.mask.any(axis=tuple(other for other in range(3) if other != axis))
        keys = [int(index) for index in np.flatnonzero(occupied)]
    else:
        keys = [index - patch.first[axis] for index in keys if 0 <= index - patch.first[axis] < patch.mask.shape[axis]]
    mask, filled = mask_filters.interpolated_between(patch.mask, axis, keys, patch.spacing_mm, max_gap_mm)
    changed = _apply(segmentation_node, "Interpolate", segment_id, patch, mask)
    if changed:
        remember_interpolated(segmentation_node, segment_id, axis, [index + patch.first[axis] for index in filled])
    return changed


def swap_sides(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> bool:
    """Exchange the voxels of a left and a right organ; names, colours and codes stay with their segments.

    Raises:
        UsageError: the organ has no other side, or that has no segment.
    """
    segment = segment_of(segmentation_node, segment_id)
    organ = organ_of_segment(segment, segment_id)
    partner = segment_id_of_organ(segmentation_node, organ.partner) if organ and organ.partner else None
    if partner is None:
        raise UsageError(
            f'There is no other side to "{segment.GetName()}" to swap it with.',
            "Choose one organ of a left/right pair.",
        )
    one, other = (read_patch(segmentation_node, name) for name in (segment_id, partner))
    changes = [
        SegmentChange.between(segment_id, one, other),
        SegmentChange.between(partner, other, one),
    ]
    with one_modification(segmentation_node):
        # Emptied first: as long as both hold the same voxels they could not share a labelmap.
        write_patch(segmentation_node, partner, Patch(np.zeros_like(other.mask), other.first, other.affine))
        write_patch(segmentation_node, segment_id, other)
        write_patch(segmentation_node, partner, one)
    return record_step(segmentation_node, "Swap left and right", changes)


def restore_model_result(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> bool:
    """Make a segment what the model found, voxel by voxel; where a neighbour was edited into it the two overlap.

    Raises:
        UsageError: the segment is no organ, or the scene holds no result of a model for it.
    """
    segment = segment_of(segmentation_node, segment_id)
    wanted = model_patch(segmentation_node, segment_id)
    if wanted is None:
        raise UsageError(
            f'There is no result of a model for "{segment.GetName()}" in this scene.',
            "It was drawn by hand, or its label map was deleted: segment the volume again.",
        )
    before = read_patch(segmentation_node, segment_id)
    change = SegmentChange.between(segment_id, before, wanted)
    if change.changed.any():
        write_patch(segmentation_node, segment_id, wanted)
    return record_step(segmentation_node, "Restore model result", [change])


def _apply(
    segmentation_node: slicer.vtkMRMLSegmentationNode, name: str, segment_id: str, before: Patch, mask: np.ndarray
) -> bool:
    """Write ``mask``, without the voxels of others that it adds, and record the step."""
    if np.any(mask & ~before.mask):
        mask = mask & (before.mask | ~window_of_others(segmentation_node, {segment_id}, before))
    after = Patch(mask, before.first, before.affine)
    change = SegmentChange.between(segment_id, before, after)
    if change.changed.any():
        write_patch(segmentation_node, segment_id, after)
    return record_step(segmentation_node, name, [change])
