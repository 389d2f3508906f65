"""Tests of saving a scene with a result and opening it again."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import slicer

from PediatricAbdomenSegLib.scene import edit_tools
from PediatricAbdomenSegLib.scene.display import apply_preset, is_segment_visible
from PediatricAbdomenSegLib.scene.review import review_state, set_review_state
from PediatricAbdomenSegLib.scene.segment_properties import SegmentProperties
from PediatricAbdomenSegLib.scene.segmentation_reader import read_label_map, read_masks


def save_as_folder(scene, folder):
    """As Slicer's save dialog: every storable node into a file, then the scene."""
    scene.SetRootDirectory(str(folder))
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLStorableNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLStorableNode")
        if node.GetSaveWithScene() and not node.GetHideFromEditors() and node.CreateDefaultStorageNode() is not None:
            node.AddDefaultStorageNode()
            storage = node.GetStorageNode()
            storage.SetFileName(str(folder / f"{node.GetID()}.{storage.GetDefaultWriteFileExtension().lstrip('.')}"))
            assert storage.WriteData(node)
    url = folder / "scene.mrml"
    scene.SetURL(str(url))
    assert scene.Commit()
    return url


def save_as_bundle(scene, folder):
    """As one .mrb, which is a zip file; unpacked here, because reading it needs the application's cache folder."""
    bundle = folder / "scene.mrb"
    assert scene.WriteToMRB(str(bundle))
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder / "unpacked")
    (url,) = (folder / "unpacked").rglob("*.mrml")
    return url


@pytest.fixture(params=[save_as_folder, save_as_bundle])
def reopened(request, scene, segmentation, ct, edit, tmp_path):
    """The edited and reviewed result, its scene saved, and opened as another one."""
    edit("liver", np.s_[12:20, 20:28, 30:40], True)  # over the spleen
    edit("kidney_left", np.s_[6:8], False)
    set_review_state(segmentation, "spleen", "accepted")
    apply_preset(segmentation, "type1")
    masks = {mask.segment_id: mask.mask for mask in read_masks(segmentation, ct)}
    path = request.param(scene, tmp_path)
    other = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(other)
    other.SetURL(str(path))
    assert other.Connect()
    node = other.GetFirstNodeByName(segmentation.GetName())
    yield node, other.GetFirstNodeByName("CT"), masks
    other.Clear(False)


def test_segments_come_back_with_overlaps(reopened):
    node, volume, masks = reopened
    found = {mask.segment_id: mask.mask for mask in read_masks(node, volume)}
    assert list(found) == list(masks)
    for segment_id, mask in masks.items():
        assert np.array_equal(found[segment_id], mask), segment_id


def test_what_was_edited_is_still_known(reopened):
    node, volume, _ = reopened
    assert {mask.segment_id for mask in read_masks(node, volume) if mask.edited} == {"liver", "kidney_left"}


def test_properties_verdicts_and_visibility_come_back(reopened, provenance):
    node, _, _ = reopened
    properties = SegmentProperties.from_segment(node.GetSegmentation().GetSegment("spleen"))
    expected = SegmentProperties.of_organ(properties.organ, provenance)
    assert np.allclose(properties.color, expected.color, atol=1e-5)  # six digits in the file
    assert replace(properties, color=expected.color) == expected
    assert (review_state(node, "spleen"), review_state(node, "heart")) == ("accepted", "")
    assert is_segment_visible(node, "spleen") and not is_segment_visible(node, "vertebrae")


def test_the_models_result_can_still_be_restored(reopened, label_map):
    node, volume, _ = reopened
    for segment_id in ("liver", "kidney_left"):
        assert edit_tools.restore_model_result(node, segment_id)
    assert np.array_equal(read_label_map(node, volume).array, label_map.array)


def test_tools_and_undo_work_after_opening(reopened):
    node, volume, masks = reopened
    assert edit_tools.swap_sides(node, "kidney_left")
    assert edit_tools.undo_last(node)
    found = {mask.segment_id: mask.mask for mask in read_masks(node, volume)}
    assert np.array_equal(found["kidney_left"], masks["kidney_left"])
