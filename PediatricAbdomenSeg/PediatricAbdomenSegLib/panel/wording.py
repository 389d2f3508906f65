"""Words for what the engine calls by short keys: stages, flags, statuses, times. All translatable."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..engine.runtime.hardware import duration_words


def stage_text(stage: str) -> str:
    """What the worker is doing, for people; a stage without words of its own is shown as it is."""
    words = {
        "queued": _("Waiting"),
        "starting": _("Starting the worker"),
        "read": _("Reading the images"),
        "prepare": _("Preparing the images"),
        "load_model": _("Loading the model"),
        "network": _("Finding the organs"),
        "postprocess": _("Cleaning up"),
        "write": _("Writing the result"),
        "rtstruct": _("Drawing contours"),
        "contours": _("Reading the contours"),
    }
    return words.get(stage, stage)


def progress_text(stage: str, remaining_s: float | None) -> str:
    """One line under the progress bar; without the time while none can be estimated."""
    if remaining_s is None:
        return stage_text(stage)
    return _("{stage}, about {time} left").format(stage=stage_text(stage), time=duration_words(remaining_s))


def flag_text(flag: str) -> str:
    """What a quality flag asks the user to look at."""
    words = {
        "empty": _("empty"),
        "touches_border": _("cut by the scan"),
        "volume_implausible": _("unusual volume"),
        "side_implausible": _("unusual side"),
        "several_pieces": _("several pieces"),
        "nothing_found": _("Nothing was found."),
        "sides_swapped": _("Left and right seem exchanged: check the orientation of the images."),
    }
    return words.get(flag, flag)


def flags_text(flags: tuple[str, ...]) -> str:
    """Flags of one organ in a table cell; empty when there are none."""
    return ", ".join(flag_text(flag) for flag in flags)


def status_text(status: str) -> str:
    """A bundle's status as its badge says it."""
    words = {"demonstration": _("demonstration"), "research": _("research"), "clinical": _("clinical")}
    return words.get(status, status)


def review_text(state: str) -> str:
    """The reviewer's verdict in a table cell; empty while there is none."""
    return {"accepted": _("accepted"), "needs_edit": _("needs edit")}.get(state, "")


def error_text(error: PediatricAbdomenSegError) -> str:
    """What happened and what to do, on two lines."""
    return f"{error.message}\n{error.hint}".strip()
