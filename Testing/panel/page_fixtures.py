"""A panel with its pages in the stand-in Slicer, around a worker that the test steers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from panel.scripted_worker import ScriptedClock, ScriptedProcesses

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "PediatricAbdomenSeg" / "PediatricAbdomenSeg.py"


def resource_path(name: str) -> str:
    """As Slicer's `resourcePath` of the module."""
    return str(MODULE.parent / "Resources" / name)


def write_model(folder: Path, name: str = "multi-organ", **changes) -> Path:
    """A bundle whose manifest is valid and whose weights are empty; enough for everything but a network."""
    pytest.importorskip("safetensors")
    import torch

    from toy_bundle import make_plans, write_bundle

    plans = make_plans(3, (6.0, 4.5, 4.5))
    tensors = {"0": {"weight": torch.zeros(1)}}
    write_bundle(folder / name, plans, tensors, **{"name": name, "postprocessing": {}, **changes})
    return folder / name


def body_image(shape=(24, 60, 64)) -> np.ndarray:
    """Air with a body of soft tissue in it, HU."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    inside = ((y - shape[1] / 2) / 24) ** 2 + ((x - shape[2] / 2) / 27) ** 2 < 1
    image = np.full(shape, -1000, np.int16)
    image[np.broadcast_to(inside, shape)] = 40
    return image


@pytest.fixture
def a_models_folder(tmp_path, monkeypatch):
    """A folder with one model, "multi-organ", and none anywhere else."""
    folder = tmp_path / "models"
    write_model(folder)
    monkeypatch.setenv("PEDSEG_MODELS", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return folder


@pytest.fixture
def a_module(slicer_host, a_models_folder):
    """The module, loaded; its panel is not open."""
    return slicer_host.load_module(MODULE)


@pytest.fixture
def a_panel(slicer_host, a_module, tmp_path):
    """The pages on a scripted worker: ``panel``, ``session``, ``processes``, ``clock``, ``parameters``, ``tabs``."""
    import sys

    import qt

    from PediatricAbdomenSegLib.engine.models.store import list_bundles
    from PediatricAbdomenSegLib.panel.job_runner import JobRunner
    from PediatricAbdomenSegLib.panel.job_store import JobStore
    from PediatricAbdomenSegLib.panel.model_list import ModelList
    from PediatricAbdomenSegLib.panel.panel import Panel
    from PediatricAbdomenSegLib.panel.runtime_settings import RuntimeSettings
    from PediatricAbdomenSegLib.panel.session import Session

    processes, clock, files, values = ScriptedProcesses(), ScriptedClock(), {}, {"WorkerInterpreter": sys.executable}
    settings = RuntimeSettings(lambda key: values.get(key, ""), values.__setitem__)

    def own_bundles():
        return tuple(listed for listed in list_bundles() if tmp_path in listed.folder.parents)

    models = ModelList(own_bundles, lambda: tmp_path / "data" / "PediatricAbdomenSeg" / "Models")
    runner = JobRunner(processes, JobStore(tmp_path / "Jobs"), clock)
    session = Session(slicer_host.scene, runner, settings, models, lambda uid: files.get(uid, ""))
    tabs = qt.QTabWidget()
    panel = Panel(tabs, resource_path, slicer_host.scene, session)
    parameters = sys.modules["PediatricAbdomenSeg"].PediatricAbdomenSegLogic().getParameterNode()
    panel.set_parameters(parameters)
    tabs.resize(420, 900)
    tabs.show()
    yield SimpleNamespace(
        panel=panel, session=session, processes=processes, clock=clock, parameters=parameters, tabs=tabs,
        segment=panel.pages["SegmentPage"], review=panel.pages["ReviewPage"], export=panel.pages["ExportPage"],
        rating=panel.pages["RatingPage"], models=panel.pages["ModelsPage"], runtime=panel.pages["RuntimePage"],
        files=files, settings=values,
    )  # fmt: skip
    panel.cleanup()
    tabs.delete()


@pytest.fixture
def a_ct(slicer_host):
    """A volume node with a body in it, 8 mm slices."""
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    slicer.util.updateVolumeFromArray(node, body_image())
    node.SetSpacing(4.0, 4.0, 8.0)
    return node
