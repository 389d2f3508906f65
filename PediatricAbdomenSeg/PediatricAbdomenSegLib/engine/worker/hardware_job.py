"""Looks at what this worker runs on: its packages and its devices, each tried with a real convolution."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..inference.devices import try_devices
from ..progress import CancelToken
from ..runtime.hardware import Device, Hardware, hardware_to_json
from ..runtime.packages import installed_packages


def describe_hardware(cancel: CancelToken | None = None) -> dict[str, Any]:
    """`Hardware` of this process as JSON; takes about a second, the import of torch not counted.

    Raises:
        Cancelled: ``cancel`` was used.
    """
    problem = None
    devices: tuple[Device, ...] = ()
    try:
        devices = try_devices((cancel or CancelToken()).raise_if_cancelled)
    except (ImportError, OSError) as error:  # not there, or one of its libraries is missing or for another processor
        problem = f"torch cannot be loaded: {str(error).partition(chr(10))[0][:200]}"
    hardware = Hardware(
        devices=devices,
        packages=installed_packages(),
        torch_problem=problem,
        python_version=platform.python_version(),
        executable=sys.executable,
        prefix=sys.prefix,
        size_mb=folder_mb(Path(sys.prefix)) if _has_environment_of_its_own() else None,
    )
    return hardware_to_json(hardware)


def folder_mb(folder: Path) -> float:
    """Size of all files below a folder in MB (10⁶ bytes), links not followed."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                total += os.lstat(os.path.join(root, name)).st_size
    return total / 1e6


def _has_environment_of_its_own() -> bool:
    return sys.prefix != sys.base_prefix or (Path(sys.prefix) / "conda-meta").is_dir()
