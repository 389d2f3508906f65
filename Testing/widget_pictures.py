"""Pictures of widgets: palettes, text size, and which texts do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets

_COLOURS = 256  # enough for flat widgets and the colours of all organs, and a third of the size


@dataclass(frozen=True)
class Look:
    """How the application looks while a picture is taken."""

    name: str
    is_dark: bool
    text_scale: float
    width_px: int


def dark_palette() -> QtGui.QPalette:
    """The colours of the style "Dark Slicer"."""
    palette = QtGui.QPalette()
    role = QtGui.QPalette.ColorRole
    colours = {
        role.Window: "#323232",
        role.WindowText: "#ffffff",
        role.Base: "#1e1e1e",
        role.AlternateBase: "#2a2a2a",
        role.ToolTipBase: "#323232",
        role.ToolTipText: "#ffffff",
        role.Text: "#ffffff",
        role.Button: "#3c3c3c",
        role.ButtonText: "#ffffff",
        role.BrightText: "#ff0000",
        role.Link: "#2a82da",
        role.Highlight: "#2a82da",
        role.HighlightedText: "#000000",
        role.PlaceholderText: "#9a9a9a",
    }
    for each, colour in colours.items():
        palette.setColor(each, QtGui.QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, each, QtGui.QColor("#7f7f7f"))
    return palette


@contextmanager
def wear(look: Look) -> Iterator[None]:
    """Dress the application, and undress it again."""
    application = QtWidgets.QApplication.instance()
    font, palette = QtGui.QFont(application.font()), QtGui.QPalette(application.palette())
    application.setStyle("Fusion")  # what Slicer's own style is made from
    application.setPalette(dark_palette() if look.is_dark else application.style().standardPalette())
    larger = QtGui.QFont(font)
    larger.setPointSizeF(font.pointSizeF() * look.text_scale)
    application.setFont(larger)
    try:
        yield
    finally:
        application.setFont(font)
        application.setPalette(palette)


def save_picture(widget: QtWidgets.QWidget, path: Path, width_px: int, height_px: int) -> None:
    """Lay a widget out at a width, as high as it needs, and write it as a small PNG."""
    from PIL import Image

    for _ in range(3):  # heights of wrapped texts settle only after the width is known
        QtWidgets.QApplication.processEvents()
        needed = max(widget.minimumSizeHint().height(), widget.heightForWidth(width_px))
        widget.resize(width_px, max(height_px, needed))
    QtWidgets.QApplication.processEvents()
    picture = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    size = (picture.width(), picture.height())
    data = bytes(picture.constBits())
    image = Image.frombytes("RGB", size, data, "raw", "RGB", picture.bytesPerLine())
    image.quantize(_COLOURS).save(path, optimize=True)


def texts_cut_off(widget: QtWidgets.QWidget) -> list[str]:
    """Visible labels, buttons and boxes that are smaller than their text, and whatever reaches beyond the width."""
    found = []
    for child in widget.findChildren(QtWidgets.QWidget):
        if not child.isVisible() or not isinstance(child, QtWidgets.QLabel | QtWidgets.QAbstractButton):
            continue
        name, text = child.objectName(), child.text()
        if name and text and _is_cut_off(child):
            found.append(f"{name} {text[:40]!r} is {child.width()} × {child.height()} px")
        right = child.mapTo(widget, QtCore.QPoint(child.width(), 0)).x()
        if name and right > widget.width():
            found.append(f"{name} reaches {right - widget.width()} px beyond the panel")
    return found


def _is_cut_off(child: QtWidgets.QLabel | QtWidgets.QAbstractButton) -> bool:
    if isinstance(child, QtWidgets.QLabel) and child.wordWrap():
        return child.heightForWidth(child.width()) > child.height() + 1
    needed = child.minimumSizeHint() if isinstance(child, QtWidgets.QLabel) else child.sizeHint()
    return needed.width() > child.width() + 1
