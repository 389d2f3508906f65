"""The module in the stand-in application: opened twice, reloaded, scene closed, saved and loaded."""

from __future__ import annotations

import pytest


@pytest.fixture
def an_open_module(slicer_host, a_module):
    """The module's widget, opened by the application."""
    return slicer_host.open_panel(a_module)


def test_the_module_says_what_it_is(a_module):
    assert a_module.title == "Pediatric Abdomen Segmentation"
    assert a_module.categories == ["Segmentation"]
    assert "arxiv.org/abs/2605.06820" in a_module.acknowledgementText
    assert "not for clinical use" in a_module.helpText.replace("\n", " ")


def test_the_phantom_is_among_the_sample_data(slicer_host, a_module):
    source = slicer_host.sample_data.sources[-1]
    assert source["sampleName"] == "PediatricAbdomenPhantom"
    assert callable(source["customDownloader"])


def test_the_sample_data_say_that_a_worker_is_needed(slicer_host, a_module):
    source = slicer_host.sample_data.sources[-1]
    assert source["customDownloader"](None) == []
    assert "Runtime" in str(slicer_host.messages.shown)


def test_a_chosen_volume_survives_leaving_and_coming_back(an_open_module, a_ct):
    an_open_module.panel.session.parameters.input_volume = a_ct
    an_open_module.exit()
    assert an_open_module.panel.session.parameters is None
    an_open_module.enter()
    assert an_open_module.panel.pages["SegmentPage"].ui.inputSelector.currentNode() is a_ct


def test_a_closed_scene_leaves_the_panel_usable(slicer_host, an_open_module, a_ct):
    an_open_module.panel.session.parameters.input_volume = a_ct
    slicer_host.close_scene()
    assert an_open_module.panel.session.parameters.input_volume is None
    assert an_open_module.panel.session.parameters.model == "multi-organ"


def test_a_segmentation_that_is_deleted_leaves_the_review_empty(an_open_module):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.GetSegmentation().AddEmptySegment("liver")
    an_open_module.panel.session.parameters.segmentation = node
    review = an_open_module.panel.pages["ReviewPage"]
    assert "not in the scene any more" in review.ui.flagsLabel.text  # it has no CT
    slicer.mrmlScene.RemoveNode(node)
    assert review.segmentation is None
    assert not an_open_module.panel.pages["ExportPage"].ui.exportButton.enabled


def test_a_reload_gives_a_working_panel(slicer_host, a_module, an_open_module):
    new = slicer_host.reload_module(a_module)
    assert new is not an_open_module
    assert new.panel.session is not None
    assert new.ui.pagesTabWidget.count == 5


def test_choices_are_saved_with_the_scene(slicer_host, an_open_module, tmp_path):
    import slicer

    parameters = an_open_module.panel.session.parameters
    parameters.organ_choice, parameters.device, parameters.accepted_only = "type1", "cpu", True
    path = str(tmp_path / "scene.mrml")
    slicer.mrmlScene.SetURL(path)
    assert slicer.mrmlScene.Commit(path)
    slicer_host.close_scene()
    assert an_open_module.panel.session.parameters.organ_choice == "all"
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.Import()
    parameters = an_open_module.panel.session.parameters
    assert (parameters.organ_choice, parameters.device, parameters.accepted_only) == ("type1", "cpu", True)
    assert an_open_module.panel.pages["SegmentPage"].ui.organChoiceComboBox.currentText.startswith("Type 1")
