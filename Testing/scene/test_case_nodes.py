"""A case in the scene: its voxels, neutral names, and nothing left when it goes."""

from __future__ import annotations

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs Slicer's MRML")

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume  # noqa: E402
from PediatricAbdomenSegLib.engine.geometry import Geometry  # noqa: E402
from PediatricAbdomenSegLib.engine.organs import organ_by_key  # noqa: E402
from PediatricAbdomenSegLib.scene import display  # noqa: E402
from PediatricAbdomenSegLib.scene.case_nodes import add_case, remove_case, show_in_slice_views  # noqa: E402
from PediatricAbdomenSegLib.scene.contour_checksums import contour_checksums  # noqa: E402
from PediatricAbdomenSegLib.scene.edit_tools import keep_largest_piece  # noqa: E402
from PediatricAbdomenSegLib.scene.images import voxels_of  # noqa: E402
from PediatricAbdomenSegLib.scene.model_result import MODEL_RESULT_ROLE  # noqa: E402
from PediatricAbdomenSegLib.scene.organ_centre import centre_ras_mm  # noqa: E402
from PediatricAbdomenSegLib.scene.segment_arrays import reference_volume  # noqa: E402
from PediatricAbdomenSegLib.scene.segment_properties import ModelTags, SegmentProperties  # noqa: E402
from PediatricAbdomenSegLib.scene.segmentation_reader import read_masks  # noqa: E402
from PediatricAbdomenSegLib.scene.window_presets import LUNG, WINDOWS_HU, apply_window  # noqa: E402
from scene_affines import AFFINES, SHAPE  # noqa: E402

ORGANS = [organ_by_key(key) for key in ("spleen", "liver", "pancreas")]


@pytest.fixture(params=AFFINES)
def a_grid(request):
    return Geometry(SHAPE, AFFINES[request.param])


@pytest.fixture
def masks():
    spleen, liver = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    spleen[4:9, 10:20, 12:24] = True
    liver[6:14, 14:30, 6:16] = True
    liver[6:8, 33:35, 40:44] = True
    return {"spleen": spleen, "liver": liver}


@pytest.fixture
def a_case(scene, a_grid, masks):
    """A case whose spleen and liver overlap, and which has no pancreas."""
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    layers = [LabelMap(masks[key].astype(np.uint8) * organ_by_key(key).label, a_grid) for key in masks]
    return add_case(scene, Volume(array, a_grid), layers, ORGANS, "Case 3")


def test_every_organ_is_where_the_file_has_it_also_where_two_overlap(a_case, masks, a_grid):
    read = {mask.segment_id: mask.mask for mask in read_masks(a_case.segmentation, a_case.volume)}
    assert list(read) == ["spleen", "liver", "pancreas"]
    for key, mask in masks.items():
        np.testing.assert_array_equal(read[key], mask)
    assert not read["pancreas"].any()
    assert reference_volume(a_case.segmentation) is a_case.volume
    assert voxels_of(a_case.volume.GetImageData())[1, 2, 3] == np.ravel_multi_index((1, 2, 3), SHAPE)


def test_a_case_names_nothing_but_itself(scene, a_case):
    names = {scene.GetNthNode(index).GetName() for index in range(scene.GetNumberOfNodes())}
    assert {a_case.volume.GetName(), a_case.segmentation.GetName()} == {"Case 3", "Case 3 contours"}
    assert not [name for name in names if name and "model" in name.lower()]
    segmentation = a_case.segmentation.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        assert SegmentProperties.from_segment(segmentation.GetNthSegment(index)).model == ModelTags("", "", "", "", "")
    assert a_case.segmentation.GetNodeReference(MODEL_RESULT_ROLE) is None


def test_nothing_of_a_case_is_left_when_it_goes(scene, a_case):
    before = scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode")
    remove_case(scene, a_case)
    remove_case(scene, a_case)
    assert before == 2
    kinds = ("vtkMRMLDisplayNode", "vtkMRMLSegmentationNode", "vtkMRMLScalarVolumeNode")
    assert [scene.GetNumberOfNodesByClass(kind) for kind in kinds] == [0, 0, 0]


def test_the_centre_of_an_organ_lies_in_it(a_case, a_grid, masks):
    index = np.rint(a_grid.to_index(np.array(centre_ras_mm(a_case.segmentation, "spleen")))).astype(int)
    assert masks["spleen"][tuple(index)]
    assert centre_ras_mm(a_case.segmentation, "pancreas") is None


def test_a_correction_changes_the_checksum_of_its_organ_only(a_case):
    before = contour_checksums(a_case.segmentation)
    keep_largest_piece(a_case.segmentation, "liver")
    after = contour_checksums(a_case.segmentation)
    assert [key for key in before if before[key] != after[key]] == ["liver"]
    assert before["pancreas"] == 0


def test_all_organs_are_hidden_and_shown_together(a_case):
    display.set_all_visible(a_case.segmentation, False)
    assert not display.is_segment_visible(a_case.segmentation, "liver")
    display.set_all_visible(a_case.segmentation, True)
    assert display.is_segment_visible(a_case.segmentation, "liver")


def test_a_window_is_the_one_of_its_name(a_case):
    apply_window(a_case.volume, LUNG)
    display_node = a_case.volume.GetDisplayNode()
    assert (display_node.GetWindow(), display_node.GetLevel()) == WINDOWS_HU[LUNG]


def test_the_ct_of_a_case_takes_the_place_of_whatever_the_slice_views_show(scene, a_case):
    composite = scene.AddNode(slicer.vtkMRMLSliceCompositeNode())
    for show in (composite.SetBackgroundVolumeID, composite.SetForegroundVolumeID, composite.SetLabelVolumeID):
        show("another")
    show_in_slice_views(scene, a_case.volume)
    assert composite.GetBackgroundVolumeID() == a_case.volume.GetID()
    assert (composite.GetForegroundVolumeID(), composite.GetLabelVolumeID()) == (None, None)
