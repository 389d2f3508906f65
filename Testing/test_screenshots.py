"""The pictures' own checks: every state of the panel is reached, and no text is cut off on a narrow screen."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def a_phantom():
    from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
    from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec

    return make_phantom(PhantomSpec(spacing_mm=(4.0, 2.0, 2.0)))


@pytest.fixture
def host():
    pytest.importorskip("PySide6")
    pytest.importorskip("slicer")
    from slicer_host.host import the_host

    return the_host()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["light", "large-text"])
def test_every_text_of_every_state_fits_into_the_panel(host, a_phantom, tmp_path, name):
    from screenshots import LOOKS, STATES, picture_states

    look = next(look for look in LOOKS if look.name == name)
    assert picture_states(host, look, a_phantom, tmp_path) == []
    assert {path.stem for path in tmp_path.iterdir()} == {f"{state.name}-{name}" for state in STATES}


def test_a_text_that_does_not_fit_is_found(host):
    from PySide6 import QtWidgets

    from widget_pictures import texts_cut_off

    widget = QtWidgets.QWidget()
    label = QtWidgets.QLabel("a rather long text on a narrow label", widget)
    label.setObjectName("narrow")
    label.resize(40, 20)
    widget.resize(300, 100)
    widget.show()
    assert [text.split()[0] for text in texts_cut_off(widget)] == ["narrow"]
    label.adjustSize()
    assert texts_cut_off(widget) == []
