"""Which device the network runs on: tried with a real convolution before it is trusted."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import ResourceError, UsageError
from ..runtime.hardware import Device
from ..system_memory import available_memory_mb, total_memory_mb

_KNOWN = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")

# The trial: one convolution with instance normalisation as in the finest stages of the published network, where most
# of its time goes; 8 GFLOP, some 50 ms on two cores.
_TRIAL_CHANNELS = 32
_TRIAL_SHAPE = (16, 96, 96)
_TRIAL_GFLOP = 2 * 27 * _TRIAL_CHANNELS**2 * 16 * 96 * 96 / 1e9
_TRIAL_ROUNDS = {"cpu": 5, "gpu": 30}


@dataclass(frozen=True)
class DeviceChoice:
    """A device that ran a convolution.

    Attributes:
        name: "cpu", "mps" or "cuda:N".
        notes: what the user should know, for example which GPU was passed over and why. Usually empty.
    """

    name: str
    notes: tuple[str, ...] = ()


def gpus(wanted: str) -> list[str]:
    """Names of the GPUs that "auto", "cuda", "cuda:N" or "mps" may mean, the best one first; need not exist."""
    import torch

    if wanted not in ("auto", "cuda"):
        return [wanted]
    try:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    except RuntimeError:  # a driver that cannot even count them: as if there were none
        count = 0
    names = [f"cuda:{index}" for index in sorted(range(count), key=_free_memory, reverse=True)]
    if wanted == "auto" and torch.backends.mps.is_available():
        names.append("mps")
    return names


def why_unusable(name: str) -> str | None:
    """Run one small convolution on a GPU and say why it failed; None where it worked."""
    import torch

    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            return "this installation of torch finds no NVIDIA GPU"
        if int(name.partition(":")[2] or 0) >= torch.cuda.device_count():
            return f"there are only {torch.cuda.device_count()} NVIDIA GPUs"
    if name == "mps" and not torch.backends.mps.is_available():
        return "this installation of torch finds no Apple GPU"
    try:
        with torch.inference_mode():
            image = torch.ones(1, 1, 4, 4, 4, device=name)
            weight = torch.ones(1, 1, 3, 3, 3, device=name)
            total = float(torch.nn.functional.conv3d(image, weight, padding=1).sum().cpu())
    except (RuntimeError, NotImplementedError) as error:  # a driver's failure has no narrower type in torch
        return _first_line(error)
    return None if total == 1000.0 else f"it computes a convolution wrongly ({total:g} instead of 1000)"


def choose_device(
    wanted: str = "auto",
    candidates: Callable[[str], Sequence[str]] = gpus,
    problem_of: Callable[[str], str | None] = why_unusable,
) -> DeviceChoice:
    """Find a device that works.

    Args:
        wanted: "auto" (the GPU with the most free memory, else Apple's, else the processor), "cuda" (the GPU with the
            most free memory), "cuda:N", "mps" or "cpu".
        candidates, problem_of: what there is and whether it runs; handed in by tests.

    Raises:
        UsageError: an unknown name.
        ResourceError: a GPU asked for by name does not exist or cannot run.
    """
    if not _KNOWN.fullmatch(wanted):
        raise UsageError(f'There is no device "{wanted}".', "Choose auto, cpu, cuda, cuda:N (N = 0, 1, …) or mps.")
    if wanted == "cpu":
        return DeviceChoice("cpu")
    problems: list[str] = []
    for name in candidates(wanted):
        problem = problem_of(name)
        if problem is None:
            return DeviceChoice(name, tuple(problems))
        problems.append(f"{name} cannot be used: {problem}")
    if wanted == "auto":
        return DeviceChoice("cpu", tuple(problems))
    reason = "; ".join(problems) or f"{wanted} cannot be used: this installation of torch finds no such GPU"
    raise ResourceError(f"{reason}.", "Choose the device auto or cpu, or repair the GPU's driver.")


def try_devices(check: Callable[[], None] = lambda: None) -> tuple[Device, ...]:
    """Try every device there is: usable ones first, in the order "auto" takes them.

    Args:
        check: called between the trials; may raise.

    Raises:
        ImportError, OSError: torch cannot be loaded.
    """
    devices = [_try_device(name, check) for name in [*gpus("auto"), "cpu"]]
    return tuple(sorted(devices, key=lambda device: device.problem is not None))


def _try_device(name: str, check: Callable[[], None]) -> Device:
    check()
    problem = None if name == "cpu" else why_unusable(name)
    title, memory_mb, free_mb = _title(name), None, None
    speed = None
    if problem is None:
        try:
            memory_mb, free_mb = _memory_mb(name)
            speed = _speed(name)
        except RuntimeError as error:  # too little memory, or an arithmetic that an old GPU lacks
            problem = _first_line(error)
    return Device(name, title, memory_mb, free_mb, speed, problem)


def _title(name: str) -> str:
    import torch

    if name == "mps":
        return "Apple GPU"
    if name == "cpu":
        return platform.processor() or platform.machine()
    try:
        return torch.cuda.get_device_name(name)
    except RuntimeError:  # a driver that does not start; `why_unusable` says so
        return name


def _memory_mb(name: str) -> tuple[float | None, float | None]:
    """Of the device, and how much of it is free."""
    import torch

    if name.startswith("cuda"):
        free_mb, memory_mb = (size / 1e6 for size in torch.cuda.mem_get_info(name))
        return memory_mb, free_mb
    return total_memory_mb(), available_memory_mb()  # Apple's GPU shares the computer's


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _speed(name: str) -> float:
    """10⁹ operations per second in the arithmetic the network would use; the best of some rounds."""
    import torch

    kind = "cpu" if name == "cpu" else "gpu"
    dtype = getattr(torch, arithmetic(name, exact=False))
    with torch.inference_mode():
        shape = (1, _TRIAL_CHANNELS, *_TRIAL_SHAPE)
        image = torch.ones(shape, device=name, dtype=dtype)
        weight = torch.ones(_TRIAL_CHANNELS, _TRIAL_CHANNELS, 3, 3, 3, device=name, dtype=dtype)
        if name != "mps":
            image = image.contiguous(memory_format=torch.channels_last_3d)
            weight = weight.contiguous(memory_format=torch.channels_last_3d)
        seconds = []
        for _ in range(1 + _TRIAL_ROUNDS[kind]):
            began = time.perf_counter()
            result = torch.nn.functional.conv3d(image, weight, padding=1)
            result = torch.nn.functional.leaky_relu_(torch.nn.functional.instance_norm(result))
            float(result[0, 0, 0, 0, 0])  # waits until the device has finished
            seconds.append(time.perf_counter() - began)
    return _TRIAL_GFLOP / min(seconds[1:])  # the first round compiles and allocates


def runs_bfloat16_fast() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AMX, or AVX-512 BF16).

    Asked of the processor and not timed: the same machine must choose the same arithmetic on every run. Without such
    instructions bfloat16 is emulated and up to 27 times slower than float32.
    """
    import torch

    if not torch.backends.mkldnn.is_available():
        return False
    checks = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return any(check() for check in checks if check is not None)


def arithmetic(device: str, exact: bool) -> str:
    """Name of the torch dtype the network computes in: "float32", "bfloat16" or "float16".

    Args:
        device: as in `DeviceChoice.name`.
        exact: float32 everywhere.
    """
    if exact or device == "mps":
        return "float32"
    if device.startswith("cuda"):
        return "float16"  # as nnU-Net's autocast, which the networks were trained under
    return "bfloat16" if runs_bfloat16_fast() else "float32"


def _free_memory(index: int) -> int:
    import torch

    try:
        return torch.cuda.mem_get_info(index)[0]
    except RuntimeError:  # a GPU that cannot even be asked comes last; why_unusable names its problem
        return -1
