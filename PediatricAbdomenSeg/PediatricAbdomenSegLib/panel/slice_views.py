"""The slice views: moved to a place, and asked where they are."""

from __future__ import annotations

from typing import Any

AXIAL_VIEW = "Red"


def jump_to(scene: Any, position_ras_mm: tuple[float, float, float]) -> None:
    """Centre every slice view on a place, RAS mm."""
    for node in _slice_nodes(scene):
        node.JumpSliceByCentering(*position_ras_mm)


def axial_position_ras_mm(scene: Any) -> tuple[float, float, float] | None:
    """Centre of the slice shown in the axial view, RAS mm; None when there is no such view."""
    for node in _slice_nodes(scene):
        if node.GetLayoutName() == AXIAL_VIEW:
            to_ras = node.GetSliceToRAS()
            return tuple(to_ras.GetElement(row, 3) for row in range(3))
    return None


def _slice_nodes(scene: Any) -> list[Any]:
    count = scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")
    return [scene.GetNthNodeByClass(index, "vtkMRMLSliceNode") for index in range(count)]
