"""What a rater looks at: the CT of a case and its contours, whatever kind of file they come in.

Nothing but voxels and organs is taken over: names in an RTSTRUCT, a DICOM SEG or a scene could tell the source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..cases.contour_region import RoiRegion
from ..cases.dicom_seg_reader import read_dicom_seg
from ..cases.label_boxes import labels_present
from ..cases.label_layers import read_label_layers
from ..cases.read_case import read_case
from ..cases.rtstruct_reader import read_rtstruct
from ..cases.slicer_scene import read_scene_contours, read_scene_image
from ..cases.volume import LabelMap, Volume
from ..geometry import Geometry
from ..organs import Organ, organ_by_key
from ..progress import OnProgress, ignore_progress


@dataclass(frozen=True)
class CaseContours:
    """Contours as label maps.

    Attributes:
        layers: label maps, several where organs overlap; () when the file holds none of the organs asked for.
        organs: keys of the organs that the file holds, empty ones too where the format says so.
        unassigned: number of structures in the file that are no organ of the table with certainty.
    """

    layers: tuple[LabelMap, ...]
    organs: tuple[str, ...]
    unassigned: int = 0


def read_case_image(path: Path, kind: str, series_uid: str = "", on_progress: OnProgress = ignore_progress) -> Volume:
    """The CT of a case; missing slices are filled, because it is only looked at.

    Args:
        kind: one of `study.IMAGE_KINDS`.

    Raises:
        InputError: it cannot be read.
    """
    if kind == "scene":
        return read_scene_image(path)
    return read_case(path, series_uid or None, on_progress, gaps="fill")


def read_case_contours(
    path: Path, kind: str, image: Volume, organs: Collection[str], on_progress: OnProgress = ignore_progress
) -> CaseContours:
    """The contours of a case.

    Args:
        kind: one of `study.SEGMENTATION_KINDS`.
        image: the CT, on whose grid an RTSTRUCT is voxelised; the other kinds keep their own.
        organs: keys of those wanted.

    Raises:
        InputError: the file cannot be read, or belongs to another CT.
    """
    wanted = [organ_by_key(key) for key in organs]
    if kind == "rtstruct":
        rois = read_rtstruct(path, image, on_progress=on_progress).rois
        found = [(roi.organ, roi.region) for roi in rois]
        return _drawn(found, image.geometry, wanted)
    if kind == "dicom_seg":
        contents = read_dicom_seg(path)
        found = [(each.organ, RoiRegion(each.mask.shape, (0, 0, 0), each.mask)) for each in contents.segments]
        return _drawn(found, contents.geometry, wanted)
    layers = read_scene_contours(path) if kind == "scene" else read_label_layers(path)
    return _selected([layer.label_map for layer in layers], wanted)


def _selected(layers: Sequence[LabelMap], wanted: Sequence[Organ]) -> CaseContours:
    table = np.zeros(256, np.uint8)
    for organ in wanted:
        table[organ.label] = organ.label
    kept = [LabelMap(table[layer.array], layer.geometry) for layer in layers]
    present = labels_present(layer.array for layer in kept)
    return CaseContours(tuple(kept), tuple(organ.key for organ in wanted if organ.label in present))


def _drawn(
    found: Iterable[tuple[Organ | None, RoiRegion]], geometry: Geometry, wanted: Sequence[Organ]
) -> CaseContours:
    layers: list[np.ndarray] = []
    keys, unassigned = [], 0
    for organ, region in found:
        if organ is None:
            unassigned += 1
        elif organ in wanted:
            keys.append(organ.key)
            draw(layers, region, organ.label)
    ordered = tuple(organ.key for organ in wanted if organ.key in keys)
    return CaseContours(tuple(LabelMap(array, geometry) for array in layers), ordered, unassigned)


def draw(layers: list[np.ndarray], region: RoiRegion, label: int) -> None:
    """Put a region into the first layer where it overlaps no other label, a new one where there is none."""
    for layer in layers:
        others = layer[region.box][region.mask]
        if not np.any(others[others != label]):
            break
    else:
        layer = np.zeros(region.shape, np.uint8)
        layers.append(layer)
    layer[region.box][region.mask] = label
