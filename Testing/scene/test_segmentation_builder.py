"""Tests of putting a result into the scene."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from PediatricAbdomenSegLib.engine.cases.seg_nrrd import terminology_entry
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import ORGANS, organ_by_key
from PediatricAbdomenSegLib.scene.edit_history import undo_last
from PediatricAbdomenSegLib.scene.model_result import model_result
from PediatricAbdomenSegLib.scene.review import ACCEPTED, accepted_ids, set_review_state
from PediatricAbdomenSegLib.scene.segment_properties import ModelTags, SegmentProperties, tag_of
from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation, replace_organs
from PediatricAbdomenSegLib.scene.segmentation_reader import read_label_map, read_masks
from scene_affines import AFFINES, SHAPE


@pytest.mark.parametrize("orientation", sorted(AFFINES))
def test_every_voxel_comes_back_from_any_grid(scene, add_volume, hounsfield, labels, provenance, orientation):
    geometry = Geometry(SHAPE, AFFINES[orientation])
    volume = add_volume(hounsfield, geometry.affine)
    node = build_segmentation(scene, LabelMap(labels, geometry), volume, ORGANS, provenance)
    back = read_label_map(node, volume)
    assert np.array_equal(back.array, labels)
    assert back.geometry.is_close_to(geometry, 1e-6)


def test_segments_lie_where_the_organs_are_in_the_patient(scene, add_volume, hounsfield, labels, provenance):
    geometry = Geometry(SHAPE, AFFINES["oblique"])
    volume = add_volume(hounsfield, geometry.affine)
    node = build_segmentation(scene, LabelMap(labels, geometry), volume, ORGANS, provenance)
    centre = node.GetSegmentCenterRAS("spleen")
    index = np.argwhere(labels == organ_by_key("spleen").label)
    expected = geometry.to_ras((index.min(axis=0) + index.max(axis=0)) / 2)
    assert np.abs(np.array(centre) - expected).max() <= max(geometry.spacing_mm)


def test_segments_come_in_table_order_empty_ones_too(segmentation):
    assert list(segmentation.GetSegmentation().GetSegmentIDs()) == [organ.key for organ in ORGANS]


def test_all_segments_share_one_labelmap(segmentation):
    assert segmentation.GetSegmentation().GetNumberOfLayers() == 1


def test_a_segment_carries_name_colour_codes_and_model(segmentation, provenance):
    organ = organ_by_key("kidney_left")
    segment = segmentation.GetSegmentation().GetSegment("kidney_left")
    assert segment.GetName() == "Left kidney"
    assert np.allclose(segment.GetColor(), np.array(organ.color) / 255)
    assert tag_of(segment, "TerminologyEntry") == terminology_entry(organ)
    assert "SCT^7771000^Left" in tag_of(segment, "TerminologyEntry")
    assert tag_of(segment, "TG263") == "Kidney_L"
    assert SegmentProperties.from_segment(segment).model == provenance


def test_properties_survive_a_round_trip_through_a_segment(provenance):
    properties = SegmentProperties.of_organ(organ_by_key("liver"), provenance)
    segment = slicer.vtkSegment()
    properties.to_segment(segment)
    assert SegmentProperties.from_segment(segment) == properties


def test_separators_of_slicers_files_do_not_get_into_tags():
    segment = slicer.vtkSegment()
    model = ModelTags("m", "Liver: a|b", "1", "0", "research")
    SegmentProperties.of_organ(organ_by_key("liver"), model).to_segment(segment)
    assert tag_of(segment, "ModelTitle") == "Liver; a/b"


def test_the_ct_is_the_reference_geometry(segmentation, ct):
    role = segmentation.GetReferenceImageGeometryReferenceRole()
    assert segmentation.GetNodeReferenceID(role) == ct.GetID()


def test_the_result_lies_beside_the_ct_under_its_study(scene, add_volume, hounsfield, label_map, provenance):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "p"), "s")
    volume = add_volume(hounsfield, label_map.geometry.affine)
    hierarchy.CreateItem(study, volume)
    node = build_segmentation(scene, label_map, volume, ORGANS, provenance)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_a_second_run_makes_a_numbered_node_and_leaves_edits_alone(
    scene, segmentation, label_map, ct, provenance, edit, mask_of
):
    edited = edit("liver", np.s_[15:18], False)
    second = build_segmentation(scene, label_map, ct, ORGANS, provenance)
    third = build_segmentation(scene, label_map, ct, ORGANS, provenance)
    assert [segmentation.GetName(), second.GetName(), third.GetName()] == [
        "CT segmentation",
        "CT segmentation 2",
        "CT segmentation 3",
    ]
    assert np.array_equal(mask_of("liver"), edited)


def test_the_scene_hears_of_the_segmentation_once(scene, label_map, ct, provenance):
    added, segment_events = [], []
    scene.AddObserver(scene.NodeAddedEvent, lambda *_: added.append(1))
    node = build_segmentation(scene, label_map, ct, ORGANS, provenance)
    node.GetSegmentation().AddObserver(slicer.vtkSegmentation.SegmentAdded, lambda *_: segment_events.append(1))
    assert not scene.IsBatchProcessing()
    assert segment_events == []
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_an_empty_result_gives_nineteen_empty_segments(scene, ct, geometry, provenance):
    nothing = LabelMap(np.zeros(SHAPE, np.uint8), geometry)
    node = build_segmentation(scene, nothing, ct, ORGANS, provenance)
    assert node.GetSegmentation().GetNumberOfSegments() == 19
    assert not read_label_map(node, ct).array.any()


def test_labels_without_a_segment_are_left_out(scene, label_map, ct, provenance):
    node = build_segmentation(scene, label_map, ct, [organ_by_key("liver")], provenance)
    assert set(np.unique(read_label_map(node, ct).array)) == {0, organ_by_key("liver").label}


def test_a_result_of_another_volume_is_refused_and_nothing_is_added(scene, label_map, ct, provenance):
    nodes = scene.GetNumberOfNodes()
    moved = Geometry(SHAPE, label_map.geometry.affine + [[0, 0, 0, 5.0], [0] * 4, [0] * 4, [0] * 4])
    with pytest.raises(InputError, match="different places"):
        build_segmentation(scene, LabelMap(label_map.array, moved), ct, ORGANS, provenance)
    assert scene.GetNumberOfNodes() == nodes


def test_only_chosen_organs_are_replaced(segmentation, label_map, ct, edit, mask_of, provenance):
    edited = edit("spleen", np.s_[14:16], False)
    edit("liver", np.s_[15:18], False)
    new = label_map.array.copy()
    new[1, 1, 1:4] = organ_by_key("adrenal_gland_left").label
    new[12:20, 20:28, 36:44] = 0
    newer = ModelTags("other", "Other", "2", "cd" * 32, "research")
    replace_organs(segmentation, LabelMap(new, label_map.geometry), ["liver", "adrenal_gland_left"], newer)
    assert np.array_equal(mask_of("liver"), label_map.array == organ_by_key("liver").label)
    assert mask_of("adrenal_gland_left").sum() == 3
    assert np.array_equal(mask_of("spleen"), edited)
    segments = segmentation.GetSegmentation()
    assert SegmentProperties.from_segment(segments.GetSegment("liver")).model == newer
    assert SegmentProperties.from_segment(segments.GetSegment("spleen")).model == provenance
    assert (model_result(segmentation).array == organ_by_key("spleen").label).sum() == 8**3
    assert {m.segment_id for m in read_masks(segmentation, ct) if m.edited} == {"spleen"}


def test_replacing_organs_can_be_undone(segmentation, label_map, edit, mask_of):
    edited = edit("liver", np.s_[15:18], False)
    replace_organs(segmentation, label_map, ["liver"])
    assert undo_last(segmentation) == ("liver",)
    assert np.array_equal(mask_of("liver"), edited)


def test_an_organ_without_segment_gets_one_at_its_place(segmentation, label_map, ct):
    segmentation.GetSegmentation().RemoveSegment("kidney_right")
    replace_organs(segmentation, label_map, ["kidney_right"])
    assert list(segmentation.GetSegmentation().GetSegmentIDs()) == [organ.key for organ in ORGANS]
    assert np.array_equal(read_label_map(segmentation, ct).array, label_map.array)


def test_undoing_a_replacement_removes_the_segment_it_made_unless_it_was_painted_in(segmentation, label_map, edit):
    without = LabelMap(np.where(label_map.array == 5, 0, label_map.array), label_map.geometry)
    segments = segmentation.GetSegmentation()
    for result in (label_map, without):  # also an organ that the result does not have
        segments.RemoveSegment("kidney_right")
        replace_organs(segmentation, result, ["kidney_right"])
        assert undo_last(segmentation) == ("kidney_right",)
        assert segments.GetSegment("kidney_right") is None and segments.GetNumberOfSegments() == len(ORGANS) - 1
    replace_organs(segmentation, without, ["kidney_right"])
    edit("kidney_right", np.s_[2:4, 2:4, 2:4], True)
    undo_last(segmentation)
    assert segments.GetSegment("kidney_right") is not None


def test_an_unknown_organ_is_refused_before_anything_changes(segmentation, label_map, ct):
    with pytest.raises(UsageError, match="gizzard"):
        replace_organs(segmentation, label_map, ["liver", "gizzard"])
    assert np.array_equal(read_label_map(segmentation, ct).array, label_map.array)


def test_a_replaced_organ_that_grows_over_an_edited_neighbour_overlaps_it(segmentation, label_map, edit, mask_of, ct):
    spleen = edit("spleen", np.s_[12:20, 20:28, 30:36], True)
    new = label_map.array.copy()
    new[12:20, 20:28, 28:34] = organ_by_key("liver").label
    replace_organs(segmentation, LabelMap(new, label_map.geometry), ["liver"])
    assert np.array_equal(mask_of("spleen"), spleen)
    assert np.array_equal(mask_of("liver"), new == organ_by_key("liver").label)


def test_a_verdict_does_not_outlive_the_contour_it_was_given_on(segmentation, label_map):
    for organ in ("liver", "spleen"):
        set_review_state(segmentation, organ, ACCEPTED)
    without_liver = np.where(label_map.array == organ_by_key("liver").label, np.uint8(0), label_map.array)
    replace_organs(segmentation, LabelMap(without_liver, label_map.geometry), ["liver", "spleen"])
    assert accepted_ids(segmentation) == ("spleen",)


def test_undoing_a_replacement_brings_back_model_verdict_and_result(segmentation, label_map, provenance):
    set_review_state(segmentation, "liver", ACCEPTED)
    nothing = LabelMap(np.zeros(SHAPE, np.uint8), label_map.geometry)
    replace_organs(segmentation, nothing, ["liver"], ModelTags("other", "Other: a|b", "2", "cd" * 32, "research"))
    liver = segmentation.GetSegmentation().GetSegment("liver")
    assert SegmentProperties.from_segment(liver).model.title == "Other; a/b"
    assert undo_last(segmentation) == ("liver",)
    assert SegmentProperties.from_segment(liver).model == provenance
    assert accepted_ids(segmentation) == ("liver",)
    assert np.array_equal(model_result(segmentation).array, label_map.array)
