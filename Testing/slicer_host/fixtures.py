"""Fixtures for tests that need Slicer's Qt side: a stand-in Slicer around each test."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def no_exception_unseen() -> Iterator[None]:
    """Fail for what a slot or an observer raises: PythonQt and VTK only print it, and a test would pass over it."""
    printed: list[str] = []
    before, sys.excepthook = sys.excepthook, lambda *error: printed.append("".join(traceback.format_exception(*error)))
    try:
        yield
    finally:
        sys.excepthook = before
    assert not printed, "a slot or an observer raised:\n" + "\n".join(printed)


@pytest.fixture
def slicer_host() -> Iterator[Any]:
    """A stand-in Slicer with a fresh scene, found by ``import slicer``, ``import qt`` and ``import ctk``.

    The test is skipped where PySide6 or slicer-core is not installed.
    """
    pytest.importorskip("PySide6", reason="the panel is tested on PySide6")
    pytest.importorskip("slicer", reason="the panel is tested on slicer-core's MRML")
    from slicer_host.host import the_host

    host = the_host()
    host.fresh_scene()
    with no_exception_unseen(), host.installed():
        yield host


@pytest.fixture
def process_events(slicer_host: Any) -> Callable[..., None]:
    """Run Qt's event loop: ``process_events()`` or ``process_events(until=condition, timeout_s=10)``."""
    return slicer_host.process_events


@pytest.fixture
def click(slicer_host: Any) -> Callable[[Any], None]:
    """Click a button as a user does: it has to be visible to its window and enabled."""

    def press(button: Any) -> None:
        assert button.enabled, f"{button.objectName} cannot be clicked: it is disabled"
        assert button.isVisibleTo(button.window()), f"{button.objectName} cannot be clicked: it is hidden"
        button.click()
        slicer_host.process_events()

    return press
