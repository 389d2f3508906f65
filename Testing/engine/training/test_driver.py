from __future__ import annotations

import os

import pytest

from PediatricAbdomenSegLib.engine.errors import ResourceError, UsageError
from PediatricAbdomenSegLib.engine.training.driver import nnunet_folders, training_device


def test_nnunet_finds_its_folders_only_while_it_is_driven(tmp_path, monkeypatch):
    monkeypatch.setenv("nnUNet_raw", "somewhere of the user's")
    monkeypatch.delenv("nnUNet_results", raising=False)
    with nnunet_folders(tmp_path):
        assert os.environ["nnUNet_raw"] == str(tmp_path / "nnUNet_raw")
        assert os.environ["nnUNet_results"] == str(tmp_path / "nnUNet_results")
    assert os.environ["nnUNet_raw"] == "somewhere of the user's"
    assert "nnUNet_results" not in os.environ


def test_an_unknown_training_device_is_refused():
    with pytest.raises(UsageError, match="tpu"):
        training_device("tpu")


def test_a_device_this_machine_lacks_is_named():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("needs a machine without a CUDA GPU")
    with pytest.raises(ResourceError, match="cuda"):
        training_device("cuda")
    assert training_device("auto").type == "cpu"
