"""Values on their way between Python and Qt: enums become ints, lists become tuples, Qt objects get their wrapper."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import shiboken6


class QtEnum(int):
    """An enum value or a combination of flags: an int to Python, and still acceptable to PySide6's strict methods."""

    raw: enum.Enum

    def __new__(cls, raw: enum.Enum) -> QtEnum:
        value = super().__new__(cls, raw.value)
        value.raw = raw
        return value

    def _combined(self, other: int, operation: Callable[[Any, Any], Any]) -> int:
        if isinstance(other, QtEnum) and isinstance(self.raw, enum.Flag) and type(other.raw) is type(self.raw):
            return QtEnum(operation(self.raw, other.raw))
        return operation(int(self), int(other))

    def __or__(self, other: int) -> int:
        return self._combined(other, lambda a, b: a | b)

    def __and__(self, other: int) -> int:
        return self._combined(other, lambda a, b: a & b)

    def __xor__(self, other: int) -> int:
        return self._combined(other, lambda a, b: a ^ b)

    def __invert__(self) -> int:
        return QtEnum(~self.raw) if isinstance(self.raw, enum.Flag) else ~int(self)


class QtEnumType:
    """``qt.QFrame.Shape``: turns ints into values of the enum and lists its members."""

    def __init__(self, raw: type[enum.Enum]):
        self._raw = raw

    def __call__(self, value: int) -> QtEnum:
        return QtEnum(self._raw(int(value)))

    def __getattr__(self, name: str) -> QtEnum:
        if name.startswith("__") or name not in self._raw.__members__:
            raise AttributeError(f"{self._raw.__name__} has no value {name}")
        return QtEnum(self._raw[name])


def to_python(value: Any, wrap: Callable[[Any], Any]) -> Any:
    """What PythonQt hands to Python for a value that PySide6 returned."""
    if isinstance(value, enum.Enum):
        return QtEnum(value)
    if isinstance(value, list | tuple):
        return tuple(to_python(item, wrap) for item in value)
    if isinstance(value, dict):
        return {key: to_python(item, wrap) for key, item in value.items()}
    if isinstance(value, shiboken6.Shiboken.Object):
        return wrap(value)
    return value


def to_qt(value: Any, unwrap: Callable[[Any], Any]) -> Any:
    """What PySide6 gets for a value that Python passed."""
    if isinstance(value, QtEnum):
        return value.raw
    if isinstance(value, list | tuple):
        return [to_qt(item, unwrap) for item in value]
    if isinstance(value, dict):
        return {key: to_qt(item, unwrap) for key, item in value.items()}
    return unwrap(value)
