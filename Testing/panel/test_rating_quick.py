"""Scoring the segmentation that was just made, without a study."""

from __future__ import annotations

import json

import numpy as np
import pytest

from panel.rating_fixtures import RATING_TAB, RatingPanel, labels


@pytest.fixture
def a_quick_panel(a_panel, a_ct, tmp_path):
    """A result under review, and the page Score with a folder for scores."""
    import slicer

    from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
    from PediatricAbdomenSegLib.engine.organs import organ_by_key
    from PediatricAbdomenSegLib.scene.images import geometry_of_volume
    from PediatricAbdomenSegLib.scene.segment_properties import ModelTags
    from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation

    label_map = LabelMap(labels(), geometry_of_volume(a_ct))
    tags = ModelTags("toy", "Toy", "1", "cd" * 32, "demonstration")
    organs = [organ_by_key(key) for key in ("spleen", "liver")]
    a_panel.parameters.segmentation = build_segmentation(slicer.mrmlScene, label_map, a_ct, organs, tags)
    a_panel.panel.enter()
    a_panel.tabs.setCurrentIndex(RATING_TAB)
    return RatingPanel(a_panel, tmp_path / "scores")


def begin(panel, rater="Dr A"):
    panel.ui.studyPathLineEdit.currentPath = str(panel.study)
    panel.ui.raterComboBox.setEditText(rater)
    panel.ui.quickButton.click()


def test_the_result_is_scored_with_the_hash_of_its_contours_and_of_its_model(a_quick_panel):
    begin(a_quick_panel)
    assert a_quick_panel.scores() == {"spleen": None, "liver": None}
    a_quick_panel.press("liver", 4)
    (record,) = a_quick_panel.saved()
    assert (record["study_id"], record["bundle_sha256"]) == ("quick", "cd" * 32)
    assert record["source_token"] == record["segmentation_sha256"]
    assert "CT" not in json.dumps(record)


def test_the_same_contours_are_known_again_and_others_are_not(a_quick_panel):
    from PediatricAbdomenSegLib.scene import edit_tools

    begin(a_quick_panel)
    a_quick_panel.press("liver", 4)
    a_quick_panel.ui.endButton.click()
    begin(a_quick_panel)
    assert a_quick_panel.scores() == {"spleen": None, "liver": 4}
    a_quick_panel.ui.endButton.click()
    node = a_quick_panel.panel.parameters.segmentation
    edit_tools.crop_beyond_slice(node, "liver", (0.0, 0.0, 80.0), edit_tools.ABOVE)
    begin(a_quick_panel)
    assert a_quick_panel.scores() == {"spleen": None, "liver": None}


def test_the_users_own_nodes_stay_in_the_scene(a_quick_panel):
    import slicer

    begin(a_quick_panel)
    a_quick_panel.ui.endButton.click()
    node = a_quick_panel.panel.parameters.segmentation
    assert slicer.mrmlScene.GetNodeByID(node.GetID()) is node


def test_all_organs_scored_is_the_end(a_quick_panel):
    begin(a_quick_panel)
    a_quick_panel.press("spleen", 5)
    a_quick_panel.press("liver", 5)
    assert a_quick_panel.message.startswith("All cases are scored.")
    assert a_quick_panel.ui.nextCaseButton.isHidden()


def test_without_segmentation_folder_or_rater_nothing_begins(a_quick_panel):
    begin(a_quick_panel, rater="")
    assert "No rater is named." in a_quick_panel.message
    a_quick_panel.ui.studyPathLineEdit.currentPath = ""
    a_quick_panel.ui.quickButton.click()
    assert "No folder is named." in a_quick_panel.message
    a_quick_panel.panel.parameters.segmentation = None
    assert not a_quick_panel.ui.quickButton.enabled


def test_scores_of_single_segmentations_do_not_go_into_a_study(a_quick_panel, a_rating_study):
    a_quick_panel.study = a_rating_study
    begin(a_quick_panel)
    assert "holds a study" in a_quick_panel.message


def test_a_segmentation_that_is_removed_ends_scoring(a_quick_panel):
    import slicer

    begin(a_quick_panel)
    a_quick_panel.press("liver", 4)
    slicer.mrmlScene.RemoveNode(a_quick_panel.panel.parameters.segmentation)
    a_quick_panel.panel.panel.refresh()
    assert "not in the scene any more" in a_quick_panel.message
    assert not a_quick_panel.page.is_at_work
    assert len(a_quick_panel.saved()) == 1


def test_a_comment_with_the_patients_name_is_refused(a_quick_panel, tmp_path):
    from dataclasses import replace

    from ct_series_builder import write_series
    from PediatricAbdomenSegLib.engine.cases.series_references import read_references

    def named(index, dataset):
        dataset.PatientName = "Mueller^Johanna"

    folder = write_series(tmp_path / "ct", hounsfield=np.zeros((2, 4, 4), np.int16), change=named)
    begin(a_quick_panel)
    task = a_quick_panel.page._task
    task.subject = replace(task.subject, dicom_folder=folder, series=read_references(folder).series_instance_uid)
    a_quick_panel.page._table.select("liver")
    a_quick_panel.ui.commentLineEdit.text = "Johanna's liver"
    a_quick_panel.press("liver", 4)
    assert "name" in a_quick_panel.message
    assert not a_quick_panel.study.exists() or not a_quick_panel.saved()
