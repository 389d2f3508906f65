"""Windows of the CT that suit a tissue, for the slice views."""

from __future__ import annotations

import slicer

from .placement import one_modification

SOFT_TISSUE, LIVER, LUNG, BONE = "soft_tissue", "liver", "lung", "bone"
# preset → (width, level) in HU: the usual ones of diagnostic reading (Radiopaedia, "Windowing (CT)")
WINDOWS_HU: dict[str, tuple[float, float]] = {
    SOFT_TISSUE: (400.0, 50.0),
    LIVER: (150.0, 30.0),
    LUNG: (1500.0, -600.0),
    BONE: (1800.0, 400.0),
}


def apply_window(volume_node: slicer.vtkMRMLScalarVolumeNode, preset: str) -> None:
    """Show a CT with a window of `WINDOWS_HU`."""
    width, level = WINDOWS_HU[preset]
    if volume_node.GetDisplayNode() is None:
        volume_node.CreateDefaultDisplayNodes()
    display = volume_node.GetDisplayNode()
    with one_modification(display):
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(width, level)
