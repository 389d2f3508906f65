"""One CT volume from the DICOM files of a series: find, sort, validate, merge, affine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..geometry import Geometry
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .series_choice import find_series
from .series_duplicates import without_duplicates
from .series_geometry import SliceStack, sorted_stack, stack_affine
from .series_references import references_of
from .series_spacing import Gaps, filled, slice_grid
from .series_tilt import Tilt, sheared, tilt_of
from .series_voxels import read_voxels
from .volume import DicomReferences, Volume

_SCAN_SHARE = 0.3  # of the time, for looking through the folder


def read_series(
    folder: Path,
    series_uid: str | None = None,
    on_progress: OnProgress = ignore_progress,
    gaps: Gaps = "refuse",
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

    Raises:
        InputError: no CT series or several, a series that is not a stack of equally spaced, equally oriented slices,
            missing attributes, pixel data that cannot be decoded. The message names file, attribute and values.
        ResourceError: a file cannot be read. UsageError: another value of ``gaps``.
    """
    headers = find_series(folder, series_uid, _part(on_progress, 0.0, _SCAN_SHARE))
    stack, notes = without_duplicates(sorted_stack(headers))
    if len(stack.headers) < 2:
        raise InputError(
            f"The series has a single slice ({stack.headers[0].name}); its distance to others is unknown.",
            "Give a series of at least two slices.",
        )
    grid = slice_grid(stack.heights_mm, [header.name for header in stack.headers], gaps)
    tilt = tilt_of(stack)
    array, corrections = read_voxels(stack.headers, _part(on_progress, _SCAN_SHARE, 1.0))
    if array.min() == array.max():
        raise InputError(
            f"All voxels of the series in {folder} are {array.min()} HU.",
            "Export the series again: it has no image content.",
        )
    notes += corrections.notes()
    if tilt is not None:
        array = sheared(array, tilt)
        notes += (tilt.note(),)
    if grid.indices is not None:
        array = filled(array, grid)
        notes += (grid.note(),)
    references = replace(_references(stack, tilt), grid_indices=grid.indices)
    affine = stack_affine(stack, references.slices[0].corner_mm, grid.spacing_mm)
    return Volume(array, Geometry(array.shape, affine), "CT", references, Path(folder).name, notes)


def _references(stack: SliceStack, tilt: Tilt | None) -> DicomReferences:
    references = references_of(stack.headers)
    if tilt is None:
        return references
    shifted = (
        replace(one, shift_px=tuple(shift))
        for one, shift in zip(references.slices, tilt.shifts_px.tolist(), strict=True)
    )
    return replace(references, slices=tuple(shifted))


def _part(on_progress: OnProgress, begin: float, end: float) -> OnProgress:
    """Progress of one part of the work, given as that of the whole."""
    return lambda event: on_progress(ProgressEvent(event.stage, begin + (end - begin) * event.fraction))
