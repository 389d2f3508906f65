"""Slicer's module for translations, which the wheel of slicer-core lacks: importing this file provides a plain one.

For what needs nothing else of Slicer, such as the runner of jobs; the stand-in Slicer brings its own.
"""

from __future__ import annotations

import sys
import types

if "slicer.i18n" not in sys.modules:
    sys.modules["slicer.i18n"] = types.ModuleType("slicer.i18n")
    sys.modules["slicer.i18n"].tr = lambda text: text
