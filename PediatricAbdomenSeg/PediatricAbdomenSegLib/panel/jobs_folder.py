"""Where job folders lie: a short ASCII path that only this user can read."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from ..engine.models.store import user_models_folder

LONGEST = 100
"""Characters; leaves room for a job's files below the 260 of Windows and for tools that still count in 8 bits."""


def jobs_folder(
    environ: Mapping[str, str] = os.environ, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """The folder for jobs; made by `JobStore`.

    The user's data folder where its path is short and ASCII. Otherwise its short name on Windows, a private folder in
    /var/tmp elsewhere. Where neither exists the data folder is taken as it is: everything of ours reads such paths.
    """
    preferred = user_models_folder(environ, platform, home).parent / "Jobs"
    if is_plain(preferred):
        return preferred
    fallback = _short_name(preferred) if platform == "win32" else _private_temporary_folder()
    return fallback if fallback is not None and is_plain(fallback) else preferred


def is_plain(path: Path) -> bool:
    """Whether every program can be trusted with this path."""
    return str(path).isascii() and len(str(path)) <= LONGEST


def _private_temporary_folder(base: Path = Path("/var/tmp")) -> Path | None:
    """A folder of ours that outlives a restart and that nobody else can read or has put there; None without one."""
    folder = base / f"PediatricAbdomenSeg-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder if is_ours else None


def _short_name(folder: Path) -> Path | None:
    """Windows' 8.3 name of a folder, which is made for it; None where the disk keeps no such names."""
    import ctypes

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    buffer = ctypes.create_unicode_buffer(512)
    length = ctypes.windll.kernel32.GetShortPathNameW(str(folder), buffer, len(buffer))
    return Path(buffer.value) if 0 < length < len(buffer) else None
