"""PySide6 objects behind the face that PythonQt shows.

Every Qt object a panel touches is a wrapper around the PySide6 object. Attributes are looked up in PythonQt's order and
names that real Slicer lacks are refused. The wrapper classes do not inherit from each other (in PythonQt
``isinstance(button, qt.QWidget)`` is False too).
"""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from slicer_host import properties, signals
from slicer_host.members import attribute_of, known_members, qt_class_name, refuse_unknown
from slicer_host.overloads import refuse_call
from slicer_host.subclasses import class_with_overrides, overridden_names
from slicer_host.values import QtEnum, QtEnumType, to_python, to_qt

_WRAPPERS: weakref.WeakValueDictionary[int, QtObject] = weakref.WeakValueDictionary()
_CLASSES: dict[type, QtType] = {}
_HIDDEN = ("__", "_raw_", "_qt_")

# PySide6 returns the chosen filter beside the path; PythonQt returns the path alone.
_FIRST_OF_A_PAIR = {"getOpenFileName", "getOpenFileNames", "getSaveFileName"}


class DeletedObjectError(ValueError):
    """The C++ object behind a wrapper is gone."""


class QtFunction:
    """A method or static function: positional arguments only, PySide6's TypeError becomes PythonQt's ValueError."""

    def __init__(self, name: str, call: Callable[..., Any], signatures: tuple[str, ...] = ()):
        self.__name__ = name
        self._call = call
        self._signatures = signatures

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if keywords:
            raise ValueError(f"Called {self.__name__} with keyword arguments, but Qt's methods take none")
        refuse_call(self.__name__, self._signatures, arguments)
        try:
            result = self._call(*(_to_qt(argument) for argument in arguments))
        except TypeError as error:
            raise ValueError(
                f"Could not find matching overload for given arguments: {self.__name__}: {error}"
            ) from error
        if self.__name__ in _FIRST_OF_A_PAIR:
            result = result[0]
        return _to_python(result)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QtFunction) and self._call == other._call

    def __hash__(self) -> int:
        return hash(self._call)


class _Unbound(QtFunction):
    """A method taken from the class: the object comes first; the other form of a static overload is not reached."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if not arguments or not isinstance(arguments[0], QtObject):
            raise ValueError(f"{self.__name__} is called on the class without an object")
        return super().__call__(*arguments, **keywords)


class QtType(type):
    """The type of the wrapper classes: static functions, enums and nested classes by attribute."""

    _qt_raw: type
    _qt_direct: bool

    def __new__(mcs, name: str, bases: tuple, namespace: dict, raw: type | None = None):
        namespace.setdefault("__slots__", ()) if raw is not None else None
        return super().__new__(mcs, name, bases, namespace)

    def __init__(cls, name: str, bases: tuple, namespace: dict, raw: type | None = None):
        super().__init__(name, bases, namespace)
        cls._qt_direct = raw is not None or not bases
        if raw is not None:
            cls._qt_raw = raw
        elif bases:
            direct = _direct_base(cls)
            overridden = overridden_names(direct._qt_raw, namespace)
            for method in overridden - set(direct.__dict__):
                # super().closeEvent(event) looks into the dictionaries of the base classes.
                function = QtFunction(method, getattr(direct._qt_raw, method))
                setattr(direct, method, lambda self, *arguments, function=function: function(self, *arguments))
            cls._qt_raw = class_with_overrides(name, bases[0]._qt_raw, overridden, _to_python, _to_qt)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith(_HIDDEN):
            raise AttributeError(name)
        return class_member(cls._qt_raw, name, _direct_base(cls).__name__)


def _direct_base(cls: QtType) -> QtType:
    return next(base for base in cls.__mro__ if isinstance(base, QtType) and base._qt_direct)


def class_member(raw: type, name: str, class_name: str) -> Any:
    """A static function, unbound method, enum, enum value or nested class of a raw class."""
    refuse_unknown(class_name, name)
    value = attribute_of(raw, name)
    if isinstance(value, enum.Enum):
        return QtEnum(value)
    if isinstance(value, type):
        return QtEnumType(value) if issubclass(value, enum.Enum) else wrapper_class(value)
    if isinstance(value, QtCore.Signal) or not callable(value):
        raise AttributeError(f"{raw.__name__}.{name} is reached through an object only")
    members = known_members(class_name)
    if members is None or name in members.static:
        return QtFunction(name, value, members.signatures.get(name, ()) if members else ())
    return _Unbound(name, value)


class QtObject(metaclass=QtType):
    """A wrapper around one PySide6 object."""

    __slots__ = ("_raw_object", "__weakref__")

    def __init__(self, *arguments: Any, **keywords: Any):
        if keywords:
            raise ValueError(f"Called {type(self).__name__} with keyword arguments, but Qt's constructors take none")
        class_name = _direct_base(type(self)).__name__
        members = known_members(class_name)
        refuse_call(class_name, members.constructors if members else (), arguments)
        try:
            raw = type(self)._qt_raw(*(_to_qt(argument) for argument in arguments))
        except TypeError as error:
            raise ValueError(f"Could not find matching constructor of {type(self).__name__}: {error}") from error
        object.__setattr__(self, "_raw_object", raw)
        _WRAPPERS[id(raw)] = self
        if not type(self)._qt_direct:
            # The C++ object calls back into this Python object: it has to stay while the C++ object does.
            raw.python_side = self

    def __bool__(self) -> bool:
        raw = self._raw_object
        if not shiboken6.isValid(raw):
            return False
        members = known_members(qt_class_name(raw))
        if members is not None and "__nonzero__" in members.methods:
            return not (raw.isEmpty() if hasattr(raw, "isEmpty") else raw.isNull())
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QtObject):
            return NotImplemented
        if isinstance(self._raw_object, QtCore.QObject):
            return self._raw_object is other._raw_object
        return bool(self._raw_object == other._raw_object)

    def __hash__(self) -> int:
        return hash(id(self._raw_object))

    def __repr__(self) -> str:
        return f"{type(self).__name__} (of PySide6, at: {id(self._raw_object):#x})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_HIDDEN):
            raise AttributeError(name)
        return read_attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        write_attribute(self, name, value)


def raw_object(wrapper: QtObject) -> Any:
    """The PySide6 object behind a wrapper; raises when C++ has deleted it."""
    raw = wrapper._raw_object
    if not shiboken6.isValid(raw):
        raise DeletedObjectError(f"Trying to use a destroyed {type(wrapper).__name__} object")
    return raw


def read_attribute(wrapper: QtObject, name: str) -> Any:
    """PythonQt's look-up: property, method or signal, enum, nested class, dynamic property, named child."""
    raw = raw_object(wrapper)
    members = known_members(qt_class_name(raw))
    if not isinstance(raw, QtCore.QObject):
        if members is not None and name not in members:
            raise AttributeError(f"{type(raw).__name__} has no attribute named '{name}' in Slicer")
        return _plain_member(raw, name)
    if members is None or name in members:
        if properties.exists(raw, name):
            return _to_python(properties.read(raw, name))
        if name in OBJECT_METHODS:
            return _BoundObjectMethod(raw, name)
        signatures = signals.signal_signatures(raw, name)
        if signatures and not (members and name in members.methods):
            return signals.BoundSignal(raw, signatures[0], _to_python, _to_qt)
        if members is not None or any(hasattr(raw, each) for each in (name, name.removesuffix("_"), name + "_")):
            return _plain_member(raw, name)
    if name in properties.dynamic_names(raw):
        return _to_python(raw.property(name))
    for child in raw.children():
        if child.objectName() == name:
            return wrap(child)
    raise AttributeError(f"{raw.metaObject().className()} has no attribute named '{name}' in Slicer")


def _plain_member(raw: Any, name: str) -> Any:
    value = attribute_of(raw, name)
    class_name = qt_class_name(raw)
    if isinstance(value, enum.Enum | type):
        return class_member(type(raw), name, class_name)
    members = known_members(class_name)
    signatures = members.signatures.get(name.removesuffix("_"), ()) if members else ()
    return QtFunction(name, value, signatures) if callable(value) else _to_python(value)


def write_attribute(wrapper: QtObject, name: str, value: Any) -> None:
    """Set a property; new attributes only on instances of Python subclasses."""
    raw = raw_object(wrapper) if not name.startswith(_HIDDEN) else None
    if isinstance(raw, QtCore.QObject):
        class_name = qt_class_name(raw)
        members = known_members(class_name)
        if properties.exists(raw, name) and (members is None or name in members.properties):
            writable = members is None or members.properties[name]
            properties.write(raw, name, _to_qt(value), writable)
            return
        if name in properties.dynamic_names(raw):
            raw.setProperty(name, _to_qt(value))
            return
    if type(wrapper)._qt_direct:
        raise AttributeError(
            f"'{name}' does not exist on {type(wrapper).__name__} and new attributes on C++ objects are not allowed"
        )
    object.__setattr__(wrapper, name, value)


def wrapper_class(raw: type) -> QtType:
    """The wrapper class of a PySide6 or stand-in class; one for the life of the process."""
    if raw not in _CLASSES:
        _CLASSES[raw] = QtType(raw.__name__, (QtObject,), {"__module__": "qt", "__doc__": raw.__doc__}, raw=raw)
    return _CLASSES[raw]


def wrap(raw: Any) -> QtObject:
    """The wrapper of a PySide6 object: the same one as long as somebody holds it."""
    known = _WRAPPERS.get(id(raw))
    if known is not None and known._raw_object is raw:
        return known
    cls = wrapper_class(type(raw))
    wrapper = object.__new__(cls)
    object.__setattr__(wrapper, "_raw_object", raw)
    _WRAPPERS[id(raw)] = wrapper
    return wrapper


def unwrap(value: Any) -> Any:
    """The PySide6 object or class behind a wrapper; any other value as it is."""
    if isinstance(value, QtObject):
        return raw_object(value)
    if isinstance(value, QtType):
        return value._qt_raw
    return value


def _to_python(value: Any) -> Any:
    return to_python(value, wrap)


def _to_qt(value: Any) -> Any:
    return to_qt(value, unwrap)


class _BoundObjectMethod:
    """One of the methods that PythonQt itself adds to every object."""

    def __init__(self, raw: QtCore.QObject, name: str):
        self.__name__ = name
        self._raw, self._name = raw, name

    def __call__(self, *arguments: Any) -> Any:
        return OBJECT_METHODS[self._name](self._raw, *arguments)


def _connect(raw: QtCore.QObject, signature: str, *receiver: Any) -> bool:
    members = known_members(qt_class_name(raw))
    if members is not None and signals.normalised(signature) not in members.signals:
        return signals.unknown_signal(raw, signature)
    if len(receiver) == 2:
        return signals.connect_objects(raw, signature, unwrap(receiver[0]), receiver[1])
    return signals.connect(raw, signature, receiver[0], _to_python)


def _find_children(raw: QtCore.QObject, kind: QtType | str, name: str = "") -> tuple:
    class_name = kind if isinstance(kind, str) else _direct_base(kind).__name__
    found = raw.findChildren(QtCore.QObject)
    return tuple(wrap(c) for c in found if c.inherits(class_name) and name in ("", c.objectName()))


def _find_child(raw: QtCore.QObject, kind: QtType | str, name: str = "") -> QtObject | None:
    return next(iter(_find_children(raw, kind, name)), None)


OBJECT_METHODS: dict[str, Callable[..., Any]] = {
    "className": lambda raw: qt_class_name(raw),
    "connect": _connect,
    "delete": lambda raw: shiboken6.delete(raw),
    "disconnect": lambda raw, signature, receiver=None: signals.disconnect(raw, signature, receiver),
    "findChild": _find_child,
    "findChildren": _find_children,
    "inherits": lambda raw, class_name: raw.inherits(class_name),
    "property": lambda raw, name: _to_python(properties.read(raw, name)),
    "setProperty": lambda raw, name, value: bool(raw.setProperty(name, _to_qt(value))),
    "tr": lambda raw, text, *_: text,
}
