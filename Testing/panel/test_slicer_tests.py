"""The tests that run inside Slicer, run in the stand-in too: nobody would notice there that they are out of date."""

from __future__ import annotations

import importlib.util
import io
import unittest
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "Slicer" / "PanelInSlicerTest.py"


@pytest.fixture
def the_slicer_tests(slicer_host, a_module, monkeypatch):
    """The script's test case, with the open module behind what it asks of Slicer's main window."""
    import slicer

    slicer_host.open_panel(a_module)

    def select_module(name):
        is_wanted = name == a_module.name
        if is_wanted and not a_module.container.isEntered:
            a_module.container.enter()
        elif not is_wanted and a_module.container.isEntered:
            a_module.container.exit()

    monkeypatch.setattr(slicer.util, "selectModule", select_module)
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda name: a_module.panel)
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PanelInSlicerTest


def test_the_tests_for_inside_slicer_pass(the_slicer_tests):
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(the_slicer_tests)
    assert suite.countTestCases() == 5
    said = io.StringIO()
    assert unittest.TextTestRunner(said).run(suite).wasSuccessful(), said.getvalue()
