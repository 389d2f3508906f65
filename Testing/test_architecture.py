"""The rules of the house: who imports whom, what may be heavy, what CMake installs, how long a file may be."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from architecture import (
    HEAVY,
    PACKAGE,
    application_violations,
    direction_violations,
    heavy_violations,
    imports_of,
    is_docstring_only,
    slicer_violations,
    ui_file_names,
    ui_names_used,
)

REPOSITORY = Path(__file__).resolve().parents[1]
MODULE_FOLDER = REPOSITORY / "PediatricAbdomenSeg"
LIBRARY = MODULE_FOLDER / PACKAGE
LONGEST_FILE = 350

# The only files that may import torch or nnunetv2, each inside the functions that need it.
ENGINE = f"{PACKAGE}.engine"
ALLOWED = {
    "torch": frozenset(
        f"{ENGINE}.{name}"
        for name in (
            "inference.devices",
            "inference.fallback",
            "inference.fast_unet",
            "inference.network",
            "inference.pipeline",
            "inference.predictor",
            "inference.streaming_resample",
            "inference.uncertainty",
            "training.driver",
            "training.export",
            "training.trainer",
        )
    ),
    "nnunetv2": frozenset(f"{ENGINE}.training.{name}" for name in ("driver", "planner", "trainer")),
    "nvflare": frozenset(f"{ENGINE}.federated.{name}" for name in ("job", "client", "trainer")),
    "matplotlib": frozenset({f"{ENGINE}.evaluation.plots"}),
}


def dotted_name(path: Path) -> str:
    parts = path.relative_to(MODULE_FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = sorted(LIBRARY.rglob("*.py"))
UI_FILES = sorted((MODULE_FOLDER / "Resources" / "UI").glob("*.ui"))
API_CHECKER = REPOSITORY.parent / "shared" / "tools" / "check_api.py"


def every_violation(check) -> list[str]:
    return [
        violation
        for path in SOURCES
        for violation in check(dotted_name(path), path.read_text("utf-8"), is_package=path.name == "__init__.py")
    ]


def test_there_are_sources_to_check():
    assert len(SOURCES) > 30


def test_imports_follow_the_order_of_the_rooms():
    assert every_violation(direction_violations) == []


def test_the_engine_knows_neither_slicer_nor_qt_and_only_the_toolkit_imports_qt():
    assert every_violation(slicer_violations) == []


def test_the_module_file_reaches_qt_through_the_panel_only():
    for path in MODULE_FOLDER.glob("*.py"):
        assert slicer_violations(path.stem, path.read_text("utf-8")) == []


def test_the_scenes_files_are_handed_the_scene():
    assert every_violation(application_violations) == []


def test_every_widget_a_page_uses_is_in_a_ui_file():
    named = {name for path in UI_FILES for name in ui_file_names(path.read_text("utf-8"))}
    sources = [*(LIBRARY / "panel").glob("*.py"), *MODULE_FOLDER.glob("*.py")]
    missing = [
        f"{path.name}:{line} {name}"
        for path in sources
        for name, line in ui_names_used(path.read_text("utf-8")).items()
        if name not in named
    ]
    assert missing == []


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_names_in_a_ui_file_are_unique(path):
    names = ui_file_names(path.read_text("utf-8"))
    assert sorted(names) == sorted(set(names))


def test_every_name_of_slicer_qt_and_ctk_exists_in_slicer():
    if not API_CHECKER.is_file():
        pytest.skip("needs the inventory of Slicer's API")
    done = subprocess.run(
        [sys.executable, str(API_CHECKER), str(MODULE_FOLDER)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout


def test_heavy_packages_are_imported_inside_functions_of_the_few_files_that_need_them():
    def check(module, source, is_package):
        return heavy_violations(module, source, ALLOWED, is_package)

    assert every_violation(check) == []


def test_every_file_on_the_list_of_torch_files_exists_and_imports_it():
    rooms_not_built_yet = ("federated", "evaluation")
    stale = [
        f"{module} imports no {package}"
        for package, modules in ALLOWED.items()
        for module in modules
        if module.split(".")[2] not in rooms_not_built_yet and not _imports(module, package)
    ]
    assert stale == []


def _imports(module: str, package: str) -> bool:
    path = MODULE_FOLDER.joinpath(*module.split(".")).with_suffix(".py")
    return path.is_file() and any(
        imported.name.split(".")[0] == package for imported in imports_of(module, path.read_text("utf-8"))
    )


def test_package_init_files_hold_a_docstring_only():
    offenders = [
        dotted_name(path)
        for path in SOURCES
        if path.name == "__init__.py" and not is_docstring_only(path.read_text("utf-8"))
    ]
    assert offenders == []


def test_every_folder_with_sources_is_a_package():
    assert [str(path.parent) for path in SOURCES if not (path.parent / "__init__.py").is_file()] == []


def test_no_file_is_longer_than_one_job():
    folders = (LIBRARY, REPOSITORY / "Testing")
    long_files = {
        str(path.relative_to(REPOSITORY)): lines
        for folder in folders
        for path in folder.rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE
    }
    assert long_files == {}


def named_in_cmake(pattern: str) -> set[str]:
    cmake = (MODULE_FOLDER / "CMakeLists.txt").read_text("utf-8").replace("${MODULE_NAME}", MODULE_FOLDER.name)
    return set(re.findall(rf"^\s*({pattern})$", cmake, re.MULTILINE))


def test_cmake_installs_exactly_the_scripts_that_exist():
    existing = {path.relative_to(MODULE_FOLDER).as_posix() for path in SOURCES}
    assert named_in_cmake(rf"{PACKAGE}/\S+\.py") == existing


def test_cmake_installs_exactly_the_resources_that_exist():
    existing = {
        path.relative_to(MODULE_FOLDER).as_posix()
        for path in (MODULE_FOLDER / "Resources").rglob("*")
        if path.suffix in (".ui", ".png")
    }
    assert named_in_cmake(r"Resources/\S+\.(?:ui|png)") == existing


IMPORT_ALL = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " is not part of Slicer's Python")

sys.path[:0] = {folders!r}
{before}
sys.meta_path.insert(0, Blocker())
for name in {modules!r}:
    importlib.import_module(name)
print("imported", len({modules!r}))
"""


def import_all(modules: list[str], blocked: set[str], before: str = "") -> None:
    folders = [str(MODULE_FOLDER), str(REPOSITORY / "Testing")]
    code = IMPORT_ALL.format(blocked=blocked, folders=folders, modules=modules, before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"imported {len(modules)}"


def test_the_engine_imports_in_a_python_that_has_only_numpy_simpleitk_and_pydicom():
    engine = [dotted_name(path) for path in SOURCES if f"{PACKAGE}/engine" in path.as_posix()]
    import_all(engine, {*HEAVY, "slicer", "vtk", "vtkmodules", "qt", "ctk"})


def test_scene_and_panel_import_in_a_slicer_without_the_workers_packages():
    pytest.importorskip("PySide6")
    pytest.importorskip("slicer")
    others = [dotted_name(path) for path in SOURCES if f"{PACKAGE}/engine" not in path.as_posix()]
    start = "from slicer_host.host import the_host\nhost = the_host().installed()\nhost.__enter__()"
    import_all(others, set(HEAVY), start)


# The checker itself, on snippets that break each rule.


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("engine.cases.volume", "from ..models.store import find_bundle"),
        ("engine.models.store", "def f():\n    from ..inference import pipeline"),
        ("engine.inference.pipeline", "from PediatricAbdomenSegLib.engine.worker.protocol import Ready"),
        ("engine.geometry", "from .cases import volume"),
        ("engine.phantom.body", "from ..models import manifest"),
        ("engine.worker.jobs", "from ..cli import __main__"),
        ("engine.cli.demo", "from ..worker.__main__ import main"),
        ("engine.cases.volume", "from ...scene import volumes"),
        ("scene.volumes", "from ..panel import toolkit"),
    ],
)
def test_the_checker_sees_an_import_against_the_direction(module, source):
    assert direction_violations(f"{PACKAGE}.{module}", source) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("engine.inference.pipeline", "from ..cases.volume import Volume\nfrom ..models import store\nimport numpy"),
        ("engine.cli.demo", "from ..phantom import spec\nfrom ..worker.protocol import Ready"),
        ("engine.cli.__main__", "from . import demo"),
        ("scene.volumes", "from ..engine.cases.volume import Volume"),
    ],
)
def test_the_checker_lets_an_import_along_the_direction_pass(module, source):
    assert direction_violations(f"{PACKAGE}.{module}", source) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("scene.volumes", "import qt"),
        ("panel.segment_page", "import qt"),
        ("panel.segment_page", "def f():\n    from ctk import ctkSliderWidget"),
    ],
)
def test_the_checker_sees_qt_outside_the_toolkit(module, source):
    assert slicer_violations(f"{PACKAGE}.{module}", source) != []


def test_the_checker_lets_the_toolkit_import_qt():
    assert slicer_violations(f"{PACKAGE}.panel.toolkit", "import qt\nimport ctk\nimport slicer") == []


@pytest.mark.parametrize("source", ["import slicer\nslicer.mrmlScene.Clear()", "from slicer import app"])
def test_the_checker_sees_the_application_in_the_scene(source):
    assert application_violations(f"{PACKAGE}.scene.volumes", source) != []
    assert application_violations(f"{PACKAGE}.panel.panel", source) == []


def test_the_checker_finds_the_names_of_widgets():
    assert ui_names_used("def f(self):\n    self.ui.runButton.click()\n    ui.log.clear()") == {
        "runButton": 2,
        "log": 3,
    }
    text = '<ui><widget class="QWidget" name="page"><layout class="QVBoxLayout" name="box"/></widget></ui>'
    assert ui_file_names(text) == ["page", "box"]


@pytest.mark.parametrize("source", ["import slicer", "from vtk.util import numpy_support", "def f():\n    import qt"])
def test_the_checker_sees_slicer_in_the_engine(source):
    assert slicer_violations(f"{ENGINE}.cases.volume", source) != []


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "from scipy import ndimage",
        "class A:\n    import safetensors.numpy",
        "try:\n    import PIL.Image\nexcept ImportError:\n    PIL = None",
        "def f():\n    import torch",
    ],
)
def test_the_checker_sees_a_heavy_import_in_the_wrong_place(source):
    assert heavy_violations(f"{ENGINE}.cases.volume", source, ALLOWED) != []


def test_the_checker_lets_a_heavy_import_in_the_right_place_pass():
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n\ndef f():\n    import torch\n"
    assert heavy_violations(f"{ENGINE}.inference.network", source, ALLOWED) == []


def test_the_checker_sees_code_in_an_init_file():
    assert is_docstring_only('"""Doc."""\n')
    assert not is_docstring_only('"""Doc."""\nfrom .a import b\n')
    assert not is_docstring_only("")
