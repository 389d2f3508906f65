"""Build Enhanced CT: all slices of a series as frames of one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from ct_series_builder import ORIENTATIONS, hounsfield_pattern, slice_dataset

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
_MOVED = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept")


def enhanced_dataset(
    shape: tuple[int, int, int] = (5, 40, 48),
    orientation=ORIENTATIONS["supine"],
    spacing_mm: tuple[float, float, float] = (2.0, 1.5, 0.8),
    order: Sequence[int] | None = None,
    change: Callable[[int, Dataset], None] = lambda index, frame: None,
) -> Dataset:
    """The slices of `write_series` as frames, in any order; ``change(index, frame)`` may alter a frame's groups."""
    values = hounsfield_pattern(shape)
    uids = [generate_uid() for _ in range(3)]
    order = list(range(shape[0])) if order is None else list(order)
    slices = [slice_dataset(index, values[index], orientation, spacing_mm, uids) for index in order]
    dataset = slices[0]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = ENHANCED_CT
    dataset.NumberOfFrames = len(slices)
    dataset.PixelData = b"".join(each.PixelData for each in slices)
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(PixelSpacing=dataset.PixelSpacing, SliceThickness=spacing_mm[0])]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=dataset.ImageOrientationPatient)]
    shared.PixelValueTransformationSequence = [_item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")]
    frames = []
    for index, each in zip(order, slices, strict=True):
        frame = Dataset()
        frame.PlanePositionSequence = [_item(ImagePositionPatient=each.ImagePositionPatient)]
        frame.FrameContentSequence = [_item(StackID="1", InStackPositionNumber=index + 1)]
        change(index, frame)
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = frames
    for keyword in _MOVED:
        del dataset[keyword]
    return dataset


def write_enhanced(path: Path, **arguments) -> Path:
    """Write `enhanced_dataset` to a file in a folder that is made when needed; returns the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    enhanced_dataset(**arguments).save_as(path, enforce_file_format=True)
    return path.parent


def _item(**attributes) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item
