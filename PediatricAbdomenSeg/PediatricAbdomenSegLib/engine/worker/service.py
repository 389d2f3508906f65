"""Wires the worker process: its streams, its jobs, and the ways it has to end."""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
import threading
import warnings
from collections.abc import Mapping
from typing import NoReturn

import SimpleITK as sitk

from ...version import __version__
from ..runtime.path_encoding import use_utf8_paths
from .handlers import make_handlers
from .processes import claim_standard_streams, lead_own_group, watch_parent
from .protocol import Ready
from .server import Handler, Server, log_defect

HANGUP_GRACE_S = 10.0  # for a cancelled job to remove its temporary files once nobody listens any more


def run_worker(handlers: Mapping[type, Handler] | None = None) -> NoReturn:
    """Serve requests until stdin closes, a shutdown is asked for, SIGTERM comes or the parent dies; then exit 0.

    Args:
        handlers: what the worker can do; None for `make_handlers`.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    use_utf8_paths()
    keep_patients_out_of_the_log()
    requests, events = claim_standard_streams()
    lead_own_group()
    ready = Ready(__version__, platform.python_version(), os.getpid())
    server = Server(requests, events, handlers or make_handlers(), ready, on_hangup=exit_soon)

    def end() -> None:
        server.stop()
        exit_soon()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end())
    watch_parent(end)
    server.serve()
    sys.stderr.flush()
    # Not a plain return: the reader thread may sit in a read, which makes the interpreter's own teardown abort.
    os._exit(0)


def keep_patients_out_of_the_log() -> None:
    """Log of warnings and stray exceptions only what and where: pydicom quotes values such as names, ITK paths."""

    def log_place(message: object, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        sys.stderr.write(f"worker: {category.__name__} ({filename}:{lineno})\n")

    def log_thread_defect(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            log_defect(args.exc_value)

    warnings.showwarning = log_place
    threading.excepthook = log_thread_defect
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)


def exit_soon() -> None:
    """End this process after a grace period, whatever its jobs are doing then."""
    timer = threading.Timer(HANGUP_GRACE_S, os._exit, [1])
    timer.daemon = True
    timer.start()
