"""Tests of reading edited segments back."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.organs import HEPATOBLASTOMA, organ_by_key
from PediatricAbdomenSegLib.scene.images import oriented_image
from PediatricAbdomenSegLib.scene.segmentation_reader import read_label_map, read_masks
from scene_affines import AFFINES, SHAPE

LIVER, SPLEEN = (organ_by_key(key).label for key in ("liver", "spleen"))


def by_id(masks):
    return {mask.segment_id: mask for mask in masks}


def test_an_unedited_result_says_so(segmentation, ct):
    assert not any(mask.edited for mask in read_masks(segmentation, ct))


def test_only_the_edited_organ_is_edited(segmentation, ct, edit):
    edited = edit("liver", np.s_[15:18, 10:12], False)
    masks = by_id(read_masks(segmentation, ct))
    assert np.array_equal(masks["liver"].mask, edited)
    assert [name for name, mask in masks.items() if mask.edited] == ["liver"]


def test_without_the_models_labels_everything_counts_as_edited(scene, segmentation, ct):
    scene.RemoveNode(segmentation.GetNodeReference("PediatricAbdomenSeg.modelResult"))
    assert all(mask.edited for mask in read_masks(segmentation, ct))


def test_an_edit_over_a_neighbour_keeps_both_whole(segmentation, ct, edit, labels):
    liver = edit("liver", np.s_[12:20, 20:28, 30:40], True)
    masks = by_id(read_masks(segmentation, ct))
    assert np.array_equal(masks["liver"].mask, liver)
    assert np.array_equal(masks["spleen"].mask, labels == SPLEEN)
    assert (masks["liver"].mask & masks["spleen"].mask).any()


def test_in_a_label_map_the_higher_priority_wins(segmentation, ct, edit, labels):
    edit("liver", np.s_[12:20, 20:28, 30:40], True)
    resolved = read_label_map(segmentation, ct).array
    assert np.array_equal(resolved == SPLEEN, labels == SPLEEN)
    assert np.array_equal(resolved == LIVER, (labels == LIVER) | (labels == 0) & (resolved == LIVER))


def test_a_target_wins_over_the_organ_it_lies_in(segmentation, ct, geometry):
    segmentation.GetSegmentation().AddEmptySegment(HEPATOBLASTOMA.key, "GTV_Hepatobl")
    tumour = np.zeros(SHAPE, bool)
    tumour[14:18, 12:18, 10:18] = True
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(oriented_image(tumour, geometry.affine), segmentation, HEPATOBLASTOMA.key)
    assert np.array_equal(read_label_map(segmentation, ct).array == HEPATOBLASTOMA.label, tumour)
    assert by_id(read_masks(segmentation, ct))["liver"].mask[tumour].all()


def test_a_structure_of_the_users_own_is_no_organ_and_in_no_label_map(segmentation, ct, geometry, labels):
    segmentation.GetSegmentation().AddEmptySegment("Segment_1", "PTV")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    box = np.zeros(SHAPE, bool)
    box[3:9, 3:9, 3:9] = True
    logic.SetBinaryLabelmapToSegment(oriented_image(box, geometry.affine), segmentation, "Segment_1")
    own = by_id(read_masks(segmentation, ct))["Segment_1"]
    assert own.organ is None and own.edited and np.array_equal(own.mask, box)
    assert np.array_equal(read_label_map(segmentation, ct).array, labels)


def test_an_organ_is_recognised_by_the_name_people_give_it(scene, ct, geometry, labels):
    node = slicer.vtkMRMLSegmentationNode()
    scene.AddNode(node)
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    segment_id = node.GetSegmentation().AddEmptySegment("", "KIDNEY_L")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(oriented_image(labels == LIVER, geometry.affine), node, segment_id)
    assert read_masks(node, ct)[0].organ.key == "kidney_left"


def test_an_empty_segmentation_has_no_masks(scene, ct):
    node = slicer.vtkMRMLSegmentationNode()
    scene.AddNode(node)
    assert read_masks(node, ct) == ()
    assert not read_label_map(node, ct).array.any()


def test_voxels_outside_the_ct_are_refused_and_not_dropped(segmentation, ct, geometry):
    image = oriented_image(np.ones((3, 3, 3), bool), geometry.affine, (0, 0, -2))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(image, segmentation, "heart")
    with pytest.raises(InputError, match="18 voxels"):
        read_masks(segmentation, ct)


def test_segments_on_a_turned_grid_come_back_exactly(scene, add_volume, hounsfield, geometry, labels):
    volume = add_volume(hounsfield, geometry.affine)
    turned = geometry.affine @ np.array(
        [[-1, 0, 0, SHAPE[2] - 1], [0, -1, 0, SHAPE[1] - 1], [0, 0, -1, SHAPE[0] - 1], [0, 0, 0, 1.0]]
    )
    node = slicer.vtkMRMLSegmentationNode()
    scene.AddNode(node)
    node.GetSegmentation().AddEmptySegment("liver", "Liver")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    image = oriented_image(np.ascontiguousarray((labels == LIVER)[::-1, ::-1, ::-1]), turned)
    logic.SetBinaryLabelmapToSegment(image, node, "liver")
    assert np.array_equal(read_masks(node, volume)[0].mask, labels == LIVER)


def test_a_transform_of_ct_and_segmentation_together_changes_nothing(scene, segmentation, ct, labels):
    transform = slicer.vtkMRMLLinearTransformNode()
    scene.AddNode(transform)
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 40)
    transform.SetMatrixTransformToParent(matrix)
    for node in (segmentation, ct):
        node.SetAndObserveTransformNodeID(transform.GetID())
    assert np.array_equal(read_label_map(segmentation, ct).array, labels)


def test_a_transform_of_the_segmentation_alone_moves_it_on_the_ct(scene, segmentation, ct, labels):
    transform = slicer.vtkMRMLLinearTransformNode()
    scene.AddNode(transform)
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, -3 * 0.9)  # index x runs to the left, so three columns up
    transform.SetMatrixTransformToParent(matrix)
    segmentation.SetAndObserveTransformNodeID(transform.GetID())
    moved = read_label_map(segmentation, ct).array
    assert np.array_equal(moved[:, :, 3:], labels[:, :, :-3])


def test_a_warp_between_ct_and_segmentation_is_refused(scene, segmentation, ct):
    warp = slicer.vtkMRMLBSplineTransformNode()
    warp.SetAndObserveTransformToParent(_bspline())
    scene.AddNode(warp)
    segmentation.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(InputError, match="not linear"):
        read_masks(segmentation, ct)


def test_a_grid_of_another_spacing_is_resampled(segmentation, add_volume, ct):
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    half = AFFINES["supine"] @ coarse
    volume = add_volume(np.arange(12 * 20 * 25, dtype=np.int16).reshape(12, 20, 25), half, "coarse")
    found = read_label_map(segmentation, volume).array
    assert np.array_equal(found, read_label_map(segmentation, ct).array[::2, ::2, ::2])


def _bspline():
    grid = slicer.vtkOrientedBSplineTransform() if hasattr(slicer, "vtkOrientedBSplineTransform") else None
    transform = grid or vtk.vtkBSplineTransform()
    coefficients = vtk.vtkImageData()
    coefficients.SetDimensions(4, 4, 4)
    coefficients.SetSpacing(50, 50, 50)
    coefficients.AllocateScalars(vtk.VTK_DOUBLE, 3)
    coefficients.GetPointData().GetScalars().Fill(3.0)
    transform.SetCoefficientData(coefficients)
    return transform
