"""What may be said of a contour beside its score: a comment, kinds of errors, or why it cannot be scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ..engine.ratings.scale import ERROR_TAGS, NOT_ASSESSABLE_REASONS
from .toolkit import blocked_signals, qt


class RatingDetails:
    """The widgets below the list.

    Args:
        ui: the page's widgets: commentLineEdit, tagsListWidget, reasonComboBox, notAssessableButton.
        on_changed: called when comment or tags were changed and the hand has left them.
        on_not_assessable: receives the reason.
        on_input: called at every key.
    """

    def __init__(
        self,
        ui: Any,
        on_changed: Callable[[], None],
        on_not_assessable: Callable[[str], None],
        on_input: Callable[[], None],
    ) -> None:
        self._ui, self._on_changed = ui, on_changed
        self._shown: tuple[str, tuple[str, ...]] = ("", ())
        for key, text in ERROR_TAGS.items():
            item = qt.QListWidgetItem(_(text))
            item.setData(qt.Qt.UserRole, key)
            ui.tagsListWidget.addItem(item)
        for reason in NOT_ASSESSABLE_REASONS:
            ui.reasonComboBox.addItem(_(reason))
        ui.reasonComboBox.setCurrentIndex(-1)
        ui.reasonComboBox.lineEdit().setPlaceholderText(_("Reason"))
        ui.commentLineEdit.connect("editingFinished()", self.flush)
        ui.commentLineEdit.connect("textChanged(QString)", lambda text: on_input())
        ui.reasonComboBox.connect("editTextChanged(QString)", lambda text: on_input())
        ui.tagsListWidget.connect("itemChanged(QListWidgetItem*)", lambda item: self.flush())
        ui.notAssessableButton.connect("clicked()", lambda: on_not_assessable(ui.reasonComboBox.currentText.strip()))

    @property
    def comment(self) -> str:
        """As it is typed."""
        return self._ui.commentLineEdit.text.strip()

    @property
    def tags(self) -> tuple[str, ...]:
        """Keys of the ticked kinds of errors."""
        return tuple(item.data(qt.Qt.UserRole) for item in self._items() if item.checkState() == qt.Qt.Checked)

    def flush(self) -> None:
        """Tell of a change that was not told yet."""
        now = (self.comment, self.tags)
        if now != self._shown:
            self._shown = now
            self._on_changed()

    def show(self, comment: str, tags: tuple[str, ...], reason: str) -> None:
        """Show what belongs to another organ."""
        with blocked_signals(self._ui.commentLineEdit):
            self._ui.commentLineEdit.text = comment
        with blocked_signals(self._ui.tagsListWidget):
            for item in self._items():
                is_ticked = item.data(qt.Qt.UserRole) in tags
                item.setCheckState(qt.Qt.Checked if is_ticked else qt.Qt.Unchecked)
        with blocked_signals(self._ui.reasonComboBox):
            self._ui.reasonComboBox.setCurrentIndex(-1)
            self._ui.reasonComboBox.setEditText(_(reason) if reason else "")
        self._shown = (self.comment, self.tags)

    def _items(self) -> list[Any]:
        return [self._ui.tagsListWidget.item(row) for row in range(self._ui.tagsListWidget.count)]
