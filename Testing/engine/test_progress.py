"""Progress by stage, remaining time and cancelling."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.progress import CancelToken, StageProgress, ignore_progress


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def a_clock():
    return Clock()


@pytest.fixture
def events():
    return []


@pytest.fixture
def a_run_of_two_stages(a_clock, events):
    return StageProgress({"read": 1, "network": 3}, events.append, clock=a_clock)


def test_stages_share_the_run_by_their_weights(a_run_of_two_stages, events):
    a_run_of_two_stages.report("read", 1.0)
    a_run_of_two_stages.report("network", 0.5)
    a_run_of_two_stages.report("network", 1.0)
    assert [event.fraction for event in events] == pytest.approx([0.25, 0.625, 1.0])
    assert [event.stage for event in events] == ["read", "network", "network"]


def test_the_fraction_never_goes_back(a_run_of_two_stages, events):
    for fraction in (0.5, 0.2, -1.0, 0.6, 7.0):
        a_run_of_two_stages.report("network", fraction)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_remaining_time_extrapolates_the_time_spent(a_run_of_two_stages, a_clock, events):
    a_clock.now = 10.0
    a_run_of_two_stages.report("read", 1.0)
    assert events[-1].remaining_s == pytest.approx(30.0)


def test_remaining_time_is_unknown_at_the_very_start(a_run_of_two_stages, events):
    a_run_of_two_stages.report("read", 0.0)
    assert events[-1].remaining_s is None


def test_seconds_are_added_up_per_stage(a_run_of_two_stages, a_clock):
    a_run_of_two_stages.report("read")
    a_clock.now = 2.0
    a_run_of_two_stages.report("network")
    a_clock.now = 7.0
    assert a_run_of_two_stages.finish() == {"read": 2.0, "network": 5.0}


def test_finishing_twice_counts_the_last_stage_once(a_run_of_two_stages, a_clock):
    a_run_of_two_stages.report("read")
    a_clock.now = 2.0
    a_run_of_two_stages.finish()
    a_clock.now = 9.0
    assert a_run_of_two_stages.finish() == {"read": 2.0}


def test_an_unknown_stage_is_a_programming_error(a_run_of_two_stages):
    with pytest.raises(KeyError):
        a_run_of_two_stages.report("cooking")


def test_a_cancelled_run_stops_at_its_next_report(events):
    cancel = CancelToken()
    run = StageProgress({"read": 1}, events.append, cancel)
    run.report("read", 0.1)
    cancel.cancel()
    with pytest.raises(Cancelled):
        run.report("read", 0.2)
    assert len(events) == 1


def test_a_token_nobody_cancelled_lets_work_go_on():
    token = CancelToken()
    token.raise_if_cancelled()
    assert not token.is_cancelled
    token.cancel()
    assert token.is_cancelled


def test_progress_may_be_ignored():
    StageProgress({"read": 1}, ignore_progress).report("read", 0.5)
