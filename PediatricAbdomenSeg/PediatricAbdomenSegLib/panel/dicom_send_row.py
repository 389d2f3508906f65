"""The row of the page Export that sends the DICOM files just written to one of the user's nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.cases.dicom_nodes import DicomNode, list_nodes, nodes_file
from ..engine.cases.dicom_send import outgoing_files, what_is_sent
from ..engine.errors import PediatricAbdomenSegError
from ..engine.worker.protocol import SendDicom
from .run_options import fill
from .session import Session
from .toolkit import slicer
from .wording import error_text


class DicomSendRow:
    """A list of nodes and a button; nothing leaves without the user's word on what goes where.

    Args:
        ui: has ``nodeComboBox`` and ``sendButton``.
        session: whose worker sends.
        say: shows a text to the user.
    """

    def __init__(self, ui: Any, session: Session, say: Callable[[str], None]) -> None:
        self._ui = ui
        self._session = session
        self._say = say
        self._files: tuple[Path, ...] = ()
        self._nodes: dict[str, DicomNode] = {}
        self._is_sending = False
        ui.sendButton.connect("clicked()", self.send)

    def offer(self, files: Sequence[Path]) -> None:
        """These files have been written and may be sent."""
        self._files = tuple(files)
        self.refresh()

    def refresh(self) -> None:
        """Show the nodes; nodes are added outside the panel, so they are read each time."""
        try:
            self._nodes = {node.name: node for node in list_nodes(nodes_file())}
        except PediatricAbdomenSegError as error:
            self._nodes = {}
            self._say(error_text(error))
        names = list(self._nodes) or [""]
        chosen = self._ui.nodeComboBox.currentData
        titles = [(str(self._nodes[name]) if name else _("No DICOM node is configured"), name) for name in names]
        fill(self._ui.nodeComboBox, titles, chosen if chosen in names else names[0])
        self._ui.nodeComboBox.enabled = bool(self._nodes)
        self._ui.sendButton.enabled = bool(self._nodes and self._files) and not self._is_sending

    def send(self) -> None:
        """Ask the user, and the worker if the user agrees."""
        chosen = self._ui.nodeComboBox.currentData
        self.refresh()  # the worker reads the nodes anew: what the user agrees to has to be what it will read
        node = self._nodes.get(chosen)
        if node is None:
            self._say(_("{name} is not configured any more.").format(name=chosen))
            return
        try:
            question = what_is_sent(outgoing_files(self._files), node)
            if not slicer.util.confirmYesNoDisplay(question, windowTitle=_("Send?")):
                return
            self._set_sending(True)
            request = SendDicom("", tuple(map(str, self._files)), node.name, consent=True)
            self._session.runner.ask(request, self._take_result, self._take_failure)
        except PediatricAbdomenSegError as error:
            self._take_failure(error)

    def _take_result(self, result: dict[str, Any]) -> None:
        self._set_sending(False)
        stored = _("{node} has stored {files}.").format(node=result["node"], files=", ".join(result["stored"]))
        self._say("\n".join([stored, *result["warnings"]]))

    def _take_failure(self, error: PediatricAbdomenSegError) -> None:
        self._set_sending(False)
        self._say(error_text(error))

    def _set_sending(self, is_sending: bool) -> None:
        self._is_sending = is_sending
        if is_sending:
            self._say(_("Sending …"))
        self.refresh()
