"""The list of organs on the page Review: colour, visibility, volume, flags and verdict of every segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from ..scene.review import OrganRow
from .row_table import RowTable
from .toolkit import blocked_signals, qt
from .wording import flags_text, review_text

ORGAN, VOLUME, FLAGS, VERDICT = range(4)
_SWATCH_PX = 12


class OrganTable(RowTable[OrganRow]):
    """A QTableWidget with one row for each segment.

    Args:
        table: the widget.
        on_selected: receives the row that was clicked or reached by keyboard; also one that is clicked once more.
        on_opened: receives the row that was double-clicked.
        on_visible: receives a row and whether it shall be shown.
        icon: heads the column of organs.
    """

    def __init__(
        self,
        table: Any,
        on_selected: Callable[[OrganRow], None],
        on_opened: Callable[[OrganRow], None],
        on_visible: Callable[[OrganRow, bool], None],
        icon: Any,
    ) -> None:
        super().__init__(table, lambda row: row.segment_id)
        self._on_selected, self._on_opened, self._on_visible = on_selected, on_opened, on_visible
        table.setColumnCount(4)
        table.setHorizontalHeaderLabels([_("Organ"), _("ml"), _("Look at"), _("Verdict")])
        table.horizontalHeaderItem(ORGAN).setIcon(icon)
        header = table.horizontalHeader()
        header.setSectionResizeMode(ORGAN, qt.QHeaderView.Stretch)
        for column in (VOLUME, FLAGS, VERDICT):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        table.connect("itemSelectionChanged()", self._take_selection)
        table.connect("cellClicked(int,int)", self._take_click)
        table.connect("cellDoubleClicked(int,int)", lambda row, column: self._on_opened(self.rows[row]))
        table.connect("itemChanged(QTableWidgetItem*)", self._take_change)

    def show(self, rows: Sequence[OrganRow]) -> None:
        """Show rows; the selected segment stays selected where it is still there."""
        selected = self.selected
        self.rows = tuple(rows)
        with blocked_signals(self._table):
            self._table.setRowCount(len(self.rows))
            for index, row in enumerate(self.rows):
                self._fill(index, row)
            if selected is not None:
                self.select(selected.segment_id)

    def update(self, rows: Sequence[OrganRow]) -> None:
        """Show what has changed of rows that are there; the selection stays."""
        changed = {row.segment_id: row for row in rows}
        self.rows = tuple(changed.get(row.segment_id, row) for row in self.rows)
        with blocked_signals(self._table):
            for index, row in enumerate(self.rows):
                if row.segment_id in changed:
                    self._fill(index, row)

    def _fill(self, index: int, row: OrganRow) -> None:
        organ = qt.QTableWidgetItem(row.name)
        organ.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable)
        organ.setCheckState(qt.Qt.Checked if row.visible else qt.Qt.Unchecked)
        organ.setIcon(swatch(row.color))
        organ.setToolTip(_("Tick: shown in the views"))
        volume = qt.QTableWidgetItem(volume_text(row.volume_ml))
        volume.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        flags = qt.QTableWidgetItem("\u26a0" if row.flags else "")
        flags.setTextAlignment(qt.Qt.AlignCenter)
        flags.setToolTip(flags_text(row.flags))
        verdict = qt.QTableWidgetItem(review_text(row.review))
        for column, item in ((ORGAN, organ), (VOLUME, volume), (FLAGS, flags), (VERDICT, verdict)):
            self._table.setItem(index, column, item)

    def _take_selection(self) -> None:
        if self.selected is not None:
            self._on_selected(self.selected)

    def _take_click(self, row: int, column: int) -> None:
        """A click on the selected row changes no selection, but the views may have been moved away since."""
        self._on_selected(self.rows[row])

    def _take_change(self, item: Any) -> None:
        if item.column() == ORGAN:
            self._on_visible(self.rows[item.row()], item.checkState() == qt.Qt.Checked)


def volume_text(volume_ml: float) -> str:
    """Three figures are more than a contour is worth, but the eye compares them."""
    return f"{volume_ml:.0f}" if volume_ml >= 100 else f"{volume_ml:.1f}"


def swatch(color: tuple[float, float, float]) -> Any:
    """A square in the segment's colour, RGB 0 to 1."""
    pixmap = qt.QPixmap(_SWATCH_PX, _SWATCH_PX)
    pixmap.fill(qt.QColor(*(round(255 * channel) for channel in color)))
    return qt.QIcon(pixmap)
