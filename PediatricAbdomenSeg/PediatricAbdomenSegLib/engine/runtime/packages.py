"""Which packages the worker needs beside Python itself, and which of them an interpreter has."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

REQUIRED = (
    "numpy",
    "SimpleITK",
    "pydicom",
    "scipy",
    "Pillow",
    "rt-utils",
    "highdicom",
    "pynetdicom",
    "safetensors",
    "torch",
    "dynamic-network-architectures",
)
"""Distribution names; without any one of them a segmentation or an export fails somewhere on its way."""


def installed_packages(version_of: Callable[[str], str] = metadata.version) -> dict[str, str]:
    """Version by distribution name of the `REQUIRED` packages this interpreter has; what it lacks is left out."""
    found = {}
    for name in REQUIRED:
        try:
            found[name] = version_of(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def missing_packages(installed: dict[str, str]) -> tuple[str, ...]:
    """The `REQUIRED` packages that ``installed`` lacks, in their order."""
    return tuple(name for name in REQUIRED if name not in installed)
