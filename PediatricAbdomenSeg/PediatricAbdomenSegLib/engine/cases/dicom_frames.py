"""Multi-frame CT: what the functional groups say of each frame, as a header of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset

from ..errors import InputError

MULTI_FRAME_CT = {
    "1.2.840.10008.5.1.4.1.1.2.1": "Enhanced CT Image Storage",
    "1.2.840.10008.5.1.4.1.1.2.2": "Legacy Converted Enhanced CT Image Storage",
}
FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_ATTRIBUTES_OF_GROUP = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
}


def frame_datasets(path: Path, dataset: Dataset) -> Iterator[Dataset]:
    """One data set per frame, with position, orientation, spacing and rescale at the top level as in a classic image.

    What a frame says of itself goes before what all frames share.

    Raises:
        InputError: the number of frames and of their functional groups differ.
    """
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    frames = int(dataset.get("NumberOfFrames") or 1)
    if len(per_frame) != frames:
        raise InputError(
            f"{path}: Number of Frames (0028,0008) is {frames}, Per-frame Functional Groups Sequence (5200,9230) "
            f"has {len(per_frame)} items.",
            "The file is damaged: export the series again.",
        )
    shared = (dataset.get("SharedFunctionalGroupsSequence") or (Dataset(),))[0]
    common = {tag: element for tag, element in dataset.items() if element.VR != "SQ"}
    for own in per_frame:
        frame = Dataset(dict(common))  # a data set keeps the dictionary it is given
        for group, attributes in _ATTRIBUTES_OF_GROUP.items():
            items = own.get(group) or shared.get(group) or (Dataset(),)
            for attribute in attributes:
                if attribute in items[0]:
                    frame[attribute] = items[0][attribute]
        yield frame
