"""What keeps something of the scene from being used, as plain words; imports nothing that slows Slicer's start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SceneProblem:
    """Why a volume cannot be segmented as it is.

    Attributes:
        kind: a constant of this module.
        message: what is the matter, one sentence.
        hint: what to do about it.
        hardened_copy_helps: whether `harden_copy` gives a volume without this problem.
    """

    kind: str
    message: str
    hint: str
    hardened_copy_helps: bool = False
