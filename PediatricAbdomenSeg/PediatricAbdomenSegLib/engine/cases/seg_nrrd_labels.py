"""Which label value of a ``.seg.nrrd`` means which organ: Slicer may renumber segments when it saves them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..organs import ALL_STRUCTURES, Organ


def relabelled(array: np.ndarray, fields: Mapping[str, str], path: Path) -> np.ndarray:
    """Label array with each segment's value replaced by its `Organ.label`.

    Segments are recognised by segment ID, by the tag ``OrganKey``, or by their name (key, display, TG-263 or short
    name, case ignored). A file without segment fields is returned as it is.

    Args:
        array: whole numbers from 0 to 255, ``(z, y, x)``.
        fields: of the NRRD header.
        path: for messages.

    Raises:
        InputError: a segment is no structure of the organ table, or two segments are the same one.
    """
    segments = sorted({match[1] for field in fields if (match := re.match(r"(Segment\d+)_", field))})
    if not segments:
        return array
    table = np.zeros(256, np.uint8)
    taken: dict[int, str] = {}
    for segment in segments:
        name = fields.get(f"{segment}_Name", segment)
        organ = _organ_of(segment, fields)
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
        table[int(fields.get(f"{segment}_LabelValue", organ.label)) % 256] = organ.label
    return table[array.astype(np.uint8)]


def _organ_of(segment: str, fields: Mapping[str, str]) -> Organ | None:
    tags = dict(tag.split(":", 1) for tag in fields.get(f"{segment}_Tags", "").split("|") if ":" in tag)
    for wanted in (fields.get(f"{segment}_ID"), tags.get("OrganKey"), fields.get(f"{segment}_Name")):
        for organ in ALL_STRUCTURES:
            names = (organ.key, organ.display_name, organ.tg263_name, organ.short_name)
            if wanted and wanted.strip().lower() in (name.lower() for name in names):
                return organ
    return None
