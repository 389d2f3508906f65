from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.cli.__main__ import main


def test_an_unknown_bundle_ends_with_the_usage_code_and_the_choices(capsys):
    assert main(["train-demo", "--bundle", "brain"]) == 2
    assert "hepatoblastoma-ct" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--cases", "1"], ["--epochs", "0"], ["--time-budget-minutes", "-3"]])
def test_a_training_of_nothing_ends_with_the_usage_code_before_anything_is_written(option, tmp_path, capsys):
    folders = ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "models")]
    assert main(["train-demo", "--bundle", "multi-organ", *folders, *option]) == 2
    assert option[0] in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
