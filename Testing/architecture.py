"""The checker behind test_architecture.py: reads Python sources and .ui files and says which rules they break.

Every function takes a module's dotted name and its source, so that the tests can also show it a bad snippet.
"""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

PACKAGE = "PediatricAbdomenSegLib"
BASE = (
    "errors",
    "progress",
    "geometry",
    "organs",
    "json_fields",
    "checksums",
    "user_folder",
    "system_memory",
    "wording",
    "writer_mark",
)

# room → the rooms it may import besides itself and the base
ROOMS: dict[str, tuple[str, ...]] = {
    "cases": (),
    "models": ("cases",),
    "inference": ("cases", "models", "runtime"),
    "reporting": ("cases", "models"),
    "worker": ("cases", "models", "phantom", "inference", "reporting", "runtime", "ratings"),
    "phantom": ("cases",),
    "evaluation": ("cases",),
    "ratings": ("cases",),
    "runtime": ("cases",),
    "training": ("cases", "models", "phantom"),
    "federated": ("cases", "models", "training"),
    "cli": (
        *("cases", "models", "inference", "reporting", "worker"),
        *("phantom", "evaluation", "ratings", "runtime", "training", "federated"),
    ),
}
LAYERS = {"engine": ("engine",), "scene": ("scene", "engine"), "panel": ("panel", "scene", "engine")}
NEVER_IMPORTED = ("engine.cli", "engine.worker.__main__")
SLICER_PACKAGES = {"engine": ("slicer", "vtk", "qt", "ctk"), "scene": ("qt", "ctk"), "panel": ("qt", "ctk")}
TOOLKIT = f"{PACKAGE}.panel.toolkit"  # the one file that imports qt and ctk
# What belongs to the running application: the scene's files are handed the scene and work without an application.
APPLICATION = ("slicer.app", "slicer.mrmlScene", "slicer.modules", "slicer.dicomDatabase")

# Slicer's own Python has none of these, and importing them costs seconds: only inside functions, anywhere.
HEAVY = (
    "torch",
    "nnunetv2",
    "nvflare",
    "matplotlib",
    "scipy",
    "PIL",
    "rt_utils",
    "safetensors",
    "batchgenerators",
    "batchgeneratorsv2",
    "dynamic_network_architectures",
    "pylibjpeg",
    "openjpeg",
    "cv2",
    "pandas",
    "skimage",
    "highdicom",
    "pynetdicom",
    "statsmodels",
    "krippendorff",
    "openpyxl",
)


@dataclass(frozen=True)
class ImportedName:
    """One import: the absolute dotted name, the line, and whether it runs when the module is imported."""

    name: str
    line: int
    at_import: bool


def _nodes_with_scope(tree: ast.AST, at_import: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue  # never runs
        yield child, at_import
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _nodes_with_scope(child, at_import and not inside)


def imports_of(module: str, source: str, is_package: bool = False) -> list[ImportedName]:
    """Every import of a module as absolute names; ``from a import b`` gives ``a.b``, wherever it stands."""
    package = module if is_package else module.rpartition(".")[0]
    found = []
    for node, at_import in _nodes_with_scope(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [ImportedName(alias.name, node.lineno, at_import) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                anchor = parents[: len(parents) - node.level + 1]
                base = ".".join([*anchor, base] if base else anchor)
            found += [ImportedName(f"{base}.{alias.name}", node.lineno, at_import) for alias in node.names]
    return found


def _inside(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _room_and_layer(module: str) -> tuple[str, str]:
    parts = module.split(".")[1:]
    layer = parts[0] if parts else ""
    room = parts[1] if layer == "engine" and len(parts) > 1 else ""
    return layer, room


def direction_violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """Imports that go against panel → scene → engine or against the order of the engine's rooms."""
    layer, room = _room_and_layer(module)
    found = []
    for imported in imports_of(module, source, is_package):
        if not _inside(imported.name, PACKAGE):
            continue
        where = f"{module}:{imported.line} imports {imported.name}"
        for private in NEVER_IMPORTED:
            private_name = f"{PACKAGE}.{private}"
            if _inside(imported.name, private_name) and not _inside(module, private_name):
                found.append(f"{where}, which nobody may import")
        other_layer, other_room = _room_and_layer(imported.name)
        if layer in LAYERS and other_layer in LAYERS and other_layer not in LAYERS[layer]:
            found.append(f"{where}, but {layer} may not know {other_layer}")
        if layer == other_layer == "engine":
            allowed = BASE if room in BASE else (*BASE, room, *ROOMS.get(room, ()))
            if other_room and other_room not in allowed:
                found.append(f"{where}, but {room} may only import {', '.join(allowed)}")
    return found


def slicer_violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """Imports of Slicer's, VTK's or Qt's packages where a layer does without them."""
    layer, _ = _room_and_layer(module)
    banned = () if module == TOOLKIT else SLICER_PACKAGES.get(layer, ("qt", "ctk"))
    return [
        f"{module}:{imported.line} imports {imported.name}, which {layer} does without"
        for imported in imports_of(module, source, is_package)
        if any(_inside(imported.name, package) for package in banned)
    ]


def application_violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """Uses of the running application in the scene's files, imported or reached through ``slicer``."""
    layer, _ = _room_and_layer(module)
    if layer != "scene":
        return []
    used = [(imported.name, imported.line) for imported in imports_of(module, source, is_package)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "slicer":
            used.append((f"slicer.{node.attr}", node.lineno))
    return [
        f"{module}:{line} uses {name}, but the scene is passed in"
        for name, line in used
        if any(_inside(name, each) for each in APPLICATION)
    ]


def ui_names_used(source: str) -> dict[str, int]:
    """Names reached through ``self.ui`` or ``ui`` → the line of their first use."""
    used: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute | ast.Name):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id
            if owner in ("ui", "_ui"):
                used.setdefault(node.attr, node.lineno)
    return used


def ui_file_names(text: str) -> list[str]:
    """The object names of a .ui file's widgets, layouts, actions and button groups, in order."""
    root = ElementTree.fromstring(text)
    tags = ("widget", "layout", "action", "actiongroup", "buttongroup")
    return [element.get("name", "") for element in root.iter() if element.tag in tags and element.get("name")]


def heavy_violations(
    module: str, source: str, allowed: dict[str, frozenset[str]], is_package: bool = False
) -> list[str]:
    """Heavy packages imported with the module, or anywhere in a file that is not on the package's list.

    Args:
        module: dotted name.
        source: its text.
        allowed: package → module names that may import it; a package not named here may be imported by any module,
            inside a function.
        is_package: whether the module is an ``__init__``.
    """
    found = []
    for imported in imports_of(module, source, is_package):
        package = imported.name.split(".")[0]
        if package not in HEAVY:
            continue
        if imported.at_import:
            found.append(f"{module}:{imported.line} imports {package} when it is itself imported")
        if package in allowed and module not in allowed[package]:
            found.append(f"{module}:{imported.line} imports {package} and is not on the list of files that may")
    return found


def is_docstring_only(source: str) -> bool:
    """Whether a module consists of a docstring and nothing else."""
    body = ast.parse(source).body
    return len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
