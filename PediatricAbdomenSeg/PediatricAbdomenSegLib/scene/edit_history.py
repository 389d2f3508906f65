"""Undo of the tools: what a step changed is put back, edits made since then elsewhere stay.

Slicer's own history (in the Segment Editor) restores whole segmentations, so undoing a tool with it would also undo
what was painted after it. Here a step is what a tool changed. It is kept as a Python attribute of the
segmentation node: VTK keeps those with the C++ object, so a history ends with its node and there is nothing global.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import slicer

from ..engine.cases.volume import LabelMap
from ..engine.errors import UsageError
from .images import Index, lattice_offset
from .model_result import store_model_result
from .segment_arrays import Patch, read_patch, write_patch
from .segment_properties import write_tags

_ATTRIBUTE = "pediatricAbdomenSegHistory"
_LONGEST_HISTORY = 50


@dataclass(frozen=True)
class SegmentChange:
    """What happened to one segment.

    Attributes:
        segment_id: of the segment.
        changed: bool ``(z, y, x)``, voxels that were added or removed.
        before: bool ``(z, y, x)``, the segment in the same window before.
        first, affine: the window, as in `Patch`.
        tags: those the step writes anew, as they were before; "" for one that was not there.
        is_new: the step made the segment; undoing it removes the segment, unless something was painted into it since.
    """

    segment_id: str
    changed: np.ndarray
    before: np.ndarray
    first: Index
    affine: np.ndarray
    tags: Mapping[str, str] = field(default_factory=dict)
    is_new: bool = False

    @classmethod
    def between(cls, segment_id: str, before: Patch, after: Patch) -> SegmentChange:
        """The difference of two patches of one segment on one lattice."""
        offset = lattice_offset(after.affine, before.affine)
        if offset is None:
            raise UsageError(
                f'The segment "{segment_id}" does not lie on the grid of its CT.',
                "Use its own tools in the Segment Editor, or set the CT as reference geometry.",
            )
        moved = Patch(after.mask, tuple(a + b for a, b in zip(after.first, offset, strict=True)), before.affine)
        first, shape = _union(before, moved)
        old, new = before.within(first, shape).mask, moved.within(first, shape).mask
        return cls(segment_id, old != new, old, first, before.affine)


@dataclass(frozen=True)
class EditStep:
    """One use of a tool: its name, for "Undo <name>", what it changed, and the model's result before, if it did."""

    name: str
    changes: tuple[SegmentChange, ...]
    model_result: LabelMap | None = None


def record_step(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    name: str,
    changes: Sequence[SegmentChange],
    model_result: LabelMap | None = None,
) -> bool:
    """Remember a step; False, and nothing is remembered, when no voxel changed and no segment was made.

    Args:
        model_result: the result stored with the segmentation before the step, where the step replaces it.
    """
    changes = tuple(change for change in changes if change.is_new or change.changed.any())
    if not changes:
        return False
    steps = (*_steps(segmentation_node), EditStep(name, changes, model_result))
    setattr(segmentation_node, _ATTRIBUTE, steps[-_LONGEST_HISTORY:])
    return True


def last_step_name(segmentation_node: slicer.vtkMRMLSegmentationNode) -> str | None:
    """Name of the step that `undo_last` would undo, None when there is nothing to undo."""
    steps = _steps(segmentation_node)
    return steps[-1].name if steps else None


def undo_last(segmentation_node: slicer.vtkMRMLSegmentationNode) -> tuple[str, ...]:
    """Undo the last step of the tools: voxels, tags, and the model's result where the step replaced it.

    Returns:
        IDs of the segments that were put back or removed; a segment that was deleted meanwhile is left out. () when
        there was nothing to undo.
    """
    steps = _steps(segmentation_node)
    if not steps:
        return ()
    segmentation = segmentation_node.GetSegmentation()
    restored = []
    for change in reversed(steps[-1].changes):
        if segmentation.GetSegment(change.segment_id) is not None:
            _put_back(segmentation_node, change)
            write_tags(segmentation.GetSegment(change.segment_id), change.tags)
            if change.is_new and not read_patch(segmentation_node, change.segment_id).mask.any():
                segmentation.RemoveSegment(change.segment_id)
            restored.append(change.segment_id)
    if steps[-1].model_result is not None:
        store_model_result(segmentation_node, steps[-1].model_result)
    setattr(segmentation_node, _ATTRIBUTE, steps[:-1])
    return tuple(restored)


def _put_back(segmentation_node: slicer.vtkMRMLSegmentationNode, change: SegmentChange) -> None:
    now = read_patch(segmentation_node, change.segment_id)
    offset = lattice_offset(now.affine, change.affine)
    if offset is None:
        raise UsageError(
            f'The grid of the segment "{change.segment_id}" was changed after this step.',
            "This step cannot be undone any more.",
        )
    now = Patch(now.mask, tuple(a + b for a, b in zip(now.first, offset, strict=True)), change.affine)
    first, shape = _union(now, Patch(change.before, change.first, change.affine))
    mask = now.within(first, shape).mask.copy()
    window = tuple(
        slice(start - low, start - low + size)
        for start, low, size in zip(change.first, first, change.before.shape, strict=True)
    )
    mask[window][change.changed] = change.before[change.changed]
    write_patch(segmentation_node, change.segment_id, Patch(mask, first, change.affine))


def _steps(segmentation_node: slicer.vtkMRMLSegmentationNode) -> tuple[EditStep, ...]:
    return getattr(segmentation_node, _ATTRIBUTE, ())


def _union(one: Patch, other: Patch) -> tuple[Index, Index]:
    """First index and shape of the window around two patches of one lattice; an empty patch does not count."""
    full = [patch for patch in (one, other) if patch.mask.size] or [one]
    low = [min(patch.first[axis] for patch in full) for axis in range(3)]
    high = [max(patch.first[axis] + patch.mask.shape[axis] for patch in full) for axis in range(3)]
    return tuple(low), tuple(b - a for a, b in zip(low, high, strict=True))
