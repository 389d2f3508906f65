"""What is odd about a run before it is started: one sentence each, blocking or to be confirmed.

Pure: facts about the machine are handed in. Needs neither torch nor scipy, so that the panel can ask it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..cases.volume import Volume
from ..geometry import canonical_reorientation, reoriented_geometry
from ..models.store import Bundle
from ..organs import HEPATOBLASTOMA, REFERENCE_AGES_YEARS
from ..runtime.hardware import Device, Hardware, device_words, duration_words
from ..system_memory import available_memory_mb, total_memory_mb
from .estimate import RunEstimate, body_mask, estimate_run
from .pipeline import InferenceOptions

_HIGHEST_MINIMUM_HU = -300  # gas in the bowel alone is far below; MR and normalised images are not
_SOFT_TISSUE_HU = (-200, 300)  # fat to contrast-filled vessels
_LEAST_SOFT_TISSUE = 0.25  # of the body; lungs and bone take up less than half of any trunk
_THICKEST_SLICE_MM = 5.0  # reconstructions for radiotherapy planning are 1 to 3 mm [Ding-OAR]
_WIDEST_PIXEL_MM = 2.0
_LARGEST_CUT_SHARE = 0.2  # of the slices, with the body at the edge of the image
_LONG_RUN_S = 900.0

# Mean height of both sexes in cm at REFERENCE_AGES_YEARS, ICRP Publication 89 (2002), table 2.9.
_HEIGHT_CM = (51.0, 76.0, 109.0, 138.0, 164.0, 169.5)
# Shares of the height: from the dome of the liver to the upper end of the thigh about a quarter; a liver half of that.
_TRUNK_SHARE, _LIVER_SHARE = 0.25, 0.12
_LEAST_COVERAGE = 0.6  # below this share of that length whole organs are missing

_BYTES_PER_VOXEL = 3  # input and labels on disk
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class PreflightProblem:
    """Something to know before a run.

    Attributes:
        message: what is the matter, one sentence.
        hint: what to do about it, or what it means.
        blocking: the run would fail; otherwise the user decides.
    """

    message: str
    hint: str
    blocking: bool


@dataclass(frozen=True)
class Machine:
    """What the run may use.

    Attributes:
        hardware: of the worker; None while it is not known.
        free_disk_bytes: where jobs lie.
        free_memory_mb, memory_mb: of the computer; None where the system does not say.
    """

    hardware: Hardware | None
    free_disk_bytes: int
    free_memory_mb: float | None
    memory_mb: float | None


def this_machine(hardware: Hardware | None, folder: Path, free_bytes: Callable[[Path], int]) -> Machine:
    """The machine this runs on; ``free_bytes`` tells the space left on the disk of a folder."""
    return Machine(hardware, free_bytes(folder), available_memory_mb(), total_memory_mb())


def preflight(
    volume: Volume, bundle: Bundle, options: InferenceOptions, machine: Machine
) -> tuple[PreflightProblem, ...]:
    """Everything odd about a run, blocking problems first; () when nothing is.

    Raises:
        ModelError: the bundle is broken or lacks the configuration or a fold.
    """
    estimate = estimate_run(volume, bundle, options.configuration, options.folds, options.mirror)
    found = [
        *_modality_problems(volume, bundle),
        *_age_problems(volume, bundle),
        *_grid_problems(volume),
        *_image_problems(volume, bundle, estimate),
        *_disk_problems(volume, machine),
        *_device_problems(estimate, options, machine),
    ]
    return tuple(sorted(found, key=lambda problem: not problem.blocking))


def _modality_problems(volume: Volume, bundle: Bundle) -> Iterator[PreflightProblem]:
    expected = bundle.manifest.modality
    if volume.modality and volume.modality != expected:
        yield PreflightProblem(
            f'The volume is of modality {volume.modality}, the model "{bundle.manifest.title}" is for {expected}.',
            f"Choose a {expected} volume or another model.",
            blocking=True,
        )


def _age_problems(volume: Volume, bundle: Bundle) -> Iterator[PreflightProblem]:
    age = volume.references.patient_age_years if volume.references else None
    lowest, highest = bundle.manifest.age_range_years
    if age is not None and not bundle.manifest.covers_age(age):
        yield PreflightProblem(
            f"The patient was {_age_words(age)} old, the model is meant for {lowest:g} to {highest:g} years.",
            "Expect worse contours, or choose another model.",
            blocking=False,
        )


def _grid_problems(volume: Volume) -> Iterator[PreflightProblem]:
    slice_mm, *pixel_mm = volume.geometry.spacing_mm
    if slice_mm > _THICKEST_SLICE_MM + 0.01:
        yield PreflightProblem(
            f"The slices are {slice_mm:.1f} mm apart.",
            f"Small organs such as adrenal glands need {_THICKEST_SLICE_MM:.0f} mm or less; use a thinner series.",
            blocking=False,
        )
    if max(pixel_mm) > _WIDEST_PIXEL_MM + 0.01:
        yield PreflightProblem(
            f"The pixels are {max(pixel_mm):.1f} mm wide.", "Contours will be coarse; use the original series.", False
        )


def _image_problems(volume: Volume, bundle: Bundle, estimate: RunEstimate) -> Iterator[PreflightProblem]:
    if bundle.manifest.modality == "CT":
        lowest = int(volume.array.min())
        if lowest > _HIGHEST_MINIMUM_HU:
            yield PreflightProblem(
                f"The lowest value is {lowest}, but a CT holds air near -1000 HU.",
                "Check that this is a CT in Hounsfield units, neither rescaled nor windowed.",
                blocking=False,
            )
            return  # what follows looks for air around the body
    if estimate.body is None:
        yield PreflightProblem(
            "Nothing of a body's size was found in the image.", "Check that the right volume is chosen.", False
        )
        return
    reorientation = canonical_reorientation(volume.geometry.affine)
    canonical = reorientation.apply(volume.array)
    spacing_mm = tuple(float(value) for value in reoriented_geometry(volume.geometry, reorientation).spacing_mm)
    mask, steps = body_mask(canonical, spacing_mm)
    yield from _tissue_problems(canonical[:: steps[0], :: steps[1], :: steps[2]][mask], bundle)
    yield from _coverage_problems(mask, mask.shape[0] * steps[0] * spacing_mm[0], volume, bundle)


def _tissue_problems(values: np.ndarray, bundle: Bundle) -> Iterator[PreflightProblem]:
    low, high = _SOFT_TISSUE_HU
    share = float(np.mean((values >= low) & (values <= high)))
    if bundle.manifest.modality == "CT" and share < _LEAST_SOFT_TISSUE:
        yield PreflightProblem(
            f"Only {100 * share:.0f} % of the body has the values of soft tissue ({low} to {high} HU).",
            "Check that the values are Hounsfield units.",
            blocking=False,
        )


def _coverage_problems(
    mask: np.ndarray, length_mm: float, volume: Volume, bundle: Bundle
) -> Iterator[PreflightProblem]:
    at_edge = mask[:, [0, -1], :].any(axis=(1, 2)) | mask[:, :, [0, -1]].any(axis=(1, 2))
    if at_edge.mean() > _LARGEST_CUT_SHARE:
        yield PreflightProblem(
            f"The edge of the image cuts the body on {100 * at_edge.mean():.0f} % of the slices.",
            "Organs there are incomplete; use a series with a larger field of view.",
            blocking=False,
        )
    age = volume.references.patient_age_years if volume.references else None
    keys = set(bundle.manifest.organs.values())
    share = _LIVER_SHARE if keys <= {"liver", HEPATOBLASTOMA.key} else _TRUNK_SHARE
    height_cm = float(np.interp(1.0 if age is None else age, REFERENCE_AGES_YEARS, _HEIGHT_CM))
    needed_cm = share * height_cm
    if length_mm / 10 < _LEAST_COVERAGE * needed_cm:
        child = "even a one-year-old" if age is None else f"a child of {_age_words(age)}"
        yield PreflightProblem(
            f"The scan is {length_mm / 10:.0f} cm long; {child} needs about {needed_cm:.0f} cm for this model.",
            "Organs outside the scan will be missing or cut.",
            blocking=False,
        )


def _disk_problems(volume: Volume, machine: Machine) -> Iterator[PreflightProblem]:
    needed = volume.array.size * _BYTES_PER_VOXEL + _SPARE_BYTES
    if machine.free_disk_bytes < needed:
        yield PreflightProblem(
            f"The run needs {needed / 1e6:.0f} MB of disk space, only {machine.free_disk_bytes / 1e6:.0f} MB are free.",
            "Free space on the disk of your user folder.",
            blocking=True,
        )


def _device_problems(estimate: RunEstimate, options: InferenceOptions, machine: Machine) -> Iterator[PreflightProblem]:
    hardware = machine.hardware
    device = hardware.device(options.device) if hardware is not None else None
    if hardware is not None and device is None:
        there = ", ".join(device_words(each) for each in hardware.usable) or "none"
        yield PreflightProblem(
            f'There is no device "{options.device}" that can be used (found: {there}).',
            "Choose the device auto or cpu.",
            blocking=True,
        )
        return
    if device is not None and device.name.startswith("cuda"):
        yield from _gpu_problems(estimate, device)
    elif device is None or device.name == "cpu":
        yield from _memory_problems(estimate, machine)
    if device is not None:
        yield from _time_problems(estimate, device, hardware, options)


def _gpu_problems(estimate: RunEstimate, device: Device) -> Iterator[PreflightProblem]:
    if device.free_memory_mb is not None and estimate.gpu_memory_mb > device.free_memory_mb:
        yield PreflightProblem(
            f"The run needs about {_gb(estimate.gpu_memory_mb)} of the graphics card's memory, "
            f"only {_gb(device.free_memory_mb)} are free.",
            "Close other programs that use it; otherwise the run falls back to slower ways.",
            blocking=False,
        )


def _memory_problems(estimate: RunEstimate, machine: Machine) -> Iterator[PreflightProblem]:
    needed, free, whole = estimate.memory_mb, machine.free_memory_mb, machine.memory_mb
    if whole is not None and needed > whole:
        yield PreflightProblem(
            f"The run needs about {_gb(needed)} of memory, this computer has {_gb(whole)}.",
            "Choose the low-resolution configuration, or crop the volume.",
            blocking=True,
        )
    elif free is not None and needed > free:
        yield PreflightProblem(
            f"The run needs about {_gb(needed)} of memory, only {_gb(free)} are free.",
            "Close other programs, or choose the low-resolution configuration.",
            blocking=False,
        )


def _time_problems(
    estimate: RunEstimate, device: Device, hardware: Hardware, options: InferenceOptions
) -> Iterator[PreflightProblem]:
    seconds = estimate.seconds(device)
    if seconds is None or seconds < _LONG_RUN_S:
        return
    passed_over = [each for each in hardware.devices if each.problem is not None]
    hint = "Fewer folds, no mirroring or the low-resolution configuration are faster."
    if passed_over and options.device == "auto":
        hint = f"{device_words(passed_over[0])}: {passed_over[0].problem}. {hint}"
    yield PreflightProblem(f"The run will take about {duration_words(seconds)} on the {device.name}.", hint, False)


def _gb(size_mb: float) -> str:
    return f"{size_mb / 1000:.1f} GB"


def _age_words(age_years: float) -> str:
    return f"{age_years:.0f} years" if age_years >= 2 else f"{12 * age_years:.0f} months"
