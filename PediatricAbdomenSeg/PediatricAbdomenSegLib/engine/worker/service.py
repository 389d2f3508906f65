"""Wires the worker process: its streams, its jobs, and the ways it has to end."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Mapping
from typing import NoReturn

from ...version import __version__
from .handlers import make_handlers
from .processes import claim_standard_streams, lead_own_group, watch_parent
from .protocol import Ready
from .server import Handler, Server

HANGUP_GRACE_S = 10.0  # for a cancelled job to remove its temporary files once nobody listens any more


def run_worker(handlers: Mapping[type, Handler] | None = None) -> NoReturn:
    """Serve requests until stdin closes, a shutdown is asked for, SIGTERM comes or the parent dies; then exit 0.

    Args:
        handlers: what the worker can do; None for `make_handlers`.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
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


def exit_soon() -> None:
    """End this process after a grace period, whatever its jobs are doing then."""
    timer = threading.Timer(HANGUP_GRACE_S, os._exit, [1])
    timer.daemon = True
    timer.start()
