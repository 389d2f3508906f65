"""The state that is saved with the scene: names, defaults, and what to make of a value from another installation.

The class itself, which Slicer's ``@parameterNodeWrapper`` needs, is declared in ``PediatricAbdomenSeg.py`` with these
names; here is all that can be tested without the application.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..engine.organs import ALL_STRUCTURES, OrganType, organs_of_type
from .scene_problem import SceneProblem

ALL, TYPE1, TYPE2, OWN = ORGAN_CHOICES = ("all", "type1", "type2", "own")
NAME_STYLES = ("tg263", "display", "short")
MODEL_MISSING = "model_missing"


@dataclass(frozen=True)
class Settings:
    """What the user chose; every field is a plain value that a parameter node can hold.

    Attributes:
        model: name of a bundle.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        organ_choice: a constant of `ORGAN_CHOICES`.
        own_organs: keys, separated by blanks, for the choice "own".
        configuration: "" for the bundle's default.
        folds: names separated by blanks, "" for all.
        mirror: average over the mirror axes the checkpoint allows.
        entropy_map: make a map of the network's uncertainty too.
        low_memory: smaller steps, slower.
        name_style: names of ROIs in exports, a constant of `NAME_STYLES`.
        accepted_only: export only accepted organs.
    """

    model: str = "multi-organ"
    device: str = "auto"
    organ_choice: str = ALL
    own_organs: str = ""
    configuration: str = ""
    folds: str = ""
    mirror: bool = True
    entropy_map: bool = False
    low_memory: bool = False
    name_style: str = NAME_STYLES[0]
    accepted_only: bool = False

    def wanted_organs(self, available: Collection[str]) -> tuple[str, ...]:
        """Keys of the chosen organs among those a model knows, in the table's order; () when none is left."""
        chosen = {
            ALL: set(available),
            TYPE1: {organ.key for organ in organs_of_type(OrganType.TYPE1)},
            TYPE2: {organ.key for organ in organs_of_type(OrganType.TYPE2)},
            OWN: set(self.own_organs.split()),
        }[self.organ_choice]
        return tuple(organ.key for organ in ALL_STRUCTURES if organ.key in chosen and organ.key in available)


DEFAULTS = Settings()


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings from stored values: those of an older or newer version, or damaged ones, become the default.

    Args:
        values: name to value; unknown names are ignored.
    """
    known: dict[str, Any] = {}
    for field in fields(Settings):
        value, default = values.get(field.name), getattr(DEFAULTS, field.name)
        if isinstance(default, bool):
            known[field.name] = _as_bool(value, default)
        elif isinstance(value, str):
            known[field.name] = value.strip()
    settings = replace(DEFAULTS, **known)
    known_keys = {organ.key for organ in ALL_STRUCTURES}
    return replace(
        settings,
        model=settings.model or DEFAULTS.model,
        device=settings.device or DEFAULTS.device,
        organ_choice=settings.organ_choice if settings.organ_choice in ORGAN_CHOICES else DEFAULTS.organ_choice,
        name_style=settings.name_style if settings.name_style in NAME_STYLES else DEFAULTS.name_style,
        own_organs=" ".join(key for key in settings.own_organs.split() if key in known_keys),
    )


def settings_as_values(settings: Settings) -> dict[str, str | bool]:
    """Name to value, the inverse of `settings_from`."""
    return asdict(settings)


def model_problem(settings: Settings, available: Collection[str]) -> SceneProblem | None:
    """What to tell the user when a scene names a model that is not installed here (any more); None when it is."""
    if settings.model in available:
        return None
    return SceneProblem(
        MODEL_MISSING,
        f'The model "{settings.model}" is not installed here.',
        "Add it on the page Models, or choose another model; results in the scene stay as they are.",
    )


def _as_bool(value: Any, default: bool) -> bool:
    """Parameter nodes hand back text after loading a scene."""
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower(), default)
