"""What the lists of organs on the pages Review and Score have in common: which row is chosen, and moving about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .toolkit import qt

Row = TypeVar("Row")


class RowTable(Generic[Row]):
    """A QTableWidget that shows one row for each of `rows`, in their order.

    Args:
        table: the widget.
        key_of: tells rows apart.
    """

    def __init__(self, table: Any, key_of: Callable[[Row], str]) -> None:
        self._table, self._key_of = table, key_of
        self.rows: tuple[Row, ...] = ()
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)

    @property
    def selected(self) -> Row | None:
        """The row chosen; None when there is none."""
        row = self._table.currentRow()
        return self.rows[row] if 0 <= row < len(self.rows) else None

    def select(self, key: str) -> None:
        """Choose a row, if it is in the list."""
        for index, row in enumerate(self.rows):
            if self._key_of(row) == key:
                self._table.selectRow(index)

    def step(self, by: int) -> None:
        """Choose the row so many below, around the ends."""
        if self.rows:
            self._table.selectRow((self._table.currentRow() + by) % len(self.rows))
