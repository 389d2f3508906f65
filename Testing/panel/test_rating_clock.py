"""Time counts while the case is to be seen and somebody is there."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer")

from PediatricAbdomenSegLib.panel.rating_clock import RatingClock


class Now:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time

    def passes(self, seconds):
        self.time += seconds


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def a_clock(now):
    """A case in view, the liver chosen; 30 s of rest are allowed."""
    clock = RatingClock(now, idle_s=30.0)
    clock.turn_to("liver")
    clock.show(True)
    return clock


def test_seconds_go_to_the_organ_that_is_chosen(a_clock, now):
    now.passes(5)
    a_clock.turn_to("spleen")
    now.passes(7)
    assert (a_clock.seconds("liver"), a_clock.seconds("spleen")) == (5, 7)


def test_a_pause_counts_up_to_the_limit_only(a_clock, now):
    now.passes(300)
    a_clock.touch()
    now.passes(4)
    assert a_clock.seconds("liver") == 34


def test_steady_work_counts_in_full(a_clock, now):
    for _ in range(10):
        now.passes(20)
        a_clock.touch()
    assert a_clock.seconds("liver") == 200


def test_nothing_counts_while_the_case_is_out_of_view(a_clock, now):
    now.passes(3)
    a_clock.show(False)
    now.passes(20)
    a_clock.touch()
    a_clock.show(True)
    now.passes(2)
    assert a_clock.seconds("liver") == 5


def test_saved_time_is_not_counted_again(a_clock, now):
    now.passes(3)
    a_clock.forget("liver")
    now.passes(2)
    assert a_clock.seconds("liver") == 2


def test_without_an_organ_nothing_counts(a_clock, now):
    a_clock.turn_to(None)
    now.passes(9)
    a_clock.turn_to("liver")
    assert a_clock.seconds("liver") == 0
