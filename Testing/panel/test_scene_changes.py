"""Results and the scene: closed, changed, deleted volumes; results that wait; a second run beside an edited first."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.worker.protocol import Result, Segment

RECORD = {
    "organs": [{"key": "liver"}, {"key": "spleen"}],
    "model": {"name": "toy", "title": "Toy", "version": "1", "sha256": "0" * 64, "status": "demonstration"},
    "notes": [],
}


@pytest.fixture
def finish(a_panel):
    """Let the worker answer the job at work with a liver."""

    def answer(notes=()):
        import json
        from pathlib import Path

        from PediatricAbdomenSegLib.engine.cases.image_file import read_image, write_label_map
        from PediatricAbdomenSegLib.engine.cases.volume import LabelMap

        job = a_panel.session.runner.current
        geometry = read_image(Path(job.request.input)).geometry
        labels = np.zeros(geometry.shape, np.uint8)
        labels[5:15, 20:40, 20:40] = 6
        job.result_folder.mkdir()
        write_label_map(LabelMap(labels, geometry), job.result_folder / "labels.nii.gz")
        record = {**RECORD, "notes": list(notes)}
        (job.result_folder / "result.json").write_text(json.dumps(record))
        a_panel.processes.last.be_ready()
        a_panel.processes.last.say(Result(job.id, record))

    return answer


def segmentations():
    import slicer

    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    return [slicer.mrmlScene.GetNthNodeByClass(index, "vtkMRMLSegmentationNode") for index in range(count)]


def test_a_result_becomes_the_segmentation_under_review(a_panel, a_ct, finish, tmp_path):
    a_panel.session.segment(a_ct, Segment("", "", ""))
    finish(notes=["The GPU was passed over."])
    (node,) = segmentations()
    assert a_panel.parameters.segmentation is node
    assert a_panel.tabs.currentIndex == 1
    assert a_panel.session.message == "The GPU was passed over."
    assert list((tmp_path / "Jobs").glob("*/job.json")) == []


def test_a_second_run_makes_a_second_node(a_panel, a_ct, finish):
    for _ in range(2):
        a_panel.session.segment(a_ct, Segment("", "", ""))
        finish()
    assert [node.GetName() for node in segmentations()] == ["CT segmentation", "CT segmentation 2"]


def test_chosen_organs_are_replaced_where_that_is_wanted(a_panel, a_ct, finish):
    from PediatricAbdomenSegLib.scene import edit_tools
    from PediatricAbdomenSegLib.scene.segmentation_reader import read_masks

    a_panel.session.segment(a_ct, Segment("", "", ""))
    finish()
    (node,) = segmentations()
    edit_tools.crop_beyond_slice(node, "liver", (0.0, 0.0, 80.0), "above")
    cut = int(read_masks(node, a_ct)[0].mask.sum())
    a_panel.session.segment(a_ct, Segment("", "", ""), node)
    finish()
    assert segmentations() == [node]
    assert int(read_masks(node, a_ct)[0].mask.sum()) > cut


def test_a_result_for_a_deleted_volume_is_kept_and_offered(a_panel, a_ct, finish):
    import slicer

    a_panel.session.segment(a_ct, Segment("", "", ""))
    slicer.mrmlScene.RemoveNode(a_ct)
    finish()
    assert segmentations() == []
    assert "not in the scene any more" in a_panel.session.message
    assert a_panel.segment.ui.unclaimedFrame.visible
    assert "is not in any scene yet" in a_panel.segment.ui.unclaimedLabel.text


def test_a_kept_result_can_be_put_on_its_own_ct_loaded_anew(a_panel, a_ct, finish, monkeypatch):
    import slicer

    from panel.page_fixtures import body_image

    a_panel.session.segment(a_ct, Segment("", "", ""))
    slicer.mrmlScene.RemoveNode(a_ct)
    finish()

    def load(path):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "input")
        slicer.util.updateVolumeFromArray(node, body_image())
        node.SetSpacing(4.0, 4.0, 8.0)
        return node

    monkeypatch.setattr(slicer.util, "loadVolume", load)
    a_panel.segment._left.take()
    assert len(segmentations()) == 1
    assert not a_panel.segment.ui.unclaimedFrame.visible


def test_a_scene_closed_during_a_run_gets_no_foreign_result(a_panel, a_ct, finish, slicer_host):
    a_panel.session.segment(a_ct, Segment("", "", ""))
    a_panel.panel.set_parameters(None)
    a_panel.panel.scene_about_to_close()
    slicer_host.close_scene()
    finish()
    assert segmentations() == []
    assert len(a_panel.session.unclaimed) == 1


def test_a_kept_result_can_be_discarded(a_panel, a_ct, finish, slicer_host):
    import slicer

    a_panel.session.segment(a_ct, Segment("", "", ""))
    slicer.mrmlScene.RemoveNode(a_ct)
    finish()
    a_panel.segment._left._discard()
    assert a_panel.session.unclaimed == ()


def test_a_kept_result_goes_onto_the_ct_with_its_voxels_and_not_onto_one_of_the_same_size(a_panel, a_ct, finish):
    import slicer

    from panel.page_fixtures import body_image
    from PediatricAbdomenSegLib.scene.segment_arrays import reference_volume

    a_ct.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    a_panel.session.segment(a_ct, Segment("", "", ""))
    slicer.mrmlScene.RemoveNode(a_ct)
    finish()
    other_child = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Other child")
    slicer.util.updateVolumeFromArray(other_child, body_image() // 2)
    other_child.SetSpacing(4.0, 4.0, 8.0)
    a_panel.parameters.input_volume = other_child
    a_panel.segment._left.take()
    (node,) = segmentations()
    own_ct = reference_volume(node)
    assert own_ct is not other_child
    assert own_ct.GetName().startswith("CT of ")
    assert own_ct.GetAttribute("DICOM.instanceUIDs") == "1.2.3 1.2.4"
    assert a_panel.parameters.input_volume is own_ct


def test_a_kept_result_finds_its_ct_that_was_loaded_again(a_panel, a_ct, finish):
    import slicer

    from panel.page_fixtures import body_image
    from PediatricAbdomenSegLib.scene.segment_arrays import reference_volume

    a_panel.session.segment(a_ct, Segment("", "", ""))
    slicer.mrmlScene.RemoveNode(a_ct)
    finish()
    again = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT again")
    slicer.util.updateVolumeFromArray(again, body_image())
    again.SetSpacing(4.0, 4.0, 8.0)
    a_panel.segment._left.take()
    assert reference_volume(segmentations()[0]) is again


def test_a_kept_result_whose_copy_is_damaged_leaves_the_scene_as_it_is(a_panel, a_ct, finish):
    import slicer

    a_panel.session.segment(a_ct, Segment("", "", ""))
    slicer.mrmlScene.RemoveNode(a_ct)
    finish()
    from pathlib import Path

    Path(a_panel.session.unclaimed[0].job.request.input).write_bytes(b"no image")
    count = slicer.mrmlScene.GetNumberOfNodes()
    a_panel.segment._left.take()
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    assert a_panel.session.has_failed
    assert a_panel.segment.ui.unclaimedFrame.visible


def test_a_result_does_not_push_aside_what_is_being_reviewed(a_panel, a_ct, finish, slicer_host):
    a_panel.session.segment(a_ct, Segment("", "", ""))
    finish()
    first = a_panel.parameters.segmentation
    a_panel.session.segment(a_ct, Segment("", "", ""))
    a_panel.tabs.setCurrentIndex(1)
    finish()
    assert a_panel.parameters.segmentation is first
    assert '"CT segmentation 2" is ready' in a_panel.review.ui.flagsLabel.text


def test_a_result_that_came_while_another_module_was_open_is_shown_on_coming_back(a_panel, a_ct, finish):
    a_panel.panel.enter()
    a_panel.session.segment(a_ct, Segment("", "", ""))
    a_panel.panel.exit()
    a_panel.panel.set_parameters(None)
    finish()
    a_panel.panel.set_parameters(a_panel.parameters)
    assert a_panel.parameters.segmentation is segmentations()[0]
    assert a_panel.tabs.currentIndex == 1


def test_organs_of_another_ct_are_never_replaced(a_panel, a_ct, finish, click):
    import slicer

    from panel.page_fixtures import body_image

    a_panel.session.segment(a_ct, Segment("", "", ""))
    finish()
    other_child = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Other child")
    slicer.util.updateVolumeFromArray(other_child, body_image())
    other_child.SetSpacing(4.0, 4.0, 8.0)
    a_panel.parameters.input_volume, a_panel.parameters.replace_organs = other_child, True
    a_panel.tabs.setCurrentIndex(0)
    click(a_panel.segment.ui.segmentButton)
    assert "was not made on this CT" in a_panel.segment.ui.problemsLabel.text
    assert a_panel.session.runner.current is None
