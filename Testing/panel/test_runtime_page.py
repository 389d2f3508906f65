"""The page Runtime: an interpreter is tried before it is used."""

from __future__ import annotations

import sys

import pytest

from panel.test_runtime_settings import GOOD
from PediatricAbdomenSegLib.engine.errors import UsageError


def test_a_path_without_python_is_refused(a_panel, tmp_path):
    page = a_panel.runtime
    page.ui.interpreterPathLineEdit.currentPath = str(tmp_path)
    page.use()
    assert "There is no Python interpreter" in page.ui.runtimeStateLabel.text
    assert a_panel.settings["WorkerInterpreter"] == sys.executable


def test_no_path_is_not_the_current_folder(a_panel, tmp_path, monkeypatch):
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    page = a_panel.runtime
    page.ui.interpreterPathLineEdit.currentPath = " "
    page.use()
    assert "Name the python of an environment first" in page.ui.runtimeStateLabel.text


def test_the_link_that_makes_a_virtual_environment_is_not_followed_when_its_python_is_chosen(a_panel):
    import ctk

    path = a_panel.runtime.ui.interpreterPathLineEdit
    assert path.options == ctk.ctkPathLineEdit.DontResolveSymlinks


def test_a_good_interpreter_is_remembered_and_shown(a_panel, tmp_path):
    page = a_panel.runtime
    page._take_for_use(tmp_path / "python", GOOD)
    page.refresh()
    assert a_panel.settings["WorkerInterpreter"] == str(tmp_path / "python")
    assert "In use" in page.ui.runtimeStateLabel.text
    assert page.ui.packagesTable.item(0, 0).text() == "numpy"
    assert "CPU" in page.ui.devicesLabel.text
    assert "CPU" in a_panel.segment.ui.deviceFoundLabel.text


def test_the_interpreter_is_not_changed_under_a_run(a_panel, a_ct, tmp_path):
    from PediatricAbdomenSegLib.engine.worker.protocol import Segment

    a_panel.session.segment(a_ct, Segment("", "", ""))
    assert not a_panel.runtime.ui.useInterpreterButton.enabled
    with pytest.raises(UsageError, match="A run is going on"):
        a_panel.session.use_interpreter(tmp_path / "python", GOOD)
