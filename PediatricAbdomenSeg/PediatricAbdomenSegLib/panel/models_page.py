"""The page Models (Resources/UI/ModelsPage.ui): which bundles there are, what they say, whether they are intact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..engine.models.store import ListedBundle
from .model_card import card_html, model_line
from .model_list import checksum_problem
from .session import Session
from .toolkit import blocked_signals, qt, slicer, wait_cursor
from .wording import error_text, status_text

_TITLE, _STATUS, _FILES = range(3)


class ModelsPage:
    """List, card, verify, add and remove."""

    def __init__(self, widget: Any, session: Session, resource_path: Callable[[str], str]) -> None:
        self.widget = widget
        self.ui = slicer.util.childWidgetVariables(widget)
        self._session = session
        self._checked: dict[Path, str] = {}  # what "Verify" found, by folder
        self._shown: tuple[ListedBundle, ...] | None = None
        table = self.ui.modelsTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Model"), _("Status"), _("Files")])
        table.horizontalHeader().setSectionResizeMode(_TITLE, qt.QHeaderView.Stretch)
        table.horizontalHeader().setSectionResizeMode(_STATUS, qt.QHeaderView.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(_FILES, qt.QHeaderView.ResizeToContents)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.connect("itemSelectionChanged()", self._show_card)
        self.ui.verifyButton.connect("clicked()", self.verify)
        self.ui.addModelButton.connect("clicked()", self._ask_for_folder)
        self.ui.addModelFileButton.connect("clicked()", self._ask_for_file)
        self.ui.removeModelButton.connect("clicked()", self._confirm_removal)
        self.ui.refreshModelsButton.connect("clicked()", self.reload)
        session.on_change(self.refresh)
        self._say("")
        self.refresh()

    def refresh(self) -> None:
        """Fill the table when the list has changed."""
        if self._shown == self._session.models.listed:
            return
        self._shown = self._session.models.listed
        row = max(0, self.ui.modelsTable.currentRow())
        with blocked_signals(self.ui.modelsTable):
            self._fill()
        self.ui.modelsTable.selectRow(min(row, len(self._shown) - 1))
        self._show_card()

    def reload(self) -> None:
        """Look at the disk again."""
        self._session.models.reload()
        self._session.changed()
        self._say("")

    def verify(self) -> None:
        """Compare every file of the selected bundle with its checksum."""
        listed = self.selected()
        if listed is None or listed.bundle is None:
            return
        with wait_cursor():
            problem = checksum_problem(listed.bundle)
        self._checked[listed.folder] = _("intact") if problem is None else _("altered")
        self._say(_("Every file is as published.") if problem is None else error_text(problem))
        self._shown = None
        self.refresh()

    def add(self, path: Path) -> None:
        """Add a bundle from its folder or a ZIP file and say what came of it."""
        models = self._session.models
        try:
            with wait_cursor():
                bundle = models.add(path) if path.is_dir() else models.add_archive(path)
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))
            return
        self._checked[bundle.folder] = _("intact")
        self._session.changed()
        self._say(_("Added: {title}.").format(title=bundle.manifest.title))

    def remove_selected(self) -> None:
        """Delete the selected bundle if the user added it."""
        listed = self.selected()
        if listed is None:
            return
        try:
            self._session.models.remove(listed)
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))
            return
        self._session.changed()
        self._say(_("Removed: {name}.").format(name=listed.name))

    def selected(self) -> ListedBundle | None:
        """The bundle of the selected row; None when there is none."""
        row = self.ui.modelsTable.currentRow()
        return self._shown[row] if self._shown and 0 <= row < len(self._shown) else None

    def _fill(self) -> None:
        table = self.ui.modelsTable
        table.setRowCount(len(self._shown))
        for row, listed in enumerate(self._shown):
            manifest = listed.bundle.manifest if listed.bundle else None
            texts = (
                model_line(manifest) if manifest else listed.name,
                status_text(manifest.status) if manifest else "",
                self._checked.get(listed.folder, _("not verified")) if manifest else _("unreadable"),
            )
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(row, column, item)

    def _show_card(self) -> None:
        listed = self.selected()
        self.ui.modelCardBrowser.setHtml(
            card_html(listed) if listed else _("No model was found. Add one from a folder.")
        )
        self.ui.verifyButton.enabled = listed is not None and listed.bundle is not None
        self.ui.removeModelButton.enabled = listed is not None and self._session.models.is_own(listed)

    def _ask_for_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self.widget, _("Folder of a model bundle (with bundle.json)"))
        if folder:
            self.add(Path(folder))

    def _ask_for_file(self) -> None:
        path = qt.QFileDialog.getOpenFileName(self.widget, _("ZIP file of a model bundle"), "", _("ZIP file (*.zip)"))
        if path:
            self.add(Path(path))

    def _confirm_removal(self) -> None:
        listed = self.selected()
        question = _("Delete {folder} with all its files?").format(folder=listed.folder)
        if slicer.util.confirmYesNoDisplay(question, windowTitle=_("Remove model")):
            self.remove_selected()

    def _say(self, text: str) -> None:
        self.ui.modelsMessageLabel.text = text
        self.ui.modelsMessageLabel.visible = bool(text)
