"""Images of a series at the same place: copies are left out, others refused."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .dicom_headers import ImageHeader
from .series_geometry import SliceStack
from .series_voxels import read_hounsfield

_SAME_PLACE_MM = 0.01


def without_duplicates(stack: SliceStack) -> tuple[SliceStack, tuple[str, ...]]:
    """The stack without images that repeat another one voxel by voxel, and a sentence about them.

    Archives deliver the same instance twice, and copies of a series with new SOP Instance UIDs. Only images at the
    same place are looked at, so nothing is decoded in a series without any.

    Raises:
        InputError: two images at the same place differ, or one of them cannot be decoded.
    """
    close = np.flatnonzero(np.diff(stack.heights_mm) < _SAME_PLACE_MM)
    copies: set[int] = set()
    for index in close.tolist():
        if not _same_image(stack.headers[index], stack.headers[index + 1]):
            raise _two_images(stack, index, close.size)
        copies.add(index + 1)
    if not copies:
        return stack, ()
    images = "1 image repeats another and was" if len(copies) == 1 else f"{len(copies)} images repeat others and were"
    return stack.without(copies), (f"{images} left out.",)


def _same_image(first: ImageHeader, second: ImageHeader) -> bool:
    ((one, _),), ((other, _),) = read_hounsfield([first]), read_hounsfield([second])
    same_place = np.allclose(
        *(np.array(each.dataset.ImagePositionPatient, float) for each in (first, second)), atol=0.01
    )
    return same_place and np.array_equal(one, other)


def _two_images(stack: SliceStack, index: int, pairs: int) -> InputError:
    first, second = stack.headers[index : index + 2]
    acquisitions = {str(header.dataset.get("AcquisitionNumber") or "none") for header in stack.headers}
    several = f" The series has Acquisition Numbers {', '.join(sorted(acquisitions))}." if len(acquisitions) > 1 else ""
    return InputError(
        f"Two different images at the same place, {stack.heights_mm[index]:.2f} mm along the normal: {first.name} and "
        f"{second.name} ({pairs} such pairs).{several}",
        "Export one acquisition and one reconstruction only, or separate the files into a folder each.",
    )
