"""Checks that the files of a series are one regular stack of slices; each failure names file, attribute and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydicom.datadict import dictionary_description, tag_for_keyword

from ..errors import InputError
from .dicom_headers import MULTI_FRAME_CT, ImageHeader

if TYPE_CHECKING:
    from .series_geometry import SliceStack

# Positions are often rounded to 0.01 mm, so a distance may be off by 0.02 mm; beyond 5 % of the slice distance a
# uniform grid would misplace anatomy visibly over a whole stack.
_ROUNDING_MM = 0.02
_RELATIVE_TOLERANCE = 0.05
_SAME_PLACE_MM = 0.01
_EXPORT_AGAIN = "Export the complete series again, without duplicates."


def attribute_name(keyword: str) -> str:
    """Name and tag of an attribute as the standard prints them, for messages."""
    tag = f"{tag_for_keyword(keyword):08X}"
    return f"{dictionary_description(keyword)} ({tag[:4]},{tag[4:]})"


def required_text(header: ImageHeader, keyword: str) -> str:
    """Value of an attribute that must be there."""
    value = header.dataset.get(keyword)
    if value is None or str(value).strip() == "":
        raise InputError(
            f"{header.path}: {attribute_name(keyword)} is missing.",
            "Export the series again; de-identify without removing it.",
        )
    return str(value)


def required_numbers(header: ImageHeader, keyword: str, count: int) -> np.ndarray:
    """``count`` finite numbers of an attribute that must be there, float64."""
    required_text(header, keyword)
    value = header.dataset.get(keyword)
    try:
        numbers = np.array([float(number) for number in np.atleast_1d(value)])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{header.path}: {attribute_name(keyword)} is {value}, not numbers.", "Export the series again."
        ) from error
    if numbers.size != count or not np.all(np.isfinite(numbers)):
        raise InputError(
            f"{header.path}: {attribute_name(keyword)} is {numbers.tolist()}; {count} finite numbers are needed.",
            "Export the series again.",
        )
    return numbers


def check_single_frames(headers: Sequence[ImageHeader]) -> None:
    """Raise `InputError` for a multi-frame or colour image, which this reader does not take."""
    for header in headers:
        dataset = header.dataset
        if dataset.SOPClassUID in MULTI_FRAME_CT or int(dataset.get("NumberOfFrames") or 1) > 1:
            raise InputError(
                f"{header.path} is a multi-frame image ({MULTI_FRAME_CT.get(dataset.SOPClassUID, 'several frames')}).",
                "Export the series as classic CT images, one file per slice.",
            )
        if int(dataset.get("SamplesPerPixel") or 1) != 1:
            raise InputError(
                f"{header.path} is a colour image: {attribute_name('SamplesPerPixel')} is {dataset.SamplesPerPixel}.",
                "Give the original CT images, not a screenshot.",
            )


def check_uniform(headers: Sequence[ImageHeader], keyword: str, count: int = 0, tolerance: float = 0.0) -> None:
    """Raise `InputError` unless all headers agree on an attribute.

    Args:
        headers: at least one.
        keyword: DICOM keyword. Frame of Reference UID may be absent, if so in all of them.
        count: number of values of a numeric attribute, 0 for a text.
        tolerance: largest difference of a numeric attribute.
    """
    first = headers[0]
    for header in headers[1:] or headers:
        if count:
            ours, theirs = (required_numbers(one, keyword, count) for one in (first, header))
            same = bool(np.abs(ours - theirs).max() <= tolerance)
            ours, theirs = ours.tolist(), theirs.tolist()
        elif keyword == "FrameOfReferenceUID":
            ours, theirs = (str(one.dataset.get(keyword) or "none") for one in (first, header))
            same = ours == theirs
        else:
            ours, theirs = (required_text(one, keyword) for one in (first, header))
            same = ours == theirs
        if not same:
            raise InputError(
                f"{attribute_name(keyword)} differs within the series: "
                f"{ours} in {first.path.name}, {theirs} in {header.path.name}.",
                "Export one reconstruction only, or separate the files into a folder each.",
            )


def check_slice_positions(stack: SliceStack) -> None:
    """Raise `InputError` for a doubled slice, a gap, mixed spacing or slices that do not lie behind one another."""
    along_normal = stack.positions_mm @ stack.normal
    distances = np.diff(along_normal)
    names = [header.path.name for header in stack.headers]
    doubled = np.flatnonzero(distances < _SAME_PLACE_MM)
    if doubled.size:
        i = int(doubled[0])
        raise InputError(
            f"Two slices at the same place, {along_normal[i]:.2f} mm along the normal: "
            f"{names[i]} and {names[i + 1]} ({doubled.size} such pairs).",
            _EXPORT_AGAIN,
        )
    _check_distances(distances, names)
    sideways = stack.positions_mm - stack.positions_mm[0]
    sideways = sideways - np.outer(sideways @ stack.normal, stack.normal)
    drift_mm = np.linalg.norm(sideways, axis=1)
    worst = int(drift_mm.argmax())
    if drift_mm[worst] > max(_ROUNDING_MM, _RELATIVE_TOLERANCE * float(np.median(distances))):
        raise InputError(
            f"The slices do not lie behind one another: {names[worst]} is shifted by {drift_mm[worst]:.2f} mm "
            f"in its plane against {names[0]} (Image Position (Patient) (0020,0032); a tilted gantry does this).",
            "Reconstruct the series without gantry tilt.",
        )


def _check_distances(distances: np.ndarray, names: Sequence[str]) -> None:
    usual = float(np.median(distances))
    if len(distances) == 2:  # the median of two is their mean: of two distances the smaller is the usual one
        usual = float(distances.min())
    off = np.flatnonzero(np.abs(distances - usual) > max(2 * _ROUNDING_MM, _RELATIVE_TOLERANCE * usual))
    if not off.size:
        return
    i = int(off[np.abs(distances[off] - usual).argmax()])
    missing = distances[i] / usual
    if off.size <= len(distances) // 3 + 1 and missing > 1.5 and abs(missing - round(missing)) < 0.1:
        raise InputError(
            f"A gap of {distances[i]:.2f} mm between {names[i]} and {names[i + 1]}; elsewhere the slices are "
            f"{usual:.2f} mm apart ({round(missing) - 1} missing here, {off.size} gaps in all).",
            _EXPORT_AGAIN,
        )
    raise InputError(
        f"Mixed slice spacing: {distances[i]:.2f} mm between {names[i]} and {names[i + 1]}, {usual:.2f} mm elsewhere.",
        "Export a series with equal slice distance.",
    )
