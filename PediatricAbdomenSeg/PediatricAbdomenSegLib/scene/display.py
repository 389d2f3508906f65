"""How a segmentation looks: outlines with a faint fill in the slices, surfaces on request, visibility presets."""

from __future__ import annotations

import slicer

from ..engine.errors import UsageError
from ..engine.organs import OrganType
from .placement import one_modification
from .segment_arrays import segments_of

CLOSED_SURFACE = "Closed surface"
FILL_OPACITY = 0.3
OUTLINE_THICKNESS_PX = 2
SURFACE_SMOOTHING = "0.5"  # Slicer's own default of 0 to 1: steps of the voxels vanish, shapes stay

ALL, TYPE1, TYPE2, PAIRS, SELECTED = PRESETS = ("all", "type1", "type2", "pairs", "selected")


def apply_default_display(segmentation_node: slicer.vtkMRMLSegmentationNode) -> None:
    """Outlines with 30 % fill, all segments visible, nothing in 3-D."""
    display = _display_of(segmentation_node)
    with one_modification(display):
        display.SetVisibility(True)
        display.SetVisibility2DOutline(True)
        display.SetVisibility2DFill(True)
        display.SetOpacity2DOutline(1.0)
        display.SetOpacity2DFill(FILL_OPACITY)
        display.SetSliceIntersectionThickness(OUTLINE_THICKNESS_PX)
        display.SetVisibility3D(False)
        display.SetAllSegmentsVisibility(True)


def apply_preset(
    segmentation_node: slicer.vtkMRMLSegmentationNode, preset: str, selected_id: str | None = None
) -> None:
    """Show a group of segments and hide the others, in one redraw.

    Args:
        preset: "all"; "type1" or "type2": organs of that type; "pairs": organs with a left and a right one;
            "selected": only ``selected_id``.

    Raises:
        UsageError: an unknown preset, or "selected" without a segment.
    """
    if preset not in PRESETS:
        raise UsageError(f"There is no preset {preset!r}.", f"Choose from: {', '.join(PRESETS)}.")
    if preset == SELECTED and not selected_id:
        raise UsageError("No segment is selected.", "Click an organ in the list first.")
    display = _display_of(segmentation_node)
    with one_modification(display):
        for segment_id, _, organ in segments_of(segmentation_node):
            shown = {
                ALL: True,
                TYPE1: organ is not None and organ.type == OrganType.TYPE1,
                TYPE2: organ is not None and organ.type == OrganType.TYPE2,
                PAIRS: organ is not None and organ.partner is not None,
                SELECTED: segment_id == selected_id,
            }[preset]
            display.SetSegmentVisibility(segment_id, shown)


def set_all_visible(segmentation_node: slicer.vtkMRMLSegmentationNode, visible: bool) -> None:
    """Show or hide every segment, in one redraw."""
    _display_of(segmentation_node).SetAllSegmentsVisibility(visible)


def set_segment_visible(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, visible: bool) -> None:
    """Show or hide one segment."""
    _display_of(segmentation_node).SetSegmentVisibility(segment_id, visible)


def is_segment_visible(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> bool:
    """Whether a segment is shown, given that the segmentation is."""
    return bool(_display_of(segmentation_node).GetSegmentVisibility(segment_id))


def fill_opacity(segmentation_node: slicer.vtkMRMLSegmentationNode) -> float:
    """Opacity of the fill in the slices, 0 to 1."""
    return float(_display_of(segmentation_node).GetOpacity2DFill())


def is_shown_3d(segmentation_node: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether surfaces are shown in 3-D views."""
    return bool(_display_of(segmentation_node).GetVisibility3D())


def set_fill_opacity(segmentation_node: slicer.vtkMRMLSegmentationNode, opacity: float) -> None:
    """Opacity of the fill in the slices, 0 (outlines only) to 1."""
    _display_of(segmentation_node).SetOpacity2DFill(min(max(float(opacity), 0.0), 1.0))


def show_3d(segmentation_node: slicer.vtkMRMLSegmentationNode, on: bool) -> None:
    """Show smoothed surfaces in 3-D views, or take them away.

    Surfaces are removed when switched off, because Slicer would compute them anew after every edit.

    Raises:
        UsageError: there is no segment to show.
    """
    segmentation = segmentation_node.GetSegmentation()
    display = _display_of(segmentation_node)
    if not on:
        display.SetVisibility3D(False)
        segmentation.RemoveRepresentation(CLOSED_SURFACE)
        return
    segmentation.SetConversionParameter("Smoothing factor", SURFACE_SMOOTHING)
    if not segmentation.GetNumberOfSegments() or not segmentation.CreateRepresentation(CLOSED_SURFACE):
        raise UsageError(f'"{segmentation_node.GetName()}" has no segment to show in 3-D.', "Segment a volume first.")
    display.SetPreferredDisplayRepresentationName3D(CLOSED_SURFACE)
    display.SetVisibility3D(True)


def _display_of(segmentation_node: slicer.vtkMRMLSegmentationNode) -> slicer.vtkMRMLSegmentationDisplayNode:
    if segmentation_node.GetDisplayNode() is None:
        segmentation_node.CreateDefaultDisplayNodes()
    return segmentation_node.GetDisplayNode()
