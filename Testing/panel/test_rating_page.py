"""The page Score: cases come one after the other, scores are on the disk when they are seen, sources stay hidden."""

from __future__ import annotations

from panel.rating_fixtures import RATING_TAB, RatingPanel, write_rating_study


def is_shown(widget):
    return not widget.isHidden()


def test_a_folder_with_a_study_offers_its_raters(a_rating_panel):
    ui = a_rating_panel.ui
    assert not ui.startButton.enabled
    ui.studyPathLineEdit.currentPath = str(a_rating_panel.study)
    assert ui.startButton.enabled
    assert [ui.raterComboBox.itemText(index) for index in range(ui.raterComboBox.count)] == ["RO-1", "RO-2"]
    assert ui.studyLabel.text == "Two models"


def test_a_score_is_on_the_disk_when_its_button_is_down(a_rating_panel):
    a_rating_panel.begin()
    assert a_rating_panel.scores() == {"spleen": None, "liver": None, "pancreas": None}
    a_rating_panel.press("liver", 4)
    assert a_rating_panel.scores()["liver"] == 4
    (record,) = a_rating_panel.saved()
    assert (record["organ"], record["score"], record["rater"]) == ("liver", 4, "RO-1")
    assert "4 of 8" not in a_rating_panel.ui.ratingProgressBar.format
    assert "1 of 8 organs, 0 of 4 cases" in a_rating_panel.ui.ratingProgressBar.format


def test_a_second_score_corrects_the_first_and_both_are_kept(a_rating_panel):
    a_rating_panel.begin()
    a_rating_panel.press("liver", 4)
    a_rating_panel.press("liver", 2)
    first, second = a_rating_panel.saved()
    assert second["supersedes"] == [first["id"]]
    assert a_rating_panel.scores()["liver"] == 2


def test_scoring_goes_on_where_it_stopped(a_rating_panel):
    a_rating_panel.begin()
    for organ in ("spleen", "liver"):
        a_rating_panel.press(organ, 5)
    assert a_rating_panel.message == "This case is done."
    a_rating_panel.ui.nextCaseButton.click()
    a_rating_panel.answer()
    a_rating_panel.press("spleen", 3)
    a_rating_panel.ui.endButton.click()
    assert is_shown(a_rating_panel.ui.startCollapsibleButton)
    a_rating_panel.begin()
    assert a_rating_panel.ui.caseLabel.text == "Case 2 of 4"
    assert a_rating_panel.scores() == {"spleen": 3, "liver": None, "pancreas": None}
    assert a_rating_panel.page._organ == "liver"


def test_a_finished_study_says_so_and_can_still_be_corrected(a_rating_panel):
    a_rating_panel.begin()
    for case in range(4):
        for organ in ("spleen", "liver"):
            a_rating_panel.press(organ, 4)
        if case < 3:
            a_rating_panel.ui.nextCaseButton.click()
            a_rating_panel.answer()
    assert a_rating_panel.message.startswith("All cases are scored.")
    a_rating_panel.press("liver", 1)
    assert len(a_rating_panel.saved()) == 9


def test_the_next_case_is_prepared_while_this_one_is_scored(a_rating_panel):
    from PediatricAbdomenSegLib.engine.worker.protocol import PrepareRatingCase

    a_rating_panel.begin()
    asked = a_rating_panel.panel.processes.last.told(PrepareRatingCase)
    assert len(asked) == 2
    a_rating_panel.ui.nextCaseButton.click()
    assert a_rating_panel.scores() == {"spleen": None, "liver": None, "pancreas": None}
    assert a_rating_panel.message == ""
    assert len(a_rating_panel.panel.processes.last.told(PrepareRatingCase)) == 3


def test_without_a_worker_a_case_is_read_here(a_rating_panel):
    a_rating_panel.panel.settings.clear()
    a_rating_panel.begin(answer=False)
    assert not a_rating_panel.panel.processes.last.requests
    assert list(a_rating_panel.scores()) == ["spleen", "liver", "pancreas"]


def test_a_case_does_not_wait_behind_a_segmentation(a_rating_panel, monkeypatch):
    from PediatricAbdomenSegLib.panel.rating_case import CaseLoader

    a_rating_panel.begin(answer=False)
    a_rating_panel.answer(count=1)  # the next one is still at the worker's
    monkeypatch.setattr(CaseLoader, "_has_free_worker", False)
    a_rating_panel.ui.nextCaseButton.click()
    assert a_rating_panel.message == ""
    a_rating_panel.press("liver", 4)
    a_rating_panel.answer()
    assert a_rating_panel.scores()["liver"] == 4
    assert not list(a_rating_panel.panel.session.runner.store.folder.glob("rating-*"))


def test_no_files_of_a_case_stay_behind(a_rating_panel):
    a_rating_panel.begin()
    folder = a_rating_panel.panel.session.runner.store.folder
    assert len(list(folder.glob("rating-*"))) == 1  # the next case
    a_rating_panel.ui.endButton.click()
    assert not list(folder.glob("rating-*"))


def test_a_case_leaves_the_scene_when_the_next_one_comes(a_rating_panel):
    import slicer

    a_rating_panel.begin()
    a_rating_panel.ui.nextCaseButton.click()
    a_rating_panel.answer()
    count = slicer.mrmlScene.GetNumberOfNodesByClass
    assert (count("vtkMRMLScalarVolumeNode"), count("vtkMRMLSegmentationNode")) == (1, 1)


def everything_seen(panel: RatingPanel) -> str:
    """All texts, tooltips and titles of the page, all names, attributes and tags in the scene, the window's title."""
    import slicer

    from slicer_host.wrapper import raw_object

    scene, texts = slicer.mrmlScene, []
    raw = raw_object(panel.panel.tabs)
    for widget in [raw, *raw.findChildren(type(raw).__mro__[-2])]:
        for name in ("text", "toolTip", "windowTitle", "placeholderText", "currentText"):
            value = getattr(widget, name, None)
            texts.append(str(value()) if callable(value) else "")
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        texts += [node.GetName() or "", node.GetID() or "", *(node.GetAttribute(a) for a in node.GetAttributeNames())]
        if node.IsA("vtkMRMLSegmentationNode"):
            texts += [str(node.GetSegmentation().GetNthSegment(at)) for at in range(3)]
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            texts.append(str(node))
    return "\n".join(texts).lower()


def test_a_blinded_rater_sees_no_name_of_a_source(a_rating_panel):
    a_rating_panel.begin()
    a_rating_panel.press("liver", 4)
    seen = everything_seen(a_rating_panel)
    assert "case 1 contours" in seen
    for name in ("alpha", "beta", "child1", "child2"):
        assert name not in seen, name
    written = "\n".join(path.read_text() for path in a_rating_panel.study.glob("ratings/*.jsonl")).lower()
    assert '"organ": "liver"' in written
    assert not [name for name in ("alpha", "beta", "child") if name in written]


def test_a_reason_is_saved_instead_of_a_score(a_rating_panel):
    a_rating_panel.begin()
    a_rating_panel.page._table.select("pancreas")
    a_rating_panel.ui.notAssessableButton.click()
    assert "Choose or type the reason" in a_rating_panel.message
    a_rating_panel.ui.reasonComboBox.setEditText("Organ outside the scan")
    a_rating_panel.ui.notAssessableButton.click()
    (record,) = a_rating_panel.saved()
    assert (record["score"], record["not_assessable"]) == (None, "Organ outside the scan")
    assert a_rating_panel.ui.ratingTable.item(2, 6).text() == "n/a"


def test_comment_and_errors_are_saved_with_the_score(a_rating_panel):
    import qt

    a_rating_panel.begin()
    a_rating_panel.page._table.select("liver")
    a_rating_panel.ui.commentLineEdit.text = "caudate lobe"
    a_rating_panel.ui.tagsListWidget.item(1).setCheckState(qt.Qt.Checked)
    assert not a_rating_panel.saved()
    a_rating_panel.press("liver", 3)
    (record,) = a_rating_panel.saved()
    assert (record["comment"], record["tags"]) == ("caudate lobe", ["under_contoured"])


def test_what_was_entered_for_one_organ_waits_while_another_is_looked_at(a_rating_panel):
    a_rating_panel.begin()
    a_rating_panel.page._table.select("liver")
    a_rating_panel.ui.commentLineEdit.text = "half typed"
    a_rating_panel.page._table.select("spleen")
    assert a_rating_panel.ui.commentLineEdit.text == ""
    a_rating_panel.page._table.select("liver")
    assert a_rating_panel.ui.commentLineEdit.text == "half typed"


def test_a_comment_on_a_scored_organ_adds_a_record_with_the_same_score(a_rating_panel):
    a_rating_panel.begin()
    a_rating_panel.press("liver", 3)
    a_rating_panel.ui.commentLineEdit.text = "tip missing"
    a_rating_panel.ui.commentLineEdit.editingFinished.emit()
    assert [(each["score"], each["comment"]) for each in a_rating_panel.saved()] == [(3, ""), (3, "tip missing")]


def test_space_goes_to_an_organ_and_outlines_only_it(a_rating_panel):
    import slicer

    a_rating_panel.begin()
    a_rating_panel.page._table.select("liver")
    a_rating_panel.page.look_at_organ()
    node = a_rating_panel.page.segmentation
    shown = [key for key in ("spleen", "liver", "pancreas") if node.GetDisplayNode().GetSegmentVisibility(key)]
    assert shown == ["liver"]
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed").GetSliceToRAS()
    assert 6 * 8 <= red.GetElement(2, 3) <= 18 * 8
    a_rating_panel.ui.showAllButton.click()
    assert node.GetDisplayNode().GetSegmentVisibility("spleen")
    a_rating_panel.ui.hideAllButton.click()
    assert not node.GetDisplayNode().GetSegmentVisibility("liver")


def test_an_organ_without_contour_is_said_to_have_none(a_rating_panel):
    a_rating_panel.begin()
    a_rating_panel.page._table.select("pancreas")
    a_rating_panel.page.look_at_organ()
    assert a_rating_panel.message == "Pancreas: there is no contour."


def test_the_window_chosen_stays_from_case_to_case(a_rating_panel):
    from PediatricAbdomenSegLib.scene.window_presets import LUNG, WINDOWS_HU

    a_rating_panel.begin()
    index = a_rating_panel.ui.windowComboBox.findData(LUNG)
    a_rating_panel.ui.windowComboBox.currentIndex = index
    a_rating_panel.ui.windowComboBox.activated.emit(index)
    a_rating_panel.ui.nextCaseButton.click()
    a_rating_panel.answer()
    display = a_rating_panel.page._view.nodes.volume.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == WINDOWS_HU[LUNG]


def test_a_result_that_comes_meanwhile_does_not_take_the_rater_away(a_rating_panel):
    import slicer

    a_rating_panel.begin()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Result")
    a_rating_panel.panel.panel._show_result(node)
    assert a_rating_panel.panel.tabs.currentIndex == RATING_TAB


def test_corrections_are_counted_and_the_corrected_contours_stay(a_rating_panel):
    import slicer

    from PediatricAbdomenSegLib.scene import edit_tools

    a_rating_panel.begin()
    a_rating_panel.page._table.select("liver")
    a_rating_panel.ui.correctButton.click()
    assert a_rating_panel.panel.tabs.currentIndex == 1
    assert a_rating_panel.panel.parameters.segmentation is a_rating_panel.page.segmentation
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed").GetSliceToRAS()
    position = tuple(red.GetElement(axis, 3) for axis in range(3))
    assert edit_tools.crop_beyond_slice(a_rating_panel.page.segmentation, "liver", position, edit_tools.ABOVE)
    a_rating_panel.panel.tabs.setCurrentIndex(RATING_TAB)
    a_rating_panel.press("liver", 3)
    a_rating_panel.press("spleen", 5)
    assert [(each["organ"], each["corrections"]) for each in a_rating_panel.saved()] == [("liver", 1), ("spleen", 0)]
    a_rating_panel.ui.nextCaseButton.click()
    a_rating_panel.answer()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2


def test_an_own_scale_gives_the_tooltips(a_panel, tmp_path):
    scale = [{"score": s, "short": f"short {s}", "wording": f"wording {s}"} for s in range(1, 6)]
    panel = RatingPanel(a_panel, write_rating_study(tmp_path / "own", scale=scale))
    panel.begin()
    assert panel.ui.ratingTable.cellWidget(0, 2).toolTip == "2 \u2013 short 2\nwording 2"
