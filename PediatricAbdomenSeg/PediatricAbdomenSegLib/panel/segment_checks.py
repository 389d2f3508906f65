"""What is looked at before a run: one sentence each, blocking or to be confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..engine.inference.preflight import preflight, this_machine
from ..engine.models.store import Bundle
from ..engine.worker.handlers import segment_job
from ..engine.worker.result_folder import free_bytes
from ..scene.segment_arrays import reference_volume
from ..scene.volumes import input_problem, volume_of
from .model_list import choice_problem
from .segment_request import segment_request
from .session import Session

HARDEN_LINK = "harden"
BLOCKING_MARK = "&#10006;"  # of the dingbats, which every system has a font for


@dataclass(frozen=True)
class Check:
    """Something that keeps a run from starting, or that has to be confirmed.

    Attributes:
        message: one sentence.
        hint: what to do about it.
        blocking: whether the run cannot start at all.
        link: what a click on the hint does; empty for nothing.
    """

    message: str
    hint: str
    blocking: bool
    link: str = ""


def run_checks(session: Session) -> tuple[Check, ...]:
    """Everything that is odd about the run that the parameters describe; () when nothing is."""
    parameters = session.parameters
    bundle = session.models.find(parameters.model)
    found = []
    problem = input_problem(parameters.input_volume, bundle.manifest.modality if bundle else "CT")
    if problem is not None:
        link = HARDEN_LINK if problem.hardened_copy_helps else ""
        found.append(Check(problem.message, problem.hint, True, link))
    if parameters.replace_organs and is_of_other_ct(parameters.segmentation, parameters.input_volume):
        found.append(
            Check(
                _('"{name}" was not made on this CT, so nothing in it is replaced.').format(
                    name=parameters.segmentation.GetName()
                ),
                _("Choose its CT, or under Advanced a new segmentation."),
                True,
            )
        )
    odd_model = choice_problem(session.models, parameters.model, parameters.model_sha256)
    if odd_model is not None:
        found.append(Check(odd_model.message, odd_model.hint, odd_model.blocking))
    if not session.settings.interpreter:
        found.append(Check(_("No worker is set up yet."), _("Name a Python on the page Runtime."), True))
    if not any(check.blocking for check in found):
        found += _preflight_checks(session, bundle)
    return tuple(found)


def is_of_other_ct(segmentation_node: Any | None, volume_node: Any | None) -> bool:
    """Whether a segmentation was made on another volume; False when there is none."""
    return segmentation_node is not None and reference_volume(segmentation_node) is not volume_node


def _preflight_checks(session: Session, bundle: Bundle) -> list[Check]:
    """What the engine finds odd about the volume, the model and this computer; options that do not fit block."""
    try:
        options = segment_job(segment_request(session.parameters, bundle)).options
        volume = volume_of(session.parameters.input_volume, session.file_of_instance)
        machine = this_machine(session.hardware, session.runner.store.folder, free_bytes)
        problems = preflight(volume, bundle, options, machine)
    except PediatricAbdomenSegError as error:
        return [Check(error.message, error.hint, True)]
    return [Check(problem.message, problem.hint, problem.blocking) for problem in problems]


def checks_html(checks: Sequence[Check]) -> str:
    """The list as shown above the button; empty without any."""
    items = []
    for check in checks:
        hint = escape(check.hint)
        if check.link:
            hint = f'<a href="{check.link}">{hint}</a>'
        mark = BLOCKING_MARK if check.blocking else "&#9888;"
        items.append(f"<p>{mark} <b>{escape(check.message)}</b> {hint}</p>")
    return "".join(items)


def message_html(message: str, has_failed: bool) -> str:
    """What came of a run; of a failure the first line, which says what happened, stands out."""
    if not has_failed:
        return escape(message)
    what, _newline, hint = message.partition("\n")
    return f"{BLOCKING_MARK} <b>{escape(what)}</b> {escape(hint)}"
