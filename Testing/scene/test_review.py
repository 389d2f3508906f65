"""Tests of what a reviewer sees."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.organs import ORGANS, organ_by_key
from PediatricAbdomenSegLib.scene.images import oriented_image
from PediatricAbdomenSegLib.scene.review import accepted_ids, organ_rows, review_state, set_review_state


@pytest.fixture
def rows(segmentation, ct):
    """The rows by segment ID, measured anew at every call."""
    return lambda **options: {row.segment_id: row for row in organ_rows(segmentation, ct, 4.0, **options)}


def test_every_segment_has_a_row_in_order(rows):
    assert list(rows()) == [organ.key for organ in ORGANS]


def test_a_row_tells_volume_colour_and_state(rows, geometry):
    row = rows()["spleen"]
    assert row.volume_ml == pytest.approx(8**3 * geometry.voxel_volume_ml)
    assert np.allclose(row.color, np.array(organ_by_key("spleen").color) / 255)
    assert (row.visible, row.edited, row.review) == (True, False, "")


def test_an_empty_organ_says_so_and_has_no_place(rows):
    row = rows()["heart"]
    assert (row.volume_ml, row.flags, row.centre_ras_mm) == (0.0, ("empty",), None)


def test_flags_are_those_of_the_engine(rows, edit):
    edit("spleen", np.s_[2:6, 2:6, 2:6], True)
    found = rows()
    assert "several_pieces" in found["spleen"].flags
    assert "volume_implausible" in found["liver"].flags
    assert "touches_border" in found["spinal_canal"].flags


def test_the_centre_is_a_voxel_of_the_organ(rows, edit, geometry, mask_of):
    edit("liver", np.s_[11:22, 8:26, 10:30], False)  # an L, its centroid outside
    x, y, z = np.linalg.inv(geometry.affine)[:3] @ [*rows()["liver"].centre_ras_mm, 1.0]
    assert mask_of("liver")[round(z), round(y), round(x)]


def test_the_centre_is_where_the_views_show_it(scene, segmentation, ct, rows):
    before = np.array(rows()["spleen"].centre_ras_mm)
    transform = slicer.vtkMRMLLinearTransformNode()
    scene.AddNode(transform)
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 50.0)
    transform.SetMatrixTransformToParent(matrix)
    for node in (segmentation, ct):
        node.SetAndObserveTransformNodeID(transform.GetID())
    assert np.allclose(rows()["spleen"].centre_ras_mm, before + (0, 0, 50.0))


def test_overlapping_organs_are_measured_whole(rows, edit, geometry):
    liver = edit("liver", np.s_[12:20, 20:28, 30:44], True)
    found = rows()
    assert found["liver"].volume_ml == pytest.approx(liver.sum() * geometry.voxel_volume_ml)
    assert found["spleen"].volume_ml == pytest.approx(8**3 * geometry.voxel_volume_ml)


def test_only_the_organ_asked_for_is_measured(rows, edit):
    edit("liver", np.s_[15], False)
    assert list(rows(segment_ids={"liver"})) == ["liver"]
    assert rows(segment_ids={"liver"})["liver"] == rows()["liver"]


def test_a_structure_of_the_users_own_has_a_volume_but_no_flags(segmentation, rows, geometry):
    segmentation.GetSegmentation().AddEmptySegment("Segment_1", "PTV")
    assert rows()["Segment_1"].flags == ("empty",)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    image = oriented_image(np.ones((4, 5, 6), bool), geometry.affine)
    logic.SetBinaryLabelmapToSegment(image, segmentation, "Segment_1")
    row = rows()["Segment_1"]
    assert (row.name, row.organ, row.flags) == ("PTV", None, ())
    assert row.volume_ml == pytest.approx(120 * geometry.voxel_volume_ml)


def test_verdicts_are_stored_as_slicers_own_status(segmentation):
    set_review_state(segmentation, "liver", "accepted")
    set_review_state(segmentation, "spleen", "needs_edit")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.GetSegmentStatus(segmentation.GetSegmentation().GetSegment("liver")) == logic.Completed
    assert review_state(segmentation, "spleen") == "needs_edit"
    assert review_state(segmentation, "heart") == ""
    assert accepted_ids(segmentation) == ("liver",)
    set_review_state(segmentation, "liver", "")
    assert accepted_ids(segmentation) == ()


def test_an_unknown_verdict_is_refused(segmentation):
    with pytest.raises(UsageError, match="perhaps"):
        set_review_state(segmentation, "liver", "perhaps")
