"""Keys and activity on the page Score: they work where the rater looks, and nowhere else."""

from __future__ import annotations

import pytest

from panel.rating_fixtures import RATING_TAB


@pytest.fixture
def press_key(process_events):
    """A key on the widget that has the focus, as the window system sends it."""
    from PySide6 import QtCore, QtTest, QtWidgets

    def press(name: str) -> None:
        window = QtWidgets.QApplication.activeWindow()
        target = QtWidgets.QApplication.focusWidget() or window
        QtTest.QTest.keyClick(target, getattr(QtCore.Qt.Key, f"Key_{name}"))

    return press


@pytest.fixture
def a_rater(a_rating_panel, process_events):
    """Scoring has begun, the window is in front, the focus is in no text."""
    from slicer_host.wrapper import raw_object

    a_rating_panel.begin()
    window = raw_object(a_rating_panel.panel.tabs)
    window.activateWindow()
    window.setFocus()
    process_events(until=lambda: window.isActiveWindow())
    return a_rating_panel


def test_digits_score_the_organ_chosen_and_n_and_p_move(a_rater, press_key):
    press_key("4")
    press_key("N")
    press_key("2")
    press_key("P")
    press_key("5")
    assert a_rater.scores() == {"spleen": 5, "liver": 2, "pancreas": None}
    assert [each["score"] for each in a_rater.saved()] == [4, 2, 5]


def test_space_outlines_the_organ_chosen(a_rater, press_key):
    press_key("N")
    press_key("Space")
    display = a_rater.page.segmentation.GetDisplayNode()
    assert (display.GetSegmentVisibility("liver"), display.GetSegmentVisibility("spleen")) == (True, False)


def test_digits_typed_into_the_comment_are_text(a_rater, press_key, process_events):
    from slicer_host.wrapper import raw_object

    line = raw_object(a_rater.ui.commentLineEdit)
    line.setFocus()
    process_events(until=line.hasFocus)
    assert not a_rater.page.keys.are_on
    for key in ("3", "N", "Space", "5"):
        press_key(key)
    assert (line.text(), a_rater.saved()) == ("3n 5", [])
    raw_object(a_rater.ui.ratingTable).setFocus()
    process_events(until=lambda: a_rater.page.keys.are_on)


def test_keys_are_off_on_other_pages_and_in_other_modules(a_rater):
    page = a_rater.page
    assert page.keys.are_on
    a_rater.panel.tabs.setCurrentIndex(1)
    assert not page.keys.are_on
    a_rater.panel.tabs.setCurrentIndex(RATING_TAB)
    assert page.keys.are_on
    a_rater.panel.panel.exit()
    assert not page.keys.are_on
    a_rater.panel.panel.enter()
    a_rater.ui.endButton.click()
    assert not page.keys.are_on


class _Clock:
    """`now` of the page's clock and `call_later` of its activity watch."""

    def __init__(self):
        from panel.scripted_worker import ScriptedClock

        self.later = ScriptedClock()

    def passes(self, seconds):
        for _ in range(seconds):
            self.later.advance(1.0)


@pytest.fixture
def a_timed_rater(a_rating_panel, monkeypatch):
    """Scoring has begun on a page whose time the test moves; ``is_in_front`` and ``hand`` are the rater's."""
    from PediatricAbdomenSegLib.panel import rating_activity

    clock, world = _Clock(), {"is_in_front": True, "hand": 0}
    monkeypatch.setattr(rating_activity, "is_application_active", lambda: world["is_in_front"])
    monkeypatch.setattr(rating_activity, "input_state", lambda: world["hand"])
    page = a_rating_panel.page
    page._activity._call_later = clock.later
    page.clock._now = lambda: clock.later.now
    a_rating_panel.begin()
    page.clock.turn_to((0, "spleen"))
    page.clock.forget((0, "spleen"))
    page._activity.stop()
    page._activity.start()
    a_rating_panel.clock, a_rating_panel.world = clock, world
    return a_rating_panel


def test_the_seconds_of_an_organ_are_saved_with_its_score(a_timed_rater):
    a_timed_rater.clock.passes(12)
    a_timed_rater.press("spleen", 4)
    a_timed_rater.clock.passes(5)
    a_timed_rater.press("spleen", 3)
    assert [each["seconds_spent"] for each in a_timed_rater.saved()] == [12.0, 17.0]


def test_a_rater_who_has_gone_away_is_not_counted(a_timed_rater):
    a_timed_rater.clock.passes(300)
    a_timed_rater.press("spleen", 4)
    assert a_timed_rater.saved()[0]["seconds_spent"] == 30.0


def test_a_moving_hand_keeps_the_clock_running(a_timed_rater):
    for step in range(10):
        a_timed_rater.world["hand"] = step
        a_timed_rater.clock.passes(20)
    a_timed_rater.press("spleen", 4)
    assert a_timed_rater.saved()[0]["seconds_spent"] == 200.0


def test_scrolling_through_slices_counts_as_work(a_timed_rater):
    import slicer

    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    for step in range(10):
        red.JumpSliceByCentering(0.0, 0.0, 10.0 + step)
        a_timed_rater.clock.passes(20)
    a_timed_rater.press("spleen", 4)
    assert a_timed_rater.saved()[0]["seconds_spent"] == 200.0


def test_time_stands_still_behind_another_application_and_on_other_pages(a_timed_rater):
    a_timed_rater.clock.passes(4)
    a_timed_rater.world["is_in_front"] = False
    a_timed_rater.clock.passes(1)  # noticed at the next look
    a_timed_rater.clock.passes(20)
    a_timed_rater.world["is_in_front"] = True
    a_timed_rater.clock.passes(1)
    a_timed_rater.panel.tabs.setCurrentIndex(0)
    a_timed_rater.clock.passes(20)
    a_timed_rater.panel.tabs.setCurrentIndex(RATING_TAB)
    a_timed_rater.clock.passes(3)
    a_timed_rater.press("spleen", 4)
    assert a_timed_rater.saved()[0]["seconds_spent"] == pytest.approx(8.0)


def test_time_on_the_page_review_counts_while_the_same_case_is_corrected_there(a_timed_rater):
    a_timed_rater.ui.correctButton.click()
    a_timed_rater.clock.passes(9)
    a_timed_rater.panel.parameters.segmentation = None
    a_timed_rater.panel.tabs.setCurrentIndex(0)
    a_timed_rater.clock.passes(20)
    a_timed_rater.panel.tabs.setCurrentIndex(RATING_TAB)
    a_timed_rater.press("spleen", 4)
    assert a_timed_rater.saved()[0]["seconds_spent"] == 9.0
