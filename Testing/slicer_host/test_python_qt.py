"""The stand-in answers as PythonQt does: one test for each fact a panel can trip over."""

from __future__ import annotations

import gc
import sys

import pytest


@pytest.fixture
def qt(slicer_host):
    return slicer_host.qt


@pytest.fixture
def has_inventory():
    from slicer_host.inventory import inventory

    if inventory() is None:
        pytest.skip("needs the inventory of Slicer's API")


def test_properties_are_attributes_and_cannot_be_called(qt):
    button = qt.QPushButton("Segment")
    assert button.text == "Segment"
    with pytest.raises(TypeError):
        button.text()


def test_a_string_property_turns_anything_into_text(qt):
    label = qt.QLabel()
    label.text = None
    assert label.text == "None"


def test_name_is_another_word_for_object_name(qt):
    button = qt.QPushButton()
    button.name = "run"
    assert button.objectName == "run"


def test_no_new_attributes_on_cpp_objects_but_on_python_subclasses(qt):
    with pytest.raises(AttributeError):
        qt.QPushButton().note = 1

    class Button(qt.QPushButton):
        pass

    button = Button()
    button.note = 1
    assert button.note == 1


def test_a_property_without_setter_is_refused(qt):
    with pytest.raises(AttributeError, match="not writable"):
        qt.QWidget().width = 3


def test_keyword_arguments_and_wrong_types_are_value_errors(qt):
    label = qt.QLabel()
    with pytest.raises(ValueError):
        label.setText(text="CT")
    with pytest.raises(ValueError):
        label.setText(3)
    with pytest.raises(ValueError):
        qt.QPushButton(text="Run")


def test_names_that_slicer_lacks_are_refused(qt, has_inventory):
    with pytest.raises(AttributeError):
        qt.QNoSuchWidget  # noqa: B018
    with pytest.raises(AttributeError):
        qt.QPushButton().no_such_thing  # noqa: B018


def test_cpp_only_methods_are_refused(slicer_host, has_inventory):
    with pytest.raises(AttributeError):
        slicer_host.ctk.ctkCollapsibleButton().setCollapsed  # noqa: B018


def test_isinstance_knows_no_base_class_but_inherits_does(qt):
    button = qt.QPushButton()
    assert type(button) is qt.QPushButton
    assert not isinstance(button, qt.QWidget)
    assert button.inherits("QWidget")
    assert button.className() == "QPushButton"


def test_both_ways_to_connect_work(qt):
    heard = []
    button = qt.QPushButton()
    assert button.connect("clicked()", lambda: heard.append("old"))
    button.clicked.connect(lambda: heard.append("new"))
    button.click()
    assert heard == ["old", "new"]


def test_a_signal_that_does_not_exist_is_printed_and_false(qt, capsys):
    assert qt.QPushButton().connect("clikced()", print) is False
    assert "clikced()" in capsys.readouterr().err


def test_a_receiver_gets_as_many_arguments_as_it_declares_defaults_counted(qt):
    heard = []
    button = qt.QPushButton()
    button.clicked.connect(lambda index=7: heard.append(index))
    button.clicked.connect(lambda: heard.append("none"))
    button.click()
    assert heard == [False, "none"]


def test_an_exception_in_a_receiver_is_printed_not_raised(qt, capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    button = qt.QPushButton()
    button.clicked.connect(lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_exception_that_qt_or_vtk_would_only_print_fails_the_test(qt):
    from vtkmodules.vtkCommonCore import vtkObject

    from slicer_host.fixtures import no_exception_unseen

    button, node = qt.QPushButton(), vtkObject()
    button.clicked.connect(lambda: 1 / 0)
    node.AddObserver("ModifiedEvent", lambda *_: {}["gone"])
    with pytest.raises(AssertionError, match="ZeroDivisionError"), no_exception_unseen():
        button.click()
    with pytest.raises(AssertionError, match="KeyError"), no_exception_unseen():
        node.Modified()


def test_disconnecting_a_bound_method_ends_its_calls(qt):
    class Listener:
        count = 0

        def hear(self):
            self.count += 1

    listener, button = Listener(), qt.QPushButton()
    button.clicked.connect(listener.hear)
    button.click()
    assert button.clicked.disconnect(listener.hear)
    button.click()
    assert listener.count == 1


def test_a_connection_keeps_its_receiver_alive(qt):
    heard = []

    class Listener:
        def hear(self):
            heard.append(1)

    button = qt.QPushButton()
    button.clicked.connect(Listener().hear)
    gc.collect()
    button.click()
    assert heard == [1]


def test_enums_are_ints_and_combine(qt):
    assert isinstance(qt.Qt.Checked, int)
    label = qt.QLabel()
    label.setAlignment(qt.Qt.AlignRight | qt.Qt.AlignTop)
    assert label.alignment == int(qt.Qt.AlignRight | qt.Qt.AlignTop)
    label.alignment = qt.Qt.AlignLeft
    assert label.alignment & qt.Qt.AlignLeft


def test_lists_come_back_as_tuples(qt):
    box = qt.QWidget()
    child = qt.QLabel(box)
    assert box.children() == (child,)


def test_a_byte_array_gives_bytes_through_data_only(qt):
    array = qt.QByteArray(b"abc")
    assert array.data() == b"abc"
    for use in (len, bytes):
        with pytest.raises(TypeError):
            use(array)


def test_a_deleted_object_is_false_not_none_and_raises_value_error(qt):
    label = qt.QLabel()
    label.delete()
    assert not label
    assert label is not None
    with pytest.raises(ValueError):
        label.text  # noqa: B018


def test_an_object_without_parent_dies_with_its_last_reference(qt, process_events):
    heard = []
    timer = qt.QTimer()
    timer.timeout.connect(lambda: heard.append(1))
    timer.start(0)
    del timer
    gc.collect()
    process_events()
    assert heard == []


def test_layout_and_parent_are_methods_and_spacing_is_a_property(qt):
    widget = qt.QWidget()
    layout = qt.QVBoxLayout(widget)
    layout.setContentsMargins(1, 2, 3, 4)
    layout.spacing = 9
    assert widget.layout() == layout
    assert layout.spacing == 9
    assert layout.parent() == widget


def test_an_empty_layout_is_false(qt, has_inventory):
    widget = qt.QWidget()
    layout = qt.QVBoxLayout(widget)
    assert not layout
    layout.addWidget(qt.QLabel("x"))
    assert layout


def test_a_child_is_reached_by_its_name(qt):
    widget = qt.QWidget()
    label = qt.QLabel(widget)
    label.objectName = "cardLabel"
    assert widget.cardLabel is label
    assert widget.findChild(qt.QLabel, "cardLabel") is label
    assert widget.findChildren("QWidget") == (label,)


def test_a_python_subclass_overrides_virtual_methods_and_reaches_the_base(qt):
    class Dialog(qt.QDialog):
        closed = 0

        def closeEvent(self, event):
            self.closed += 1
            super().closeEvent(event)

    dialog = Dialog()
    dialog.show()
    dialog.close()
    assert (dialog.closed, dialog.visible) == (1, False)


def test_an_event_filter_in_python_sees_events(qt):
    class Filter(qt.QObject):
        def __init__(self):
            super().__init__()
            self.seen = []

        def eventFilter(self, watched, event):
            self.seen.append(event.type())
            return False

    watcher, label = Filter(), qt.QLabel()
    label.installEventFilter(watcher)
    label.show()
    assert qt.QEvent.Show in watcher.seen


def test_a_process_runs_and_tells_code_and_status(qt, process_events):
    finished = []
    process = qt.QProcess()
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: finished.append((code, status)))
    process.start(sys.executable, ["-c", "print('hello')"])
    process_events(until=lambda: finished, timeout_s=30)
    assert finished == [(0, qt.QProcess.NormalExit)]
    assert process.readAllStandardOutput().data().strip() == b"hello"


def test_a_file_dialog_returns_the_path_alone(qt, monkeypatch):
    from PySide6 import QtWidgets

    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileName", lambda *_: ("/a/b.nrrd", "All (*)"))
    assert qt.QFileDialog.getOpenFileName(None, "Open", "") == "/a/b.nrrd"


def test_a_signal_blocker_is_no_context_manager(qt):
    widget = qt.QComboBox()
    with pytest.raises((TypeError, AttributeError)), qt.QSignalBlocker(widget):
        pass
    assert widget.blockSignals(True) is False


def test_text_is_no_key_sequence_and_static_overloads_behind_a_method_are_not_reached(qt, has_inventory, tmp_path):
    widget = qt.QWidget()
    with pytest.raises(ValueError):
        qt.QShortcut("Ctrl+S", widget)
    shortcut = qt.QShortcut(widget)
    shortcut.setKey(qt.QKeySequence("Ctrl+S"))
    assert shortcut.key.toString() == "Ctrl+S"
    with pytest.raises(ValueError):
        qt.QFile.exists(str(tmp_path))
    assert qt.QFile(str(tmp_path)).exists()


def test_a_call_with_too_many_arguments_is_refused(qt, has_inventory):
    with pytest.raises(ValueError):
        qt.QWidget().resize(1, 2, 3)


def test_partials_get_every_argument(qt):
    import functools

    heard = []
    button = qt.QPushButton()
    button.clicked.connect(functools.partial(lambda *arguments: heard.append(arguments), "first"))
    button.click()
    assert heard == [("first", False)]
