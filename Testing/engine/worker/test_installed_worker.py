"""The worker of a package that lies in site-packages, as ``pip install`` puts it there."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import PediatricAbdomenSegLib
from PediatricAbdomenSegLib.engine.worker.client import WorkerClient, worker_environment
from PediatricAbdomenSegLib.engine.worker.protocol import ListModels

PACKAGE = Path(PediatricAbdomenSegLib.__file__).parent


@pytest.fixture
def an_interpreter_with_the_package_installed(tmp_path):
    """A virtual environment that sees this one's packages, and holds a module named as one of Python's own."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    asked = subprocess.run([python, "-c", "import site; print(site.getsitepackages()[-1])"], capture_output=True)
    packages = Path(asked.stdout.decode().strip())
    shutil.copytree(PACKAGE, packages / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    (packages / "dataclasses.py").write_text("raise ImportError('the back-port, not the standard library')\n")
    (packages / "of_the_tests.pth").write_text("\n".join(site.getsitepackages()))
    return python, packages / PACKAGE.name


@pytest.mark.parametrize("isolation", [[], ["-I"]])
def test_an_installed_worker_prefers_pythons_own_modules(an_interpreter_with_the_package_installed, isolation):
    python, package = an_interpreter_with_the_package_installed
    command = [str(python), *isolation, "-u", str(package / "engine" / "worker" / "__main__.py")]
    base = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with WorkerClient(command, worker_environment(base)) as worker:
        assert worker.ready.python_version.startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
        assert "models" in worker.request(ListModels(""))
