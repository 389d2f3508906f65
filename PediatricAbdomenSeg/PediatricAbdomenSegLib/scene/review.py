"""What a reviewer sees of each organ: volume, flags, where to look, and whether it was accepted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import slicer

from ..engine.cases.label_boxes import Box, bounding_boxes
from ..engine.cases.volume import LabelMap
from ..engine.errors import UsageError
from ..engine.inference.quality import EMPTY, OrganResult, assess
from ..engine.organs import Organ
from .display import is_segment_visible
from .images import geometry_of_volume
from .organ_centre import centroid, inner_voxel
from .segment_arrays import segment_of
from .segmentation_reader import SegmentMask, read_masks, resolve

NOT_REVIEWED, ACCEPTED, NEEDS_EDIT = REVIEW_STATES = ("", "accepted", "needs_edit")


@dataclass(frozen=True)
class OrganRow:
    """One line of the list of organs.

    Attributes:
        segment_id, name: of the segment.
        organ: row of the organ table, None for a structure that is not in it (it gets no flag but "empty").
        color: RGB, 0 to 1.
        visible: whether it is shown.
        volume_ml: 0 for an empty segment.
        flags: constants of `engine.inference.quality`.
        centre_ras_mm: the segment's voxel next to its centroid, in the views' coordinates; None for an empty segment.
        edited: whether it differs from the model's result, True where that is not known.
        review: a constant of `REVIEW_STATES`.
    """

    segment_id: str
    name: str
    organ: Organ | None
    color: tuple[float, float, float]
    visible: bool
    volume_ml: float
    flags: tuple[str, ...]
    centre_ras_mm: tuple[float, float, float] | None
    edited: bool
    review: str


def organ_rows(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    age_years: float | None = None,
    segment_ids: Collection[str] | None = None,
) -> tuple[OrganRow, ...]:
    """Measure and flag segments, in the segmentation's order.

    Args:
        volume_node: the CT the segmentation lies on.
        age_years: for the plausible volumes, None when not known.
        segment_ids: only these, for example the one that was just edited; None: all.

    Raises:
        InputError: as `read_masks`.
    """
    geometry = geometry_of_volume(volume_node)
    masks = read_masks(segmentation_node, volume_node)
    wanted = [mask for mask in masks if segment_ids is None or mask.segment_id in segment_ids]
    resolved = resolve(masks, geometry)
    results = _results(masks, wanted, resolved, age_years)
    layers = {id(mask.labels): mask.labels for mask in wanted}  # one pass for the segments that share a labelmap
    boxes = {layer: bounding_boxes(labels) for layer, labels in layers.items()}
    return tuple(
        _row(
            segmentation_node,
            volume_node,
            mask,
            boxes[id(mask.labels)].get(mask.label_value),
            results.get(mask.segment_id),
        )
        for mask in wanted
    )


def review_state(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> str:
    """ "accepted", "needs_edit" or "" (not reviewed)."""
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    status = logic.GetSegmentStatus(segment_of(segmentation_node, segment_id))
    return {logic.Completed: ACCEPTED, logic.Flagged: NEEDS_EDIT}.get(status, NOT_REVIEWED)


def set_review_state(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, state: str) -> None:
    """Store a reviewer's verdict as Slicer's own segment status, so that its segment tables show and save it.

    Raises:
        UsageError: an unknown state.
    """
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if state not in REVIEW_STATES:
        raise UsageError(f"There is no review state {state!r}.", 'Choose "accepted", "needs_edit" or "".')
    status = {ACCEPTED: logic.Completed, NEEDS_EDIT: logic.Flagged, NOT_REVIEWED: logic.NotStarted}[state]
    logic.SetSegmentStatus(segment_of(segmentation_node, segment_id), status)


def accepted_ids(segmentation_node: slicer.vtkMRMLSegmentationNode) -> tuple[str, ...]:
    """IDs of the accepted segments, in the segmentation's order."""
    ids = segmentation_node.GetSegmentation().GetSegmentIDs()
    return tuple(segment_id for segment_id in ids if review_state(segmentation_node, segment_id) == ACCEPTED)


def _results(
    masks: Sequence[SegmentMask], wanted: Sequence[SegmentMask], resolved: LabelMap, age_years: float | None
) -> dict[str, OrganResult]:
    """Measurements by segment ID; a segment that lost voxels to an overlapping one is measured whole."""
    organs = [mask for mask in wanted if mask.organ is not None]
    together = assess(resolved, [mask.organ.key for mask in organs], age_years).organs
    # Segments of one labelmap exclude each other, unless two of them show the same organ.
    labels = [mask.organ.label for mask in masks if mask.organ is not None]
    overlap = len({id(mask.labels) for mask in masks}) > 1 or len(set(labels)) < len(labels)
    results = {}
    for mask, result in zip(organs, together, strict=True):
        if overlap and np.count_nonzero(own := mask.mask) != result.voxels:
            alone = np.where(resolved.array == mask.organ.label, np.uint8(0), resolved.array)
            alone[own] = mask.organ.label
            result = assess(LabelMap(alone, resolved.geometry), [mask.organ.key], age_years).organs[0]
        results[mask.segment_id] = result
    return results


def _row(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    volume_node: slicer.vtkMRMLVolumeNode,
    mask: SegmentMask,
    box: Box | None,
    result: OrganResult | None,
) -> OrganRow:
    geometry = geometry_of_volume(volume_node)
    voxels = None if box is None else mask.labels[box] == mask.label_value
    if result is not None:
        volume_ml, flags = result.volume_ml, result.flags
    elif voxels is not None:
        volume_ml, flags = np.count_nonzero(voxels) * geometry.voxel_volume_ml, ()
    else:
        volume_ml, flags = 0.0, (EMPTY,)
    centre = None
    if voxels is not None:
        measured = result.centroid_ras_mm if result is not None else None
        corner = np.array([edge.start for edge in box])
        at = centroid(voxels) if measured is None else geometry.to_index(measured) - corner
        centre = corner + inner_voxel(voxels, at)
    return OrganRow(
        segment_id=mask.segment_id,
        name=mask.name,
        organ=mask.organ,
        color=tuple(segment_of(segmentation_node, mask.segment_id).GetColor()),
        visible=is_segment_visible(segmentation_node, mask.segment_id),
        volume_ml=float(volume_ml),
        flags=flags,
        centre_ras_mm=None if centre is None else _to_world(volume_node, geometry.to_ras(centre)),
        edited=mask.edited,
        review=review_state(segmentation_node, mask.segment_id),
    )


def _to_world(volume_node: slicer.vtkMRMLVolumeNode, local_ras_mm: np.ndarray) -> tuple[float, float, float]:
    world = [0.0, 0.0, 0.0]
    volume_node.TransformPointToWorld(local_ras_mm.tolist(), world)
    return tuple(world)
