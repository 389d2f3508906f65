"""What goes wrong on the page Score: it is said what to do, nothing is shown as saved that is not, nothing is lost."""

from __future__ import annotations

import shutil


def is_shown(widget):
    return not widget.isHidden()


def test_a_damaged_file_is_told_without_what_stands_in_it(a_rating_panel):
    for path in (a_rating_panel.study / "contours").iterdir():
        path.write_bytes(b"Alphanet " * 400)
    a_rating_panel.begin()
    assert a_rating_panel.message.startswith("The contours of case 1 cannot be read")
    assert "alpha" not in a_rating_panel.message.lower()
    assert is_shown(a_rating_panel.ui.retryButton)


def test_changed_contours_are_scored_only_once_it_was_confirmed(a_rating_panel):
    a_rating_panel.begin()
    files = a_rating_panel.page._files
    with files.contours.open("ab") as file:
        file.write(b"\0")
    a_rating_panel.press("liver", 4)
    assert "the file has changed" in a_rating_panel.message
    assert not a_rating_panel.saved()
    assert a_rating_panel.scores()["liver"] is None
    a_rating_panel.ui.confirmButton.click()
    (record,) = a_rating_panel.saved()
    assert (record["score"], record["segmentation_changed"]) == (4, True)
    assert a_rating_panel.scores()["liver"] == 4


def test_a_case_that_moved_is_found_in_the_folder_named(a_rating_panel, tmp_path, monkeypatch):
    import qt

    shutil.move(a_rating_panel.study.parent / "child1", tmp_path / "archive1")
    shutil.move(a_rating_panel.study.parent / "child2", tmp_path / "archive2")
    a_rating_panel.begin(answer=False)
    assert "The CT is not at" in a_rating_panel.message
    assert is_shown(a_rating_panel.ui.searchButton)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    a_rating_panel.ui.searchButton.click()
    a_rating_panel.answer()
    assert a_rating_panel.message == ""
    a_rating_panel.press("liver", 4)
    assert len(a_rating_panel.saved()) == 1


def test_a_second_program_on_the_same_scores_is_told(a_rating_panel):
    from PediatricAbdomenSegLib.engine.ratings.scoring import RatingSession

    with RatingSession(a_rating_panel.study, "RO-1"):
        a_rating_panel.begin(answer=False)
        assert "are being written by process" in a_rating_panel.message
        assert is_shown(a_rating_panel.ui.retryButton)
        assert not a_rating_panel.page.is_at_work
    a_rating_panel.ui.retryButton.click()
    a_rating_panel.answer()
    assert a_rating_panel.page.is_at_work


def test_a_folder_that_takes_no_scores_is_told(a_rating_panel):
    (a_rating_panel.study / "ratings").write_text("a file where the folder should be")
    a_rating_panel.begin(answer=False)
    assert "ratings" in a_rating_panel.message
    assert is_shown(a_rating_panel.ui.retryButton)
    assert not a_rating_panel.page.is_at_work


def test_a_score_that_cannot_be_written_waits_for_another_try(a_rating_panel, monkeypatch):
    from PediatricAbdomenSegLib.engine.errors import ResourceError

    a_rating_panel.begin()
    task = a_rating_panel.page._task
    add, is_full = task.add, [True]

    def add_or_fail(*arguments):
        if is_full[0]:
            raise ResourceError("The disk is full.", "Make room.")
        add(*arguments)

    monkeypatch.setattr(task, "add", add_or_fail)
    a_rating_panel.press("liver", 4)
    assert a_rating_panel.message == "The disk is full.\nMake room."
    assert a_rating_panel.scores()["liver"] is None
    is_full[0] = False
    a_rating_panel.ui.retryButton.click()
    assert a_rating_panel.scores()["liver"] == 4
    assert [each["score"] for each in a_rating_panel.saved()] == [4]


def test_a_study_of_a_later_version_is_refused(a_rating_panel):
    path = a_rating_panel.study / "study.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    a_rating_panel.ui.studyPathLineEdit.currentPath = ""
    a_rating_panel.begin(answer=False)
    assert "99" in a_rating_panel.ui.studyLabel.text
    assert "99" in a_rating_panel.message


def test_a_rater_who_is_not_in_the_study_is_told_who_is(a_rating_panel):
    a_rating_panel.begin("RO-9", answer=False)
    assert "RO-9" in a_rating_panel.message
    assert not is_shown(a_rating_panel.ui.retryButton)


def test_a_closed_scene_ends_scoring_and_loses_nothing(a_rating_panel, slicer_host):
    a_rating_panel.begin()
    a_rating_panel.press("liver", 4)
    a_rating_panel.panel.panel.set_parameters(None)
    a_rating_panel.panel.panel.scene_about_to_close()
    slicer_host.close_scene()
    assert not a_rating_panel.page.is_at_work
    assert len(a_rating_panel.saved()) == 1


def test_a_worker_that_does_not_start_is_told(a_rating_panel, monkeypatch):
    from PediatricAbdomenSegLib.engine.errors import ResourceError

    def no_process():
        raise ResourceError("The Python is not there any more.", "Name another one on the page Runtime.")

    link = a_rating_panel.panel.session.runner._link
    link.stop()
    monkeypatch.setattr(link, "_process_factory", no_process)
    a_rating_panel.begin(answer=False)
    assert a_rating_panel.message.startswith("The Python is not there any more.")
    assert is_shown(a_rating_panel.ui.retryButton)


def test_a_folder_that_takes_no_files_of_a_case_is_told(a_rating_panel, tmp_path):
    store = a_rating_panel.panel.session.runner.store
    store.folder = tmp_path / "gone"
    a_rating_panel.begin(answer=False)
    assert "gone" in a_rating_panel.message
    assert is_shown(a_rating_panel.ui.retryButton)
