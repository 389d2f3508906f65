"""Which names real Slicer has: look-ups in an inventory of its API, where one lies beside the checkout.

The stand-in refuses a name that the inventory lacks. Without an inventory every name that Qt itself knows is allowed;
the difference is only how much a test would notice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

INVENTORY_FILE = Path(__file__).resolve().parents[3] / "shared" / "tools" / "slicer_api.json"
CALLABLE_KINDS = ("slots", "invokables", "methods", "static")


@dataclass(frozen=True)
class Members:
    """What PythonQt lets Python reach on one C++ class, base classes included."""

    properties: dict[str, bool]
    """Property → whether it can be written."""
    methods: frozenset[str]
    signals: frozenset[str]
    """Normalised signatures."""
    enums: frozenset[str]
    """Names of enums and of their values."""
    signatures: dict[str, tuple[str, ...]]
    """Method → its overloads with types."""
    constructors: tuple[str, ...]
    static: frozenset[str]
    """Methods that can be called on the class itself."""

    @cached_property
    def signal_names(self) -> frozenset[str]:
        """The signals without their arguments."""
        return frozenset(signature.split("(")[0] for signature in self.signals)

    def __contains__(self, name: str) -> bool:
        known = (self.properties, self.methods, self.signal_names, self.enums)
        return any(name in names or name.removesuffix("_") in names for names in known)


class Inventory:
    """The classes and names of ``qt``, ``ctk`` and ``slicer``."""

    def __init__(self, content: dict):
        self._content = content
        self._cpp: dict[str, dict] = {**content["qt"], **content["ctk"], **content["slicer"]}
        self._members: dict[str, Members] = {}

    def has_class(self, package: str, name: str) -> bool:
        """Whether Python reaches the class or function ``name`` in ``qt``, ``ctk`` or ``slicer``."""
        if package == "qt" and name in {*self._content["qt_exposed"], *self._content["qt_functions"]}:
            return True
        return any(entry.get("python") == f"{package}.{name}" for entry in self._content[package].values())

    def has_slicer_name(self, name: str) -> bool:
        """Whether ``slicer.<name>`` exists: a VTK class, a widget, a sub-module or one of the few objects."""
        vtk_class = self._content["vtk"].get(name)
        if vtk_class is not None:
            return not vtk_class.get("slicer_core_only")
        names = (*self._content["slicer_names"], *self._content["slicer_dynamic"])
        return name in names or self.has_class("slicer", name)

    def has_python_name(self, module: str, name: str) -> bool:
        """Whether a Python module of Slicer (``slicer.util`` …) has a function, class or constant."""
        entry = self._content["python"].get(module, {})
        return any(
            name in entry.get(kind, ()) for kind in ("functions", "classes", "constants", "reexports", "imports")
        )

    def members(self, class_name: str) -> Members | None:
        """The members of a C++ class; ``None`` for a class the inventory does not describe."""
        if class_name not in self._cpp:
            return None
        if class_name not in self._members:
            self._members[class_name] = self._collect(class_name)
        return self._members[class_name]

    def _collect(self, class_name: str) -> Members:
        properties: dict[str, bool] = {}
        methods: set[str] = {"className", "inherits", "help", "delete"}
        signals: set[str] = set()
        enums: set[str] = set()
        signatures: dict[str, tuple[str, ...]] = {}
        static: set[str] = set()
        for name in self._with_bases(class_name):
            entry = self._cpp[name]
            for key, value in entry.get("properties", {}).items():
                properties.setdefault(key, value["writable"])
            for field in entry.get("fields", ()):
                properties.setdefault(field, True)
            for kind in CALLABLE_KINDS:
                methods.update(entry.get(kind, {}))
                for method, forms in entry.get(kind, {}).items():
                    signatures[method] = (*signatures.get(method, ()), *forms)
            static.update(set(entry.get("static", {})) - set(entry.get("static_shadowed", ())))
            signals.update(entry.get("signals", ()))
            for enum, values in entry.get("enums", {}).items():
                enums.update((enum, *values))
            if name == "QObject":
                methods.update(self._content["std_qobject"])
                properties["name"] = True
        constructors = tuple(self._cpp[class_name].get("constructors", ()))
        return Members(
            *(properties, frozenset(methods), frozenset(signals), frozenset(enums)),
            *(signatures, constructors, frozenset(static)),
        )

    def _with_bases(self, class_name: str) -> list[str]:
        found: list[str] = []
        waiting = [class_name]
        while waiting:
            name = waiting.pop(0)
            if name in self._cpp and name not in found:
                found.append(name)
                waiting += self._cpp[name].get("bases", ())
        return found


@lru_cache(maxsize=1)
def inventory() -> Inventory | None:
    """The inventory beside the checkout, or ``None`` where there is none."""
    if not INVENTORY_FILE.is_file():
        return None
    return Inventory(json.loads(INVENTORY_FILE.read_text("utf-8")))
