"""A whole study: 15 phantom cases, two raters, two sources, scored by what the buttons call, and its analysis."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from ct_series_builder import write_series
from label_map_builder import write_contours
from PediatricAbdomenSegLib.engine.cli.__main__ import main
from PediatricAbdomenSegLib.engine.ratings.assignment_files import assign, read_key
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.plan import read_plan
from PediatricAbdomenSegLib.engine.ratings.scoring import RatingSession
from PediatricAbdomenSegLib.engine.ratings.summary import summarise, summary_to_json
from PediatricAbdomenSegLib.engine.ratings.unblinding import read_unblinded

CASES, REPEATS = 15, 4
# Score of each case, organ for organ, as the published reader study has them [Ding-OAR]: means 3.07 and 2.80, 3.87 and
# 5.00 for model A. Model B is one better on the stomach and bowel in the first six cases.
STOMACH_BOWEL = {"RO-1": [3] * 14 + [4], "RO-2": [2] * 6 + [3] * 7 + [4, 5]}
PANCREAS = {"RO-1": [3] * 5 + [4] * 7 + [5] * 3, "RO-2": [5] * 15}


def the_score(rater: str, case: int, source: str, organ: str) -> int | None:
    if organ == "pancreas":
        return PANCREAS[rater][case]
    if organ == "stomach_bowel":
        return STOMACH_BOWEL[rater][case] + (source == "model-b" and case < 6)
    return 2 if case else None  # the aorta; not assessable in the first case


@pytest.fixture(scope="module")
def the_study(tmp_path_factory):
    """Made, assigned and scored once for all tests."""
    folder = tmp_path_factory.mktemp("reader")
    cases = []
    for number in range(CASES):
        write_series(folder / f"{number}" / "ct", hounsfield=np.arange(32, dtype=np.int16).reshape(2, 4, 4))
        for place, source in enumerate(("model-a", "model-b")):
            write_contours(folder / f"{number}" / f"{source}.nii.gz", 2 * number + place + 1, "pancreas")
        cases.append(
            {
                "pseudonym": f"P{number:02}",
                "ct": f"{number}/ct",
                "segmentations": {source: f"{number}/{source}.nii.gz" for source in ("model-a", "model-b")},
                "sex": "FM"[number % 2],
            }
        )
    plan = {
        "title": "Two models",
        "raters": ["RO-1", "RO-2"],
        "sources": {"model-a": "Model A", "model-b": "Model B"},
        "organs": {"required": ["stomach_bowel", "pancreas", "abdominal_aorta"]},
        "bundles": {"model-a": "ab" * 32, "model-b": "cd" * 32},
        "cases": cases,
    }
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    create_study(folder / "study", read_plan(folder / "plan.json"), seed="1")
    assign(folder / "study", repeats=REPEATS)
    key = read_key(folder / "study")
    for rater in plan["raters"]:
        with RatingSession(folder / "study", rater) as session:
            while item := session.next_item():
                source = key.items[item.token].source
                for organ in session.open_organs(item):
                    score = the_score(rater, int(item.case[1:]), source, organ)
                    reason = "" if score else "Outside the scan"
                    tags = ["under_contoured"] if score == 2 else []
                    session.add_score(item.token, organ, score, not_assessable=reason, tags=tags, seconds_spent=10)
    return folder / "study"


@pytest.fixture(scope="module")
def the_summary(the_study):
    """Its analysis."""
    return summarise(the_study, read_unblinded(the_study))


@pytest.fixture(scope="module")
def the_files(the_study, tmp_path_factory):
    """What the command writes."""
    output = tmp_path_factory.mktemp("out")
    assert main(["ratings", "summary", str(the_study), "--output", str(output)]) == 0
    return output


def test_every_contour_is_scored_once_and_some_twice(the_summary):
    organs = 3
    assert the_summary.scores + the_summary.not_assessable == CASES * 2 * 2 * organs
    assert the_summary.not_assessable == 4  # the aorta of one case, two raters, two sources
    assert the_summary.repeats == REPEATS * 2 * organs
    assert the_summary.unfinished == ()


def test_the_published_means_come_out_of_what_was_scored_blind(the_summary):
    rows = {(row.source, row.rater, row.label): row.description for row in the_summary.organs}
    assert rows["model-a", "RO-1", "stomach_bowel"].mean.text() == "3.07"
    assert rows["model-a", "RO-1", "stomach_bowel"].sd.text() == "0.26"
    assert rows["model-a", "RO-2", "stomach_bowel"].mean.text() == "2.80"
    assert rows["model-a", "RO-2", "stomach_bowel"].sd.text() == "0.86"
    assert rows["model-b", "RO-1", "stomach_bowel"].mean.value == pytest.approx((46 + 6) / 15)
    verdicts = {each.source: each for each in the_summary.verdicts}
    assert verdicts["model-a"].acceptable == ("pancreas",)
    assert verdicts["model-a"].below == ("stomach_bowel", "abdominal_aorta")
    assert verdicts["model-b"].usable == ("stomach_bowel",)


def test_model_b_is_better_in_six_cases(the_summary):
    rows = {row.label: row for row in the_summary.comparisons}
    organ = rows["stomach_bowel"]
    assert (organ.better, organ.same, organ.worse, organ.difference.n) == (6, 9, 0, 15)
    assert organ.p.value == pytest.approx(2 / 2**6)
    assert rows["pancreas"].p.text() == "not defined, because no case has a difference"


def test_a_rater_who_scores_repeated_contours_alike_agrees_with_himself(the_summary):
    for row in the_summary.intra_rater:
        assert row.coefficients["exact"].value == row.coefficients["gwet_ac2"].value == 1


def test_time_and_errors_are_counted(the_summary):
    rows = {(row.label, row.rater): row for row in the_summary.durations}
    assert (
        rows["Whole case", "RO-1"].seconds.value == 30 and rows["Whole case", "RO-1"].seconds.n == 2 * CASES + REPEATS
    )
    assert the_summary.tags["model-a", "abdominal_aorta", "under_contoured"] == 28


def test_the_figures_are_json_without_numbers_that_are_none(the_summary):
    text = json.dumps(summary_to_json(the_summary), allow_nan=False)
    assert json.loads(text)["scores"] == the_summary.scores


def test_the_page_stands_alone_and_hides_nothing_that_is_not_defined(the_files):
    page = (the_files / "summary.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="|url\(|@import', page) == []
    assert "nan" not in re.findall(r"[a-z]+", page) and "None" not in re.findall(r"\w+", page)
    assert "3.07 ± 0.26" in page and "2.80 ± 0.86" in page
    assert "no case has a difference" in page
    assert page.count("<figure") == 3 and "Bland–Altman" in page
    assert page.count("Distribution of the scores: ") == 6  # a part for each organ and pool, that a printer can part
    assert "Model A" in page and "abababababab" in page


def test_the_page_is_well_formed_where_it_is_svg(the_files):
    from xml.etree import ElementTree

    page = (the_files / "summary.html").read_text("utf-8")
    for figure in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(figure)


def test_the_list_has_every_score_with_its_source(the_files, the_study):
    with (the_files / "ratings.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == CASES * 2 * 2 * 3 + REPEATS * 2 * 3
    for row in rows:
        expected = the_score(row["rater"], int(row["case"][1:]), row["source"], row["organ"])
        assert row["score"] == ("" if expected is None else str(expected))


def test_titles_with_markup_in_them_stay_text(a_plan, tmp_path):
    create_study(tmp_path / "study", a_plan(title="A & <b>B</b>", sources={"model-a": "<i>A</i>", "manual": "M"}))
    assert main(["ratings", "summary", str(tmp_path / "study"), "--output", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "summary.html").read_text("utf-8")
    assert "A &amp; &lt;b&gt;B" in page and "<i>" not in page


def test_a_study_without_scores_gives_a_page_and_a_form_to_fill_in(a_study, tmp_path, capfd):
    assert main(["ratings", "summary", str(a_study), "--output", str(tmp_path)]) == 0
    assert "RO-1: 0 of 10 required scores; " in capfd.readouterr().err
    page = (tmp_path / "summary.html").read_text("utf-8")
    assert "There is no score yet" in page and "<table" not in page and "<svg" not in page
    assert (tmp_path / "ratings.xlsx").is_file()


@pytest.mark.parametrize("raters", [["RO-1"], ["RO-1", "RO-2", "RO-3"]])
def test_one_rater_and_three_raters_are_analysed_too(a_plan, tmp_path, raters):
    study = tmp_path / "study"
    create_study(study, a_plan(raters=raters))
    assign(study)
    for rater in raters:
        with RatingSession(study, rater) as session:
            for item in session.assignment.items:
                session.add_score(item.token, "liver", 3)
    assert main(["ratings", "summary", str(study), "--output", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "summary.html").read_text("utf-8")
    if len(raters) == 1:
        assert " · 1 rater, blinded" in page
        assert "Inter-rater agreement is not defined, because there is one rater only" in page
    else:
        assert "Fleiss" in page and "all scores are the same" in page
        tables = re.findall(r"<table>.*?</table>", page)
        both = [each for each in tables if "Weighted κ" in each and "Fleiss" in each]
        assert both == []  # such a table is wider than a page


def test_a_pair_without_a_contour_in_common_gets_a_sentence_and_no_empty_plot(a_plan, tmp_path):
    study = tmp_path / "study"
    create_study(study, a_plan(raters=["RO-1", "RO-2"]))
    assign(study)
    for rater, case in (("RO-1", "C01"), ("RO-2", "C02")):
        with RatingSession(study, rater) as session:
            for item in session.assignment.items:
                if item.case == case:
                    session.add_score(item.token, "liver", 3)
    assert main(["ratings", "summary", str(study), "--output", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "summary.html").read_text("utf-8")
    assert "RO-1 and RO-2: limits of agreement are not defined, because no contour was scored by both." in page
    assert "Bland–Altman plot" not in page


def test_a_tumour_type_called_like_a_structure_keeps_its_spelling(a_plan, tmp_path, files):
    plan = a_plan()
    first, second = plan.cases
    cases = (replace(first, tumour_type="hepatoblastoma"), second)
    create_study(tmp_path / "study", replace(plan, cases=cases))
    assign(tmp_path / "study")
    with RatingSession(tmp_path / "study", "RO-1") as session:
        session.add_score(session.assignment.items[0].token, "liver", 3)
    assert main(["ratings", "summary", str(tmp_path / "study"), "--output", str(tmp_path / "out")]) == 0
    assert "<th>hepatoblastoma</th>" in (tmp_path / "out" / "summary.html").read_text("utf-8")


def test_nothing_is_written_while_a_text_names_a_patient(a_study, tmp_path, capfd):
    values = json.loads((a_study / "study.json").read_text("utf-8"))
    values["title"] = "Johanna and others"
    (a_study / "study.json").write_text(json.dumps(values), encoding="utf-8")
    assert main(["ratings", "summary", str(a_study), "--output", str(tmp_path / "out")]) == 3
    assert "title" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_cases_that_could_not_be_compared_are_told(a_study, files, tmp_path, capfd):
    (files / "child2").rename(tmp_path / "elsewhere")
    assert main(["ratings", "summary", str(a_study), "--output", str(tmp_path / "out")]) == 0
    assert "could not be compared with the patient data of C02" in capfd.readouterr().err
    assert "patient data of C02" in (tmp_path / "out" / "summary.html").read_text("utf-8")
    assert main(["ratings", "summary", str(a_study), "--output", str(tmp_path), "--search", str(tmp_path)]) == 0
    assert "could not be compared" not in capfd.readouterr().err
