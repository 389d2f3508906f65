"""The PySide6 class behind a Python subclass of a Qt class: its virtual methods call the Python ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def overridden_names(raw: type, namespace: dict[str, Any]) -> set[str]:
    """The methods of a class body that override methods of a PySide6 class."""
    return {
        name
        for name, value in namespace.items()
        if callable(value) and not name.startswith("__") and callable(getattr(raw, name, None))
    }


def class_with_overrides(
    name: str, raw_base: type, overridden: set[str], to_python: Callable[[Any], Any], to_qt: Callable[[Any], Any]
) -> type:
    """A subclass of a PySide6 class that hands calls of the overridden methods to its ``python_side``."""

    def forward(method_name: str) -> Callable[..., Any]:
        def method(raw: Any, *arguments: Any) -> Any:
            python_side = getattr(raw, "python_side", None)
            if python_side is None:  # while the constructor of the base class runs
                return getattr(super(raw_class, raw), method_name)(*arguments)
            return to_qt(getattr(python_side, method_name)(*(to_python(argument) for argument in arguments)))

        return method

    raw_class = type(name, (raw_base,), {each: forward(each) for each in overridden})
    return raw_class
