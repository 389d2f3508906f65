"""What happens to labels after the network: largest component, fusion of several label maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..cases.label_boxes import bounding_boxes
from ..cases.volume import LabelMap
from ..errors import InputError, UsageError
from ..organs import ALL_STRUCTURES, OrganType, organ_by_key
from ..progress import Check, never_stop
from .components import find_pieces

LARGEST_COMPONENT = "largest_component"


def postprocess(
    label_map: LabelMap,
    steps: Mapping[str, str],
    minimum_volume_ml: Mapping[str, float] | None = None,
    check: Check = never_stop,
) -> LabelMap:
    """Apply a bundle's post-processing.

    Args:
        label_map: labels of the organ table; not modified.
        steps: organ key to step (`BundleManifest.postprocessing`). An organ that is not in the map is skipped.
        minimum_volume_ml: organ key to volume; an organ of which less is left after its step becomes background.
        check: called between organs.

    Returns:
        A new label map, in which voxels that were removed are background.

    Raises:
        UsageError: an unknown organ or step.
    """
    array = label_map.array.copy()
    boxes = bounding_boxes(array) if steps or minimum_volume_ml else {}
    for key, step in steps.items():
        check()
        if step != LARGEST_COMPONENT:
            raise UsageError(f'There is no post-processing step "{step}" for {key}.', f"Known is {LARGEST_COMPONENT}.")
        label = organ_by_key(key).label
        if label in boxes:
            _keep_largest_piece(array[boxes[label]], label)
    for key, least_ml in (minimum_volume_ml or {}).items():
        label = organ_by_key(key).label
        if label in boxes:
            part = array[boxes[label]]
            found = part == label
            if np.count_nonzero(found) * label_map.geometry.voxel_volume_ml < least_ml:
                part[found] = 0
    return LabelMap(array, label_map.geometry)


def merge_label_maps(label_maps: Sequence[LabelMap], fusion_priority: Sequence[str] = ()) -> LabelMap:
    """Fuse the organs of several label maps of one case into one.

    Where two maps claim a voxel, the organ of the higher `Organ.priority` wins: spleen, kidneys, heart before
    pancreas, liver before stomach-bowel before lungs, every Type 1 before every Type 2 [Ding-OAR]; of equals the
    earlier map's. Targets are left out: a tumour lies inside the organ it grows from, takes no voxel from it and stays
    a label map (and a ROI) of its own.

    Args:
        label_maps: at least one, all on the same grid; not modified.
        fusion_priority: organ keys, highest first, that come before all others (`BundleManifest.fusion_priority`).

    Raises:
        UsageError: no label map, or an unknown organ.
        InputError: the maps lie on different grids.
    """
    if not label_maps:
        raise UsageError("There is no label map to merge.")
    geometry = label_maps[0].geometry
    rank = _ranks(fusion_priority)
    merged = np.zeros(geometry.shape, np.uint8)
    for index, label_map in enumerate(label_maps):
        if not geometry.is_close_to(label_map.geometry):
            raise InputError(
                f"Label map {index + 1} has the grid {label_map.geometry.shape}, the first one {geometry.shape}, "
                "or they lie in different places.",
                "Merge only label maps made from the same image.",
            )
        for target, source in zip(merged, label_map.array, strict=True):  # by slice: no temporary of full size
            wins = rank[source] > rank[target]
            target[wins] = source[wins]
    return LabelMap(merged, geometry)


def _ranks(fusion_priority: Sequence[str]) -> np.ndarray:
    """Rank by label value; 0, which never wins, for background, unknown labels and targets."""
    rank = np.zeros(256, np.int16)
    for organ in ALL_STRUCTURES:
        if organ.type != OrganType.TARGET:
            rank[organ.label] = 1 + organ.priority
    first = int(rank.max())
    for place, key in enumerate(reversed(fusion_priority), start=1):
        organ = organ_by_key(key)
        if organ.type != OrganType.TARGET:
            rank[organ.label] = first + place
    return rank


def _keep_largest_piece(labels: np.ndarray, label: int) -> None:
    """Set all but the largest piece of ``label`` to background, in place; equal pieces stay, as in nnU-Net."""
    pieces = find_pieces(labels == label)
    if len(pieces.voxels) > 1:
        dropped = np.concatenate(([False], pieces.voxels < pieces.voxels.max()))
        labels[dropped[pieces.numbered]] = 0
