"""Looks at what this worker runs on: its packages and its devices, each tried with a real convolution."""

from __future__ import annotations

import platform
import sys
from typing import Any

from ..inference.devices import DeviceTrial, try_devices
from ..inference.memory import available_memory_mb, total_memory_mb
from ..progress import CancelToken
from ..runtime.hardware import Device, Hardware, hardware_to_json
from ..runtime.packages import installed_packages


def describe_hardware(cancel: CancelToken | None = None) -> dict[str, Any]:
    """`Hardware` of this process as JSON; takes about a second, the import of torch not counted.

    Raises:
        Cancelled: ``cancel`` was used.
    """
    problem = None
    devices: list[Device] = []
    try:
        trials = try_devices((cancel or CancelToken()).raise_if_cancelled)
    except (ImportError, OSError) as error:  # not there, or one of its libraries is missing or for another processor
        problem = f"torch cannot be loaded: {str(error).partition(chr(10))[0][:200]}"
    else:
        devices = [_device(trial) for trial in trials]
        devices.sort(key=lambda device: device.problem is not None)  # stable: the best usable one stays first
    return hardware_to_json(Hardware(tuple(devices), installed_packages(), problem, sys.executable))


def _device(trial: DeviceTrial) -> Device:
    if trial.name.startswith("cuda"):
        return Device(trial.name, trial.title, trial.memory_mb, trial.free_memory_mb, trial.gflops, trial.problem)
    # Apple's GPU shares the computer's memory.
    title = trial.title or platform.processor() or platform.machine()
    return Device(trial.name, title, total_memory_mb(), available_memory_mb(), trial.gflops, trial.problem)
