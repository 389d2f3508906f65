"""Signals as PythonQt has them: ``connect('sig(args)', fn)`` and ``obj.sig.connect(fn)``.

Receivers get at most as many arguments as they declare, exceptions in them are printed, and a connection keeps its
receiver alive for as long as the sender lives.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import shiboken6
from PySide6 import QtCore

# C++ connect of the class itself: the stand-ins may carry a method of that name.
_qt_connect = QtCore.QObject.connect
_qt_disconnect = QtCore.QObject.disconnect


@dataclass(frozen=True)
class _Connection:
    signature: str
    receiver: Callable[..., Any]
    relay: Callable[..., None]


_CONNECTIONS: dict[int, list[_Connection]] = {}
"""Address of the sender → its connections to Python callables."""


def normalised(signature: str) -> str:
    """A signal's signature without spaces and without the digit that SIGNAL() and SLOT() put in front."""
    without_code = signature[1:] if signature[:1] in ("0", "1", "2") else signature
    return QtCore.QMetaObject.normalizedSignature(without_code).data().decode()


def as_the_stand_in_declares_it(signature: str) -> str:
    """PySide6 calls every Python object ``PyObject``: also the VTK pointers in the signals of the stand-ins."""
    return re.sub(r"vtk\w+\*|void\*|ctkErrorLogLevel::LogLevel", "PyObject", normalised(signature))


def signal_signatures(raw: QtCore.QObject, name: str | None = None) -> list[str]:
    """The signatures of an object's signals, most derived class first; only those called ``name`` if given."""
    found = []
    meta = raw.metaObject()
    while meta is not None:
        for index in range(meta.methodOffset(), meta.methodCount()):
            method = meta.method(index)
            if method.methodType() == QtCore.QMetaMethod.MethodType.Signal:
                signature = method.methodSignature().data().decode()
                if name is None or signature.split("(")[0] == name:
                    found.append(signature)
        meta = meta.superClass()
    return found


def accepted_arguments(receiver: Callable[..., Any]) -> int | None:
    """How many arguments PythonQt passes at most: those a function declares, or ``None`` for all of them."""
    if inspect.ismethod(receiver) and inspect.isfunction(receiver.__func__):
        code, bound = receiver.__func__.__code__, 1
    elif inspect.isfunction(receiver):
        code, bound = receiver.__code__, 0
    else:
        return None
    return None if code.co_flags & inspect.CO_VARARGS else code.co_argcount - bound


def _relay(receiver: Callable[..., Any], to_python: Callable[[Any], Any]) -> Callable[..., None]:
    most = accepted_arguments(receiver)

    def call(*arguments: Any) -> None:
        try:
            receiver(*(to_python(argument) for argument in arguments[:most]))
        except Exception:  # PythonQt prints whatever a receiver raises; nothing may pass through Qt's event loop
            sys.excepthook(*sys.exc_info())

    return call


def connect(raw: QtCore.QObject, signature: str, receiver: Callable[..., Any], to_python: Callable) -> bool:
    """Connect a Python callable; a signal that does not exist only prints a message, as in PythonQt."""
    declared = as_the_stand_in_declares_it(signature)
    if raw.metaObject().indexOfSignal(declared) < 0:
        return unknown_signal(raw, signature)
    if not callable(receiver):
        print(f"PythonQt: connect() of '{signature}' got a {type(receiver).__name__}, not a callable", file=sys.stderr)
        return False
    relay = _relay(receiver, to_python)
    connected = bool(_qt_connect(raw, QtCore.SIGNAL(declared), relay))
    if connected:
        address = shiboken6.getCppPointer(raw)[0]
        if address not in _CONNECTIONS:
            _CONNECTIONS[address] = []
            raw.destroyed.connect(lambda *_: _CONNECTIONS.pop(address, None))
        _CONNECTIONS[address].append(_Connection(declared, receiver, relay))
    return connected


def unknown_signal(raw: QtCore.QObject, signature: str) -> bool:
    """Say that a signal does not exist, as PythonQt does, and answer False."""
    name = raw.metaObject().className()
    print(f"PythonQt: QObject::connect() signal '{signature}' does not exist on {name}", file=sys.stderr)
    return False


def connect_objects(raw: QtCore.QObject, signature: str, receiver: QtCore.QObject, slot: str) -> bool:
    """Connect a signal with the slot or signal of another object."""
    declared, declared_slot = as_the_stand_in_declares_it(signature), as_the_stand_in_declares_it(slot)
    if raw.metaObject().indexOfSignal(declared) < 0:
        return unknown_signal(raw, signature)
    is_signal = receiver.metaObject().indexOfSignal(declared_slot) >= 0
    member = QtCore.SIGNAL(declared_slot) if is_signal else QtCore.SLOT(declared_slot)
    return bool(_qt_connect(raw, QtCore.SIGNAL(declared), receiver, member))


def disconnect(raw: QtCore.QObject, signature: str, receiver: Callable[..., Any] | None = None) -> bool:
    """Undo one connection of ``receiver``, or all of the signal's connections to Python."""
    declared = as_the_stand_in_declares_it(signature)
    connections = _CONNECTIONS.get(shiboken6.getCppPointer(raw)[0], [])
    wanted = [c for c in connections if c.signature == declared and receiver in (None, c.receiver)]
    for connection in wanted if receiver is None else wanted[:1]:
        _qt_disconnect(raw, QtCore.SIGNAL(declared), connection.relay)
        connections.remove(connection)
    return bool(wanted)


class BoundSignal:
    """``button.clicked``: a signal of one object; its first overload, as in PythonQt."""

    def __init__(self, raw: QtCore.QObject, signature: str, to_python: Callable, to_qt: Callable):
        self._raw, self._signature, self._to_python, self._to_qt = raw, signature, to_python, to_qt

    def connect(self, receiver: Callable[..., Any]) -> bool:
        return connect(self._raw, self._signature, receiver, self._to_python)

    def disconnect(self, receiver: Callable[..., Any] | None = None) -> bool:
        return disconnect(self._raw, self._signature, receiver)

    def emit(self, *arguments: Any) -> None:
        signal = getattr(self._raw, self._signature.split("(")[0])
        signal.emit(*(self._to_qt(argument) for argument in arguments))

    __call__ = emit
