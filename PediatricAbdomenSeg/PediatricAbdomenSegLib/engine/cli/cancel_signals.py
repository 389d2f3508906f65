"""Ctrl-C and SIGTERM cancel a command instead of killing it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..progress import CancelToken

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_in_command = False


@contextmanager
def cancel_by_signal() -> Iterator[CancelToken]:
    """A token that Ctrl-C or SIGTERM sets; a second Ctrl-C stops at once.

    Signals reach the main thread only; elsewhere (as in a test or another program's thread) the token is plain.
    """
    global _in_command
    token = CancelToken()
    if threading.current_thread() is not threading.main_thread():
        yield token
        return

    def on_signal(number: int, frame: object) -> None:
        if token.is_cancelled and number == signal.SIGINT:
            raise KeyboardInterrupt
        token.cancel()  # and nothing else: a print here could interrupt another one on the same stream

    previous = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    _in_command = True
    try:
        yield token
    finally:
        _in_command = False
        for number, handler in previous.items():
            signal.signal(number, handler)


def _hold_sigterm() -> None:
    if _in_command:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _release_sigterm() -> None:
    if _in_command:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def _forget_handlers() -> None:
    """In a forked process: end by SIGTERM as its owner wishes, and leave Ctrl-C to the owner."""
    if _in_command:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _release_sigterm()


if hasattr(os, "register_at_fork"):
    # nnU-Net forks process pools and ends them by SIGTERM. A child with our handler would only set a token nobody looks
    # at, and one that gets the signal before it has forgotten the handler would lose it: the pool would wait for ever.
    os.register_at_fork(before=_hold_sigterm, after_in_parent=_release_sigterm, after_in_child=_forget_handlers)
