"""One CT volume from the DICOM files of a series: find, sort, validate, merge, affine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..geometry import Geometry
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .dicom_headers import ImageHeader
from .series_checks import is_empty, required_numbers
from .series_choice import find_series
from .series_duplicates import without_duplicates
from .series_geometry import sorted_stack, stack_affine
from .series_references import references_of
from .series_spacing import Gaps, even_grid, filled, lone_slice
from .series_tilt import on_sheared_grid, sheared, tilt_of
from .series_voxels import read_voxels
from .volume import Volume

_SCAN_SHARE = 0.3  # of the time, for looking through the folder


def read_series(
    folder: Path,
    series_uid: str | None = None,
    on_progress: OnProgress = ignore_progress,
    gaps: Gaps = "refuse",
    fewest_slices: int = 2,
) -> Volume:
    """Read one CT series below ``folder``; nothing is written.

    The first array axis runs along the normal of Image Orientation (Patient), so that positions increase along it.
    Slices of a tilted gantry are sheared onto a grid, repeated images left out, padding read as air; what was changed
    is said in ``notes``.

    Args:
        folder: searched with all its subfolders.
        series_uid: Series Instance UID; may be left out when there is only one CT series.
        on_progress: stage "read", fraction done; may raise to stop.
        gaps: missing slices and several distances in one series: "refuse", or "fill" them by linear interpolation onto
            an even grid.
        fewest_slices: with 1 a single slice is a volume too, as thick as Slice Thickness (0018,0050) says or 1 mm.

    Raises:
        InputError: no CT series or several, a series that is not a stack of equally spaced, equally oriented slices,
            missing attributes, pixel data that cannot be decoded. The message names file, attribute and values.
        ResourceError: a file cannot be read. UsageError: another value of ``gaps``.
    """
    headers = find_series(folder, series_uid, _part(on_progress, 0.0, _SCAN_SHARE))
    stack, notes = without_duplicates(sorted_stack(headers))
    if len(stack.headers) < fewest_slices:
        raise InputError(
            f"The series has a single slice ({stack.headers[0].name}); its distance to others is unknown.",
            "Give a series of at least two slices.",
        )
    if len(stack.headers) == 1:
        grid = lone_slice(_thickness_mm(stack.headers[0]))
    else:
        grid = even_grid(stack.heights_mm, [header.name for header in stack.headers], gaps)
    references = references_of(stack.headers)
    tilt = tilt_of(references)
    references = replace(on_sheared_grid(references, tilt), grid_indices=grid.indices)
    array, corrections = read_voxels(stack.headers, _part(on_progress, _SCAN_SHARE, 1.0))
    if array.min() == array.max():
        raise InputError(
            f"All voxels of the series in {folder} are {array.min()} HU.",
            "Export the series again: it has no image content.",
        )
    notes += corrections.notes()
    if tilt is not None:
        array = sheared(array, references)
        notes += (tilt.note(),)
    if grid.indices is not None:
        array = filled(array, grid)
        notes += (grid.note(),)
    affine = stack_affine(stack, references.slices[0].corner_mm, grid.spacing_mm)
    return Volume(array, Geometry(array.shape, affine), "CT", references, Path(folder).name, notes)


def _thickness_mm(header: ImageHeader) -> float:
    thickness_mm = 0.0 if is_empty(header, "SliceThickness") else required_numbers(header, "SliceThickness", 1)[0]
    return float(thickness_mm) if thickness_mm > 0 else 1.0


def _part(on_progress: OnProgress, begin: float, end: float) -> OnProgress:
    """Progress of one part of the work, given as that of the whole."""
    return lambda event: on_progress(ProgressEvent(event.stage, begin + (end - begin) * event.fraction))
