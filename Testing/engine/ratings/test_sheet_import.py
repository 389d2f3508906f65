"""Spreadsheets made by hand: what comes in, and which cells are named when something is wrong."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.ratings.assignment_files import assign, read_key
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.scoring import RatingSession
from PediatricAbdomenSegLib.engine.ratings.sheet_import import import_sheet
from PediatricAbdomenSegLib.engine.ratings.sheet_reading import read_table
from PediatricAbdomenSegLib.engine.ratings.tables import write_csv, write_xlsx
from PediatricAbdomenSegLib.engine.ratings.unblinding import read_unblinded

ROWS = [
    ["Organ", "C01", "C01", "C02"],
    ["Source", "Model A", "manual", "model-a"],
    ["Liver", 5, 4.0, "3"],
    ["linke Niere", None, "n/a: cut off", "–"],
]


@pytest.fixture
def a_sheet(tmp_path):
    """Write rows as the sheet of a rater."""

    def make(rows=ROWS, title="RO-1"):
        workbook = Workbook()
        workbook.active.title = title
        for row in rows:
            workbook.active.append(row)
        workbook.save(tmp_path / "by hand.xlsx")
        return tmp_path / "by hand.xlsx"

    return make


@pytest.fixture
def a_list(tmp_path):
    """Write text as a .csv."""

    def make(text: str, encoding: str = "utf-8"):
        (tmp_path / "list.csv").write_bytes(text.encode(encoding))
        return tmp_path / "list.csv"

    return make


def scores_in(folder) -> dict[tuple, object]:
    return {
        (each.record.rater, each.case.pseudonym, each.source, each.record.organ, each.repeat): (
            each.record.score or each.record.not_assessable
        )
        for each in read_unblinded(folder).ratings
    }


def wrong_cells(folder, path, **options) -> str:
    with pytest.raises(InputError) as caught:
        import_sheet(folder, path, **options)
    assert "Nothing was imported" in caught.value.hint
    assert scores_in(folder) == {}
    return caught.value.message


def test_a_sheet_made_by_hand_comes_in(a_study, a_sheet):
    done = import_sheet(a_study, a_sheet())
    assert (done.added, done.replaced, done.present) == (4, 0, 0)
    assert scores_in(a_study) == {
        ("RO-1", "C01", "model-a", "liver", 0): 5,
        ("RO-1", "C01", "manual", "liver", 0): 4,
        ("RO-1", "C02", "model-a", "liver", 0): 3,
        ("RO-1", "C01", "manual", "kidney_left", 0): "cut off",
    }


def test_what_was_exported_comes_in_again_as_the_same_scores(a_study, tmp_path):
    empty = shutil.copytree(a_study, tmp_path / "empty")
    comments = ("-dome", "'quoted'")  # a spreadsheet would take one for a formula and the other for a mark
    for rater in ("RO-1", "Łukasz Ångström"):
        with RatingSession(a_study, rater) as session:
            for number, item in enumerate(session.assignment.items):
                session.add_score(item.token, "liver", number % 5 + 1, comment=comments[number % 2], tags=("missing",))
                session.add_score(item.token, "pancreas", not_assessable="Outside the scan")
    content = read_unblinded(a_study)
    write_xlsx(content.study, content.ratings, tmp_path / "out.xlsx")
    write_csv(content.study, content.ratings, tmp_path / "out.csv")
    assert import_sheet(a_study, tmp_path / "out.xlsx").present == 20
    assert import_sheet(empty, tmp_path / "out.xlsx").added == 20
    assert scores_in(empty) == scores_in(a_study)
    done = import_sheet(empty, tmp_path / "out.csv", replace=True)  # the list has comments and tags as well
    assert (done.replaced, done.present) == (10, 10) and "record" in done.unused_columns
    assert {each.record.comment for each in read_unblinded(empty).ratings} == {*comments, ""}
    assert import_sheet(empty, tmp_path / "out.csv").present == 20


def test_every_wrong_cell_of_a_sheet_is_named_and_nothing_saved(a_study, a_sheet):
    rows = [
        ["Case", "C01", "C77", "C02"],
        ["Source", "Model A", "Model A", "Model Z"],
        ["Liver", 6, 4, 4],
        ["Gizzard", 4, None, None],
        ["pancreas", 0, None, "good"],
        ["Left kidney", 3.5, 2, None],
    ]
    message = wrong_cells(a_study, a_sheet(rows))
    assert "sheet RO-1, cell B3: the score is 6. It has to be 1 to 5" in message
    assert "sheet RO-1, cell B5: the score is 0." in message
    assert 'sheet RO-1, cell B6: "3.5" is no score' in message
    assert 'sheet RO-1, cell D5: "good" is no score' in message
    assert message.count('cell C1: The study has no case "C77". It has: C01, C02') == 1  # not for every organ
    assert 'cell D2: unknown source "Model Z". It has: model-a, manual' in message
    assert 'cell A4: unknown organ "Gizzard"' in message
    assert "8 things are wrong" not in message and "7 things are wrong" in message


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("RO-9", 'sheet RO-9: The study has no rater "RO-9". It has: RO-1, Łukasz Ångström'),
        ("ro 1", 'the rater "ro 1" is known as "RO-1"'),
    ],
)
def test_an_unknown_rater_and_one_in_another_spelling_are_named_once(a_study, a_sheet, title, expected):
    message = wrong_cells(a_study, a_sheet(title=title))
    assert message.count(expected) == 1 and "1 thing is wrong" in message


def test_a_list_as_a_german_spreadsheet_saves_it_comes_in(a_study, a_list):
    text = "Rater;Case;Source;Organ;Score;Comment;Ward\r\nRO-1;C01;Model A;Leber;4;Wölbung fehlt;3b\r\n;;;;;;\r\n"
    done = import_sheet(a_study, a_list(text, "cp1252"))
    assert done.added == 1 and done.unused_columns == ("ward",)
    (rating,) = read_unblinded(a_study).ratings
    assert rating.record.comment == "Wölbung fehlt"


def test_every_wrong_line_of_a_list_is_named(a_study, a_list):
    lines = [
        "rater,case,source,organ,score,reading,tags,seconds_spent",
        "RO-1,C01,model-a,liver,7,,,",
        "RO-1,C01,model-a,liver,4,,,",
        "RO-1,C01,Model A,Liver,4,,,",
        "RO-1,C01,manual,liver,4,3,,",
        "RO-1,C02,manual,liver,4,,ugly,",
        "RO-1,C02,manual,pancreas,4,,,soon",
        "RO-1,C02,,pancreas,4,,,",
    ]
    message = wrong_cells(a_study, a_list("\n".join(lines)))
    for expected in (
        "list.csv, line 2, column score: the score is 7",
        "list.csv, line 4, column score: the same contour is scored in list.csv, line 3, column score too",
        'list.csv, line 5, column reading: the reading is "3"',
        'list.csv, line 6, column score: there is no error tag "ugly"',
        'list.csv, line 7, column seconds_spent: "soon" is no number',
        "list.csv, line 8, column source: no source is given. It has: model-a, manual",
    ):
        assert expected in message
    assert "6 things are wrong" in message


def test_a_second_reading_that_was_not_assigned_is_named(a_study, a_list):
    items = read_key(a_study).items.values()
    (twice,) = [(item.case, item.source) for item in items if item.rater == "RO-1" and item.repeat]
    once = next((case, source) for case in ("C01", "C02") for source in ("manual",) if (case, source) != twice)
    head = "rater,case,source,organ,score,reading\n"
    message = wrong_cells(a_study, a_list(head + f"RO-1,{once[0]},{once[1]},liver,4,2\n"))
    assert f"a second reading of {once[1]} of {once[0]} is not assigned to RO-1" in message
    assert import_sheet(a_study, a_list(head + f"RO-1,{twice[0]},{twice[1]},liver,4,2\n")).added == 1


def test_a_score_that_differs_is_an_error_until_it_may_be_replaced(a_study, a_sheet):
    import_sheet(a_study, a_sheet())
    changed = a_sheet([*ROWS[:2], ["Liver", 5, 1, 3]])
    with pytest.raises(InputError, match=r"cell C3: the study has 4 there, not 1 \(--replace\)"):
        import_sheet(a_study, changed)
    done = import_sheet(a_study, changed, replace=True)
    assert (done.added, done.replaced, done.present) == (0, 1, 2)
    assert len(read_unblinded(a_study).records) == 5  # nothing is deleted


def test_contours_that_changed_are_not_scored_until_confirmed(a_study, a_sheet):
    key = read_key(a_study)
    reference = next(each for each in key.contours if (each.case, each.source) == ("C01", "manual")).segmentation
    (a_study / reference.path).write_bytes(b"drawn anew")
    message = wrong_cells(a_study, a_sheet())
    assert "cell C3: the contours of C01 changed" in message and "cell B3" not in message
    import_sheet(a_study, a_sheet(), confirm_changed=True)
    assert sum(each.record.segmentation_changed for each in read_unblinded(a_study).ratings) == 2


def test_a_comment_that_names_a_patient_is_refused_with_its_place(a_study, a_list):
    text = "rater,case,source,organ,score,comment\nRO-1,C01,manual,liver,4,Johanna again\n"
    message = wrong_cells(a_study, a_list(text))
    assert "list.csv, line 2" in message and "comment" in message and "Johanna" not in message


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("scores.ods", b"", "neither .xlsx nor .csv"),
        ("scores.xlsx", b"no workbook", "no readable workbook"),
        ("scores.csv", b"Source,Model A\n", "no row of cases"),
    ],
)
def test_other_files_are_told_apart(a_study, tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=expected):
        import_sheet(a_study, tmp_path / name)


def test_many_errors_are_counted_not_all_listed(a_study, a_list):
    lines = [f"RO-1,X{number},manual,liver,4" for number in range(50)]
    message = wrong_cells(a_study, a_list("\n".join(["rater,case,source,organ,score", *lines])))
    assert "50 things are wrong" in message and "… and 30 more" in message


@pytest.mark.parametrize(
    "member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "[Content_Types].xml"]
)
@pytest.mark.parametrize("content", [b"", b"<a>", b"<workbook/>", b"\xff\xfe"])
def test_a_damaged_workbook_is_an_error_that_names_the_file(a_study, a_sheet, member, content):
    path = a_sheet()
    with zipfile.ZipFile(path) as workbook:
        parts = {name: workbook.read(name) for name in workbook.namelist()}
    with zipfile.ZipFile(path, "w") as workbook:
        for name, part in parts.items():
            workbook.writestr(name, content if name == member else part)
    try:
        read_table(path)
    except InputError as error:
        assert "by hand.xlsx" in error.message


def test_what_stands_in_merged_cells_counts_for_all_of_them(a_study, a_sheet):
    path = a_sheet([["Case", "C01", None], ["Source", "Model A", "manual"], ["Liver", 5, None], ["Pancreas", 2, 4]])
    workbook = load_workbook(path)
    workbook.active.merge_cells("B1:C1")
    workbook.active.merge_cells("B3:C3")
    workbook.save(path)
    assert import_sheet(a_study, path).added == 4
    assert scores_in(a_study)["RO-1", "C01", "manual", "liver", 0] == 5
    assert scores_in(a_study)["RO-1", "C01", "manual", "pancreas", 0] == 4


def test_a_formula_that_was_never_calculated_is_no_empty_cell(a_study, a_sheet):
    rows = [["Case", "C01", "C02"], ["Source", "Model A", "Model A"], ["Liver", "=2+2", 3]]
    assert 'sheet RO-1, cell B3: "=2+2" is no score' in wrong_cells(a_study, a_sheet(rows))


@pytest.mark.parametrize("text", ["4.0", "4,0", "4.", " 4 "])
def test_a_whole_number_with_decimals_is_a_score(a_study, a_list, text):
    import_sheet(a_study, a_list(f"rater;case;source;organ;score\nRO-1;C01;manual;liver;{text}\n"))
    assert scores_in(a_study) == {("RO-1", "C01", "manual", "liver", 0): 4}


@pytest.mark.parametrize("text", ["4.5", "4,1", "4/5", "45", "1e0", "04.03.2026"])
def test_anything_else_is_none(a_study, a_list, text):
    path = a_list(f"rater;case;source;organ;score\nRO-1;C01;manual;liver;{text}\n")
    assert "list.csv, line 2, column score" in wrong_cells(a_study, path)


def test_a_text_that_names_another_child_of_the_study_is_refused(a_study, a_list):
    path = a_list("rater,case,source,organ,score,comment\nRO-1,C01,manual,liver,4,as in Li Bo 481512\n")
    assert "the field comment holds" in wrong_cells(a_study, path)


def test_a_study_with_one_source_needs_no_column_for_it(tmp_path, files, a_plan, a_list):
    a_plan()
    cases = json.loads((files / "plan.json").read_text(encoding="utf-8"))["cases"]
    for case in cases:
        del case["segmentations"]["manual"]
    create_study(tmp_path / "study", a_plan(sources={"model-a": "Model A"}, cases=cases), seed="7")
    assign(tmp_path / "study")
    import_sheet(tmp_path / "study", a_list("rater,case,organ,score\nRO-1,C01,liver,4\n"))
    assert scores_in(tmp_path / "study") == {("RO-1", "C01", "model-a", "liver", 0): 4}
