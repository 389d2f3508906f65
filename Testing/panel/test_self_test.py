"""The module's own self-test, as Slicer's menu and its continuous builds run it, in the stand-in."""

from __future__ import annotations

import logging
import sys

import pytest


@pytest.fixture
def a_shipped_module(slicer_host):
    """The module with the models that come with it."""
    from panel.page_fixtures import MODULE

    return slicer_host.load_module(MODULE)


def test_the_self_test_passes_with_the_fake_worker(a_shipped_module, caplog):
    import slicer

    with caplog.at_level(logging.INFO):
        slicer.selfTests["PediatricAbdomenSeg"]()
    assert [record.getMessage() for record in caplog.records][-3:] == [
        "With the fake worker",
        "No worker is set up on the page Runtime: left out.",
        "Passed",
    ]


@pytest.mark.slow
def test_the_self_test_passes_with_the_real_worker(a_shipped_module, caplog):
    pytest.importorskip("torch")
    import slicer

    from PediatricAbdomenSegLib.panel.runtime_settings import INTERPRETER_KEY
    from PediatricAbdomenSegLib.panel.toolkit import write_setting

    write_setting(INTERPRETER_KEY, sys.executable)
    with caplog.at_level(logging.INFO):
        slicer.selfTests["PediatricAbdomenSeg"]()
    assert [record.getMessage() for record in caplog.records][-1] == "Passed"
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2
