"""Files that are complete or absent."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.cases.atomic_file import replaced_when_complete
from PediatricAbdomenSegLib.engine.errors import UsageError


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "result.nii.gz"
    with replaced_when_complete(target) as temporary:
        temporary.write_text("half")
        assert not target.exists() and temporary.name.endswith(".nii.gz")
        temporary.write_text("whole")
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [("result.nii.gz", "whole")]


def test_a_failure_keeps_the_earlier_file_and_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "result.txt").write_text("earlier")
    with pytest.raises(KeyError), replaced_when_complete(tmp_path / "result.txt") as temporary:
        temporary.write_text("half")
        raise KeyError("any")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result.txt", "earlier")]


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "results").mkdir()
    with pytest.raises(UsageError, match="results is a folder"), replaced_when_complete(tmp_path / "results"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
