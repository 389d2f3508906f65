"""The one place that imports Qt, CTK and Slicer's application; every other file of the panel takes them from here.

Small helpers hide what PythonQt does differently from other bindings, so that each trap is met once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
import slicer.util

__all__ = [
    "Timer",
    "add_to_dicom_database",
    "blocked_signals",
    "ctk",
    "file_of_instance",
    "fit_slice_views",
    "input_state",
    "is_application_active",
    "qt",
    "read_setting",
    "say_now",
    "slicer",
    "startup_environment",
    "wait_cursor",
    "write_setting",
]

SETTINGS_GROUP = "PediatricAbdomenSeg"


class Timer:
    """A single call in the future, on Qt's event loop; `cancel` takes it back.

    Args:
        seconds: from now.
        call: without arguments.
        parent: owns the timer, so that it lives as long as the window and dies with it.
    """

    def __init__(self, seconds: float, call: Callable[[], None], parent: Any = None) -> None:
        self._call: Callable[[], None] | None = call
        self._timer = qt.QTimer(parent)  # kept to the end: an object without parent dies with its last reference
        self._timer.setSingleShot(True)  # PythonQt ignores the property of this name
        self._timer.connect("timeout()", self._fire)
        self._timer.start(max(0, int(round(seconds * 1000))))

    def cancel(self) -> None:
        """Do not call any more; harmless when it has been called already."""
        self._take_call()

    def _fire(self) -> None:
        call = self._take_call()
        if call is not None:
            call()

    def _take_call(self) -> Callable[[], None] | None:
        call, self._call = self._call, None
        if call is not None and self._timer:  # False also for a timer that died with its parent
            self._timer.stop()
            self._timer.deleteLater()  # not now: this may run inside its own signal
        return call


@contextmanager
def blocked_signals(widget: Any) -> Iterator[None]:
    """Change a widget without its signals; PythonQt's QSignalBlocker is no context manager."""
    was_blocked = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(was_blocked)


@contextmanager
def wait_cursor() -> Iterator[None]:
    """Show that Slicer is at work for a moment."""
    qt.QApplication.setOverrideCursor(qt.QCursor(qt.Qt.WaitCursor))
    try:
        yield
    finally:
        qt.QApplication.restoreOverrideCursor()


def say_now(text: str) -> None:
    """Put a text into Slicer's status bar and draw it before something that takes a while begins; "" clears it."""
    slicer.util.showStatusMessage(text)
    slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)


def is_application_active() -> bool:
    """Whether Slicer is the application in front."""
    return int(qt.QApplication.applicationState()) == int(qt.Qt.ApplicationActive)


def input_state() -> tuple[int, int, int, int]:
    """Where the pointer is and which of its buttons and which modifier keys are held."""
    at = qt.QCursor.pos()
    return at.x(), at.y(), int(qt.QApplication.mouseButtons()), int(qt.QApplication.keyboardModifiers())


def fit_slice_views() -> None:
    """Let every slice view show the whole of its background."""
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        manager.sliceWidget(name).fitSliceToBackground()


def read_setting(key: str, default: str = "") -> str:
    """A text of ours in Slicer's user settings, ``default`` where it was never written."""
    value = qt.QSettings().value(f"{SETTINGS_GROUP}/{key}", default)
    return default if value is None else str(value)


def write_setting(key: str, value: str) -> None:
    """Remember a text in Slicer's user settings; an empty one is forgotten.

    Only text: what an ini file gives back in the next session is text anyhow.
    """
    settings = qt.QSettings()
    if value:
        settings.setValue(f"{SETTINGS_GROUP}/{key}", value)
    else:
        settings.remove(f"{SETTINGS_GROUP}/{key}")


def startup_environment() -> dict[str, str]:
    """The environment Slicer was started in, without what its launcher adds."""
    return dict(slicer.util.startupEnvironment())


def file_of_instance(sop_instance_uid: str) -> str:
    """Path of a DICOM instance in Slicer's database; "" where it is not known or there is no database."""
    database = getattr(slicer, "dicomDatabase", None)
    return database.fileForInstance(sop_instance_uid) if database is not None and database.isOpen else ""


def add_to_dicom_database(path: Path) -> None:
    """Copy a DICOM file into Slicer's database."""
    indexer = ctk.ctkDICOMIndexer()
    indexer.addFile(slicer.dicomDatabase, str(path), True)
    indexer.waitForImportFinished()
