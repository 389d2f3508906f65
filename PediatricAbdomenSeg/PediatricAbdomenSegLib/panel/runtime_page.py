"""The page Runtime (Resources/UI/RuntimePage.ui): which Python the worker runs in, and what that has."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..engine.runtime.hardware import Hardware, device_words
from ..engine.runtime.packages import REQUIRED, install_command
from .runtime_settings import check_interpreter, find_interpreter
from .session import Session
from .toolkit import Timer, qt, slicer
from .wording import error_text
from .worker_process import slicer_worker_process


class RuntimePage:
    """Name an interpreter, try it, use it."""

    def __init__(self, widget: Any, session: Session, resource_path: Callable[[str], str]) -> None:
        self.ui = slicer.util.childWidgetVariables(widget)
        self._session = session
        self._break_off: Callable[[], None] | None = None
        self._shown: Hardware | None = None
        table = self.ui.packagesTable
        table.setColumnCount(2)
        table.setHorizontalHeaderLabels([_("Package"), _("Version")])
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        table.horizontalHeader().setSectionResizeMode(1, qt.QHeaderView.ResizeToContents)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self.ui.interpreterPathLineEdit.currentPath = session.settings.interpreter
        self.ui.useInterpreterButton.connect("clicked()", self.use)
        self.ui.selfTestButton.connect("clicked()", self.test)
        session.on_change(self.refresh)
        self.ui.howToLabel.text = how_to_text()
        in_use = session.settings.interpreter
        self._say(_("In use: {path}").format(path=in_use) if in_use else _("Not set up yet."))
        self.refresh()

    def refresh(self) -> None:
        """Show what the worker has."""
        self.ui.useInterpreterButton.enabled = not self._session.is_busy and self._break_off is None
        self.ui.selfTestButton.enabled = self.ui.useInterpreterButton.enabled
        hardware = self._session.hardware
        self.ui.packagesTable.visible = hardware is not None
        self.ui.devicesLabel.visible = hardware is not None
        if hardware is not None and hardware is not self._shown:
            self._shown = hardware
            self._show(hardware)

    def use(self) -> None:
        """Try the named interpreter and use it from now on if it is good."""
        self._try(self._take_for_use)

    def test(self) -> None:
        """Try the named interpreter and change nothing."""
        self._try(lambda interpreter, hardware: self._say(_("The self-test has passed.")))

    def _try(self, on_good: Callable[[Path, Hardware], None]) -> None:
        path = self.ui.interpreterPathLineEdit.currentPath.strip()
        if not path:  # as a path it would be the current folder
            self._say(_("Name the python of an environment first."))
            return
        try:
            interpreter = find_interpreter(Path(path))
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))
            return
        self._say(_("Trying {path} …").format(path=interpreter))

        def good(hardware: Hardware) -> None:
            self._break_off = None
            on_good(interpreter, hardware)
            self._show(hardware)
            self.refresh()

        def bad(error: PediatricAbdomenSegError) -> None:
            self._break_off = None
            self._say(error_text(error))
            self.refresh()

        self._break_off = check_interpreter(interpreter, slicer_worker_process, Timer, good, bad)
        self.refresh()

    def _take_for_use(self, interpreter: Path, hardware: Hardware) -> None:
        try:
            self._session.use_interpreter(interpreter, hardware)
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))
            return
        self._say(_("In use: {path}").format(path=interpreter))

    def close(self) -> None:
        """Break off a trial; the module is going."""
        if self._break_off is not None:
            self._break_off()
            self._break_off = None

    def _show(self, hardware: Hardware) -> None:
        table = self.ui.packagesTable
        table.setRowCount(len(REQUIRED))
        for row, name in enumerate(REQUIRED):
            table.setItem(row, 0, qt.QTableWidgetItem(name))
            table.setItem(row, 1, qt.QTableWidgetItem(hardware.packages.get(name, _("missing"))))
        self.ui.devicesLabel.text = installation_text(hardware)

    def _say(self, text: str) -> None:
        self.ui.runtimeStateLabel.text = text


def how_to_text() -> str:
    """What to do by hand, as long as this page cannot do it: set up, repair, remove; HTML."""
    steps = (
        (_("Set up"), _("Make an environment with Python 3.10 to 3.13 and run in it the command below.")),
        ("", f"<code>{html.escape(install_command())}</code>"),
        ("", _("Then choose its python above and press Use.")),
        (_("Repair"), _("Run that command in it again.")),
        (_("Remove"), _("Delete its folder; nothing of it is in Slicer.")),
    )
    return "".join(f"<p><b>{title}{':' if title else ''}</b> {text}</p>" for title, text in steps)


def installation_text(hardware: Hardware) -> str:
    """Where the worker's environment lies, how large it is, and what it can compute on."""
    lines = [_("Python {version} in {folder}").format(version=hardware.python_version, folder=hardware.prefix)]
    if hardware.size_mb is not None:
        lines.append(_("Size: {size} GB").format(size=f"{hardware.size_mb / 1000:.1f}"))
    lines.append(_("Devices: {devices}").format(devices="; ".join(device_words(each) for each in hardware.devices)))
    return "\n".join(lines)
