"""One label map from the ROIs of an RTSTRUCT that are organs of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, UsageError
from ..geometry import Geometry
from ..organs import Organ
from .rtstruct_reader import RtStructContents, RtStructRoi
from .volume import LabelMap


@dataclass(frozen=True)
class RtStructLabels:
    """ROIs as labels.

    Attributes:
        label_map: uint8 ``(z, y, x)`` with `Organ.label` values.
        organs: the ROI behind each organ, by its key, in label order.
        left_out: ROIs that are no organ of the table, or not certainly one.
        overlapping_voxels: number of voxels that several organs claim; the one of higher priority has them.
    """

    label_map: LabelMap
    organs: Mapping[str, RtStructRoi]
    left_out: tuple[RtStructRoi, ...]
    overlapping_voxels: int


def rtstruct_labels(
    contents: RtStructContents, geometry: Geometry, assigned: Mapping[str, Organ] | None = None
) -> RtStructLabels:
    """Draw the ROIs into one label map.

    Args:
        contents: read onto a volume with ``geometry``.
        geometry: of the volume.
        assigned: organs by ROI name, where a person knows better than the names' matching.

    Raises:
        InputError: two ROIs are the same organ.
        UsageError: a name in ``assigned`` is no ROI.
    """
    assigned = assigned or {}
    unknown = sorted(set(assigned) - {roi.name for roi in contents.rois})
    if unknown:
        names = ", ".join(roi.name for roi in contents.rois)
        raise UsageError(f"There is no ROI {', '.join(unknown)}.", f"The ROIs are: {names}.")
    chosen: dict[Organ, RtStructRoi] = {}
    left_out = []
    for roi in contents.rois:
        organ = assigned.get(roi.name, roi.organ)
        if organ is None:
            left_out.append(roi)
            continue
        if organ in chosen:
            raise InputError(
                f'The ROIs "{chosen[organ].name}" and "{roi.name}" are both {organ.display_name}.',
                "Read only one of them.",
            )
        chosen[organ] = roi
    labels = np.zeros(geometry.shape, np.uint8)
    overlapping = 0
    for organ in sorted(chosen, key=lambda organ: (organ.priority, organ.label)):
        region = chosen[organ].region
        box = labels[region.box]
        overlapping += int(np.count_nonzero(box[region.mask]))
        box[region.mask] = organ.label
    by_label = sorted(chosen, key=lambda organ: organ.label)
    return RtStructLabels(
        LabelMap(labels, geometry), {organ.key: chosen[organ] for organ in by_label}, tuple(left_out), overlapping
    )
