"""What a segmentation measures and what is odd about it: flags that say "look at this", never that it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..cases.label_boxes import Box, bounding_boxes
from ..cases.volume import LabelMap
from ..geometry import Geometry
from ..organs import LEFT, Organ, organ_by_key
from ..progress import Check, never_stop
from .components import find_pieces

# Flags of an organ.
EMPTY = "empty"
TOUCHES_BORDER = "touches_border"
VOLUME_IMPLAUSIBLE = "volume_implausible"
SIDE_IMPLAUSIBLE = "side_implausible"
SEVERAL_PIECES = "several_pieces"

# Flags of a case.
NOTHING_FOUND = "nothing_found"
SIDES_SWAPPED = "sides_swapped"

# A piece below this share of the organ is a speck: it counts as a piece, but raises no flag.
SIGNIFICANT_SHARE = 0.02

# In several pieces by nature: loops of bowel collapse, discs part vertebrae, and where a scan of the abdomen starts
# below the dome of the diaphragm the recesses of one lung show as separate crescents.
NATURALLY_IN_PIECES = frozenset({"stomach_bowel", "vertebrae", "lung_left", "lung_right"})

# What marks the midline, the more reliable one first.
_MIDLINE = ("spinal_canal", "vertebrae")


@dataclass(frozen=True)
class OrganResult:
    """One organ of a segmentation.

    Attributes:
        key: of the organ table.
        label: value in the label map.
        voxels: number of voxels.
        volume_ml: volume in ml.
        pieces: number of 26-connected pieces, specks included.
        centroid_ras_mm: mean of the voxel centres, RAS mm; None for an empty organ.
        flags: see the constants of this module; empty when nothing is odd.
        mean_entropy: of its voxels, 0 to 1, see `uncertainty`; None for an empty organ and when it was not asked for.
    """

    key: str
    label: int
    voxels: int
    volume_ml: float
    pieces: int
    centroid_ras_mm: tuple[float, float, float] | None
    flags: tuple[str, ...]
    mean_entropy: float | None = None


@dataclass(frozen=True)
class Assessment:
    """Result of `assess`.

    Attributes:
        organs: in the order asked for.
        case_flags: "nothing_found" when every organ is empty; "sides_swapped" when most of at least two left/right
            pairs lie the wrong way round, which points to a wrong orientation in the image's header.
    """

    organs: tuple[OrganResult, ...]
    case_flags: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    voxels: int
    pieces: int
    significant_pieces: int
    centroid_ras_mm: tuple[float, float, float]
    touches_border: bool


def assess(
    label_map: LabelMap, organs: Sequence[str], age_years: float | None = None, check: Check = never_stop
) -> Assessment:
    """Measure and flag organs.

    An organ has the flag "touches_border" when a voxel of it lies in the image's outermost layer on any of the six
    sides; "volume_implausible" outside `Organ.volume_range_ml`, where the lower bound does not hold for an organ that
    touches the border, because part of it was not scanned; "side_implausible" when an organ of one side does not lie
    on its side of its partner, or of the spinal canal (the vertebrae when there is no canal), by centroid;
    "several_pieces" when more than one piece holds 2 % of it or more, except where anatomy is in pieces by nature.

    Args:
        label_map: labels of the organ table, ``(z, y, x)``.
        organs: keys to report, empty organs too.
        age_years: None when not known.
        check: called between organs.

    Raises:
        UsageError: an unknown organ.
    """
    table = [organ_by_key(key) for key in organs]
    boxes = bounding_boxes(label_map.array)
    marks = [organ_by_key(key) for key in _MIDLINE]
    partners = [organ_by_key(organ.partner) for organ in table if organ.partner]
    measured = {
        organ.key: _measure(label_map, organ.label, boxes[organ.label], check)
        for organ in dict.fromkeys([*table, *partners, *marks])
        if organ.label in boxes
    }
    results = tuple(_result(organ, measured, label_map.geometry, age_years) for organ in table)
    return Assessment(results, _case_flags(results, measured))


def _measure(label_map: LabelMap, label: int, box: Box, check: Check) -> _Measured:
    check()
    mask = label_map.array[box] == label
    in_plane = mask.sum(axis=0, dtype=np.int32)
    profiles = (mask.sum(axis=(1, 2), dtype=np.int64), in_plane.sum(axis=1), in_plane.sum(axis=0))
    voxels = int(profiles[0].sum())
    index = [
        float(np.average(np.arange(edge.start, edge.stop), weights=n)) for edge, n in zip(box, profiles, strict=True)
    ]
    sizes = find_pieces(mask).voxels
    shape = label_map.array.shape
    return _Measured(
        voxels=voxels,
        pieces=len(sizes),
        significant_pieces=int((sizes >= SIGNIFICANT_SHARE * voxels).sum()),
        centroid_ras_mm=tuple(float(value) for value in label_map.geometry.to_ras(np.array(index))),
        touches_border=any(edge.start == 0 or edge.stop == size for edge, size in zip(box, shape, strict=True)),
    )


def _result(organ: Organ, measured: dict[str, _Measured], geometry: Geometry, age_years: float | None) -> OrganResult:
    found = measured.get(organ.key)
    if found is None:
        return OrganResult(organ.key, organ.label, 0, 0.0, 0, None, (EMPTY,))
    volume_ml = found.voxels * geometry.voxel_volume_ml
    low_ml, high_ml = organ.volume_range_ml(age_years)
    flags = []
    if found.touches_border:
        flags.append(TOUCHES_BORDER)
    if volume_ml > high_ml or (volume_ml < low_ml and not found.touches_border):
        flags.append(VOLUME_IMPLAUSIBLE)
    if _is_on_the_wrong_side(organ, measured):
        flags.append(SIDE_IMPLAUSIBLE)
    if found.significant_pieces > 1 and organ.key not in NATURALLY_IN_PIECES:
        flags.append(SEVERAL_PIECES)
    return OrganResult(
        organ.key, organ.label, found.voxels, volume_ml, found.pieces, found.centroid_ras_mm, tuple(flags)
    )


def _is_on_the_wrong_side(organ: Organ, measured: dict[str, _Measured]) -> bool:
    if organ.laterality is None:
        return False
    midline = next((key for key in _MIDLINE if key in measured), None)
    own_x = measured[organ.key].centroid_ras_mm[0]
    others_x = [measured[key].centroid_ras_mm[0] for key in (organ.partner, midline) if key in measured]
    toward_right = -1 if organ.laterality == LEFT else 1  # RAS: x grows to the patient's right
    return any((own_x - other_x) * toward_right <= 0 for other_x in others_x)


def _case_flags(results: tuple[OrganResult, ...], measured: dict[str, _Measured]) -> tuple[str, ...]:
    if all(result.voxels == 0 for result in results):
        return (NOTHING_FOUND,)
    pairs = [
        (measured[organ.key].centroid_ras_mm[0], measured[organ.partner].centroid_ras_mm[0])
        for organ in (organ_by_key(result.key) for result in results)
        if organ.laterality == LEFT and organ.key in measured and organ.partner in measured
    ]
    swapped = sum(left_x >= right_x for left_x, right_x in pairs)
    return (SIDES_SWAPPED,) if len(pairs) >= 2 and swapped > len(pairs) / 2 else ()
