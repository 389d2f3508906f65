"""Which choices of organs make sense with a model."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.organs import organ_by_key
from ..scene.parameters import ALL, ORGAN_CHOICES, OWN


def possible_choices(available: Sequence[str]) -> tuple[str, ...]:
    """The choices that give something with a model that knows ``available`` organ keys; "all" and "own" always do."""
    types = {organ_by_key(key).type for key in available}
    return tuple(choice for choice in ORGAN_CHOICES if choice in (ALL, OWN) or choice in types)
