"""``pedseg ratings import`` and ``summary`` from spreadsheet to figures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ct_series_builder import write_series
from label_map_builder import write_contours
from PediatricAbdomenSegLib.engine.cli.__main__ import main


@pytest.fixture
def study(tmp_path, capfd):
    """Two cases, one source, two raters."""
    cases = []
    for number in (1, 2):
        write_series(tmp_path / f"{number}" / "ct", hounsfield=np.arange(32, dtype=np.int16).reshape(2, 4, 4))
        write_contours(tmp_path / f"{number}" / "a.nii.gz", number)
        files = {"ct": f"{number}/ct", "segmentations": {"a": f"{number}/a.nii.gz"}}
        cases.append({"pseudonym": f"C0{number}", **files})
    plan = {"title": "Study", "raters": ["RO-1", "RO-2"], "sources": {"a": "Model A"}, "cases": cases}
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "organs": {"required": ["liver"]}}))
    folder = tmp_path / "study"
    for arguments in (("create", folder, "--plan", tmp_path / "plan.json"), ("assign", folder)):
        assert main(["ratings", "study", *map(str, arguments)]) == 0
    capfd.readouterr()
    return folder


def test_a_sheet_is_imported_and_summarised(study, tmp_path, capfd):
    sheet = tmp_path / "by hand.csv"
    sheet.write_text("rater,case,organ,score,room\nRO-1,C01,Liver,5,2\nRO-1,C02,Liver,3,2\nRO-2,C01,Liver,4,2\n")
    assert main(["ratings", "import", str(study), str(sheet)]) == 0
    said = capfd.readouterr()
    assert "3 scores added, 0 replaced, 0 were there already" in said.out and "not used: room" in said.err
    assert main(["ratings", "summary", str(study), "--output", str(tmp_path / "out"), "--json"]) == 0
    said = capfd.readouterr()
    result = json.loads(said.out)["result"]
    assert result["scores"] == 3 and result["verdicts"][0]["acceptable"] == ["liver"]
    assert "Not every rater is done (RO-2: 1 of 2 required scores)" in said.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ratings.csv", "ratings.xlsx", "summary.html"]


def test_the_console_speaks_words_and_no_keys(study, tmp_path, capfd):
    assert main(["ratings", "summary", str(study), "--output", str(tmp_path / "out")]) == 0
    said = capfd.readouterr().out
    assert "Weighted κ (quadratic): not defined" in said and "without a score: Liver" in said
    assert "weighted_kappa" not in said and "liver" not in said


def test_a_wrong_sheet_ends_with_the_exit_code_of_wrong_input(study, tmp_path, capfd):
    sheet = tmp_path / "by hand.csv"
    sheet.write_text("rater,case,organ,score\nRO-1,C01,Liver,6\n")
    assert main(["ratings", "import", str(study), str(sheet)]) == 3
    assert "line 2, column score: the score is 6" in capfd.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_told(study, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert main(["ratings", "summary", str(study), "--output", str(tmp_path / "file")]) == 5
    assert "cannot be written" in capfd.readouterr().err
