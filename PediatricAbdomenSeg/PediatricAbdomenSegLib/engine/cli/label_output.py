"""What the commands that write a label map have in common: which names it may have, and the writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from ..cases.roi_mask import ModelProvenance
    from ..cases.volume import LabelMap
    from ..organs import Organ

_NO_MODELS: Mapping[int, ModelProvenance] = MappingProxyType({})
_SEGMENTATION_SUFFIX = ".seg.nrrd"
_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def require_writable_name(path: Path) -> None:
    """Raise `UsageError` for a name that no label map can have: before minutes are spent on reading."""
    if not path.name.lower().endswith(_SUFFIXES):
        raise UsageError(
            f"{path.name} has no known image suffix.", f"Use {_SEGMENTATION_SUFFIX} or one of {', '.join(_SUFFIXES)}."
        )


def write_labels(
    label_map: LabelMap, organs: Sequence[Organ], path: Path, models: Mapping[int, ModelProvenance] = _NO_MODELS
) -> None:
    """Write a label map; as ``.seg.nrrd`` with names, colours and codes of the organs.

    Args:
        models: the bundle that made an organ, by `Organ.label`, where it is known.

    Raises:
        UsageError, ResourceError: as `write_label_map` and `write_seg_nrrd`.
    """
    from ..cases.image_file import write_label_map
    from ..cases.seg_nrrd import model_tags, write_seg_nrrd

    if path.name.lower().endswith(_SEGMENTATION_SUFFIX):
        tags = {organ.key: model_tags(models[organ.label]) for organ in organs if organ.label in models}
        write_seg_nrrd(label_map, path, organs, tags_of=tags)
    else:
        write_label_map(label_map, path)
