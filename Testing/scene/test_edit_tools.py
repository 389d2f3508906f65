"""Tests of the edit tools and their undo, on MRML without a GUI."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import ORGANS, organ_by_key
from PediatricAbdomenSegLib.scene import edit_tools
from PediatricAbdomenSegLib.scene.edit_history import last_step_name, undo_last
from PediatricAbdomenSegLib.scene.mask_filters import interpolated_between, smoothed_in_slices
from PediatricAbdomenSegLib.scene.segment_arrays import Patch, read_patch, write_patch
from PediatricAbdomenSegLib.scene.segment_properties import tag_of
from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation
from PediatricAbdomenSegLib.scene.segmentation_reader import read_label_map, read_masks
from scene_affines import AFFINES, SHAPE


@pytest.fixture
def everyone(segmentation, mask_of):
    """The masks of all organs by key."""
    return lambda: {organ.key: mask_of(organ.key) for organ in ORGANS}


def differences(before, after) -> set[str]:
    return {key for key in before if not np.array_equal(before[key], after[key])}


def test_only_the_largest_piece_is_kept(segmentation, edit, mask_of, labels, everyone):
    edit("spleen", np.s_[2:4, 2:5, 2:5], True)
    before = everyone()
    assert edit_tools.keep_largest_piece(segmentation, "spleen")
    assert np.array_equal(mask_of("spleen"), labels == organ_by_key("spleen").label)
    assert differences(before, everyone()) == {"spleen"}


def test_a_single_piece_stays_and_leaves_no_step(segmentation):
    assert not edit_tools.keep_largest_piece(segmentation, "liver")
    assert last_step_name(segmentation) is None


def test_holes_within_slices_are_filled(segmentation, edit, mask_of, labels, everyone):
    edit("liver", np.s_[13:16, 12:16, 12:16], False)
    before = everyone()
    assert edit_tools.fill_holes(segmentation, "liver")
    assert np.array_equal(mask_of("liver"), labels == organ_by_key("liver").label)
    assert differences(before, everyone()) == {"liver"}


def test_a_notch_at_the_rim_is_no_hole(segmentation, edit):
    edit("liver", np.s_[13:16, 8:12, 12:16], False)
    assert not edit_tools.fill_holes(segmentation, "liver")


def test_a_hole_that_another_organ_fills_stays(segmentation, edit, everyone):
    edit("liver", np.s_[13:16, 12:16, 12:16], False)
    edit("heart", np.s_[13:16, 12:16, 12:15], True)
    before = everyone()
    assert edit_tools.fill_holes(segmentation, "liver")
    after = everyone()
    assert differences(before, after) == {"liver"}
    assert not (after["liver"] & after["heart"]).any()
    assert after["liver"][13:16, 12:16, 15].all()


def test_smoothing_takes_a_spur_off_and_keeps_the_area_of_each_slice(segmentation, edit, mask_of):
    before = edit("spleen", np.s_[14:17, 14:20, 39:40], True)
    assert edit_tools.smooth_in_plane(segmentation, "spleen", sigma_mm=1.5)
    after = mask_of("spleen")
    assert not after[15, 14:17, 39].any()
    assert np.array_equal(after.sum(axis=(1, 2)), before.sum(axis=(1, 2)))


@pytest.mark.parametrize("axis", range(3))
def test_smoothing_stays_within_the_slices_whichever_way_they_run(axis):
    slices = np.zeros((3, 24, 24), bool)
    slices[1, 6:18, 6:18] = slices[1, 11:13, 18:22] = True
    smooth = smoothed_in_slices(np.moveaxis(slices, 0, axis), axis, (1.0, 1.0, 1.0), 2.0)
    assert np.array_equal(np.moveaxis(smooth, axis, 0), smoothed_in_slices(slices, 0, (1.0, 1.0, 1.0), 2.0))
    assert np.count_nonzero(smooth) == np.count_nonzero(slices)


def test_interpolated_discs_grow_evenly_from_the_small_one_to_the_large_one():
    away = np.hypot(*np.mgrid[-12:13, -12:13])
    discs = np.stack([away < radius for radius in (3.5, 0, 0, 9.5)])
    filled, _ = interpolated_between(discs, 0, (0, 3), (1.0, 1.0, 1.0), 10.0)
    assert np.sqrt(filled.sum(axis=(1, 2)) / np.pi) == pytest.approx([3.5, 5.5, 7.5, 9.5], abs=0.25)


def test_smoothing_does_not_take_voxels_from_a_neighbour(segmentation, everyone):
    before = everyone()
    assert edit_tools.smooth_in_plane(segmentation, "kidney_right", sigma_mm=3.0)
    assert differences(before, everyone()) == {"kidney_right"}


def test_smoothing_by_nothing_is_refused(segmentation):
    with pytest.raises(UsageError, match="not positive"):
        edit_tools.smooth_in_plane(segmentation, "liver", sigma_mm=0.0)


@pytest.mark.parametrize("orientation", sorted(AFFINES))
@pytest.mark.parametrize("side", ["above", "below"])
def test_cropping_is_meant_in_the_patient(scene, add_volume, hounsfield, labels, provenance, orientation, side):
    geometry = Geometry(SHAPE, AFFINES[orientation])
    volume = add_volume(hounsfield, geometry.affine)
    node = build_segmentation(scene, LabelMap(labels, geometry), volume, ORGANS, provenance)
    here = geometry.to_ras(np.array([15, 3, 4]))
    assert edit_tools.crop_beyond_slice(node, "liver", tuple(here), side)
    left = np.unique(np.argwhere(read_label_map(node, volume).array == organ_by_key("liver").label)[:, 0])
    heads = geometry.to_ras(np.array([[z, 3, 4] for z in left]))[:, 2] - here[2]
    assert 15 in left
    assert (heads <= 1e-6).all() if side == "above" else (heads >= -1e-6).all()


def test_cropping_outside_the_organ_takes_nothing_or_all(segmentation, geometry, mask_of):
    low = tuple(geometry.to_ras(np.array([1, 0, 0])))
    assert not edit_tools.crop_beyond_slice(segmentation, "liver", low, "below")
    assert edit_tools.crop_beyond_slice(segmentation, "liver", low, "above")
    assert not mask_of("liver").any()


def test_cropping_follows_a_transform_of_the_segmentation(scene, segmentation, geometry, mask_of):
    import vtk

    transform = slicer.vtkMRMLLinearTransformNode()
    scene.AddNode(transform)
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 100.0)
    transform.SetMatrixTransformToParent(matrix)
    segmentation.SetAndObserveTransformNodeID(transform.GetID())
    here = geometry.to_ras(np.array([15, 0, 0])) + (0, 0, 100.0)
    edit_tools.crop_beyond_slice(segmentation, "liver", tuple(here), "above")
    assert np.flatnonzero(mask_of("liver").any(axis=(1, 2))).tolist() == [11, 12, 13, 14, 15]


def test_an_unknown_side_is_refused(segmentation):
    with pytest.raises(UsageError, match="sideways"):
        edit_tools.crop_beyond_slice(segmentation, "liver", (0, 0, 0), "sideways")


def test_slices_between_two_edited_ones_follow_them(segmentation, edit, mask_of, everyone):
    for z in (13, 19):
        edit("spleen", np.s_[z, 20:28, 42:44], False)
    before = everyone()
    assert edit_tools.interpolate_between_slices(segmentation, "spleen")
    after = mask_of("spleen")
    for z in range(13, 20):
        assert np.array_equal(after[z], before["spleen"][13]), z
    assert np.array_equal(after[12], before["spleen"][12])
    assert differences(before, everyone()) == {"spleen"}


def test_a_drawn_slice_counts_as_edited_only_after_it_was_edited_by_hand(segmentation, edit, mask_of):
    for z in (13, 19):
        edit("spleen", np.s_[z, 20:28, 42:44], False)
    edit_tools.interpolate_between_slices(segmentation, "spleen")
    assert not edit_tools.interpolate_between_slices(segmentation, "spleen")
    edit("spleen", np.s_[16, 20:28, 40:44], False)
    assert edit_tools.interpolate_between_slices(segmentation, "spleen")
    widths = mask_of("spleen")[:, 24].sum(axis=1)
    assert widths[13:20].tolist() == sorted(widths[13:17].tolist(), reverse=True) + sorted(widths[17:20].tolist())
    assert widths[16] == 4 and 4 < widths[15] < 6


def test_edited_slices_far_apart_are_not_joined(segmentation, edit):
    for z in (12, 19):
        edit("spleen", np.s_[z, 20:28, 42:44], False)
    assert not edit_tools.interpolate_between_slices(segmentation, "spleen", max_gap_mm=10.0)


def test_gaps_are_filled_where_no_model_can_be_compared(scene, segmentation, edit, mask_of, labels):
    scene.RemoveNode(segmentation.GetNodeReference("PediatricAbdomenSeg.modelResult"))
    edit("spleen", np.s_[14:18], False)
    assert edit_tools.interpolate_between_slices(segmentation, "spleen")
    assert np.array_equal(mask_of("spleen"), labels == organ_by_key("spleen").label)


def test_left_and_right_are_swapped_names_stay(segmentation, everyone):
    before = everyone()
    assert edit_tools.swap_sides(segmentation, "kidney_left")
    after = everyone()
    assert np.array_equal(after["kidney_left"], before["kidney_right"])
    assert np.array_equal(after["kidney_right"], before["kidney_left"])
    assert differences(before, after) == {"kidney_left", "kidney_right"}
    segment = segmentation.GetSegmentation().GetSegment("kidney_left")
    assert (segment.GetName(), tag_of(segment, "TG263")) == ("Left kidney", "Kidney_L")
    assert segmentation.GetSegmentation().GetNumberOfLayers() == 1


def test_a_side_can_be_swapped_with_an_empty_one(segmentation, everyone):
    before = everyone()
    edit_tools.crop_beyond_slice(segmentation, "kidney_left", (0, 0, -1000.0), "above")
    edit_tools.swap_sides(segmentation, "kidney_right")
    after = everyone()
    assert np.array_equal(after["kidney_left"], before["kidney_right"])
    assert not after["kidney_right"].any()


@pytest.mark.parametrize("segment_id", ["liver", "heart"])
def test_an_organ_without_sides_cannot_be_swapped(segmentation, segment_id):
    with pytest.raises(UsageError, match="other side"):
        edit_tools.swap_sides(segmentation, segment_id)


def test_a_missing_partner_is_named(segmentation):
    segmentation.GetSegmentation().RemoveSegment("kidney_right")
    with pytest.raises(UsageError, match="Left kidney"):
        edit_tools.swap_sides(segmentation, "kidney_left")


def test_the_models_result_comes_back_and_neighbours_keep_their_edits(segmentation, ct, edit, mask_of, labels):
    edit("liver", np.s_[12:20], False)
    spleen = edit("spleen", np.s_[12:20, 20:28, 26:36], True)
    assert edit_tools.restore_model_result(segmentation, "liver")
    assert np.array_equal(mask_of("liver"), labels == organ_by_key("liver").label)
    assert np.array_equal(mask_of("spleen"), spleen)
    assert {mask.segment_id for mask in read_masks(segmentation, ct) if mask.edited} == {"spleen"}


def test_an_organ_as_the_model_left_it_needs_no_restoring(segmentation):
    assert not edit_tools.restore_model_result(segmentation, "liver")


def test_without_a_stored_result_nothing_can_be_restored(scene, segmentation):
    scene.RemoveNode(segmentation.GetNodeReference("PediatricAbdomenSeg.modelResult"))
    with pytest.raises(UsageError, match="no result of a model"):
        edit_tools.restore_model_result(segmentation, "liver")


TOOLS = {
    "Keep largest piece": lambda node: edit_tools.keep_largest_piece(node, "spleen"),
    "Fill holes": lambda node: edit_tools.fill_holes(node, "spleen"),
    "Smooth": lambda node: edit_tools.smooth_in_plane(node, "spleen"),
    "Crop below": lambda node: edit_tools.crop_beyond_slice(node, "spleen", (0.0, 0.0, 5.0), "below"),
    "Interpolate": lambda node: edit_tools.interpolate_between_slices(node, "spleen"),
    "Swap left and right": lambda node: edit_tools.swap_sides(node, "kidney_left"),
    "Restore model result": lambda node: edit_tools.restore_model_result(node, "spleen"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_can_be_undone(segmentation, edit, everyone, name):
    edit("spleen", np.s_[13, 20:28, 42:44], False)
    edit("spleen", np.s_[17, 23:25, 38:40], False)
    edit("spleen", np.s_[2:4, 2:5, 2:5], True)
    before = everyone()
    assert TOOLS[name](segmentation)
    assert differences(before, everyone())
    assert last_step_name(segmentation) == name
    assert undo_last(segmentation)
    assert differences(before, everyone()) == set()
    assert last_step_name(segmentation) is None


def test_steps_are_undone_one_by_one(segmentation, edit, everyone):
    edit("liver", np.s_[13:16, 12:16, 12:16], False)
    states = [everyone()]
    edit_tools.fill_holes(segmentation, "liver")
    states.append(everyone())
    edit_tools.swap_sides(segmentation, "kidney_left")
    undo_last(segmentation)
    assert differences(states[1], everyone()) == set()
    undo_last(segmentation)
    assert differences(states[0], everyone()) == set()


def test_undo_keeps_what_was_painted_after_the_tool(segmentation, edit, mask_of, labels):
    edit("spleen", np.s_[2:4, 2:5, 2:5], True)
    edit_tools.keep_largest_piece(segmentation, "spleen")
    painted = edit("spleen", np.s_[12:20, 18:20, 36:44], True)
    undo_last(segmentation)
    painted[2:4, 2:5, 2:5] = True
    assert np.array_equal(mask_of("spleen"), painted)


def test_undo_of_nothing_does_nothing(segmentation):
    assert undo_last(segmentation) == ()


def test_undo_leaves_out_a_segment_that_was_removed(segmentation, mask_of, labels):
    edit_tools.swap_sides(segmentation, "kidney_left")
    segmentation.GetSegmentation().RemoveSegment("kidney_right")
    assert undo_last(segmentation) == ("kidney_left",)
    assert np.array_equal(mask_of("kidney_left"), labels == organ_by_key("kidney_left").label)


def test_the_history_ends_with_its_node(scene, segmentation, edit, label_map, ct, provenance):
    edit("spleen", np.s_[2:4, 2:5, 2:5], True)
    edit_tools.keep_largest_piece(segmentation, "spleen")
    scene.RemoveNode(segmentation)
    again = build_segmentation(scene, label_map, ct, ORGANS, provenance)
    assert undo_last(again) == ()


def test_the_history_is_found_again_by_the_nodes_id(scene, segmentation, edit):
    import gc

    edit("spleen", np.s_[2:4, 2:5, 2:5], True)
    edit_tools.keep_largest_piece(segmentation, "spleen")
    segment_node_id = segmentation.GetID()
    del segmentation
    gc.collect()
    assert last_step_name(scene.GetNodeByID(segment_node_id)) == "Keep largest piece"


@pytest.mark.parametrize("tool", [edit_tools.keep_largest_piece, edit_tools.fill_holes, edit_tools.smooth_in_plane])
def test_an_empty_segment_stays_empty(segmentation, tool, mask_of):
    assert not tool(segmentation, "heart")
    assert not edit_tools.interpolate_between_slices(segmentation, "heart")
    assert not mask_of("heart").any()


def test_a_removed_segment_is_named(segmentation):
    with pytest.raises(UsageError, match="gone"):
        edit_tools.fill_holes(segmentation, "gone")


def test_a_segment_can_be_emptied_and_filled_again(segmentation, mask_of, labels):
    from PediatricAbdomenSegLib.scene.segment_arrays import read_patch

    whole = read_patch(segmentation, "liver")
    write_patch(segmentation, "liver", whole.within((0, 0, 0), (1, 1, 1)))
    assert not mask_of("liver").any()
    write_patch(segmentation, "liver", whole)
    assert np.array_equal(mask_of("liver"), labels == organ_by_key("liver").label)


def test_a_step_on_a_grid_that_was_replaced_since_cannot_be_undone_and_says_so(segmentation, mask_of):
    edit_tools.crop_beyond_slice(segmentation, "liver", (0, 0, -1000.0), "above")
    patch = read_patch(segmentation, "spleen")
    shifted = patch.affine.copy()
    shifted[:3, 3] += 0.3 * shifted[:3, 0]
    for segment_id in list(segmentation.GetSegmentation().GetSegmentIDs()):
        if segment_id != "liver":
            segmentation.GetSegmentation().RemoveSegment(segment_id)
    write_patch(segmentation, "liver", Patch(patch.mask, patch.first, shifted))
    before = read_patch(segmentation, "liver")
    assert np.allclose(before.affine, shifted)
    with pytest.raises(UsageError, match="cannot be undone"):
        undo_last(segmentation)
    assert np.array_equal(read_patch(segmentation, "liver").mask, before.mask)
