"""How long scoring took, by hand."""

from __future__ import annotations

from PediatricAbdomenSegLib.engine.ratings.durations import PER_CASE, duration_rows
from rating_builder import a_study_of, ratings_of


def test_the_organs_of_a_case_add_up_and_scores_without_a_time_are_left_out():
    study = a_study_of(("liver", "spleen"), cases=3, raters=("RO-1",))
    ratings = [
        *ratings_of(study, {("model-a", "RO-1", "liver"): (4, 4)}, seconds_spent=10.0),
        *ratings_of(study, {("model-a", "RO-1", "spleen"): (4,)}, seconds_spent=30.0),
        *ratings_of(study, {("model-a", "RO-1", "spleen"): (None, 4, 4)}),
    ]
    rows = {row.label: row for row in duration_rows(study, ratings)}
    assert {label: (row.seconds.value, row.seconds.n, row.total_s) for label, row in rows.items()} == {
        PER_CASE: (25.0, 2, 50.0),
        "liver": (10.0, 2, 20.0),
        "spleen": (30.0, 1, 30.0),
    }
    assert (rows[PER_CASE].seconds.low, rows[PER_CASE].seconds.high) == (17.5, 32.5)


def test_without_a_measured_time_there_is_no_duration():
    study = a_study_of(("liver",), cases=1, raters=("RO-1",))
    case, organ = duration_rows(study, ratings_of(study, {("model-a", "RO-1", "liver"): (4,)}))
    assert case.seconds.reason == organ.seconds.reason == "no time was measured" and case.total_s == 0
