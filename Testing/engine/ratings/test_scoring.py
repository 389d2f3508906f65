"""What the rating page's buttons do, without the page."""

from __future__ import annotations

import shutil

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError, UsageError
from PediatricAbdomenSegLib.engine.ratings.assignment_files import KEY_NAME
from PediatricAbdomenSegLib.engine.ratings.score_book import QUICK_STUDY_ID, ScoreBook
from PediatricAbdomenSegLib.engine.ratings.scoring import RatingSession
from PediatricAbdomenSegLib.engine.ratings.store import rating_files, read_rating_file


@pytest.fixture
def session(a_study):
    with RatingSession(a_study, "RO-1", machine="m1") as session:
        yield session


def stored(folder):
    return [record for path in rating_files(folder) for record in read_rating_file(path).records]


def test_a_score_is_stored_with_everything_known_about_it(a_study, session):
    item = session.assignment.items[0]
    record = session.add_score(
        item.token,
        "liver",
        3,
        comment="dome cut off",
        tags=["under_contoured", "wrong_level_start"],
        seconds_spent=12.5,
        corrections=2,
    )
    assert stored(a_study) == [record]
    assert (record.study_id, record.case, record.source_token) == (session.study.id, item.case, item.token)
    assert (record.rater, record.score, record.tags) == ("RO-1", 3, ("under_contoured", "wrong_level_start"))
    assert (record.seconds_spent, record.corrections) == (12.5, 2)
    assert record.segmentation_sha256 == item.segmentation.sha256 and not record.segmentation_changed
    assert record.bundle_sha256 == ""  # the study is blinded


def test_a_second_score_supersedes_the_first_and_both_stay(a_study, session):
    token = session.assignment.items[0].token
    first = session.add_score(token, "liver", 3)
    second = session.add_score(token, "liver", not_assessable="removed")
    assert second.supersedes == (first.id,)
    assert session.book.current(token, "liver") == second
    assert stored(a_study) == [first, second]


def test_a_rater_resumes_where_they_stopped_also_on_another_machine(a_study):
    with RatingSession(a_study, "RO-1", machine="m1") as session:
        assert session.progress().items_done == 0 and session.progress().organs == 10
        first, second = session.assignment.items[:2]
        assert session.next_item() == first and session.open_organs(first) == ("liver", "kidney_left")
        session.add_score(first.token, "liver", 5)
        session.add_score(first.token, "kidney_left", not_assessable="outside the scan")
        session.add_score(second.token, "liver", 2)
    with RatingSession(a_study, "RO-1", machine="m2") as session:
        assert session.next_item() == second and session.open_organs(second) == ("kidney_left",)
        progress = session.progress()
        assert (progress.items_done, progress.items, progress.organs_done, progress.organs) == (1, 5, 3, 10)
        corrected = session.add_score(first.token, "liver", 4)
        assert len(corrected.supersedes) == 1
    assert len(rating_files(a_study)) == 2


def test_optional_organs_can_be_scored_and_are_not_waited_for(session):
    item = session.assignment.items[0]
    for organ in ("liver", "kidney_left"):
        session.add_score(item.token, organ, 4)
    assert session.open_organs(item) == ()
    session.add_score(item.token, "pancreas", 4)
    assert session.progress().organs_done == 2


def test_when_all_is_scored_there_is_no_next_item(session):
    for item in session.assignment.items:
        for organ in session.open_organs(item):
            session.add_score(item.token, organ, 4)
    assert session.next_item() is None
    assert session.progress().items_done == session.progress().items


def test_the_page_never_opens_the_key(a_study):
    (a_study / KEY_NAME).unlink()
    with RatingSession(a_study, "RO-1", machine="m") as session:
        session.add_score(session.assignment.items[0].token, "liver", 4)


def test_changed_contours_are_not_scored_until_that_is_confirmed(a_study, session):
    item = session.assignment.items[0]
    path = a_study / item.segmentation.path
    path.write_bytes(b"another contour")
    with pytest.raises(InputError) as caught:
        session.add_score(item.token, "liver", 4)
    assert item.segmentation.sha256 in caught.value.message and "not the one assigned" in caught.value.message
    assert stored(a_study) == []
    record = session.add_score(item.token, "liver", 4, confirm_changed=True)
    assert record.segmentation_changed and record.segmentation_sha256 != item.segmentation.sha256


def test_contours_that_are_gone_are_not_scored(a_study, session):
    shutil.rmtree(a_study / "contours")
    with pytest.raises(InputError, match="segmentation is not at"):
        session.add_score(session.assignment.items[0].token, "liver", 4)


@pytest.mark.parametrize(
    ("organ", "values", "error"),
    [
        ("liver", {"score": 0}, UsageError),
        ("liver", {"score": 6}, UsageError),
        ("liver", {}, UsageError),
        ("gallbladder", {"score": 3}, UsageError),
        ("spleen", {"score": 3}, UsageError),
        ("liver", {"score": 3, "tags": ["ugly"]}, UsageError),
        ("liver", {"score": 3, "comment": "see 481511"}, InputError),
    ],
)
def test_what_cannot_be_stored_is_refused_and_nothing_is_written(a_study, session, organ, values, error):
    item = next(item for item in session.assignment.items if item.case == "C01")
    with pytest.raises(error):
        session.add_score(item.token, organ, **values)
    assert stored(a_study) == []


def test_a_comment_that_names_another_child_of_the_study_is_refused(a_study, session, files, tmp_path):
    item = next(each for each in session.assignment.items if each.case == "C01")
    with pytest.raises(InputError, match="the field comment"):
        session.add_score(item.token, "liver", 4, comment="as in Li Bo 481512")
    assert stored(a_study) == []
    (files / "child2").rename(tmp_path / "child2")  # what is not there now is compared before an export
    with RatingSession(a_study, "RO-1", machine="m2") as later:
        later.add_score(item.token, "liver", 4, comment="as in Li Bo 481512")


def test_a_comment_is_refused_while_nobody_can_compare_it_with_the_patients_name(a_study, session, files, tmp_path):
    item = session.assignment.items[0]
    files.rename(tmp_path / "elsewhere")
    session.add_score(item.token, "liver", 4)
    with pytest.raises(InputError, match="CT is not at"):
        session.add_score(item.token, "liver", 4, comment="too large")
    with RatingSession(a_study, "RO-1", [tmp_path / "elsewhere"], machine="m2") as found:
        found.add_score(item.token, "liver", 4, comment="too large")


def test_a_second_window_of_the_same_rater_is_refused(a_study, session):
    with pytest.raises(ResourceError, match="being written by process"):
        RatingSession(a_study, "RO-1", machine="m1")
    for _ in range(2):  # closed behind itself, for the next one
        with RatingSession(a_study, "Łukasz Ångström", machine="m1"):
            pass


def test_a_score_that_could_not_be_written_is_not_shown_as_saved(a_study, session, monkeypatch):
    import os

    token = session.assignment.items[0].token

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="not saved"):
        session.add_score(token, "liver", 4)
    assert session.book.current(token, "liver") is None
    monkeypatch.undo()
    session.add_score(token, "liver", 5)
    assert [record.score for record in stored(a_study)] == [5]


def test_a_segmentation_is_scored_without_a_study(tmp_path):
    with ScoreBook(tmp_path, QUICK_STUDY_ID, "me", "m") as book:
        first = book.add("ab" * 6, "liver", case="today", score=3, bundle_sha256="cd", segmentation_sha256="ab")
        book.add("ab" * 6, "liver", case="today", score=4)
    with ScoreBook(tmp_path, QUICK_STUDY_ID, "me", "m") as book:
        assert book.current("ab" * 6, "liver").supersedes == (first.id,)


def test_a_score_book_refuses_another_spelling_of_its_rater(tmp_path):
    with ScoreBook(tmp_path, QUICK_STUDY_ID, "Anna Berg", "m") as book:
        book.add("t", "liver", case="C", score=3)
    with pytest.raises(InputError) as caught:
        ScoreBook(tmp_path, QUICK_STUDY_ID, "anna berg", "m")
    assert "Anna Berg" in caught.value.message and "anna berg" in caught.value.message
    ScoreBook(tmp_path, QUICK_STUDY_ID, "Anna Berg", "m").close()  # the failed attempt holds no lock
