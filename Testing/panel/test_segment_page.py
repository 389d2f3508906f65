"""The page Segment: choices, checks before a run, the one button, queue, and what happens to scene and results."""

from __future__ import annotations

import pytest
import vtk

from panel.page_fixtures import write_model
from PediatricAbdomenSegLib.engine.worker.protocol import Failed, Progress, Segment


@pytest.fixture
def a_ready_panel(a_panel, a_ct):
    """A panel with a CT chosen."""
    a_panel.parameters.input_volume = a_ct
    return a_panel


def confirm_and_start(panel, click):
    click(panel.segment.ui.segmentButton)
    if panel.segment.ui.confirmCheckBox.visible:
        click(panel.segment.ui.confirmCheckBox)
        click(panel.segment.ui.segmentButton)
    return panel.session.runner.current


def test_the_model_and_its_status_are_shown(a_panel):
    ui = a_panel.segment.ui
    assert ui.modelComboBox.currentText == "Toy"
    for fact in ("demonstration", "Three organs of a toy", "CT", "0 to 18 years"):
        assert fact in ui.modelCardLabel.text


def test_without_a_volume_the_button_says_what_is_missing(a_panel, click):
    click(a_panel.segment.ui.segmentButton)
    assert "No volume is chosen" in a_panel.segment.ui.problemsLabel.text
    assert not a_panel.segment.ui.confirmCheckBox.visible
    assert a_panel.session.runner.current is None


def test_doubts_have_to_be_confirmed_once(a_ready_panel, click):
    click(a_ready_panel.segment.ui.segmentButton)
    assert "8.0 mm apart" in a_ready_panel.segment.ui.problemsLabel.text
    assert a_ready_panel.session.runner.current is None
    click(a_ready_panel.segment.ui.confirmCheckBox)
    click(a_ready_panel.segment.ui.segmentButton)
    assert a_ready_panel.session.runner.current is not None


def test_another_choice_takes_the_doubts_away(a_ready_panel, click):
    click(a_ready_panel.segment.ui.segmentButton)
    a_ready_panel.parameters.device = "cpu"
    assert not a_ready_panel.segment.ui.problemsLabel.visible


def test_the_button_turns_into_cancel_and_back(a_ready_panel, click):
    ui = a_ready_panel.segment.ui
    job = confirm_and_start(a_ready_panel, click)
    assert ui.segmentButton.text == "Cancel"
    process = a_ready_panel.processes.last
    process.be_ready()
    process.say(Progress(job.id, "network", 0.25, 120.0))
    assert ui.progressBar.value == 250
    assert ui.stageLabel.text == "Finding the organs, about 2 min left"
    click(ui.segmentButton)
    assert ui.stageLabel.text == "Cancelling"
    assert not ui.segmentButton.enabled
    process.end()
    assert ui.segmentButton.text == "Segment"
    assert ui.stageLabel.text == "Cancelled."


def test_a_failure_is_one_clear_message(a_ready_panel, click):
    job = confirm_and_start(a_ready_panel, click)
    a_ready_panel.processes.last.be_ready()
    a_ready_panel.processes.last.say(Failed(job.id, "model", "The weights are altered.", "Install them again.", 4))
    text = a_ready_panel.segment.ui.stageLabel.text
    assert text.endswith("<b>The weights are altered.</b> Install them again.")


def test_several_volumes_wait_in_a_queue(a_ready_panel, click):
    confirm_and_start(a_ready_panel, click)
    click(a_ready_panel.segment.ui.queueButton)
    click(a_ready_panel.segment.ui.confirmCheckBox)
    click(a_ready_panel.segment.ui.queueButton)
    (waiting,) = a_ready_panel.session.runner.waiting
    name = a_ready_panel.parameters.input_volume.GetName()
    assert a_ready_panel.segment.ui.stageLabel.text == (
        f'1. {name}: Starting the worker<br>2. {name} <a href="{waiting.id}">Remove</a>'
    )


def test_a_volume_that_waits_is_taken_out_of_the_queue_and_the_running_one_goes_on(a_ready_panel, click):
    running = confirm_and_start(a_ready_panel, click)
    for button in ("queueButton", "confirmCheckBox", "queueButton"):
        click(getattr(a_ready_panel.segment.ui, button))
    runner, ui = a_ready_panel.session.runner, a_ready_panel.segment.ui
    a_ready_panel.processes.last.be_ready()
    a_ready_panel.processes.last.say(Progress(running.id, "network", 0.25, 120.0))
    ui.stageLabel.linkActivated.emit(runner.waiting[0].id)
    assert runner.waiting == () and runner.current is not None and runner.current.id == running.id
    assert ui.stageLabel.text == "Finding the organs, about 2 min left"
    assert ui.progressBar.value == 250 and ui.segmentButton.text == "Cancel"


def test_the_own_choice_of_organs_is_asked_for_and_remembered(a_ready_panel, click):
    import qt

    from PediatricAbdomenSegLib.panel.run_options import OWN_ORGANS_SETTING
    from PediatricAbdomenSegLib.panel.toolkit import read_setting

    ui = a_ready_panel.segment.ui
    assert not ui.organListWidget.visible
    a_ready_panel.parameters.organ_choice = "own"
    assert ui.organListWidget.visible
    ui.organListWidget.item(1).setCheckState(qt.Qt.Checked)
    confirm_and_start(a_ready_panel, click)
    a_ready_panel.processes.last.be_ready()
    (request,) = a_ready_panel.processes.last.told(Segment)
    assert request.organs == ("spleen",)
    assert read_setting(OWN_ORGANS_SETTING) == "spleen"


def test_options_arrive_at_the_worker(a_ready_panel, click):
    parameters = a_ready_panel.parameters
    parameters.folds, parameters.mirror, parameters.low_memory, parameters.device = "0", False, True, "cpu"
    a_ready_panel.segment.ui.advancedCollapsibleButton.collapsed = False
    click(a_ready_panel.segment.ui.entropyMapCheckBox)
    confirm_and_start(a_ready_panel, click)
    a_ready_panel.processes.last.be_ready()
    (request,) = a_ready_panel.processes.last.told(Segment)
    assert (request.folds, request.mirror, request.low_memory, request.device) == (("0",), False, True, "cpu")
    assert request.organs is None and request.entropy is True


def test_a_fold_that_is_none_blocks(a_ready_panel, click):
    a_ready_panel.parameters.folds = "first"
    click(a_ready_panel.segment.ui.segmentButton)
    assert "is no fold" in a_ready_panel.segment.ui.problemsLabel.text
    assert a_ready_panel.session.runner.current is None


def test_a_model_that_is_gone_is_named_and_blocks(a_ready_panel, click):
    a_ready_panel.parameters.model = "clinic-model"
    assert "not on this computer" in a_ready_panel.segment.ui.modelComboBox.currentText
    click(a_ready_panel.segment.ui.segmentButton)
    assert "clinic-model" in a_ready_panel.segment.ui.problemsLabel.text
    assert a_ready_panel.session.runner.current is None


def test_a_model_that_has_changed_since_is_pointed_out(a_ready_panel, click):
    a_ready_panel.parameters.model_sha256 = "0" * 64
    click(a_ready_panel.segment.ui.segmentButton)
    assert "not the one this scene was made with" in a_ready_panel.segment.ui.problemsLabel.text


def test_without_an_interpreter_the_runtime_page_is_named(a_ready_panel, click):
    a_ready_panel.settings.clear()
    click(a_ready_panel.segment.ui.segmentButton)
    assert "Runtime" in a_ready_panel.segment.ui.problemsLabel.text


def test_a_transformed_volume_is_offered_as_a_hardened_copy(a_ready_panel, a_ct, click):
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    moved = vtk.vtkMatrix4x4()
    moved.SetElement(0, 3, 25.0)
    transform.SetMatrixTransformToParent(moved)
    a_ct.SetAndObserveTransformNodeID(transform.GetID())
    click(a_ready_panel.segment.ui.segmentButton)
    assert 'href="harden"' in a_ready_panel.segment.ui.problemsLabel.text
    a_ready_panel.segment._on_link("harden")
    assert a_ready_panel.parameters.input_volume is not a_ct
    assert a_ready_panel.parameters.input_volume.GetParentTransformNode() is None


def test_a_second_model_can_be_chosen(a_panel, a_models_folder):
    write_model(a_models_folder, "hepatoblastoma-ct", title="Tumour", status="research")
    a_panel.models.reload()
    assert a_panel.segment.ui.modelComboBox.count == 2
    index = a_panel.segment.ui.modelComboBox.findData("hepatoblastoma-ct")
    a_panel.segment.ui.modelComboBox.currentIndex = index
    a_panel.segment.ui.modelComboBox.activated.emit(index)
    assert a_panel.parameters.model == "hepatoblastoma-ct"
    assert a_panel.parameters.model_sha256 == a_panel.session.models.find("hepatoblastoma-ct").sha256
