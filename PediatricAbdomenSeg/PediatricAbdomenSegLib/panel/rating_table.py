"""The list of organs on the page Score: five buttons for each, and the score that was saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from ..engine.organs import organ_by_key
from ..engine.ratings.scale import Anchor
from .organ_table import swatch
from .row_table import RowTable
from .toolkit import blocked_signals, qt

ORGAN = 0
# A pressed button hardly differs in a dark palette.
_STYLE = "QToolButton:checked { background: palette(highlight); color: palette(highlighted-text); font-weight: bold; }"


@dataclass(frozen=True)
class RatingRow:
    """One organ to score.

    Attributes:
        key: of the organ.
        is_required: a case is not done without it.
        score: that was saved, None for none.
        not_assessable: the reason that was saved instead of a score.
    """

    key: str
    is_required: bool = True
    score: int | None = None
    not_assessable: str = ""


class RatingTable(RowTable[RatingRow]):
    """A QTableWidget with one row for each organ.

    Args:
        table: the widget.
        on_selected: receives the key of the organ chosen.
        on_opened: receives the key of the organ that was double-clicked.
        on_score: receives the key and the score whose button was pressed.
    """

    def __init__(
        self,
        table: Any,
        on_selected: Callable[[str], None],
        on_opened: Callable[[str], None],
        on_score: Callable[[str, int], None],
    ) -> None:
        super().__init__(table, lambda row: row.key)
        self._on_selected, self._on_score = on_selected, on_score
        self._scale: tuple[Anchor, ...] = ()
        self._buttons: list[dict[int, Any]] = []
        table.setStyleSheet(_STYLE)
        table.connect("itemSelectionChanged()", self._take_selection)
        table.connect("cellDoubleClicked(int,int)", lambda row, column: on_opened(self.rows[row].key))

    def show(self, rows: Sequence[RatingRow], scale: Sequence[Anchor]) -> None:
        """Show other organs, none of them chosen."""
        self.rows, self._scale = tuple(rows), tuple(sorted(scale, key=lambda anchor: anchor.score))
        with blocked_signals(self._table):
            self._table.setRowCount(0)
            self._set_columns()
            self._table.setRowCount(len(self.rows))
            self._buttons = [self._fill(index, row) for index, row in enumerate(self.rows)]
            self._table.setCurrentCell(-1, -1)
        self.update(self.rows)

    def update(self, rows: Sequence[RatingRow]) -> None:
        """Show what was saved for organs that are there; the choice stays."""
        changed = {row.key: row for row in rows}
        self.rows = tuple(changed.get(row.key, row) for row in self.rows)
        for index, row in enumerate(self.rows):
            for score, button in self._buttons[index].items():
                button.setChecked(row.score == score)
            item = self._table.item(index, len(self._scale) + 1)
            item.setText(_("n/a") if row.not_assessable else "")
            item.setToolTip(_("Not assessable: {reason}").format(reason=row.not_assessable) if item.text() else "")

    def _set_columns(self) -> None:
        scores = [str(anchor.score) for anchor in self._scale]
        self._table.setColumnCount(len(scores) + 2)
        self._table.setHorizontalHeaderLabels([_("Organ"), *scores, ""])
        header = self._table.horizontalHeader()
        for column in range(len(scores) + 2):
            is_wide = column == ORGAN
            header.setSectionResizeMode(column, qt.QHeaderView.Stretch if is_wide else qt.QHeaderView.ResizeToContents)
        header.setMinimumSectionSize(1)

    def _fill(self, index: int, row: RatingRow) -> dict[int, Any]:
        organ = organ_by_key(row.key)
        name = organ.display_name if row.is_required else _("{organ} (optional)").format(organ=organ.display_name)
        item = qt.QTableWidgetItem(name)
        item.setIcon(swatch(tuple(channel / 255 for channel in organ.color)))
        item.setToolTip(_("Double click or space: go there and outline only this organ"))
        self._table.setItem(index, ORGAN, item)
        mark = qt.QTableWidgetItem("")
        mark.setTextAlignment(qt.Qt.AlignCenter)
        self._table.setItem(index, len(self._scale) + 1, mark)
        buttons = {}
        for column, anchor in enumerate(self._scale, 1):
            button = qt.QToolButton()
            button.setText(str(anchor.score))
            button.setCheckable(True)
            button.setFocusPolicy(qt.Qt.NoFocus)
            button.setToolTip(anchor_text(anchor))
            button.connect("clicked()", lambda key=row.key, score=anchor.score: self._press(key, score))
            self._table.setCellWidget(index, column, button)
            buttons[anchor.score] = button
        return buttons

    def _press(self, key: str, score: int) -> None:
        """The button shows what is saved, not that it was pressed: saving may fail."""
        self.update(self.rows)
        self._on_score(key, score)

    def _take_selection(self) -> None:
        if self.selected is not None:
            self._on_selected(self.selected.key)


def anchor_text(anchor: Anchor) -> str:
    """What a score means, in two lines."""
    return f"{anchor.score} \u2013 {anchor.short}\n{anchor.wording}"
