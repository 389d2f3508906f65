"""ratings.csv and ratings.xlsx as other programs read them."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from openpyxl import load_workbook

from PediatricAbdomenSegLib.engine.ratings.tables import write_csv, write_xlsx
from rating_builder import a_study_of, ratings_of


@pytest.fixture
def a_scored_study():
    """Two cases, two sources; the second case has no left kidney; one contour scored twice, one not assessable."""
    study = a_study_of(("liver", "kidney_left"), cases=2, sources=("model-a", "model-b"))
    cases = (study.cases[0], replace(study.cases[1], absent_organs=("kidney_left",)))
    study = replace(study, cases=cases)
    scores = {
        ("model-a", "RO-1", "liver"): (5, 2),
        ("model-b", "RO-1", "liver"): (4, None),
        ("model-a", "RO-1", "kidney_left"): (1,),
    }
    again = ratings_of(study, {("model-b", "RO-1", "liver"): (3,)}, repeat=1)
    return study, ratings_of(study, scores, comment="=1+1", tags=("missing",), seconds_spent=12.5) + again


def read_rows(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_has_one_row_a_score_with_source_and_reading(a_scored_study, tmp_path):
    write_csv(*a_scored_study, tmp_path / "ratings.csv")
    rows = read_rows(tmp_path / "ratings.csv")
    assert len(rows) == 6
    first = rows[0]
    assert (first["case"], first["source"], first["source_title"]) == ("C01", "model-a", "Model A")
    assert (first["organ"], first["organ_name"], first["organ_type"]) == ("liver", "Liver", "type1")
    assert (first["score"], first["tags"], first["seconds_spent"]) == ("5", "missing", "12.5")
    assert [row["reading"] for row in rows] == ["1"] * 5 + ["2"]
    assert [row["not_assessable"] for row in rows if not row["score"]] == ["outside the scan"]


def test_a_text_that_a_spreadsheet_would_run_is_no_formula(a_scored_study, tmp_path):
    write_csv(*a_scored_study, tmp_path / "ratings.csv")
    assert read_rows(tmp_path / "ratings.csv")[0]["comment"] == "'=1+1"


def test_every_rater_has_a_sheet_of_organs_and_cases(a_scored_study, tmp_path):
    write_xlsx(*a_scored_study, tmp_path / "ratings.xlsx")
    workbook = load_workbook(tmp_path / "ratings.xlsx")
    assert workbook.sheetnames == ["RO-1", "RO-2", "Scale"]
    assert list(workbook["RO-1"].values) == [
        ("Rater", "RO-1", None, None, None, None),
        ("Case", "C01", "C01", "C02", "C02", "C01"),
        ("Source", "Model A", "Model B", "Model A", "Model B", "Model B"),
        ("Reading", 1, 1, 1, 1, 2),
        ("Liver", 5, 4, 2, "n/a: outside the scan", 3),
        ("Left kidney", 1, None, "–", "–", None),
    ]
    assert [row[0] for row in workbook["Scale"].values] == [5, 4, 3, 2, 1, "n/a"]


def test_sheets_of_raters_with_impossible_titles_have_others_and_hold_the_name(tmp_path):
    names = ("Prof. A/B: radiotherapy [chief of department]", "Prof. A_B_ radiotherapy _chief of", "Scale")
    study = a_study_of(("liver",), cases=1, raters=names)
    write_xlsx(study, [], tmp_path / "ratings.xlsx")
    workbook = load_workbook(tmp_path / "ratings.xlsx")
    assert len(set(workbook.sheetnames)) == 4 and all(len(title) <= 31 for title in workbook.sheetnames)
    assert tuple(sheet["B1"].value for sheet in workbook.worksheets[:3]) == names


def test_a_pseudonym_is_never_a_formula(tmp_path):
    study = a_study_of(("liver",), cases=1)
    study = replace(study, cases=(replace(study.cases[0], pseudonym="=A1"),))
    write_xlsx(study, [], tmp_path / "ratings.xlsx")
    assert load_workbook(tmp_path / "ratings.xlsx")["RO-1"]["B2"].data_type == "s"


def test_no_half_written_file_stays(tmp_path, a_scored_study):
    study, ratings = a_scored_study
    with pytest.raises(ValueError):
        write_csv(
            study, [replace(ratings[0], record=replace(ratings[0].record, seconds_spent="?"))], tmp_path / "r.csv"
        )
    assert list(tmp_path.iterdir()) == []
