from __future__ import annotations

import json

import pytest

from label_map_builder import number_in
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.ratings.assignment_files import KEY_NAME
from PediatricAbdomenSegLib.engine.ratings.scoring import RatingSession
from PediatricAbdomenSegLib.engine.ratings.unblinding import read_unblinded

CONTENT = {2: ("C01", "model-a"), 3: ("C01", "manual"), 4: ("C02", "model-a"), 5: ("C02", "manual")}


def test_every_score_gets_back_the_source_of_the_file_that_was_shown(a_study):
    shown = {}
    with RatingSession(a_study, "RO-1", machine="m") as session:
        for item in session.assignment.items:
            shown[item.token] = CONTENT[number_in(session.find_segmentation(item).path)]
            session.add_score(item.token, "liver", 2)
            session.add_score(item.token, "liver", 4)
    content = read_unblinded(a_study)
    assert len(content.ratings) == 5 and len(content.records) == 10 and content.problems == ()
    for rating in content.ratings:
        assert (rating.case.pseudonym, rating.source) == shown[rating.record.source_token]
        assert rating.bundle_sha256 == ("ab" * 32 if rating.source == "model-a" else "")
        assert len(rating.original_sha256) == 64 and rating.original_sha256 != rating.record.segmentation_sha256
        assert rating.record.score == 4 and rating.case.tumour_type == "renal"
    assert sorted(rating.repeat for rating in content.ratings) == [0, 0, 0, 0, 1]


def test_a_study_without_scores_is_empty(a_study):
    assert read_unblinded(a_study).ratings == ()


def test_a_token_that_the_key_does_not_know_is_named(a_study):
    with RatingSession(a_study, "RO-1", machine="m") as session:
        token = session.assignment.items[0].token
        session.add_score(token, "liver", 2)
    values = json.loads((a_study / KEY_NAME).read_text("utf-8"))
    del values["items"][token]
    (a_study / KEY_NAME).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(InputError, match=token):
        read_unblinded(a_study)
