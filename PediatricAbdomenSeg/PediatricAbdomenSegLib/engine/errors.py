"""Errors the engine raises: each says what happened and what to do, and maps to one exit code."""

from __future__ import annotations


class PediatricAbdomenSegError(Exception):
    """Root of every error the engine raises on purpose.

    Attributes:
        message: what happened, naming the file or tag and the offending value. Never a patient's name or id.
        hint: what the user can do about it; empty when nothing can be advised.
        exit_code: exit status of the command line for this kind of error.
        kind: stable word for the worker's protocol.
    """

    exit_code = 1
    kind = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self):
        return type(self), (self.message, self.hint)


class UsageError(PediatricAbdomenSegError):
    """The call itself is wrong: an unknown option, organ or device name."""

    exit_code = 2
    kind = "usage"


class InputError(PediatricAbdomenSegError):
    """The images, label maps or contours given cannot be used."""

    exit_code = 3
    kind = "input"


class ModelError(PediatricAbdomenSegError):
    """A model bundle is missing, altered, of an unknown version or does not fit the request."""

    exit_code = 4
    kind = "model"


class ResourceError(PediatricAbdomenSegError):
    """The machine cannot do it: memory, disk space, permissions or an unusable device."""

    exit_code = 5
    kind = "resource"


class Cancelled(PediatricAbdomenSegError):
    """The user asked to stop; nothing was written."""

    exit_code = 130
    kind = "cancelled"

    def __init__(self, message: str = "Cancelled; nothing was written.", hint: str = "") -> None:
        super().__init__(message, hint)
