"""The page Export: what is ticked, what is refused, what is asked of the worker. The files: see test_session."""

from __future__ import annotations

import numpy as np
import pytest

from panel.page_fixtures import body_image


@pytest.fixture
def an_export_panel(a_panel, a_ct):
    """A panel with a liver and a spleen under review."""
    import slicer

    from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
    from PediatricAbdomenSegLib.engine.organs import organ_by_key
    from PediatricAbdomenSegLib.scene.images import geometry_of_volume
    from PediatricAbdomenSegLib.scene.segment_properties import ModelTags
    from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation

    labels = np.zeros(body_image().shape, np.uint8)
    labels[6:18, 20:40, 34:50], labels[8:14, 24:36, 20:26] = 6, 1
    organs = [organ_by_key(key) for key in ("spleen", "liver")]
    tags = ModelTags("toy", "Toy", "1", "0" * 64, "demonstration")
    label_map = LabelMap(labels, geometry_of_volume(a_ct))
    a_panel.parameters.segmentation = build_segmentation(slicer.mrmlScene, label_map, a_ct, organs, tags)
    a_panel.tabs.setCurrentIndex(2)
    return a_panel


def test_the_model_and_its_status_are_named(an_export_panel):
    text = an_export_panel.export.ui.exportSegmentationLabel.text
    assert "Made by: Toy, version 1 \u2013 demonstration model, not for clinical use" in text


def test_a_status_in_the_models_title_is_not_said_twice(an_export_panel):
    from PediatricAbdomenSegLib.panel.export_page import segmentation_text

    node = an_export_panel.parameters.segmentation
    for key in ("spleen", "liver"):
        node.GetSegmentation().GetSegment(key).SetTag("ModelTitle", "Toy (demonstration)")
    assert "Made by: Toy, version 1" in segmentation_text(node)


def test_an_rtstruct_of_a_ct_without_dicom_is_refused_with_a_reason(an_export_panel, tmp_path, click):
    ui = an_export_panel.export.ui
    ui.folderPathLineEdit.currentPath = str(tmp_path / "out")
    click(ui.exportButton)
    assert "this CT has none" in ui.summaryLabel.text
    assert not (tmp_path / "out").exists()


def test_an_rtstruct_to_add_to_has_to_be_there(an_export_panel, tmp_path, click):
    ui = an_export_panel.export.ui
    ui.folderPathLineEdit.currentPath = str(tmp_path)
    assert not ui.replaceSameCheckBox.enabled
    ui.existingPathLineEdit.currentPath = str(tmp_path / "gone.dcm")
    assert ui.replaceSameCheckBox.enabled
    click(ui.exportButton)
    assert "There is no file" in ui.summaryLabel.text and "gone.dcm" in ui.summaryLabel.text
    an_export_panel.parameters.export_rtstruct = False
    assert not ui.existingPathLineEdit.enabled and not ui.replaceSameCheckBox.enabled


def test_the_rtstruct_to_add_to_is_forgotten_with_its_segmentation(an_export_panel):
    import slicer

    path = an_export_panel.export.ui.existingPathLineEdit
    path.currentPath = "/patient/a.dcm"
    an_export_panel.panel.refresh()
    assert path.currentPath == "/patient/a.dcm"
    an_export_panel.parameters.segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "other")
    assert path.currentPath == ""


def test_dicom_files_that_wait_for_a_segmentation_say_so(an_export_panel, a_ct, tmp_path, click, monkeypatch):
    from PediatricAbdomenSegLib.engine.worker.protocol import Segment
    from PediatricAbdomenSegLib.panel import export_page

    class JobThatNeverEnds:
        def __init__(self, *_):
            pass

        def write_files(self):
            pass

        def ask_for_dicom(self, *_):
            pass

    monkeypatch.setattr(export_page, "ExportJob", JobThatNeverEnds)
    ui = an_export_panel.export.ui
    ui.folderPathLineEdit.currentPath = str(tmp_path)
    an_export_panel.session.segment(a_ct, Segment("", "", ""))
    click(ui.exportButton)
    assert "as soon as the segmentation at work is finished" in ui.summaryLabel.text


def test_without_a_folder_nothing_is_written(an_export_panel, click):
    click(an_export_panel.export.ui.exportButton)
    assert "No folder is chosen" in an_export_panel.export.ui.summaryLabel.text


def test_ticked_organs_go_into_files_under_their_short_names(an_export_panel, tmp_path, click):
    from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map

    ui, parameters = an_export_panel.export.ui, an_export_panel.parameters
    parameters.export_rtstruct, parameters.export_seg_nrrd = False, True
    parameters.label_map_suffix, parameters.name_style = ".nrrd", "short"
    ui.folderPathLineEdit.currentPath = str(tmp_path)
    click(ui.noOrgansButton)
    click(ui.exportButton)
    assert "None of the chosen organs" in ui.summaryLabel.text
    click(ui.allOrgansButton)
    click(ui.exportButton)
    assert "Organs written (2): Spleen, Liver." in ui.summaryLabel.text
    labels = read_label_map(tmp_path / "CT_segmentation_labels.nrrd")
    assert sorted(set(labels.array.ravel())) == [0, 1, 6]
    assert (tmp_path / "CT_segmentation.seg.nrrd").is_file()


def test_each_organ_keeps_the_mark_of_the_model_that_made_it(an_export_panel, tmp_path, click):
    from PediatricAbdomenSegLib.engine.cases.label_layers import read_label_layers

    ui, parameters = an_export_panel.export.ui, an_export_panel.parameters
    liver = parameters.segmentation.GetSegmentation().GetSegment("liver")
    liver.SetTag("Model", "other")
    liver.SetTag("ModelStatus", "research")
    parameters.export_rtstruct, parameters.export_seg_nrrd = False, True
    ui.folderPathLineEdit.currentPath = str(tmp_path)
    click(ui.exportButton)
    (layer,) = read_label_layers(tmp_path / "CT_segmentation.seg.nrrd")
    assert {label: str(model) for label, model in layer.models.items()} == {
        1: "toy 1 (demonstration)",
        6: "other 1 (research)",
    }


def test_files_that_are_there_are_replaced_only_when_the_user_agrees(an_export_panel, slicer_host, tmp_path, click):
    ui, parameters = an_export_panel.export.ui, an_export_panel.parameters
    parameters.export_rtstruct, parameters.export_seg_nrrd = False, True
    ui.folderPathLineEdit.currentPath = str(tmp_path)
    (tmp_path / "CT_segmentation.seg.nrrd").write_text("mine")
    slicer_host.messages.answer = False
    click(ui.exportButton)
    assert (tmp_path / "CT_segmentation.seg.nrrd").read_text() == "mine"


def test_a_segmentation_whose_ct_is_gone_cannot_be_exported(an_export_panel, a_ct, tmp_path, click):
    import slicer

    ui = an_export_panel.export.ui
    ui.folderPathLineEdit.currentPath = str(tmp_path)
    slicer.mrmlScene.RemoveNode(a_ct)
    click(ui.exportButton)
    assert "not in the scene any more" in ui.summaryLabel.text


@pytest.fixture
def a_node(tmp_path, monkeypatch):
    """The only DICOM node this user has configured."""
    from PediatricAbdomenSegLib.engine.cases.dicom_nodes import DicomNode, add_node, nodes_file

    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    node = DicomNode("archive", "pacs.example.org", 104, "PACS")
    add_node(node, nodes_file())
    return node


def a_written_rtstruct(folder):
    from ct_series_builder import write_series

    path = write_series(folder / "ct", shape=(1, 8, 8)) / "slice0.dcm"
    return path.rename(folder / "rtstruct.dcm")


def test_nothing_can_be_sent_before_it_was_written_or_without_a_node(an_export_panel, a_node, tmp_path):
    from PediatricAbdomenSegLib.engine.cases.dicom_nodes import nodes_file, remove_node

    ui, row = an_export_panel.export.ui, an_export_panel.export.send_row
    row.refresh()
    assert ui.nodeComboBox.currentText == "archive (PACS at pacs.example.org:104, not encrypted)"
    assert not ui.sendButton.enabled
    row.offer([a_written_rtstruct(tmp_path)])
    assert ui.sendButton.enabled
    remove_node("archive", nodes_file())
    row.refresh()
    assert (ui.nodeComboBox.currentText, ui.sendButton.enabled) == ("No DICOM node is configured", False)


def test_files_are_sent_only_after_the_user_agreed_to_node_and_files(
    an_export_panel, a_node, slicer_host, tmp_path, click
):
    from PediatricAbdomenSegLib.engine.worker.protocol import Result, SendDicom

    panel, ui = an_export_panel, an_export_panel.export.ui
    file = a_written_rtstruct(tmp_path)
    panel.export.send_row.offer([file])
    slicer_host.messages.answer = False
    click(ui.sendButton)
    question = slicer_host.messages.texts("confirm")[-1]
    assert "archive (PACS at pacs.example.org:104, not encrypted)" in question and "rtstruct.dcm: CT Image" in question
    assert not panel.processes.made
    slicer_host.messages.answer = True
    click(ui.sendButton)
    panel.processes.last.be_ready()
    (request,) = panel.processes.last.told(SendDicom)
    assert (request.files, request.node, request.consent) == ((str(file),), "archive", True)
    assert not ui.sendButton.enabled
    panel.processes.last.say(Result(request.id, {"node": "archive", "stored": ["rtstruct.dcm"], "warnings": []}))
    assert ui.summaryLabel.text == "archive has stored rtstruct.dcm." and ui.sendButton.enabled


def test_a_node_that_was_changed_or_removed_meanwhile_is_not_sent_to_as_it_was(
    an_export_panel, a_node, slicer_host, tmp_path, click
):
    from dataclasses import replace

    from PediatricAbdomenSegLib.engine.cases.dicom_nodes import add_node, list_nodes, nodes_file, remove_node

    ui = an_export_panel.export.ui
    an_export_panel.export.send_row.offer([a_written_rtstruct(tmp_path)])
    (node,) = list_nodes(nodes_file())
    remove_node("archive", nodes_file())
    add_node(replace(node, host="elsewhere.example.org"), nodes_file())
    slicer_host.messages.answer = False
    click(ui.sendButton)
    assert "elsewhere.example.org" in slicer_host.messages.texts("confirm")[-1]
    remove_node("archive", nodes_file())
    click(ui.sendButton)
    assert ui.summaryLabel.text == "archive is not configured any more."
