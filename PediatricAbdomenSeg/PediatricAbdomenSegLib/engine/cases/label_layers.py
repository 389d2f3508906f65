"""Label maps with what is known of the models behind them, segments that overlap in layers of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry import Geometry
from ..organs import ALL_STRUCTURES
from .image_file import as_labels, itk_image, read_array, write_itk_image
from .label_boxes import labels_present
from .roi_mask import ModelProvenance
from .seg_nrrd_labels import relabelled, saved_segments
from .volume import LabelMap


@dataclass(frozen=True)
class LabelLayer:
    """One label map of perhaps several that overlap.

    Attributes:
        label_map: values are `Organ.label`.
        models: the bundle that made a label, by its value; labels of which nothing is known are missing.
    """

    label_map: LabelMap
    models: Mapping[int, ModelProvenance] = field(default_factory=dict)


def read_label_layers(path: Path) -> tuple[LabelLayer, ...]:
    """Read a label map, or the layers of a ``.seg.nrrd`` in which Slicer saves segments that overlap.

    Raises:
        InputError: as `read_label_map`, or a label beyond the organ table.
    """
    path = Path(path)
    array, geometry, fields = read_array(path, is_label_map=True)
    planes = [array] if array.ndim == 3 else [array[..., layer] for layer in range(array.shape[3])]
    segments = saved_segments(fields, path)
    if len(planes) > 1 and not segments:
        raise InputError(
            f"{path} has {len(planes)} components a voxel, and does not say which structures they are.",
            "Give a label map, or a segmentation saved by Slicer.",
        )
    models = {segment.organ.label: segment.model for segment in segments if segment.model is not None}
    return tuple(
        LabelLayer(_checked(relabelled(as_labels(plane, path), fields, path, layer), geometry, path), models)
        for layer, plane in enumerate(planes)
    )


def write_label_layers(layers: Sequence[LabelMap], path: Path) -> None:
    """Write label maps that overlap into one ``.seg.nrrd`` that says which organs its voxels are, and nothing else.

    Args:
        layers: at least one, all on one grid; values are `Organ.label`. An organ is in one layer only.
        path: ends in ``.seg.nrrd``.

    Raises:
        ResourceError: the file cannot be written.
    """
    planes = [itk_image(layer.array.astype(np.uint8, copy=False), layer.geometry) for layer in layers]
    image = sitk.Compose(planes) if len(planes) > 1 else planes[0]
    found = []
    for number, layer in enumerate(layers):
        present = labels_present([layer.array])
        found += [(number, organ) for organ in ALL_STRUCTURES if organ.label in present]
    for index, (layer, organ) in enumerate(found):
        members = {"ID": organ.key, "Name": organ.display_name, "LabelValue": organ.label, "Layer": layer}
        for name, value in members.items():
            image.SetMetaData(f"Segment{index}_{name}", str(value))
    write_itk_image(image, Path(path))


def _checked(labels: np.ndarray, geometry: Geometry, path: Path) -> LabelMap:
    highest = int(labels.max())
    if highest > ALL_STRUCTURES[-1].label:
        raise InputError(
            f"{path.name} holds the label {highest}; the organ table ends at {ALL_STRUCTURES[-1].label}.",
            "Give a label map made by this software, or renumber its labels as in the organ table.",
        )
    return LabelMap(labels, geometry)
