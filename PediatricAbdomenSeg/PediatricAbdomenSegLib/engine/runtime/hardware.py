"""What a worker runs on, as a value that travels as JSON, and how to say it in a few words.

Filled in by the worker, whose Python has torch; read by the panel, whose Python has not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import InputError
from .packages import missing_packages

_MB_PER_GIB = 2**30 / 1e6
_NOISE = re.compile(r"\(R\)|\(TM\)|\bGeForce\b|\bCPU\b|\bProcessor\b|@.*$|\b\d+-Core\b", re.IGNORECASE)


@dataclass(frozen=True)
class Device:
    """One device a network can run on.

    Attributes:
        name: as `InferenceOptions.device` takes it: "cpu", "mps" or "cuda:N".
        title: the maker's name for it.
        memory_mb: of the device, of the computer for "cpu"; None where the system does not say.
        free_memory_mb: that can still be taken; None where the system does not say.
        gflops: convolutions it computed per second in a trial, in 10⁹ operations (a multiply-add counts two), in the
            arithmetic the network would use; None when the trial failed.
        problem: why it cannot be used; None when the trial went well.
    """

    name: str
    title: str
    memory_mb: float | None
    free_memory_mb: float | None
    gflops: float | None
    problem: str | None = None


@dataclass(frozen=True)
class Hardware:
    """What a worker has.

    Attributes:
        devices: the one that "auto" would take first, unusable ones last; at least the processor where torch runs.
        packages: version by distribution name, see `packages.REQUIRED`.
        torch_problem: why torch cannot be imported; None when it can.
        python_version: of the interpreter.
        executable: the interpreter.
        prefix: the environment's folder.
        size_mb: of that folder when it is an environment of its own; None for an interpreter of the system.
    """

    devices: tuple[Device, ...]
    packages: dict[str, str]
    torch_problem: str | None
    python_version: str
    executable: str
    prefix: str
    size_mb: float | None

    @property
    def usable(self) -> tuple[Device, ...]:
        """Devices that passed their trial, the best first."""
        return tuple(device for device in self.devices if device.problem is None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages a segmentation needs and this worker lacks."""
        return missing_packages(self.packages)

    def device(self, wanted: str) -> Device | None:
        """The device that a user's choice ("auto", "cuda", "cuda:N", "mps" or "cpu") means; None when there is none."""
        for device in self.usable:
            if wanted in ("auto", device.name, device.name.partition(":")[0]):
                return device
        return None


def hardware_to_json(hardware: Hardware) -> dict[str, Any]:
    """As `hardware_from_json` reads it."""
    return asdict(hardware)


def hardware_from_json(content: Mapping[str, Any]) -> Hardware:
    """Read what a worker sent.

    Raises:
        InputError: it is not a description of hardware.
    """
    try:
        devices = tuple(Device(**device) for device in content["devices"])
        packages = {str(name): str(version) for name, version in content["packages"].items()}
        problem, size_mb = content["torch_problem"], content["size_mb"]
        return Hardware(
            devices,
            packages,
            None if problem is None else str(problem),
            str(content["python_version"]),
            str(content["executable"]),
            str(content["prefix"]),
            None if size_mb is None else float(size_mb),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"The worker describes its hardware in a way that cannot be read ({type(error).__name__}).",
            "Install extension and worker in the same version.",
        ) from error


def device_words(device: Device, seconds: float | None = None) -> str:
    """A device for a person: "NVIDIA RTX 4090, 24 GB", "Apple M2, about 2 min" or "CPU, about 6 min".

    Args:
        device: of a worker.
        seconds: how long a run is expected to take there; said only where it is long enough to matter.
    """
    parts = ["CPU" if device.name == "cpu" else short_title(device.title)]
    if device.name.startswith("cuda") and device.memory_mb is not None:
        parts.append(f"{device.memory_mb / _MB_PER_GIB:.0f} GB")
    elif seconds is not None:
        parts.append(f"about {duration_words(seconds)}")
    if device.problem is not None:
        parts.append("cannot be used")
    return ", ".join(parts)


def short_title(title: str) -> str:
    """A maker's name without trademarks and filling words."""
    return " ".join(_NOISE.sub(" ", title).split()) or title


def duration_words(seconds: float) -> str:
    """A rough duration, rounded up: "20 s", "6 min", "2.5 h"."""
    if seconds < 55:
        return f"{max(5, 5 * math.ceil(seconds / 5))} s"
    if seconds < 55 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 1800) / 2:g} h"
