from __future__ import annotations

from dataclasses import replace

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.ratings.export_check import check_exportable
from PediatricAbdomenSegLib.engine.ratings.record import new_record
from PediatricAbdomenSegLib.engine.ratings.study import read_study


def a_record(comment: str):
    given = {"study_id": "s", "case": "C01", "source_token": "t", "organ": "liver", "rater": "RO-1", "score": 3}
    return new_record(comment=comment, **given)


def test_a_study_without_names_may_leave_the_house(a_study):
    assert check_exportable(a_study, read_study(a_study), [a_record("dome cut off")]) == ()


def test_a_name_of_any_of_the_cases_in_a_score_is_refused(a_study):
    record = a_record("like in Li Bo")  # of the other child
    with pytest.raises(InputError) as caught:
        check_exportable(a_study, read_study(a_study), [a_record("good"), replace(record, comment="481512 again")])
    assert "comment" in caught.value.message and record.id in caught.value.message
    assert "481512" not in str(caught.value)


def test_a_name_in_the_study_itself_is_refused(a_study):
    study = replace(read_study(a_study), title="Johanna and others")
    with pytest.raises(InputError, match=r"study.json: the field title"):
        check_exportable(a_study, study, [])


def test_cases_whose_ct_is_not_there_are_told(a_study, files, tmp_path):
    (files / "child2").rename(tmp_path / "elsewhere")
    study = read_study(a_study)
    assert check_exportable(a_study, study, [a_record("481512")]) == ("C02",)
    with pytest.raises(InputError):
        check_exportable(a_study, study, [a_record("481512")], [tmp_path / "elsewhere"])
