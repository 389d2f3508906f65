"""The keys of the page Score; they are off while the page is out of view and while somebody types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .toolkit import qt

# Whatever takes letters and digits itself. PythonQt's isinstance does not know Qt's classes, inherits() does.
_TYPED_INTO = ("QLineEdit", "QTextEdit", "QPlainTextEdit", "QAbstractSpinBox")


class RatingKeys:
    """Shortcuts of the whole window, because the hand that turns the slices has put the focus into a view.

    Args:
        widget: the page.
        calls: by key sequence.
    """

    def __init__(self, widget: Any, calls: Mapping[str, Callable[[], None]]) -> None:
        self._is_in_use = False
        self._shortcuts = []
        for key, call in calls.items():
            shortcut = qt.QShortcut(widget)
            shortcut.setKey(qt.QKeySequence(key))
            shortcut.setContext(qt.Qt.WindowShortcut)
            shortcut.setAutoRepeat(False)
            shortcut.connect("activated()", call)
            self._shortcuts.append(shortcut)
        qt.QApplication.instance().connect("focusChanged(QWidget*,QWidget*)", self._take_focus)
        self._enable()

    @property
    def are_on(self) -> bool:
        """Whether the keys work at this moment."""
        return all(shortcut.isEnabled() for shortcut in self._shortcuts)

    def use(self, is_in_use: bool) -> None:
        """Whether the page is in view with a case to score."""
        self._is_in_use = is_in_use
        self._enable()

    def close(self) -> None:
        """The page goes."""
        self.use(False)
        qt.QApplication.instance().disconnect("focusChanged(QWidget*,QWidget*)", self._take_focus)

    def _take_focus(self, old: Any, new: Any) -> None:
        self._enable(new)

    def _enable(self, focused: Any | None = None) -> None:
        focused = focused or qt.QApplication.focusWidget()
        is_typing = bool(focused) and any(focused.inherits(name) for name in _TYPED_INTO)
        for shortcut in self._shortcuts:
            shortcut.setEnabled(self._is_in_use and not is_typing)
