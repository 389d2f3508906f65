"""Tests of the uncertainty's volume beside a segmentation."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from PediatricAbdomenSegLib.engine.cases.volume import ScalarMap
from PediatricAbdomenSegLib.scene.entropy_volume import ENTROPY_ROLE, store_entropy
from PediatricAbdomenSegLib.scene.images import geometry_of_volume, voxels_of


@pytest.fixture
def entropy(geometry) -> ScalarMap:
    """Numbers from 0 to 1 on the grid of the CT, each voxel another one."""
    numbers = np.linspace(0, 1, int(np.prod(geometry.shape)), dtype=np.float32)
    return ScalarMap(numbers.reshape(geometry.shape), geometry)


def test_the_map_lies_on_the_ct_with_its_numbers(segmentation, ct, entropy):
    node = store_entropy(segmentation, entropy, ct)
    assert node.GetName() == f"{segmentation.GetName()} entropy"
    assert geometry_of_volume(node).is_close_to(geometry_of_volume(ct))
    np.testing.assert_array_equal(voxels_of(node.GetImageData()), entropy.array)
    point = entropy.geometry.to_ras(np.array([3.0, 5.0, 7.0]))
    index = geometry_of_volume(node).to_index(point)
    assert voxels_of(node.GetImageData())[tuple(np.rint(index).astype(int))] == entropy.array[3, 5, 7]


def test_it_follows_the_cts_transform_and_folder(scene, segmentation, ct, entropy):
    transform = scene.AddNode(slicer.vtkMRMLLinearTransformNode())
    ct.SetAndObserveTransformNodeID(transform.GetID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.CreateItem(study, ct)
    node = store_entropy(segmentation, entropy, ct)
    assert node.GetTransformNodeID() == transform.GetID()
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_it_is_coloured_from_0_to_1_in_warm_colours_with_certain_voxels_transparent(scene, segmentation, ct, entropy):
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)
    display = store_entropy(segmentation, entropy, ct).GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0, 1) and not display.GetAutoWindowLevel()
    assert display.GetColorNode().GetTypeAsString() == "Warm1"
    assert display.GetApplyThreshold() and display.GetLowerThreshold() > 0


def test_no_view_shows_it_by_itself(scene, segmentation, ct, entropy):
    composite = scene.AddNode(slicer.vtkMRMLSliceCompositeNode())
    composite.SetBackgroundVolumeID(ct.GetID())
    store_entropy(segmentation, entropy, ct)
    assert composite.GetBackgroundVolumeID() == ct.GetID() and not composite.GetForegroundVolumeID()


def test_a_later_map_takes_the_earlier_ones_place(scene, segmentation, ct, entropy):
    first = store_entropy(segmentation, entropy, ct)
    first.GetDisplayNode().SetWindowLevel(0.5, 0.25)
    second = store_entropy(segmentation, ScalarMap(1 - entropy.array, entropy.geometry), ct)
    assert second is first and segmentation.GetNodeReference(ENTROPY_ROLE) is first
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2 + 1  # with the CT and the model's labels
    np.testing.assert_array_equal(voxels_of(first.GetImageData()), 1 - entropy.array)
    assert first.GetDisplayNode().GetWindow() == 0.5, "what the user has set stays"
