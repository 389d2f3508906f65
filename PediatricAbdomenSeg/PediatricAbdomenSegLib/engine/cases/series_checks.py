"""Checks on the attributes of a series; each failure names file, attribute and values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.datadict import dictionary_description, tag_for_keyword

from ..errors import InputError
from .dicom_headers import ImageHeader


def attribute_name(keyword: str) -> str:
    """Name and tag of an attribute as the standard prints them, for messages."""
    tag = f"{tag_for_keyword(keyword):08X}"
    return f"{dictionary_description(keyword)} ({tag[:4]},{tag[4:]})"


def is_empty(header: ImageHeader, keyword: str) -> bool:
    """Whether an attribute is absent or has no value."""
    value = header.dataset.get(keyword)
    return value is None or str(value).strip() == ""


def required_text(header: ImageHeader, keyword: str) -> str:
    """Value of an attribute that must be there."""
    if is_empty(header, keyword):
        raise InputError(
            f"{header.where}: {attribute_name(keyword)} is missing.",
            "Export the series again; de-identify without removing it.",
        )
    return str(header.dataset.get(keyword))


def required_numbers(header: ImageHeader, keyword: str, count: int) -> np.ndarray:
    """``count`` finite numbers of an attribute that must be there, float64."""
    required_text(header, keyword)
    value = header.dataset.get(keyword)
    try:
        numbers = np.array([float(number) for number in np.atleast_1d(value)])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{header.where}: {attribute_name(keyword)} is {value}, not numbers.", "Export the series again."
        ) from error
    if numbers.size != count or not np.all(np.isfinite(numbers)):
        raise InputError(
            f"{header.where}: {attribute_name(keyword)} is {numbers.tolist()}; {count} finite numbers are needed.",
            "Export the series again.",
        )
    return numbers


def required_integer(header: ImageHeader, keyword: str) -> int:
    """A positive whole number that must be there."""
    number = float(required_numbers(header, keyword, 1)[0])
    if number < 1 or not number.is_integer():
        raise InputError(
            f"{header.where}: {attribute_name(keyword)} is {number:g}, not a positive whole number.",
            "Export the series again.",
        )
    return int(number)


def required_or(header: ImageHeader, keyword: str, default: int) -> int:
    """`required_integer`, or ``default`` when the attribute is absent or empty."""
    return default if is_empty(header, keyword) else required_integer(header, keyword)


def check_grey_images(headers: Sequence[ImageHeader]) -> None:
    """Raise `InputError` for a colour image, or for several frames without a position of their own."""
    for header in headers:
        dataset = header.dataset
        if header.frame is None and required_or(header, "NumberOfFrames", 1) > 1:
            raise InputError(
                f"{header.path} is a multi-frame image whose frames have no position each.",
                "Export the series as classic CT images, one file per slice, or as Enhanced CT.",
            )
        if required_or(header, "SamplesPerPixel", 1) != 1:
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
                f"{ours} in {first.name}, {theirs} in {header.name}.",
                "Export one reconstruction only, or separate the files into a folder each.",
            )
