"""A bundle of a tiny untrained network, found through PEDSEG_MODELS, and the command run in this process."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.image_file import write_volume
from PediatricAbdomenSegLib.engine.cases.volume import Volume
from PediatricAbdomenSegLib.engine.cli.__main__ import main
from PediatricAbdomenSegLib.engine.geometry import Geometry
from toy_bundle import MODEL_SPACING_MM, make_plans, write_bundle

SHAPE = (8, 40, 48)


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory) -> Path:
    """The toy bundle, to be copied."""
    import torch

    from PediatricAbdomenSegLib.engine.inference.network import build_module
    from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan

    folder = tmp_path_factory.mktemp("models") / "toy"
    plans = make_plans(3, MODEL_SPACING_MM)
    write_bundle(folder, plans, {"0": {"placeholder": torch.zeros(1)}})
    torch.manual_seed(0)
    module = build_module(read_network_plan(folder, "3d_fullres"))
    weights = {name: value.detach().contiguous() for name, value in module.named_parameters()}
    return write_bundle(folder, plans, {"0": weights}).folder


@pytest.fixture
def a_model(bundle_folder, tmp_path, monkeypatch) -> Path:
    """A copy of the toy bundle that may be spoilt; with those shipped the only models that are found."""
    monkeypatch.setenv("PEDSEG_MODELS", str(tmp_path / "models"))
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):  # wherever this system keeps a user's own models
        monkeypatch.setenv(name, str(tmp_path / "nobody"))
    return Path(shutil.copytree(bundle_folder, tmp_path / "models" / "toy"))


@pytest.fixture
def pedseg(capfd, a_model):
    """Run ``pedseg`` with these arguments."""

    def run(*arguments: object) -> Outcome:
        code = main([str(each) for each in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


def hounsfield() -> np.ndarray:
    """A body in air with noise, int16 ``(z, y, x)``."""
    random = np.random.default_rng(3)
    array = np.full(SHAPE, -1000.0)
    array[:, 8:32, 8:40] = 40
    return (array + random.normal(0, 15, SHAPE)).astype(np.int16)


@pytest.fixture
def write_image():
    """Write a NIfTI of a small CT; an array may be given."""

    def write(path: Path, array: np.ndarray | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = hounsfield() if array is None else array
        write_volume(Volume(array, Geometry(array.shape, np.diag([-3.0, -3.0, 5.0, 1.0]))), path)
        return path

    return write


@pytest.fixture
def write_ct():
    """Write a DICOM series of a small CT; ``change(index, dataset)`` may spoil it."""

    def write(folder: Path, change=None) -> Path:
        return write_series(folder, spacing_mm=(5.0, 3.0, 3.0), hounsfield=hounsfield(), change=change)

    return write
