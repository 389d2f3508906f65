"""A report of a problem that holds nothing about a patient: versions, settings and the worker's log."""

from __future__ import annotations

import platform
import re

from ..engine.runtime.hardware import device_words
from ..version import __version__
from .session import Session
from .toolkit import slicer

# What the worker logs itself names places in programs only: see `log_defect` and `keep_patients_out_of_the_log`.
_OURS = re.compile(r"worker: .*|  \S+ \(\S.*:\d+\)")


def report_text(session: Session) -> str:
    """What a user copies into a question on a forum."""
    parameters, hardware = session.parameters, session.hardware
    lines = [
        f"PediatricAbdomenSeg {__version__}, Slicer {slicer.app.applicationVersion}",
        f"Python {platform.python_version()}, {platform.platform()}",
        f"worker: {'set up' if session.settings.interpreter else 'not set up'}, {session.runner.state}",
    ]
    if hardware is not None:
        lines += [device_words(device) for device in hardware.devices]
        lines += [f"{name} {version}" for name, version in sorted(hardware.packages.items())]
    if parameters is not None:
        lines.append(f"model {parameters.model}, device {parameters.device}, organs {parameters.organ_choice}")
    return "\n".join([*lines, "", *(shareable(line) for line in session.runner.log)])


def shareable(line: str) -> str:
    """A line of the log; one in which a library written in C may name a file, and so a patient, without its words."""
    if _OURS.fullmatch(line) or not re.search(r"[/\\]", line):
        return line
    return "(a line that names a path is left out)"
