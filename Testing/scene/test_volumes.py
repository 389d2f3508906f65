"""Tests of volume nodes as input: what is refused and why, and what the engine gets."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

from ct_series_builder import ORIENTATIONS, write_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.image_file import read_image
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.scene import volumes
from PediatricAbdomenSegLib.scene.images import affine_of, geometry_of_volume
from PediatricAbdomenSegLib.scene.volumes import harden_copy, input_problem, volume_of, write_input
from scene_affines import AFFINES, SHAPE


@pytest.fixture
def linear(scene):
    """A rotation by 90° about the long axis and a shift."""
    node = slicer.vtkMRMLLinearTransformNode()
    node.SetName("registration")
    scene.AddNode(node)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy([0, -1, 0, 5, 1, 0, 0, 0, 0, 0, 1, -7, 0, 0, 0, 1])
    node.SetMatrixTransformToParent(matrix)
    return node


@pytest.fixture
def warp(scene):
    """A thin-plate spline: not linear."""
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for x, y, z in [(0, 0, 0), (30, 0, 0), (0, 30, 0), (0, 0, 30), (10, 10, 10)]:
        points[0].InsertNextPoint(x, y, z)
        points[1].InsertNextPoint(x + x * y * 0.01 + 2, y, z)
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    spline.SetBasisToR()
    node = slicer.vtkMRMLTransformNode()
    node.SetName("warp")
    scene.AddNode(node)
    node.SetAndObserveTransformToParent(spline)
    return node


def test_a_plain_ct_has_no_problem(ct):
    assert input_problem(ct) is None


def test_no_volume_is_named():
    assert input_problem(None).kind == volumes.NO_VOLUME


def test_a_volume_deleted_meanwhile_is_no_volume(scene, ct):
    scene.RemoveNode(ct)
    assert input_problem(ct).kind == volumes.NO_VOLUME


def test_a_label_map_is_refused(add_volume, labels, geometry):
    node = add_volume(labels, geometry.affine, "labels", "vtkMRMLLabelMapVolumeNode")
    assert input_problem(node).kind == volumes.LABEL_MAP


def test_a_segmentation_is_refused(segmentation):
    assert input_problem(segmentation).kind == volumes.LABEL_MAP


def test_a_node_that_is_no_volume_is_refused(linear):
    assert input_problem(linear).kind == volumes.NOT_SCALAR


def test_a_colour_picture_is_refused(add_volume, geometry):
    node = add_volume(np.zeros(SHAPE, np.uint8), geometry.affine, "RGB", "vtkMRMLVectorVolumeNode")
    node.GetImageData().AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    assert input_problem(node).kind == volumes.NOT_SCALAR


def test_a_sequence_and_its_current_frame_are_refused(scene, ct):
    sequence, browser = slicer.vtkMRMLSequenceNode(), slicer.vtkMRMLSequenceBrowserNode()
    scene.AddNode(sequence)
    scene.AddNode(browser)
    sequence.SetDataNodeAtValue(ct, "0")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    assert input_problem(ct) is None
    browser.AddProxyNode(ct, sequence, False)
    assert input_problem(ct).kind == volumes.SEQUENCE
    assert input_problem(sequence).kind == volumes.SEQUENCE


def test_a_volume_without_image_is_refused(scene):
    node = slicer.vtkMRMLScalarVolumeNode()
    scene.AddNode(node)
    assert input_problem(node).kind == volumes.NO_IMAGE


def test_a_single_slice_is_refused(add_volume, geometry):
    node = add_volume(np.zeros((1, 40, 50), np.int16), geometry.affine, "slice")
    assert input_problem(node).kind == volumes.SINGLE_SLICE


def test_a_sheared_volume_is_refused(scene, ct):
    transform = slicer.vtkMRMLLinearTransformNode()
    scene.AddNode(transform)
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 2, 0.2)
    transform.SetMatrixTransformToParent(matrix)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    assert input_problem(harden_copy(scene, ct)).kind == volumes.SHEARED


@pytest.mark.parametrize("where", ["node", "subject hierarchy"])
def test_mr_is_refused_by_a_model_for_ct(scene, ct, where):
    if where == "node":
        ct.SetAttribute("DICOM.Modality", "MR")
    else:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), ct)
        hierarchy.SetItemAttribute(item, "DICOM.Modality", "MR")
    problem = input_problem(ct)
    assert problem.kind == volumes.WRONG_MODALITY
    assert "MR" in problem.message and "CT" in problem.hint
    assert input_problem(ct, modality="MR") is None


def test_a_linear_transform_is_named_and_a_copy_offered(ct, linear):
    ct.SetAndObserveTransformNodeID(linear.GetID())
    problem = input_problem(ct)
    assert (problem.kind, problem.hardened_copy_helps) == (volumes.LINEAR_TRANSFORM, True)
    assert "registration" in problem.message


def test_an_identity_transform_is_no_problem(scene, ct):
    node = slicer.vtkMRMLLinearTransformNode()
    scene.AddNode(node)
    ct.SetAndObserveTransformNodeID(node.GetID())
    assert input_problem(ct) is None


def test_a_warp_is_named_and_a_copy_offered(ct, warp):
    ct.SetAndObserveTransformNodeID(warp.GetID())
    problem = input_problem(ct)
    assert (problem.kind, problem.hardened_copy_helps) == (volumes.NONLINEAR_TRANSFORM, True)


def test_looking_for_problems_changes_nothing(scene, ct, warp):
    ct.SetAndObserveTransformNodeID(warp.GetID())
    before, image = scene.GetNumberOfNodes(), ct.GetImageData().GetMTime()
    input_problem(ct)
    assert (scene.GetNumberOfNodes(), ct.GetImageData().GetMTime()) == (before, image)


def test_a_copy_under_a_linear_transform_keeps_its_voxels_and_moves(scene, ct, linear, hounsfield, geometry):
    ct.SetAttribute("DICOM.instanceUIDs", "1.2 1.3")
    ct.SetAttribute("DICOM.Modality", "CT")
    ct.SetAndObserveTransformNodeID(linear.GetID())
    copy = harden_copy(scene, ct)
    assert input_problem(copy) is None
    matrix = vtk.vtkMatrix4x4()
    linear.GetMatrixTransformToParent(matrix)
    assert np.allclose(geometry_of_volume(copy).affine, affine_of(matrix) @ geometry.affine)
    assert np.array_equal(volume_of(copy).array, hounsfield)
    assert copy.GetAttribute("DICOM.instanceUIDs") is None
    assert volume_of(copy).modality == "CT"
    assert ct.GetTransformNodeID() == linear.GetID()
    assert np.allclose(geometry_of_volume(ct).affine, geometry.affine)


def test_a_copy_under_a_warp_is_resampled_and_the_original_stays(scene, ct, warp, hounsfield):
    ct.SetAndObserveTransformNodeID(warp.GetID())
    copy = harden_copy(scene, ct)
    assert input_problem(copy) is None
    assert copy.GetParentTransformNode() is None
    assert not np.array_equal(volume_of(copy).array, hounsfield)
    assert np.array_equal(volume_of(ct).array, hounsfield)


def test_copies_get_names_of_their_own(scene, ct, linear):
    ct.SetAndObserveTransformNodeID(linear.GetID())
    assert [harden_copy(scene, ct).GetName() for _ in range(2)] == ["CT (transformed)", "CT (transformed) 2"]


@pytest.mark.parametrize("orientation", sorted(AFFINES))
def test_the_engine_gets_the_voxels_where_they_are(add_volume, hounsfield, orientation):
    volume = volume_of(add_volume(hounsfield, AFFINES[orientation]))
    assert volume.array.dtype == np.int16
    assert np.array_equal(volume.array, hounsfield)
    assert np.allclose(volume.geometry.affine, AFFINES[orientation])


def test_floats_are_rounded_and_clipped(add_volume, geometry):
    array = np.zeros(SHAPE, np.float32)
    array[0, 0, :4] = (40.6, -1024.4, 1e6, -1e6)
    volume = volume_of(add_volume(array, geometry.affine))
    assert volume.array[0, 0, :4].tolist() == [41, -1024, 32767, -32768]


def test_nan_is_refused(add_volume, geometry):
    array = np.zeros(SHAPE, np.float32)
    array[0, 0, :3] = np.nan
    with pytest.raises(InputError, match="3 voxels"):
        volume_of(add_volume(array, geometry.affine))


def test_a_volume_of_one_value_is_refused(add_volume, geometry):
    with pytest.raises(InputError, match="all voxels are 0"):
        volume_of(add_volume(np.zeros(SHAPE, np.int16), geometry.affine))


@pytest.mark.parametrize("orientation", sorted(AFFINES))
def test_the_worker_reads_what_slicer_shows(add_volume, hounsfield, tmp_path, orientation):
    node = add_volume(hounsfield, AFFINES[orientation], "Doe, Jane")
    path = write_input(node, tmp_path / "Übung mit Leerzeichen")
    assert path.name == "input.nrrd"
    volume = read_image(path)
    assert np.array_equal(volume.array, hounsfield)
    assert np.allclose(volume.geometry.affine, AFFINES[orientation], atol=1e-6)


@pytest.fixture(params=sorted(set(ORIENTATIONS) - {"coronal"}))
def a_loaded_series(request, scene, tmp_path):
    """A DICOM series read by Slicer's own storage node, its folder, and SOP instance → file."""
    import pydicom

    folder = write_series(tmp_path / "ct", orientation=ORIENTATIONS[request.param])
    files = sorted(folder.iterdir())
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetSingleFile(0)
    storage.SetFileName(str(files[0]))
    for path in files:
        storage.AddFileName(str(path))
    node = slicer.vtkMRMLScalarVolumeNode()
    scene.AddNode(node)
    assert storage.ReadData(node)
    by_uid = {str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID): str(path) for path in files}
    node.SetAttribute("DICOM.instanceUIDs", " ".join(by_uid))
    return node, folder, lambda uid: by_uid.get(uid, "")


def test_slicers_grid_of_a_series_is_the_engines(a_loaded_series):
    node, folder, file_of_instance = a_loaded_series
    ours, slicers = read_series(folder), volume_of(node, file_of_instance)
    voxels = np.array([[0, 0, 0], [4, 39, 47], [2, 7, 31]])
    to_slicers = np.linalg.inv(slicers.geometry.affine)
    places = np.c_[ours.geometry.to_ras(voxels), np.ones(3)] @ to_slicers.T
    x, y, z = np.rint(places[:, :3]).astype(int).T
    assert np.abs(places[:, :3] - np.c_[x, y, z]).max() < 0.01
    assert np.array_equal(slicers.array[z, y, x], ours.array[tuple(voxels.T)])


def test_a_volume_knows_the_dicom_slices_behind_it(a_loaded_series):
    node, folder, file_of_instance = a_loaded_series
    ours, slicers = read_series(folder).references, volume_of(node, file_of_instance)
    assert sorted(slicers.references.slices, key=str) == sorted(ours.slices, key=str)
    assert slicers.references.series_instance_uid == ours.series_instance_uid
    assert slicers.references.patient_age_years == 4.0
    for index, instance in enumerate(slicers.references.slices):
        corner = slicers.geometry.to_ras(np.array([index, 0, 0])) * (-1, -1, 1)
        assert np.allclose(corner, instance.position_mm, atol=1e-3)


def test_without_a_database_or_with_a_file_gone_there_are_no_references(a_loaded_series):
    node, folder, file_of_instance = a_loaded_series
    assert volume_of(node).references is None
    next(folder.iterdir()).unlink()
    assert volume_of(node, file_of_instance).references is None


def test_a_volume_moved_after_loading_is_not_taken_for_its_series(a_loaded_series):
    node, _, file_of_instance = a_loaded_series
    node.SetOrigin(node.GetOrigin()[0] + 10, *node.GetOrigin()[1:])
    with pytest.raises(InputError, match="Image Position"):
        volume_of(node, file_of_instance)


def test_a_cropped_volume_is_not_taken_for_its_series(a_loaded_series):
    node, _, file_of_instance = a_loaded_series
    crop = vtk.vtkExtractVOI()
    crop.SetInputData(node.GetImageData())
    crop.SetVOI(0, 47, 0, 39, 0, 3)
    crop.Update()
    node.SetAndObserveImageData(crop.GetOutput())
    with pytest.raises(InputError, match="5 DICOM images for a volume of 4 slices"):
        volume_of(node, file_of_instance)


def test_a_volume_is_known_again_by_voxels_and_place(add_volume, hounsfield):
    node, volume = add_volume(hounsfield, AFFINES["supine"]), volume_of(add_volume(hounsfield, AFFINES["supine"]))
    assert volumes.has_voxels_of(node, volume)
    moved = AFFINES["supine"].copy()
    moved[2, 3] += 5.0
    assert not volumes.has_voxels_of(add_volume(hounsfield, moved), volume)
    assert not volumes.has_voxels_of(add_volume(hounsfield[::-1].copy(), AFFINES["supine"]), volume)
