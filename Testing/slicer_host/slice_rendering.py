"""Pictures of slice views, drawn by Slicer's own displayable managers without a screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What Slicer registers for its slice views, as far as this scene needs it.
_MANAGERS = ("vtkMRMLSegmentationsDisplayableManager2D",)


@dataclass(frozen=True)
class SliceView:
    """One slice view with its window; keep it as long as pictures are taken."""

    logic: Any
    window: Any
    managers: Any
    interactor: Any


def open_slice_view(core: Any, logic: Any, application_logic: Any, size_px: tuple[int, int]) -> SliceView:
    """A window for a slice logic.

    Args:
        core: the slicer-core wheel's module ``slicer``.
        logic: vtkMRMLSliceLogic of the view.
        application_logic: vtkMRMLApplicationLogic of the scene.
        size_px: width and height.
    """
    import vtkmodules.all as vtk

    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(*size_px)
    renderer = vtk.vtkRenderer()
    window.AddRenderer(renderer)
    # The managers crash without an interactor; this one waits for no events.
    interactor = vtk.vtkGenericRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    interactor.Initialize()

    mapper = vtk.vtkImageMapper()
    mapper.SetInputConnection(logic.GetImageDataConnection())
    mapper.SetColorWindow(255.0)  # the slice logic has applied window and level already
    mapper.SetColorLevel(127.5)
    image = vtk.vtkActor2D()
    image.SetMapper(mapper)
    image.GetProperty().SetDisplayLocationToBackground()
    renderer.AddViewProp(image)

    logic.GetSliceNode().SetDimensions(*size_px, 1)
    factory = core.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(application_logic)
    for name in _MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    managers = core.vtkMRMLDisplayableManagerGroup()
    managers.Initialize(factory, renderer)
    managers.SetMRMLDisplayableNode(logic.GetSliceNode())
    return SliceView(logic, window, managers, interactor)


def save_slice_view(view: SliceView, path: Path) -> None:
    """Draw the view and write it as a PNG."""
    import vtkmodules.all as vtk

    view.window.Render()
    image = vtk.vtkWindowToImageFilter()
    image.SetInput(view.window)
    image.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    writer.SetInputConnection(image.GetOutputPort())
    writer.SetFileName(str(path))
    writer.Write()
