"""Scores made on several machines come together, and nothing is overwritten."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError
from PediatricAbdomenSegLib.engine.ratings.assignment_files import (
    ASSIGNMENTS_FOLDER,
    KEY_NAME,
    add_rater,
    assign,
    read_key,
    write_key,
)
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.merge import merge
from PediatricAbdomenSegLib.engine.ratings.record import record_to_line
from PediatricAbdomenSegLib.engine.ratings.scoring import RatingSession
from PediatricAbdomenSegLib.engine.ratings.store import RatingStore, rating_files, read_rating_file
from PediatricAbdomenSegLib.engine.ratings.study import read_study
from PediatricAbdomenSegLib.engine.ratings.unblinding import read_unblinded


def score(folder, rater, machine, value=4, organs=("liver", "kidney_left")) -> None:
    with RatingSession(folder, rater, machine=machine) as session:
        for item in session.assignment.items:
            for organ in organs:
                session.add_score(item.token, organ, value)


def ids(folder) -> set[str]:
    return {record.id for path in rating_files(folder) for record in read_rating_file(path).records}


@pytest.fixture
def two_machines(a_study, tmp_path):
    """Copies of a study, each scored by another rater on another machine."""
    other = tmp_path / "laptop"
    shutil.copytree(a_study, other)
    score(a_study, "RO-1", "workstation")
    score(other, "Łukasz Ångström", "laptop", 3)
    return a_study, other


def test_the_files_of_two_raters_from_two_machines_become_one_study(two_machines):
    here, there = two_machines
    expected = ids(here) | ids(there)
    result = merge(here, [there])
    assert (result.added, result.present) == (10, 10)
    assert ids(here) == expected
    assert {(rating.record.rater, rating.record.score) for rating in read_unblinded(here).ratings} == {
        ("RO-1", 4),
        ("Łukasz Ångström", 3),
    }


def test_merging_twice_or_in_another_order_gives_the_same(two_machines, tmp_path):
    here, there = two_machines
    other_way = tmp_path / "other way"
    shutil.copytree(there, other_way)
    merge(other_way, [here])
    merge(here, [there])
    before = {path.name: path.read_bytes() for path in rating_files(here)}
    assert merge(here, [there, other_way]).added == 0
    assert {path.name: path.read_bytes() for path in rating_files(here)} == before
    assert ids(other_way) == ids(here)


def test_a_file_that_grew_on_both_sides_keeps_both(two_machines):
    here, there = two_machines
    merge(here, [there])
    score(there, "Łukasz Ångström", "laptop", 2, ["pancreas"])
    score(here, "Łukasz Ångström", "laptop", 1, ["pancreas"])
    expected = ids(here) | ids(there)
    merge(here, [there])
    assert ids(here) == expected
    assert len(expected) == 30


def test_single_files_and_unknown_members_are_taken_over(two_machines, tmp_path):
    here, there = two_machines
    (path,) = rating_files(there)
    lines = path.read_bytes().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), "schema_version": 3, "gaze": [1]}).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    merge(here, [path])
    assert b'"gaze": [1]' in (here / "ratings" / path.name).read_bytes()


def test_an_assignment_made_on_the_other_machine_comes_along(tmp_path, a_plan):
    here, there = tmp_path / "here", tmp_path / "there"
    create_study(here, a_plan())
    shutil.copytree(here, there)
    assign(here, ["RO-1"])
    assign(there, ["Łukasz Ångström"])
    score(there, "Łukasz Ångström", "m")
    merge(here, [there])
    assert len(read_unblinded(here).ratings) == 8
    score(here, "Łukasz Ångström", "m2", 1)


def test_two_studies_are_not_merged_and_both_are_named(two_machines, tmp_path, a_plan):
    here, _ = two_machines
    other = tmp_path / "another study"
    study = create_study(other, a_plan())
    assign(other)
    score(other, "RO-1", "m")
    before = ids(here)
    for given in (other, rating_files(other)[0]):
        with pytest.raises(InputError) as caught:
            merge(here, [given])
        assert study.id in caught.value.message and read_unblinded(here).study.id in caught.value.message
    assert ids(here) == before


def test_one_rater_in_two_spellings_is_refused_naming_both(two_machines):
    here, there = two_machines
    (path,) = rating_files(there)
    records = [replace(record, rater="Lukasz Angstrom") for record in read_rating_file(path).records]
    path.write_bytes(b"".join(map(record_to_line, records)))
    with pytest.raises(InputError) as caught:
        merge(here, [there])
    assert "Łukasz Ångström" in caught.value.message and "Lukasz Angstrom" in caught.value.message
    assert len(rating_files(here)) == 1


def test_two_different_scores_under_one_id_are_refused(two_machines):
    here, there = two_machines
    (path,) = rating_files(here)
    first = read_rating_file(path).records[0]
    (there / "ratings" / path.name).write_bytes(record_to_line(replace(first, score=1)))
    with pytest.raises(InputError, match=first.id):
        merge(here, [there])


def test_two_keys_that_contradict_each_other_are_refused(two_machines):
    here, there = two_machines
    key = read_key(there)
    token, item = next(iter(key.items.items()))
    write_key(
        there, replace(key, items={**key.items, token: replace(item, case="C02" if item.case == "C01" else "C01")})
    )
    with pytest.raises(InputError, match=token):
        merge(here, [there])
    assert (here / KEY_NAME).read_bytes() != (there / KEY_NAME).read_bytes()


def test_a_file_that_is_being_written_is_not_merged_into(two_machines):
    here, there = two_machines
    (path,) = rating_files(there)
    with RatingStore(here / "ratings" / path.name, read_unblinded(here).study.id), pytest.raises(ResourceError):
        merge(here, [there])
    assert merge(here, [there]).added == 10


def test_damaged_lines_are_reported_and_the_rest_is_merged(two_machines):
    here, there = two_machines
    (path,) = rating_files(there)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"@@@\n", *lines[1:]]))
    result = merge(here, [there])
    assert result.added == 10
    assert result.problems == (f"{path.name}, line 2 is damaged and was left out.",)


def test_a_folder_without_scores_is_named(a_study, tmp_path):
    with pytest.raises(InputError, match="no scores in"):
        merge(a_study, [tmp_path])


def test_a_rater_who_joined_in_a_copy_joins_the_study(two_machines):
    here, there = two_machines
    add_rater(there, "RO-3")
    assign(there, ["RO-3"])
    score(there, "RO-3", "laptop", 2)
    merge(here, [there])
    assert read_study(here).raters == ("RO-1", "Łukasz Ångström", "RO-3")
    score(here, "RO-3", "workstation", 3, ["pancreas"])
    assert {each.record.rater for each in read_unblinded(here).ratings} == {"RO-1", "Łukasz Ångström", "RO-3"}


def test_one_person_who_joined_two_copies_in_two_spellings_is_named(two_machines):
    here, there = two_machines
    add_rater(here, "RO-3")
    add_rater(there, "ro 3")
    with pytest.raises(InputError, match='"ro 3" is known as "RO-3"'):
        merge(here, [there])


def test_a_file_that_was_renamed_on_its_way_is_found_by_the_raters_next_session(two_machines, tmp_path):
    here, there = two_machines
    (path,) = rating_files(there)
    shutil.copy(path, tmp_path / "scores of Lukasz.jsonl")
    merge(here, [tmp_path / "scores of Lukasz.jsonl"])
    with RatingSession(here, "Łukasz Ångström", machine="workstation") as session:
        assert session.next_item() is None


def test_another_file_is_no_file_of_scores(two_machines):
    here, _ = two_machines
    with pytest.raises(InputError, match=r"no scores in .*study.json"):
        merge(here, [here / "study.json"])


def test_scores_of_two_machines_that_contradict_each_other_are_told(two_machines):
    here, there = two_machines
    with RatingSession(here, "Łukasz Ångström", machine="workstation") as session:
        token = session.assignment.items[0].token
        session.add_score(token, "liver", 5)
        case = session.assignment.items[0].case
    (problem,) = merge(here, [there]).problems
    assert f"Łukasz Ångström scored liver of {case} ({token}) 2 times without correcting: 3, 5" in problem
    assert read_unblinded(here).problems == (problem,)
    with RatingSession(here, "Łukasz Ångström", machine="workstation") as session:
        session.add_score(token, "liver", 5)
    assert read_unblinded(here).problems == ()


def test_assignments_of_one_name_that_differ_are_refused_and_nothing_is_merged(two_machines):
    here, there = two_machines
    before = ids(here)
    assignment = next((there / ASSIGNMENTS_FOLDER).glob("*.json"))
    assignment.write_text(assignment.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="differs between the study folders"):
        merge(here, [there])
    assert ids(here) == before
