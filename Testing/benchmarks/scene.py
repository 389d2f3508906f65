"""How long a result takes from the label map to three drawn slice views, and ways to do the same with Slicer's API.

    python Testing/benchmarks/scene.py [--slices 190] [--repetitions 3] [--json FILE]

    ours         build_segmentation: one shared labelmap, made before the scene sees it; keeps the model's labels too
    import       vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode, then names, colours and tags
    per segment  AddEmptySegment and SetBinaryLabelmapToSegment organ by organ, in the scene

All run in one process, in turn, each in a scene of its own with Slicer's own displayable managers; the phantom has
512 × 512 pixels a slice and all nineteen organs. "model" is the time until the node is complete, "shown" until axial,
coronal and sagittal view are drawn; beside the wall clock stand the process's CPU seconds, which other work on the
machine weighs on less. The second table times what the review page does on the result.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "PediatricAbdomenSeg"), str(HERE.parents[1])]
if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import slicer  # noqa: E402
import vtk  # noqa: E402
from vtk.util.numpy_support import numpy_to_vtk  # noqa: E402

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap  # noqa: E402
from PediatricAbdomenSegLib.engine.organs import ORGANS  # noqa: E402
from PediatricAbdomenSegLib.engine.phantom.make import make_phantom  # noqa: E402
from PediatricAbdomenSegLib.engine.phantom.spec import Phantom, PhantomSpec  # noqa: E402
from PediatricAbdomenSegLib.scene import edit_tools  # noqa: E402
from PediatricAbdomenSegLib.scene.display import apply_default_display, show_3d  # noqa: E402
from PediatricAbdomenSegLib.scene.images import matrix_of, oriented_image  # noqa: E402
from PediatricAbdomenSegLib.scene.review import organ_rows  # noqa: E402
from PediatricAbdomenSegLib.scene.segment_properties import ModelTags, SegmentProperties  # noqa: E402
from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation  # noqa: E402
from PediatricAbdomenSegLib.scene.segmentation_reader import read_label_map  # noqa: E402
from slicer_host.slice_rendering import open_slice_view  # noqa: E402

MODEL = ModelTags("multi-organ", "Nineteen organs", "1", "0" * 64, "demonstration")
LOGIC = slicer.vtkSlicerSegmentationsModuleLogic
VIEW_PX = (500, 500)


class Workplace:
    """A scene with a CT and three slice views, as the application has it before a result arrives."""

    def __init__(self, phantom: Phantom) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.logic = LOGIC()
        self.logic.SetMRMLScene(self.scene)
        self.colors = slicer.vtkMRMLColorLogic()
        self.colors.SetMRMLScene(self.scene)
        self.colors.AddDefaultColorNodes()
        self.application = slicer.vtkMRMLApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        self.ct = _volume(self.scene, phantom)
        self.views = [self._view(name) for name in ("Red", "Green", "Yellow")]
        self.draw()

    def _view(self, name: str):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application)
        logic.SetMRMLScene(self.scene)
        node = logic.AddSliceNode(name)
        {"Red": node.SetOrientationToAxial, "Green": node.SetOrientationToCoronal}.get(
            name, node.SetOrientationToSagittal
        )()
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(self.ct.GetID())
        view = open_slice_view(slicer, logic, self.application, VIEW_PX)
        logic.FitSliceToBackground(*VIEW_PX)
        return view

    def draw(self) -> None:
        for view in self.views:
            view.window.Render()

    def close(self) -> None:
        for view in self.views:
            view.managers.SetMRMLDisplayableNode(None)
            view.window.Finalize()
        self.scene.Clear(False)


def _volume(scene, phantom: Phantom):
    array = phantom.volume.array
    image = vtk.vtkImageData()
    image.SetDimensions(array.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName("CT")
    node.SetIJKToRASMatrix(matrix_of(phantom.volume.geometry.affine))
    node.SetAndObserveImageData(image)
    scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    return node


def ours(place: Workplace, label_map: LabelMap):
    """The product's way."""
    return build_segmentation(place.scene, label_map, place.ct, ORGANS, MODEL)


def by_import(place: Workplace, label_map: LabelMap):
    """Slicer's import of a whole label map."""
    node = _empty_node(place)
    image = oriented_image(label_map.array, label_map.geometry.affine)
    LOGIC.ImportLabelmapToSegmentationNode(image, node, "")
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        SegmentProperties.of_organ(ORGANS[segment.GetLabelValue() - 1], MODEL).to_segment(segment)
    return node


def per_segment(place: Workplace, label_map: LabelMap):
    """One segment after the other, in the scene."""
    node = _empty_node(place)
    for organ in ORGANS:
        segment_id = node.GetSegmentation().AddEmptySegment(organ.key, organ.display_name)
        SegmentProperties.of_organ(organ, MODEL).to_segment(node.GetSegmentation().GetSegment(segment_id))
        image = oriented_image(label_map.array == organ.label, label_map.geometry.affine)
        LOGIC.SetBinaryLabelmapToSegment(image, node, segment_id, LOGIC.MODE_REPLACE)
    return node


def _empty_node(place: Workplace):
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName("CT segmentation")
    place.scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    apply_default_display(node)
    node.SetReferenceImageGeometryParameterFromVolumeNode(place.ct)
    return node


WAYS = {"ours": ours, "import": by_import, "per segment": per_segment}


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Wall and CPU seconds."""
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


def time_ways(phantom: Phantom, repetitions: int) -> dict[str, dict[str, float]]:
    """Median seconds of every way."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for _ in range(repetitions):
        for name, way in WAYS.items():
            place = Workplace(phantom)
            clock = Clock()
            node = way(place, phantom.labels)
            model, model_cpu = clock.read()
            place.draw()
            shown, shown_cpu = clock.read()
            runs[name].append({"model": model, "model CPU": model_cpu, "shown": shown, "shown CPU": shown_cpu})
            if not np.array_equal(read_label_map(node, place.ct).array, phantom.labels.array):
                raise SystemExit(f"{name}: the voxels in the scene are not those of the label map")
            place.close()
    return {name: {key: statistics.median(run[key] for run in done) for key in done[0]} for name, done in runs.items()}


def time_review(phantom: Phantom) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of what a reviewer does."""
    place = Workplace(phantom)
    node = ours(place, phantom.labels)
    steps: dict[str, Callable[[], object]] = {
        "read label map": lambda: read_label_map(node, place.ct),
        "all rows": lambda: organ_rows(node, place.ct, 4.0),
        "one row": lambda: organ_rows(node, place.ct, 4.0, {"liver"}),
        "smooth the liver": lambda: edit_tools.smooth_in_plane(node, "liver"),
        "undo": lambda: edit_tools.undo_last(node),
        "swap kidneys": lambda: edit_tools.swap_sides(node, "kidney_left"),
        "surfaces": lambda: show_3d(node, True),
    }
    seconds = {}
    for name, step in steps.items():
        clock = Clock()
        step()
        seconds[name] = clock.read()
    place.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=190)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    phantom = make_phantom(PhantomSpec(age_years=8.0, slices=arguments.slices))
    print(f"{phantom.labels.array.shape} voxels, {len(np.unique(phantom.labels.array)) - 1} organs\n")
    ways, review = time_ways(phantom, arguments.repetitions), time_review(phantom)
    print(f"{'seconds':18}" + "".join(f"{key:>11}" for key in ways["ours"]))
    for name, seconds in ways.items():
        print(f"{name:18}" + "".join(f"{value:11.2f}" for value in seconds.values()))
    print(f"\n{'seconds':18}{'wall':>11}{'CPU':>11}")
    for name, (wall, cpu) in review.items():
        print(f"{name:18}{wall:11.2f}{cpu:11.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"ways": ways, "review": review}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
