"""Paths with letters beyond ASCII in libraries written in C."""

from __future__ import annotations

import locale
import sys
from collections.abc import Callable
from contextlib import suppress


def use_utf8_paths(platform: str = sys.platform, setlocale: Callable[[int, str], str] = locale.setlocale) -> None:
    """Let C libraries of this process open any path on Windows; elsewhere they do.

    SimpleITK hands its paths over in UTF-8, but Windows' C library takes them for text in the machine's code page: a
    label map below C:\\Users\\Jörg could be neither read nor written. In a UTF-8 locale, which Windows 10 has since its
    version 1803, it takes them for what they are. Only the character type is set: no decimal point becomes a comma.
    """
    if platform == "win32":
        with suppress(locale.Error):  # an older Windows: paths in its own code page are all it can do
            setlocale(locale.LC_CTYPE, ".UTF-8")
