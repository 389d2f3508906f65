"""Stored pixel values to Hounsfield units: rescale, padding and what does not fit into 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..wording import counted
from .dicom_headers import ImageHeader
from .series_checks import attribute_name, is_empty, required_numbers

AIR_HU = -1024  # what scanners write where there is nothing
# Nothing attenuates less than a vacuum (-1000 HU); noise and streaks reach a little below. -2000 and -3024 HU, which
# scanners write outside the reconstructed circle, are no measurements.
LOWEST_HU = -1500
HIGHEST_HU = 3071  # of the 12-bit scale; metal may be above
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True)
class ValueScale:
    """How the stored values of one image become Hounsfield units.

    Attributes:
        slope, intercept: HU = stored * slope + intercept.
        padding: lowest and highest stored value that means "no measurement", None when the header names none.
    """

    slope: float = 1.0
    intercept: float = 0.0
    padding: tuple[int, int] | None = None


@dataclass(frozen=True)
class Corrections:
    """What was changed on the way to Hounsfield units, in voxels.

    Attributes:
        padded: padding read as air.
        clipped: beyond the largest int16.
        voxels: all that were read.
    """

    padded: int = 0
    clipped: int = 0
    voxels: int = 0

    def __add__(self, other: Corrections) -> Corrections:
        return Corrections(self.padded + other.padded, self.clipped + other.clipped, self.voxels + other.voxels)

    def notes(self) -> tuple[str, ...]:
        """One sentence for each kind; () when nothing was changed."""
        notes = []
        if self.padded:
            notes.append(
                f"{100 * self.padded / self.voxels:.2g} % of the voxels are padding outside the reconstruction, "
                f"read as air ({AIR_HU} HU)."
            )
        if self.clipped:
            notes.append(
                f"Values above {_INT16.max} HU were set to {_INT16.max} HU in {counted(self.clipped, 'voxel')}."
            )
        return tuple(notes)


def value_scale(header: ImageHeader) -> ValueScale:
    """Rescale and padding of an image; slope 1 and intercept 0 where the header leaves them out.

    Raises:
        InputError: an attribute is no number, or the slope is zero.
    """
    slope, intercept = (
        default if is_empty(header, keyword) else float(required_numbers(header, keyword, 1)[0])
        for keyword, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    if slope == 0:
        raise InputError(
            f"{header.where}: {attribute_name('RescaleSlope')} is 0: all voxels would be {intercept:g} HU.",
            "Export the series again.",
        )
    return ValueScale(slope, intercept, _padding(header))


def to_hounsfield(stored: np.ndarray, scale: ValueScale) -> tuple[np.ndarray, Corrections]:
    """Hounsfield units of stored values, calculated without overflow on the way.

    Declared padding becomes air unless it reads as a value that tissue can have (padding 0 with intercept 0 is also
    water); so does everything below `LOWEST_HU`, because many scanners pad without declaring it.

    Args:
        stored: integers of any size, any shape, at least one.

    Returns:
        int16 of the same shape, and what was changed.
    """
    if scale.slope == 1.0 and scale.intercept.is_integer() and abs(scale.intercept) < 2**30 and stored.itemsize <= 2:
        intercept = int(scale.intercept)
        if int(stored.min()) + intercept >= AIR_HU and int(stored.max()) + intercept <= HIGHEST_HU:
            return _plainly_shifted(stored, intercept), Corrections(voxels=stored.size)
        hounsfield = np.add(stored, intercept, dtype=np.int32)
    else:
        hounsfield = np.rint(stored.astype(np.float64) * scale.slope + scale.intercept)
    padded = hounsfield < LOWEST_HU
    if scale.padding is not None:
        low, high = scale.padding
        padded |= (stored >= low) & (stored <= high) & ((hounsfield < AIR_HU) | (hounsfield > HIGHEST_HU))
    hounsfield[padded] = AIR_HU
    clipped = int(np.count_nonzero(hounsfield > _INT16.max))
    corrections = Corrections(int(np.count_nonzero(padded)), clipped, stored.size)
    return np.minimum(hounsfield, _INT16.max).astype(np.int16), corrections


def _plainly_shifted(stored: np.ndarray, intercept: int) -> np.ndarray:
    """``stored + intercept`` where that fits: computed modulo 2^16, which spares a copy of twice the size."""
    hounsfield = stored.astype(np.int16)
    hounsfield += np.array(intercept % 2**16, np.uint16).view(np.int16)
    return hounsfield


def _padding(header: ImageHeader) -> tuple[int, int] | None:
    value = _stored_integer(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = _stored_integer(header, "PixelPaddingRangeLimit")
    other = value if limit is None else limit
    return min(value, other), max(value, other)


def _stored_integer(header: ImageHeader, keyword: str) -> int | None:
    """A value as the pixels hold it: written as unsigned for signed pixels or the other way round by many writers."""
    if is_empty(header, keyword):
        return None
    value = header.dataset.get(keyword)
    bits = int(header.dataset.get("BitsAllocated") or 16)
    try:
        number = int.from_bytes(value, "little") if isinstance(value, bytes) else int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{header.where}: {attribute_name(keyword)} is {value!r}, not an integer.", "Export the series again."
        ) from error
    number %= 1 << bits
    is_negative = header.dataset.get("PixelRepresentation") == 1 and number >= 1 << (bits - 1)
    return number - (1 << bits) if is_negative else number
