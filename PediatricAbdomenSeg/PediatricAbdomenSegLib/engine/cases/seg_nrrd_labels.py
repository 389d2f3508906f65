"""What the segments of a ``.seg.nrrd`` are: Slicer may renumber them, and lays those that overlap apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..organs import ALL_STRUCTURES, Organ
from .roi_mask import ModelProvenance


@dataclass(frozen=True)
class SavedSegment:
    """A segment as the header describes it.

    Attributes:
        organ: its row of the organ table.
        label_value: what marks it in its layer.
        layer: index of the label map that holds it.
        model: the bundle that made it, by its tags; None when they do not say.
    """

    organ: Organ
    label_value: int
    layer: int
    model: ModelProvenance | None


def saved_segments(fields: Mapping[str, str], path: Path) -> tuple[SavedSegment, ...]:
    """The segments that the free fields of an NRRD header describe; () for a file that is no segmentation.

    They are recognised by segment ID, by the tag ``OrganKey``, or by their name (key, display, TG-263 or short name,
    case ignored).

    Raises:
        InputError: a segment is no structure of the organ table, or two segments are the same one.
    """
    keys = sorted({match[1] for field in fields if (match := re.match(r"(Segment\d+)_", field))})
    segments = []
    taken: dict[int, str] = {}
    for key in keys:
        name = fields.get(f"{key}_Name", key)
        tags = dict(tag.split(":", 1) for tag in fields.get(f"{key}_Tags", "").split("|") if ":" in tag)
        organ = _organ_of((fields.get(f"{key}_ID"), tags.get("OrganKey"), fields.get(f"{key}_Name")))
        if organ is None:
            raise InputError(
                f'{path}: the segment "{name}" is no structure of the organ table.',
                "Rename it to an organ's name, for example its TG-263 name, or remove it.",
            )
        if organ.label in taken:
            raise InputError(
                f'{path}: the segments "{taken[organ.label]}" and "{name}" are both {organ.display_name}.',
                "Join or remove one of them.",
            )
        taken[organ.label] = name
        label_value = int(fields.get(f"{key}_LabelValue", organ.label))
        segments.append(SavedSegment(organ, label_value, int(fields.get(f"{key}_Layer", 0)), _model_of(tags)))
    return tuple(segments)


def relabelled(array: np.ndarray, fields: Mapping[str, str], path: Path, layer: int = 0) -> np.ndarray:
    """Label array with the value of each segment of a layer replaced by its `Organ.label`.

    Args:
        array: uint8 ``(z, y, x)``; returned as it is where the file has no segment fields.
        fields: of the NRRD header.
        path: for messages.

    Raises `InputError` as `saved_segments`.
    """
    segments = saved_segments(fields, path)
    if not segments:
        return array
    table = np.zeros(256, np.uint8)
    for segment in segments:
        if segment.layer == layer:
            table[segment.label_value % 256] = segment.organ.label
    return table[array]


def _organ_of(names: tuple[str | None, ...]) -> Organ | None:
    for wanted in names:
        for organ in ALL_STRUCTURES:
            known = (organ.key, organ.display_name, organ.tg263_name, organ.short_name)
            if wanted and wanted.strip().lower() in (name.lower() for name in known):
                return organ
    return None


def _model_of(tags: Mapping[str, str]) -> ModelProvenance | None:
    if not tags.get("Model") or not tags.get("ModelStatus"):
        return None
    version, sha256 = tags.get("ModelVersion", ""), tags.get("ModelSHA256", "")
    return ModelProvenance(tags["Model"], version, sha256, tags["ModelStatus"])
