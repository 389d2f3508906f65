"""Whether a file is DICOM, with or without the prefix that the standard asks for."""

from __future__ import annotations

import struct
from pathlib import Path

from pydicom.errors import BytesLengthException, InvalidDicomError

from ..errors import InputError, PediatricAbdomenSegError, ResourceError

# What pydicom raises on damaged or malformed files, depending on where it stumbles; and files that cannot be read.
DAMAGED = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    ArithmeticError,
    RecursionError,
    RuntimeError,
    struct.error,
    OSError,
)
_PREFIX_OFFSET, _PREFIX = 128, b"DICM"
# How a data set without the prefix begins: its first element is in the file meta information or the identifying group.
_FIRST_ELEMENTS = {0x0002: range(0x0000, 0x0011), 0x0008: range(0x0000, 0x0019)}
_FIRST_VRS = {b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"LO", b"SH"}
_LONGEST_FIRST_VALUE = 256  # bytes


def reading_error(path: Path, error: Exception) -> PediatricAbdomenSegError:
    """What went wrong, for the user: the machine could not read a file, or what it read is damaged.

    Args:
        error: an OSError, or one of `DAMAGED`. pydicom raises OSError without a number where data end too soon.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return ResourceError(f"{path} cannot be read: {error.strerror}.", "Check the permissions of the file.")
    return InputError(f"{path} is a damaged DICOM file: {error}.", "Copy or export the series again.")


def is_dicom_file(path: Path) -> bool:
    """Whether a file carries the DICOM prefix, or begins as old archives write data sets without it.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return is_dicom_start(file.read(_PREFIX_OFFSET + len(_PREFIX)))


def is_dicom_start(first_bytes: bytes) -> bool:
    """`is_dicom_file` for the first 132 bytes of a file."""
    return first_bytes[_PREFIX_OFFSET:] == _PREFIX or _begins_as_data_set(first_bytes)


def _begins_as_data_set(first_bytes: bytes) -> bool:
    if len(first_bytes) < 8:
        return False
    is_explicit = first_bytes[4:6] in _FIRST_VRS
    for order in "<>":
        group, element, length = struct.unpack(f"{order}HHI", first_bytes[:8])
        if element in _FIRST_ELEMENTS.get(group, ()) and (is_explicit or length < _LONGEST_FIRST_VALUE):
            return True
    return False
