"""Voxels of one segment: read them as a patch of its lattice, write a patch back without touching other segments.

Slicer keeps segments that do not overlap in one shared labelmap. Writing goes through the Segmentations logic, as the
Segment Editor does: where a new shape overlaps another segment the logic moves the written segment to a labelmap of
its own, so that a neighbour never loses a voxel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import slicer
import vtk

from ..engine.errors import InputError, UsageError
from ..engine.organs import Organ
from .images import (
    Index,
    affine_of,
    bounding_box,
    first_index,
    geometry_of_volume,
    lattice_affine,
    lattice_offset,
    oriented_image,
    voxels_of,
    window_of,
)
from .segment_properties import organ_of_segment

BINARY_LABELMAP = "Binary labelmap"
_TRANSFORM_HINT = "Harden the transform of the segmentation (Data module, right click), then try again."


@dataclass(frozen=True)
class Patch:
    """Part of a segment.

    Attributes:
        mask: bool ``(z, y, x)``.
        first: lattice index ``(z, y, x)`` of ``mask[0, 0, 0]``; negative ones are possible.
        affine: lattice index ``(x, y, z, 1)`` to RAS mm in the segmentation's coordinates.
    """

    mask: np.ndarray
    first: Index
    affine: np.ndarray

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxels along ``(z, y, x)``."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[2]), float(lengths[1]), float(lengths[0])

    def within(self, first: Index, shape: Index) -> Patch:
        """The same segment in another window of the same lattice; voxels outside it are dropped."""
        image = oriented_image(self.mask, self.affine, self.first)
        return Patch(window_of(image, self.affine, first, shape) > 0, first, self.affine)


def segment_of(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> slicer.vtkSegment:
    """The segment with this ID. Raises `UsageError` when the segmentation does not have it (any more)."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise UsageError(
            f'The segmentation "{segmentation_node.GetName()}" has no segment {segment_id!r}.',
            "It was removed or renamed meanwhile: choose another organ.",
        )
    return segment


def segments_of(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
) -> Iterator[tuple[str, slicer.vtkSegment, Organ | None]]:
    """ID, segment and organ of every segment, in the order of the segmentation."""
    segmentation = segmentation_node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        yield segment_id, segment, organ_of_segment(segment, segment_id)


def segment_id_of_organ(segmentation_node: slicer.vtkMRMLSegmentationNode, key: str) -> str | None:
    """ID of the first segment that shows the organ ``key``, None when there is none."""
    return next((name for name, _, organ in segments_of(segmentation_node) if organ and organ.key == key), None)


def labelmap_of(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> slicer.vtkOrientedImageData:
    """The labelmap that holds a segment, maybe shared with others and maybe without voxels.

    Raises:
        UsageError: no such segment.
        InputError: Slicer cannot make a labelmap of the segment, for example of an open surface.
    """
    segment = segment_of(segmentation_node, segment_id)
    image = segment.GetRepresentation(BINARY_LABELMAP)
    if image is None:
        created = segmentation_node.GetSegmentation().CreateRepresentation(BINARY_LABELMAP)
        image = segment.GetRepresentation(BINARY_LABELMAP) if created else None
    if image is None:
        raise InputError(
            f'The segment "{segment.GetName()}" cannot be turned into voxels.',
            "Open it in the Segment Editor, or remove it.",
        )
    return image


def read_patch(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, margin: int = 0) -> Patch:
    """A segment cropped to its voxels and grown by ``margin`` voxels, but not beyond the grid of its CT.

    An empty segment gives a mask of shape ``(0, 0, 0)``. Errors as in `labelmap_of`.
    """
    image = labelmap_of(segmentation_node, segment_id)
    mask = voxels_of(image) == segment_of(segmentation_node, segment_id).GetLabelValue()
    affine = lattice_affine(image) if mask.size else _lattice_for_empty(segmentation_node, image)
    box = bounding_box(mask)
    if box is None:
        return Patch(np.zeros((0, 0, 0), bool), (0, 0, 0), affine)
    low = tuple(start + edge.start for start, edge in zip(first_index(image), box, strict=True))
    patch = Patch(mask[box], low, affine)
    if not margin:
        return patch
    return _clipped(segmentation_node, patch, margin, image)


def window_of_others(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_ids: set[str], window: Patch
) -> np.ndarray:
    """Which voxels of a window belong to a segment that is not in ``segment_ids``; bool ``(z, y, x)``."""
    taken = np.zeros(window.mask.shape, bool)
    values: dict[str, tuple[slicer.vtkOrientedImageData, list[int]]] = {}
    for segment_id, segment, _ in segments_of(segmentation_node):
        if segment_id not in segment_ids:
            image = labelmap_of(segmentation_node, segment_id)
            values.setdefault(image.GetAddressAsString(""), (image, []))[1].append(segment.GetLabelValue())
    for image, labels in values.values():
        taken |= np.isin(window_of(image, window.affine, window.first, window.mask.shape), labels)
    return taken


def write_patch(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, patch: Patch) -> None:
    """Make ``patch`` the whole content of a segment; all other segments keep their voxels.

    Raises:
        UsageError: no such segment.
        InputError: Slicer refused the voxels.
    """
    segment_of(segmentation_node, segment_id)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    box = bounding_box(patch.mask)
    if box is None:
        if read_patch(segmentation_node, segment_id).mask.size:
            logic.ClearSegment(segmentation_node, segment_id)
        return
    low = tuple(start + edge.start for start, edge in zip(patch.first, box, strict=True))
    image = oriented_image(patch.mask[box], patch.affine, low)
    if not logic.SetBinaryLabelmapToSegment(image, segmentation_node, segment_id, logic.MODE_REPLACE):
        raise InputError(
            f'Slicer could not change the segment "{segment_id}" of "{segmentation_node.GetName()}".',
            "Save the scene, open it again and repeat the step.",
        )


def reference_volume(segmentation_node: slicer.vtkMRMLSegmentationNode) -> slicer.vtkMRMLVolumeNode | None:
    """The volume a segmentation was made on, None when it is not in the scene (any more)."""
    return segmentation_node.GetNodeReference(segmentation_node.GetReferenceImageGeometryReferenceRole())


def volume_to_segmentation(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLVolumeNode
) -> np.ndarray:
    """``(4, 4)`` from a volume's coordinates to a segmentation's, RAS mm; identity under the same parent transform.

    Raises:
        InputError: a warp lies between the two.
    """
    source, target = volume_node.GetParentTransformNode(), segmentation_node.GetParentTransformNode()
    if source is target:
        return np.eye(4)
    warped = [node for node in (source, target) if node is not None and not node.IsTransformToWorldLinear()]
    if warped:
        raise InputError(
            f'The transform "{warped[0].GetName()}" between "{volume_node.GetName()}" and '
            f'"{segmentation_node.GetName()}" is not linear.',
            _TRANSFORM_HINT,
        )
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(source, target, matrix)
    return affine_of(matrix)


def _lattice_for_empty(
    segmentation_node: slicer.vtkMRMLSegmentationNode, image: slicer.vtkOrientedImageData
) -> np.ndarray:
    """An empty segment has no lattice of its own: its CT's, else that of its labelmap."""
    volume_node = reference_volume(segmentation_node)
    if volume_node is None or volume_node.GetImageData() is None:
        return lattice_affine(image)
    return volume_to_segmentation(segmentation_node, volume_node) @ geometry_of_volume(volume_node).affine


def _clipped(
    segmentation_node: slicer.vtkMRMLSegmentationNode, patch: Patch, margin: int, image: slicer.vtkOrientedImageData
) -> Patch:
    """``patch`` grown by ``margin``, inside the CT where lattices coincide, else inside the labelmap's extent."""
    begin, shape = first_index(image), voxels_of(image).shape
    volume_node = reference_volume(segmentation_node)
    if volume_node is not None and volume_node.GetImageData() is not None:
        geometry = geometry_of_volume(volume_node)
        offset = lattice_offset(volume_to_segmentation(segmentation_node, volume_node) @ geometry.affine, patch.affine)
        if offset is not None:
            begin, shape = offset, geometry.shape
    low = [min(start, max(start - margin, edge)) for start, edge in zip(patch.first, begin, strict=True)]
    stops = [start + size for start, size in zip(patch.first, patch.mask.shape, strict=True)]
    high = [max(stop, min(stop + margin, edge + n)) for stop, edge, n in zip(stops, begin, shape, strict=True)]
    return patch.within(tuple(low), tuple(b - a for a, b in zip(low, high, strict=True)))
