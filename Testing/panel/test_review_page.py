"""The page Review: list, views, verdicts, tools and the embedded editor."""

from __future__ import annotations

import numpy as np
import pytest

from panel.page_fixtures import body_image


@pytest.fixture
def a_reviewed_panel(a_panel, a_ct):
    """A panel with a result of three organs: a liver in two pieces, a spleen, an empty kidney."""
    import slicer

    from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
    from PediatricAbdomenSegLib.engine.organs import organ_by_key
    from PediatricAbdomenSegLib.scene.images import geometry_of_volume
    from PediatricAbdomenSegLib.scene.segment_properties import ModelTags
    from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation

    labels = np.zeros(body_image().shape, np.uint8)
    labels[6:18, 20:40, 34:50] = 6
    labels[6:18, 20:26, 14:18] = 6
    labels[8:14, 24:36, 20:26] = 1
    organs = [organ_by_key(key) for key in ("spleen", "liver", "kidney_left")]
    label_map = LabelMap(labels, geometry_of_volume(a_ct))
    tags = ModelTags("toy", "Toy", "1", "0" * 64, "demonstration")
    a_panel.parameters.segmentation = build_segmentation(slicer.mrmlScene, label_map, a_ct, organs, tags)
    a_panel.tabs.setCurrentIndex(1)
    return a_panel


def cell(panel, row, column):
    return panel.review.ui.organTable.item(row, column).text()


def test_every_organ_has_volume_flags_and_verdict(a_reviewed_panel):
    assert [cell(a_reviewed_panel, row, 0) for row in range(3)] == ["Spleen", "Liver", "Left kidney"]
    assert cell(a_reviewed_panel, 0, 1) == f"{6 * 12 * 6 * 0.128:.1f}"
    assert [cell(a_reviewed_panel, row, 2) for row in range(3)] == ["", "\u26a0", "\u26a0"]
    assert [cell(a_reviewed_panel, row, 3) for row in range(3)] == ["", "", ""]


def test_a_click_says_what_to_look_at_and_jumps_there(a_reviewed_panel):
    import slicer

    a_reviewed_panel.review.ui.organTable.selectRow(1)
    assert "several pieces" in a_reviewed_panel.review.ui.flagsLabel.text
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    expected = a_reviewed_panel.review._table.selected.centre_ras_mm
    assert [red.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] == pytest.approx(expected)


def test_next_and_previous_go_round(a_reviewed_panel, click):
    table = a_reviewed_panel.review.ui.organTable
    table.selectRow(2)
    click(a_reviewed_panel.review.ui.nextButton)
    assert table.currentRow() == 0
    click(a_reviewed_panel.review.ui.previousButton)
    assert table.currentRow() == 2


def test_a_verdict_is_given_and_taken_back(a_reviewed_panel, click):
    from PediatricAbdomenSegLib.scene.review import review_state

    ui, node = a_reviewed_panel.review.ui, a_reviewed_panel.parameters.segmentation
    ui.organTable.selectRow(1)
    click(ui.acceptButton)
    assert (cell(a_reviewed_panel, 1, 3), review_state(node, "liver")) == ("accepted", "accepted")
    assert ui.acceptButton.checked
    click(ui.acceptButton)
    assert (cell(a_reviewed_panel, 1, 3), ui.acceptButton.checked) == ("", False)
    click(ui.needsEditButton)
    assert cell(a_reviewed_panel, 1, 3) == "needs edit"


def test_a_tool_changes_the_organ_and_can_be_undone(a_reviewed_panel, click):
    ui = a_reviewed_panel.review.ui
    ui.organTable.selectRow(1)
    before = cell(a_reviewed_panel, 1, 1)
    click(ui.keepLargestButton)
    assert cell(a_reviewed_panel, 1, 1) != before
    assert "several pieces" not in ui.flagsLabel.text
    assert ui.undoButton.text == "Undo: Keep largest piece"
    click(ui.undoButton)
    assert cell(a_reviewed_panel, 1, 1) == before
    assert not ui.undoButton.enabled


def test_a_tool_that_has_nothing_to_do_says_so(a_reviewed_panel, click):
    ui = a_reviewed_panel.review.ui
    ui.organTable.selectRow(0)
    click(ui.keepLargestButton)
    assert ui.flagsLabel.text == "Nothing to change."


def test_a_tool_that_does_not_fit_the_organ_says_why(a_reviewed_panel, click):
    ui = a_reviewed_panel.review.ui
    ui.organTable.selectRow(1)
    click(ui.swapSidesButton)
    assert "no other side" in ui.flagsLabel.text


def test_crop_uses_the_slice_shown(a_reviewed_panel, click):
    ui = a_reviewed_panel.review.ui
    ui.organTable.selectRow(0)  # the views stand at its centre
    click(ui.cropAboveButton)
    volume = float(cell(a_reviewed_panel, 0, 1))
    assert 0.3 < volume / (6 * 12 * 6 * 0.128) < 0.7


def test_a_tick_hides_an_organ_in_the_views(a_reviewed_panel):
    import qt

    node = a_reviewed_panel.parameters.segmentation
    a_reviewed_panel.review.ui.organTable.item(0, 0).setCheckState(qt.Qt.Unchecked)
    assert not node.GetDisplayNode().GetSegmentVisibility("spleen")
    assert node.GetDisplayNode().GetSegmentVisibility("liver")


def test_a_preset_shows_the_selected_organ_alone(a_reviewed_panel):
    ui, node = a_reviewed_panel.review.ui, a_reviewed_panel.parameters.segmentation
    ui.organTable.selectRow(1)
    index = ui.presetComboBox.findData("selected")
    ui.presetComboBox.currentIndex = index
    ui.presetComboBox.activated.emit(index)
    shown = [key for key in ("spleen", "liver", "kidney_left") if node.GetDisplayNode().GetSegmentVisibility(key)]
    assert shown == ["liver"]


def test_a_double_click_opens_the_segment_in_an_editor_of_its_own(a_reviewed_panel):
    ui = a_reviewed_panel.review.ui
    ui.organTable.cellDoubleClicked.emit(1, 0)
    editor = ui.segmentEditorWidget
    assert not ui.editorCollapsibleButton.collapsed
    assert editor.currentSegmentID() == "liver"
    assert editor.mrmlSegmentEditorNode().GetSingletonTag() == "PediatricAbdomenSegEditor"
    ui.organTable.selectRow(0)
    assert editor.currentSegmentID() == "spleen"


def test_painting_an_organ_takes_nothing_from_its_neighbours_unless_the_user_wants_it_to(a_reviewed_panel):
    review = a_reviewed_panel.review
    review.ui.organTable.cellDoubleClicked.emit(1, 0)
    node = review.ui.segmentEditorWidget.mrmlSegmentEditorNode()
    assert node.GetOverwriteMode() == node.OverwriteNone
    node.SetOverwriteMode(node.OverwriteVisibleSegments)
    review.ui.organTable.cellDoubleClicked.emit(0, 0)
    assert node.GetOverwriteMode() == node.OverwriteVisibleSegments
    review.forget_nodes()
    node.SetOverwriteMode(node.OverwriteAllSegments)  # as Slicer leaves it when a scene is closed
    review.read_segments()
    review.ui.organTable.cellDoubleClicked.emit(1, 0)
    assert node.GetOverwriteMode() == node.OverwriteNone


def test_the_list_of_organs_is_headed_by_their_icon(a_reviewed_panel):
    assert not a_reviewed_panel.review.ui.organTable.horizontalHeaderItem(0).icon().isNull()


def test_what_the_editor_changes_is_counted_after_a_moment(a_reviewed_panel, process_events):
    from PediatricAbdomenSegLib.scene import edit_tools

    before = cell(a_reviewed_panel, 1, 1)
    edit_tools.keep_largest_piece(a_reviewed_panel.parameters.segmentation, "liver")
    process_events(until=lambda: cell(a_reviewed_panel, 1, 1) != before)


def test_a_closed_scene_empties_the_page(a_reviewed_panel, slicer_host):
    a_reviewed_panel.panel.set_parameters(None)
    a_reviewed_panel.panel.scene_about_to_close()
    slicer_host.close_scene()
    assert a_reviewed_panel.review.ui.organTable.rowCount == 0


def test_the_list_follows_the_segment_chosen_in_the_editor(a_reviewed_panel):
    ui = a_reviewed_panel.review.ui
    ui.organTable.cellDoubleClicked.emit(1, 0)
    ui.segmentEditorWidget.setCurrentSegmentID("spleen")
    assert a_reviewed_panel.review._table.selected.segment_id == "spleen"


def test_the_editor_has_its_keys_only_while_it_is_to_be_seen(a_reviewed_panel):
    from slicer_host.wrapper import raw_object

    ui, editor = a_reviewed_panel.review.ui, raw_object(a_reviewed_panel.review.ui.segmentEditorWidget)
    a_reviewed_panel.panel.enter()
    assert not editor.shortcuts_installed  # folded
    ui.organTable.cellDoubleClicked.emit(1, 0)
    assert editor.shortcuts_installed
    ui.segmentEditorWidget.setActiveEffectByName("Paint")
    a_reviewed_panel.tabs.setCurrentIndex(2)
    assert (editor.shortcuts_installed, editor.active_effect_name) == (False, "")
    a_reviewed_panel.tabs.setCurrentIndex(1)
    assert editor.shortcuts_installed
    a_reviewed_panel.panel.exit()
    assert not editor.shortcuts_installed


def test_the_editor_opens_on_the_selected_organ_when_it_is_unfolded(a_reviewed_panel):
    ui = a_reviewed_panel.review.ui
    a_reviewed_panel.panel.enter()
    ui.organTable.selectRow(1)
    ui.editorCollapsibleButton.collapsed = False
    assert ui.segmentEditorWidget.segmentationNode() is a_reviewed_panel.parameters.segmentation
    assert ui.segmentEditorWidget.currentSegmentID() == "liver"


def test_the_editor_opens_on_the_first_organ_when_none_is_selected(a_reviewed_panel):
    ui = a_reviewed_panel.review.ui
    a_reviewed_panel.panel.enter()
    ui.editorCollapsibleButton.collapsed = False
    assert ui.segmentEditorWidget.currentSegmentID() == "spleen"
    assert a_reviewed_panel.review._table.selected.segment_id == "spleen"


def test_the_editor_goes_along_to_another_segmentation_or_none(a_reviewed_panel, a_ct):
    import slicer

    ui, parameters = a_reviewed_panel.review.ui, a_reviewed_panel.parameters
    first = parameters.segmentation
    a_reviewed_panel.panel.enter()
    ui.organTable.cellDoubleClicked.emit(1, 0)
    second = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "second")
    second.GetSegmentation().DeepCopy(first.GetSegmentation())
    second.SetReferenceImageGeometryParameterFromVolumeNode(a_ct)
    parameters.segmentation = second
    assert ui.segmentEditorWidget.segmentationNode() is second
    parameters.segmentation = None
    assert ui.segmentEditorWidget.segmentationNode() is None


def test_a_tool_can_be_taken_back_in_the_editor_too(a_reviewed_panel, click):
    ui = a_reviewed_panel.review.ui
    ui.organTable.cellDoubleClicked.emit(1, 0)
    before = cell(a_reviewed_panel, 1, 1)
    click(ui.keepLargestButton)
    ui.segmentEditorWidget.undo()
    a_reviewed_panel.review.read_segments()
    assert cell(a_reviewed_panel, 1, 1) == before


def test_a_click_on_the_selected_organ_brings_the_views_back(a_reviewed_panel):
    import slicer

    table, red = a_reviewed_panel.review.ui.organTable, slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    table.selectRow(1)
    there = red.GetSliceToRAS().GetElement(2, 3)
    red.JumpSliceByCentering(0.0, 0.0, there + 40.0)
    table.cellClicked.emit(1, 0)
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(there)


def test_the_page_shows_how_its_segmentation_is_displayed(a_reviewed_panel):
    from PediatricAbdomenSegLib.scene import display

    node, ui = a_reviewed_panel.parameters.segmentation, a_reviewed_panel.review.ui
    display.set_fill_opacity(node, 0.75)
    display.show_3d(node, True)
    a_reviewed_panel.parameters.segmentation = None
    assert "choose a segmentation above" in ui.flagsLabel.text
    a_reviewed_panel.parameters.segmentation = node
    assert (ui.fillSlider.value, ui.show3DCheckBox.checked) == (75, True)
