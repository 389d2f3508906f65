"""``pedseg ratings``: a reader study from plan to merged scores, without Slicer."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from ct_series_builder import write_series
from label_map_builder import write_contours
from PediatricAbdomenSegLib.engine.cli.__main__ import main
from PediatricAbdomenSegLib.engine.ratings.unblinding import read_unblinded


@pytest.fixture
def pedseg(capfd):
    """Run ``pedseg``: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(each) for each in arguments])
        return (code, *capfd.readouterr())

    return run


@pytest.fixture
def plan(tmp_path):
    """A plan of two cases, its files beside it."""
    for number in (1, 2):
        write_series(tmp_path / f"{number}" / "ct", hounsfield=np.arange(32, dtype=np.int16).reshape(2, 4, 4))
        write_contours(tmp_path / f"{number}" / "a.nii.gz", number)
    case = {"segmentations": {"a": "1/a.nii.gz"}, "pseudonym": "C01", "ct": "1/ct"}
    values = {
        "title": "Study",
        "raters": ["RO-1", "RO-2"],
        "sources": {"a": "Model A"},
        "organs": {"required": ["liver"], "optional": ["spleen"]},
        "cases": [case, {"segmentations": {"a": "2/a.nii.gz"}, "pseudonym": "C02", "ct": "2/ct"}],
    }
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture
def study(tmp_path, plan, pedseg):
    """A study made and assigned by the commands."""
    assert pedseg("ratings", "study", "create", tmp_path / "study", "--plan", plan, "--seed", "1")[0] == 0
    assert pedseg("ratings", "study", "assign", tmp_path / "study")[0] == 0
    return tmp_path / "study"


@pytest.fixture
def tokens(study, pedseg):
    """The tokens of a rater, in order."""

    def of(rater: str) -> list[str]:
        _, out, _ = pedseg("ratings", "study", "show", study, "--rater", rater, "--json")
        return [item["token"] for item in json.loads(out)["result"]["raters"][rater]["items"]]

    return of


def test_show_tells_the_question_the_scale_and_the_progress_and_no_source(study, pedseg, tokens):
    code, out, _ = pedseg("ratings", "study", "show", study)
    assert code == 0
    assert "Use as is" in out and "blinded" in out and "RO-1: 0/2 contours, 0/2 organs scored" in out
    assert "Model A" not in out
    assert len(set(tokens("RO-1") + tokens("RO-2"))) == 4


def test_one_score_is_saved_and_named(study, pedseg, tokens):
    token = tokens("RO-1")[0]
    code, out, _ = pedseg(
        *("ratings", "score", study, "--rater", "RO-1", "--token", token, "--organ", "liver", "--score", 4),
        *("--tag", "under_contoured", "--seconds", 12, "--corrections", 1),
    )
    (rating,) = read_unblinded(study).ratings
    assert code == 0 and out.startswith(f"saved {rating.record.id} ")
    assert (rating.record.score, rating.record.tags, rating.source) == (4, ("under_contoured",), "a")
    assert "1/2 contours" in pedseg("ratings", "study", "show", study)[1]


def test_many_scores_come_from_a_file_and_a_wrong_line_keeps_those_before_it(study, pedseg, tokens, tmp_path):
    lines = [
        {"token": tokens("RO-1")[0], "organ": "liver", "score": 3, "comment": "ok", "seconds_spent": 2.5},
        {"token": tokens("RO-1")[1], "organ": "liver", "not_assessable": "removed", "tags": ["missing"]},
        {"token": tokens("RO-1")[1], "organ": "spleen", "score": 6},
        {"token": tokens("RO-1")[0], "organ": "spleen", "score": 5},
    ]
    file = tmp_path / "scores.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    code, out, err = pedseg("ratings", "score", study, "--rater", "RO-1", "--scores", file)
    assert code == 2 and "scores.jsonl, line 3: The score was not saved: the score is 6" in err
    assert out.count("saved ") == len(read_unblinded(study).ratings) == 2
    file.write_text(json.dumps(lines[3]), encoding="utf-8-sig")
    code, out, _ = pedseg("ratings", "score", study, "--rater", "RO-1", "--scores", file, "--json")
    assert code == 0 and len(json.loads(out)["result"]["saved"]) == 1


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 1 is not JSON"),
        ("[1]", "line 1 is no JSON object"),
        ('{"organ": "liver"}', '"token" is missing'),
        ('{"token": "x", "organ": "liver", "note": 1}', '"note" is unknown'),
        ('{"token": "x", "organ": "liver", "comment": 1}', '"comment"'),
    ],
)
def test_a_wrong_line_is_named(study, pedseg, tmp_path, line, named):
    (tmp_path / "scores.jsonl").write_text(line)
    code, _, err = pedseg("ratings", "score", study, "--rater", "RO-1", "--scores", tmp_path / "scores.jsonl")
    assert code == 3 and named in err


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        ([], 2, "--scores"),
        (["--token", "x"], 2, "--organ"),
        (["--token", "x", "--organ", "liver", "--score", "3"], 2, "not assigned"),
        (["--scores", "nowhere.jsonl"], 5, "nowhere.jsonl"),
    ],
)
def test_a_wrong_call_is_explained(study, pedseg, options, code, named):
    outcome = pedseg("ratings", "score", study, "--rater", "RO-1", *options)
    assert outcome[0] == code and named in outcome[2]


def test_a_rater_under_another_spelling_is_refused(study, pedseg):
    code, _, err = pedseg("ratings", "score", study, "--rater", "ro 1", "--scores", "-")
    assert code == 3 and "RO-1" in err and "ro 1" in err


def test_scores_of_two_machines_are_merged(study, pedseg, tokens, tmp_path):
    other = tmp_path / "laptop"
    shutil.copytree(study, other)
    for folder, rater in ((study, "RO-1"), (other, "RO-2")):
        for token in tokens(rater):
            pedseg("ratings", "score", folder, "--rater", rater, "--token", token, "--organ", "liver", "--score", 3)
    code, out, _ = pedseg("ratings", "merge", study, other)
    assert code == 0 and "2 scores added, 2 were there already" in out
    assert "0 scores added" in pedseg("ratings", "merge", study, other)[1]


def test_help_shows_a_plan(pedseg):
    code, out, _ = pedseg("ratings", "study", "create", "--help")
    assert code == 0 and '"pseudonym": "C01"' in out


def test_a_rater_who_joins_later_is_assigned_alone(pedseg, study):
    code, out, _ = pedseg("ratings", "study", "assign", study, "--add-rater", "RO-3", "--repeats", "1")
    assert code == 0 and "RO-3: 3 contours to score" in out and "RO-1" not in out
    assert pedseg("ratings", "study", "show", study, "--rater", "RO-3")[0] == 0
