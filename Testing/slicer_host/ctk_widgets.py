"""Stand-ins of the CTK widgets that the panel's .ui files use, written for PySide6."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal, Slot

_ARROW_WIDTH_PX = 18
_TEXT_MARGIN_PX = 6
_Filter = QtCore.QDir.Filter
_Option = QtWidgets.QFileDialog.Option


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header that shows and hides the widgets laid out inside the button."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._collapsed = False
        self._flat = False
        self._hidden_by_collapse: list[QtWidgets.QWidget] = []
        self.setCheckable(True)
        self.setChecked(True)
        policy = QtWidgets.QSizePolicy.Policy
        self.setSizePolicy(policy.MinimumExpanding, policy.Preferred)
        self.toggled.connect(lambda checked: self._set_collapsed(not checked))
        self._reserve_header()

    def _is_collapsed(self) -> bool:
        return self._collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setChecked(not collapsed)
        self._show_contents(not collapsed)
        self.updateGeometry()
        self.update()
        self.contentsCollapsed.emit(collapsed)

    def _show_contents(self, shown: bool) -> None:
        if shown:
            for child in self._hidden_by_collapse:
                child.setVisible(True)
            self._hidden_by_collapse = []
            return
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            if not child.isHidden():
                child.setVisible(False)
                self._hidden_by_collapse.append(child)

    def _is_flat(self) -> bool:
        return self._flat

    def _set_flat(self, flat: bool) -> None:
        self._flat = flat

    collapsed = Property(bool, _is_collapsed, _set_collapsed, notify=contentsCollapsed)
    flat = Property(bool, _is_flat, _set_flat)

    def _header_height(self) -> int:
        return self.fontMetrics().height() + 2 * _TEXT_MARGIN_PX

    def _reserve_header(self) -> None:
        self.setContentsMargins(0, self._header_height(), 0, 0)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        if event.type() in (QtCore.QEvent.Type.FontChange, QtCore.QEvent.Type.StyleChange):
            self._reserve_header()
        super().changeEvent(event)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        # Only a polished child is complete: PySide6 would remember a child that is just being made as a bare QWidget.
        if self._collapsed and event.type() == QtCore.QEvent.Type.ChildPolished:
            child = event.child()
            if isinstance(child, QtWidgets.QWidget) and child not in self._hidden_by_collapse:
                child.setVisible(False)
                self._hidden_by_collapse.append(child)
        super().childEvent(event)

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() <= self._header_height()

    def sizeHint(self) -> QtCore.QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QtCore.QSize:
        text_width = self.fontMetrics().horizontalAdvance(self.text())
        size = QtCore.QSize(text_width + _ARROW_WIDTH_PX + 2 * _TEXT_MARGIN_PX, self._header_height())
        if self.layout() is not None and not self._collapsed:
            size = size.expandedTo(self.layout().totalMinimumSize())
        return size

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self._header_height())
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(_TEXT_MARGIN_PX, 0, _ARROW_WIDTH_PX - _TEXT_MARGIN_PX, self._header_height())
        elements = QtWidgets.QStyle.PrimitiveElement
        painter.drawPrimitive(
            elements.PE_IndicatorArrowRight if self._collapsed else elements.PE_IndicatorArrowDown, arrow
        )
        left = _ARROW_WIDTH_PX + _TEXT_MARGIN_PX
        area = QtCore.QRect(left, 0, self.width() - left, self._header_height())
        painter.drawItemText(
            area,
            QtCore.Qt.AlignmentFlag.AlignVCenter | QtCore.Qt.AlignmentFlag.AlignLeft,
            self.palette(),
            self.isEnabled(),
            self.text(),
            QtGui.QPalette.ColorRole.ButtonText,
        )


class ctkPathLineEdit(QtWidgets.QWidget):
    """An editable path with a history and a browse button."""

    validInputChanged = Signal(bool)
    currentPathChanged = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._values: dict[str, object] = {"nameFilters": [], "label": "", "options": _Option(0)}
        self._values["filters"] = _Filter.Files | _Filter.Dirs
        self._combo = QtWidgets.QComboBox(self)
        self._combo.setEditable(True)
        self._combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._browse_button = QtWidgets.QToolButton(self)
        self._browse_button.setText("...")
        self._browse_button.clicked.connect(self.browse)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._combo)
        layout.addWidget(self._browse_button)
        self._combo.editTextChanged.connect(self._path_changed)

    def _path_changed(self, path: str) -> None:
        self.currentPathChanged.emit(path)
        self.validInputChanged.emit(QtCore.QFileInfo(path).exists())

    def _path(self) -> str:
        return self._combo.currentText()

    @Slot(str)
    def setCurrentPath(self, path: str) -> None:
        self._combo.setEditText(path)

    @Slot()
    def browse(self) -> None:
        """Ask for a file, or for a folder when only folders are wanted."""
        if self._values["filters"] & _Filter.Files:
            chosen, _ = QtWidgets.QFileDialog.getOpenFileName(
                self, "", self._path(), ";;".join(self._values["nameFilters"]), options=self._values["options"]
            )
        else:
            chosen = QtWidgets.QFileDialog.getExistingDirectory(self, "", self._path())
        if chosen:
            self.setCurrentPath(chosen)

    @Slot()
    def addCurrentPathToHistory(self) -> None:
        path = self._path()
        if path and self._combo.findText(path) < 0:
            self._combo.addItem(path)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._combo

    currentPath = Property(str, _path, setCurrentPath)
    filters = Property(
        int, lambda self: self._values["filters"].value, lambda self, value: self._values.update(filters=_Filter(value))
    )
    nameFilters = Property(
        "QStringList",
        lambda self: self._values["nameFilters"],
        lambda self, value: self._values.update(nameFilters=value),
    )
    label = Property(str, lambda self: self._values["label"], lambda self, value: self._values.update(label=value))
    settingKey = Property(
        str, lambda self: self._values.get("settingKey", ""), lambda self, value: self._values.update(settingKey=value)
    )
    options = Property(
        int, lambda self: self._values["options"].value, lambda self, value: self._values.update(options=_Option(value))
    )
    showBrowseButton = Property(
        bool, lambda self: not self._browse_button.isHidden(), lambda self, shown: self._browse_button.setVisible(shown)
    )
    minimumContentsLength = Property(
        int,
        lambda self: self._combo.minimumContentsLength(),
        lambda self, length: self._combo.setMinimumContentsLength(length),
    )
    showHistoryButton = Property(
        bool, lambda self: self._values.get("history", True), lambda self, value: self._values.update(history=value)
    )


class ctkSliderWidget(QtWidgets.QWidget):
    """A slider and a spin box that show one number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self._box = QtWidgets.QDoubleSpinBox(self)
        self._box.setRange(0.0, 99.0)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self._number_changed)
        self._slider.valueChanged.connect(lambda position: self._box.setValue(position * self._box.singleStep()))
        self._range_changed()

    def _number_changed(self, value: float) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round(value / self._box.singleStep()))
        self._slider.blockSignals(blocked)
        self.valueChanged.emit(value)

    def _range_changed(self) -> None:
        step = self._box.singleStep()
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(round(self._box.minimum() / step), round(self._box.maximum() / step))
        self._slider.setValue(round(self._box.value() / step))
        self._slider.blockSignals(blocked)

    @Slot(float)
    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def _set_minimum(self, minimum: float) -> None:
        self._box.setMinimum(minimum)
        self._range_changed()

    def _set_maximum(self, maximum: float) -> None:
        self._box.setMaximum(maximum)
        self._range_changed()

    def _set_step(self, step: float) -> None:
        self._box.setSingleStep(step)
        self._range_changed()

    value = Property(float, lambda self: self._box.value(), setValue)
    minimum = Property(float, lambda self: self._box.minimum(), _set_minimum)
    maximum = Property(float, lambda self: self._box.maximum(), _set_maximum)
    singleStep = Property(float, lambda self: self._box.singleStep(), _set_step)
    decimals = Property(int, lambda self: self._box.decimals(), lambda self, count: self._box.setDecimals(count))
    suffix = Property(str, lambda self: self._box.suffix(), lambda self, text: self._box.setSuffix(text))
    prefix = Property(str, lambda self: self._box.prefix(), lambda self, text: self._box.setPrefix(text))


for _name, _value in {**_Filter.__members__, **_Option.__members__}.items():  # ctkPathLineEdit::Files and siblings
    setattr(ctkPathLineEdit, _name, _value)


CTK_CLASSES: dict[str, type] = {cls.__name__: cls for cls in (ctkCollapsibleButton, ctkPathLineEdit, ctkSliderWidget)}
