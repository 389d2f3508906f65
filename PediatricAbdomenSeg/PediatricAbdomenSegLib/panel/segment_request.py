"""From the parameter node to what the worker is asked."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import UsageError
from ..engine.models.store import Bundle
from ..engine.worker.protocol import Segment
from ..scene.parameters import ALL, DEFAULTS, Settings, settings_as_values, settings_from


def parse_folds(text: str) -> tuple[str, ...] | None:
    """Names of folds from what the user typed; None for all there are.

    Raises:
        UsageError: something that is no fold's name.
    """
    names = text.replace(",", " ").split()
    for name in names:
        if not (name == "all" or (name.isascii() and name.isdigit())):
            raise UsageError(
                _('"{name}" is no fold.').format(name=name), _("Give numbers separated by spaces, or nothing for all.")
            )
    return tuple(names) or None


def settings_of(parameters: Any) -> Settings:
    """The settings that a parameter node holds, each one valid."""
    names = settings_as_values(DEFAULTS)
    return settings_from({name: getattr(parameters, name) for name in names if hasattr(parameters, name)})


def segment_request(parameters: Any, bundle: Bundle) -> Segment:
    """The request; id, input and output are filled in when the job is made.

    Args:
        parameters: `PediatricAbdomenSegParameterNode`, or whatever has its attributes.
        bundle: the model.

    Raises:
        UsageError: no organ is chosen, or a fold that is none.
    """
    settings = settings_of(parameters)
    organs = settings.wanted_organs(bundle.manifest.organs.values())
    if not organs:
        raise UsageError(_("No organ is chosen that this model finds."), _("Tick at least one organ."))
    return Segment(
        id="",
        input="",
        output="",
        model=str(bundle.folder),
        device=settings.device,
        configuration=settings.configuration or None,
        folds=parse_folds(settings.folds),
        mirror=None if settings.mirror else False,
        organs=None if settings.organ_choice == ALL else organs,
        low_memory=settings.low_memory,
        entropy=settings.entropy_map,
    )
