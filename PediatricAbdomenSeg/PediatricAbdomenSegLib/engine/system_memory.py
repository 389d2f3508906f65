"""How much memory this computer has, how much is free, how much this process has taken."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import ResourceError

CLOSE_OR_CROP = "Close other programs, use a machine with more memory or crop the images."
_MB = 1e6


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB (10⁶ bytes)."""
    if sys.platform == "win32":
        return _windows_peak_mb()
    # Not getrusage on Linux: its maximum survives exec, so that a worker would report its parent's peak as its own.
    peak_kib = _proc_field_kib("/proc/self/status", "VmHWM")
    if peak_kib is not None:
        return peak_kib * 1024 / _MB
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MB if sys.platform == "darwin" else peak * 1024 / _MB  # macOS counts in bytes, other Unix in KiB


def total_memory_mb() -> float | None:
    """Memory of this computer in MB; None where the system does not say."""
    if sys.platform == "win32":
        return _windows_status_mb("ullTotalPhys")
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _MB
    except (ValueError, OSError):  # an unknown name, or a system that does not tell
        return None


def available_memory_mb() -> float | None:
    """Memory that can still be taken without swapping, in MB; None where the system does not say."""
    if sys.platform == "win32":
        return _windows_status_mb("ullAvailPhys")
    free_kib = _proc_field_kib("/proc/meminfo", "MemAvailable")
    if free_kib is None:
        return None
    free, limited = free_kib * 1024 / _MB, _cgroup_free_mb()
    return free if limited is None else min(free, limited)


def require_memory(needed_mb: float, available_mb: float | None, what: str, hint: str = CLOSE_OR_CROP) -> None:
    """Raise `ResourceError` before memory is asked for that is not there: the system would kill the process later.

    Args:
        needed_mb: rather too little than too much.
        available_mb: None where the system does not say; then nothing is refused.
        what: subject of the message, for example "The run".
        hint: what the user can do.
    """
    if available_mb is not None and needed_mb > available_mb:
        raise ResourceError(
            f"{what} needs about {needed_mb:.0f} MB of memory, but only {available_mb:.0f} MB are free.", hint
        )


def _proc_field_kib(path: str, name: str) -> int | None:
    """A field of one of Linux's memory tables; None where there is no such table, as on macOS."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)


def _cgroup_free_mb() -> float | None:
    """What a container's limit leaves; None without a limit."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
        statistics = Path("/sys/fs/cgroup/memory.stat").read_text(encoding="ascii").split()
    except OSError:  # no container, or the older control groups
        return None
    if limit == "max":
        return None
    reclaimable = dict(zip(statistics[::2], statistics[1::2], strict=False)).get("inactive_file", "0")
    return (int(limit) - int(used) + int(reclaimable)) / _MB


def _windows_peak_mb() -> float:
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        _fields_ = [("cb", wintypes.DWORD), ("PageFaultCount", wintypes.DWORD)] + [
            (name, ctypes.c_size_t)
            for name in (
                "PeakWorkingSetSize", "WorkingSetSize", "QuotaPeakPagedPoolUsage", "QuotaPagedPoolUsage",
                "QuotaPeakNonPagedPoolUsage", "QuotaNonPagedPoolUsage", "PagefileUsage", "PeakPagefileUsage",
            )
        ]  # fmt: skip

    counters = Counters(cb=ctypes.sizeof(Counters))
    ask = ctypes.windll.psapi.GetProcessMemoryInfo
    ask.argtypes = [wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD]
    current = ctypes.windll.kernel32.GetCurrentProcess
    current.restype = wintypes.HANDLE
    return counters.PeakWorkingSetSize / _MB if ask(current(), ctypes.byref(counters), counters.cb) else 0.0


def _windows_status_mb(field: str) -> float | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("dwLength", ctypes.c_ulong), ("dwMemoryLoad", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in (
                "ullTotalPhys", "ullAvailPhys", "ullTotalPageFile", "ullAvailPageFile", "ullTotalVirtual",
                "ullAvailVirtual", "ullAvailExtendedVirtual",
            )
        ]  # fmt: skip

    status = Status(dwLength=ctypes.sizeof(Status))
    return getattr(status, field) / _MB if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None
