"""Fixtures of the scene room: a real MRML scene, a small CT in it, and a result of a model for that CT."""

from __future__ import annotations

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs Slicer's MRML (the extra 'test' installs slicer-core)")

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap  # noqa: E402
from PediatricAbdomenSegLib.engine.geometry import Geometry  # noqa: E402
from PediatricAbdomenSegLib.engine.organs import ORGANS, organ_by_key  # noqa: E402
from PediatricAbdomenSegLib.scene.images import matrix_of  # noqa: E402
from PediatricAbdomenSegLib.scene.segment_properties import ModelTags  # noqa: E402
from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation  # noqa: E402
from scene_affines import AFFINES, SHAPE  # noqa: E402

# Corners (z, y, x) of one cuboid per organ; kidneys touch the liver and the spleen, nothing overlaps.
BOXES = {
    "spleen": ((12, 20, 36), (20, 28, 44)),
    "kidney_left": ((4, 20, 32), (12, 30, 40)),
    "kidney_right": ((4, 20, 8), (11, 30, 16)),
    "liver": ((11, 8, 6), (22, 30, 30)),
    "stomach_bowel": ((2, 6, 18), (10, 18, 30)),
    "spinal_canal": ((0, 33, 23), (24, 36, 26)),
}


@pytest.fixture
def scene():
    """An empty MRML scene, with the logic that the application makes at its start: it registers conversions."""
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(scene)
    yield scene
    scene.Clear(False)


@pytest.fixture
def geometry() -> Geometry:
    """An axial head-first supine grid."""
    return Geometry(SHAPE, AFFINES["supine"])


@pytest.fixture
def labels() -> np.ndarray:
    """Six organs as cuboids, uint8."""
    array = np.zeros(SHAPE, np.uint8)
    for key, (low, high) in BOXES.items():
        array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = organ_by_key(key).label
    return array


@pytest.fixture
def label_map(labels, geometry) -> LabelMap:
    """A model's result on the grid of the CT."""
    return LabelMap(labels, geometry)


@pytest.fixture
def add_volume(scene):
    """Add a scalar volume node made of an array and an affine."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    def add(array: np.ndarray, affine: np.ndarray, name: str = "CT", class_name: str = "vtkMRMLScalarVolumeNode"):
        image = vtk.vtkImageData()
        image.SetDimensions(array.shape[::-1])
        image.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
        node = getattr(slicer, class_name)()
        node.SetName(name)
        node.SetIJKToRASMatrix(matrix_of(affine))
        node.SetAndObserveImageData(image)
        scene.AddNode(node)
        return node

    return add


@pytest.fixture
def hounsfield() -> np.ndarray:
    """Noise between -1000 and 1000, int16."""
    return np.random.default_rng(1).integers(-1000, 1000, SHAPE, dtype=np.int16)


@pytest.fixture
def ct(add_volume, hounsfield, geometry):
    """A CT in the scene."""
    return add_volume(hounsfield, geometry.affine)


@pytest.fixture
def provenance() -> ModelTags:
    """The model a result came from."""
    return ModelTags("multi-organ", "Nineteen organs", "1.0", "ab" * 32, "demonstration")


@pytest.fixture
def segmentation(scene, label_map, ct, provenance):
    """The result in the scene, all nineteen organs, thirteen of them empty."""
    return build_segmentation(scene, label_map, ct, ORGANS, provenance)


@pytest.fixture
def edit(segmentation, mask_of):
    """Edit a segment as the Segment Editor would: change its mask on the CT's grid, keep the others."""
    from PediatricAbdomenSegLib.scene.images import oriented_image

    logic = slicer.vtkSlicerSegmentationsModuleLogic

    def change(segment_id: str, region: tuple, value: bool) -> np.ndarray:
        mask = mask_of(segment_id)
        mask[region] = value
        image = oriented_image(mask, AFFINES["supine"])
        assert logic.SetBinaryLabelmapToSegment(image, segmentation, segment_id, logic.MODE_REPLACE)
        return mask

    return change


@pytest.fixture
def mask_of(segmentation):
    """The voxels of a segment on the CT's grid, bool."""
    from PediatricAbdomenSegLib.scene.images import window_of
    from PediatricAbdomenSegLib.scene.segment_arrays import labelmap_of, segment_of

    def mask(segment_id: str) -> np.ndarray:
        labels = window_of(labelmap_of(segmentation, segment_id), AFFINES["supine"], (0, 0, 0), SHAPE)
        return labels == segment_of(segmentation, segment_id).GetLabelValue()

    return mask
