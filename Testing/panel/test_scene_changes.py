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
