from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.ratings.record import (
    current_records,
    disputed,
    new_record,
    record_from_json,
    record_to_line,
)
from PediatricAbdomenSegLib.engine.ratings.scale import ANCHORS, ERROR_TAGS

SUBJECT = {"study_id": "s", "case": "C01", "source_token": "t", "organ": "liver", "rater": "RO-1"}


def test_every_score_has_an_anchor_with_its_own_wording():
    assert [anchor.score for anchor in ANCHORS] == [1, 2, 3, 4, 5]
    assert len({anchor.wording for anchor in ANCHORS}) == 5


@given(
    comment=st.text(),
    score=st.integers(1, 5),
    tags=st.lists(st.sampled_from(sorted(ERROR_TAGS))),
    seconds=st.floats(0, 1e6),
)
def test_a_record_comes_back_from_its_line_as_it_was(comment, score, tags, seconds):
    record = new_record(**SUBJECT, score=score, comment=comment, tags=tuple(tags), seconds_spent=seconds)
    line = record_to_line(record)
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii()
    assert record_from_json(json.loads(line), "x") == record


def test_not_assessable_needs_a_reason_and_no_score():
    assert new_record(**SUBJECT, not_assessable="removed").score is None
    for values in ({}, {"not_assessable": " "}, {"score": 3, "not_assessable": "removed"}):
        with pytest.raises(UsageError, match="either a score or the reason"):
            new_record(**SUBJECT, **values)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"score": 0}, "the score is 0"),
        ({"score": 6}, "the score is 6"),
        ({"score": 3.5}, "3.5"),
        ({"score": True}, "True"),
        ({"score": "4"}, "'4'"),
        ({"score": 3, "organ": "gallbladder"}, "gallbladder"),
        ({"score": 3, "tags": ("ugly",)}, "ugly"),
        ({"score": 3, "seconds_spent": -1.0}, "-1.0 s"),
        ({"score": 3, "seconds_spent": float("nan")}, "nan s"),
        ({"score": 3, "corrections": -1}, "-1"),
    ],
)
def test_what_is_no_score_is_refused_by_name(values, named):
    with pytest.raises(UsageError) as caught:
        new_record(**{**SUBJECT, **values})
    assert named in caught.value.message and "not saved" in caught.value.message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"score": 0}, "score"),
        ({"score": 6}, "score is 6"),
        ({"score": "5"}, '"score"'),
        ({"organ": "gallbladder"}, "gallbladder"),
        ({"rated_at": "yesterday"}, "yesterday"),
        ({"id": ""}, '"id"'),
        ({"tags": "missing"}, '"tags"'),
    ],
)
def test_a_wrong_member_of_a_file_is_refused_with_file_and_line(change, named):
    values = {**json.loads(record_to_line(new_record(**SUBJECT, score=3))), **change}
    with pytest.raises(InputError) as caught:
        record_from_json(values, "a.jsonl, line 4")
    assert named in caught.value.message and "a.jsonl, line 4" in caught.value.message


def test_members_and_version_of_a_later_software_are_kept():
    values = json.loads(record_to_line(new_record(**SUBJECT, score=3)))
    later = {**values, "schema_version": 2, "confidence": {"value": 0.5}}
    record = record_from_json(later, "x")
    assert record.extra["confidence"] == {"value": 0.5}
    assert json.loads(record_to_line(record)) == later


def test_a_superseded_record_does_not_count_whatever_its_time():
    first = new_record(**SUBJECT, score=2)
    second = replace(new_record(**SUBJECT, score=4, supersedes=(first.id,)), rated_at="2001-01-01T00:00:00.000Z")
    assert current_records([second, first]) == (second,)


def test_of_two_scores_made_apart_the_later_counts():
    early = replace(new_record(**SUBJECT, score=2), rated_at="2026-01-01T00:00:00.000Z")
    late = replace(new_record(**SUBJECT, score=4), rated_at="2026-01-02T00:00:00.000Z")
    other = replace(new_record(**{**SUBJECT, "organ": "spleen"}, score=1), rated_at="2026-01-03T00:00:00.000Z")
    assert current_records([late, other, early]) == (late, other)


def test_only_scores_that_contradict_each_other_are_disputed():
    once, again = new_record(**SUBJECT, score=2), new_record(**SUBJECT, score=2, comment="made on a copy")
    assert disputed([once, again]) == ()
    (said,) = disputed([once, new_record(**SUBJECT, score=4)])
    assert "RO-1 scored liver of C01 (t) 2 times" in said
