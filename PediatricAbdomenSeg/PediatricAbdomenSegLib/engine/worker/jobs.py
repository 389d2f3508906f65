"""What the worker and the command line do for a user: from an input path to a complete folder of results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..cases.ct_header import missing_reference
from ..cases.dicom_seg import write_dicom_seg
from ..cases.image_file import write_label_map, write_scalar_map
from ..cases.read_case import read_case
from ..cases.rtstruct_writer import write_rtstruct
from ..cases.seg_nrrd import model_tags, write_seg_nrrd
from ..cases.volume import ScalarMap, Volume
from ..checksums import sha256_of_file
from ..errors import InputError
from ..inference.pipeline import InferenceOptions, ModelCache, Segmentation, segment
from ..inference.uncertainty import STEPS
from ..models.store import Bundle, find_bundle, list_bundles
from ..organs import organ_by_key
from ..progress import CancelToken, Check, OnProgress, ignore_progress
from ..reporting.preview import write_preview
from ..reporting.record import result_record, status_note, write_record
from .export_masks import LabelArray, provenance, roi_masks
from .fingerprint import finished_record, input_sha256
from .job_progress import JobProgress
from .result_folder import (
    ENTROPY_NAME,
    RESULT_NAME,
    edited_results,
    free_bytes,
    os_errors_named,
    require_space,
    staged_results,
)

Segmenter = Callable[..., Segmentation]
READ_SHARE, WRITE_SHARE = 0.06, 0.12  # of the expected time of a run on a CPU
HIGHEST_MINIMUM_HU = -300  # gas in the bowel alone is far below; MR and normalised images are not
SPARE_BYTES = 64_000_000  # for contours, preview and what else runs on the machine


@dataclass(frozen=True)
class SegmentJob:
    """One case to segment.

    Attributes:
        input: DICOM folder, one DICOM file, NIfTI, NRRD or MHA.
        output: folder for the results; see `result_folder.staged_results`.
        model: name of a bundle or path of its folder.
        series_uid: Series Instance UID, where the input holds several CT series.
        options: how the network is run.
        dicom_seg: also write segmentation.dcm, for DICOM input.
        fill_gaps: interpolate missing slices of a DICOM series instead of refusing it.
    """

    input: Path
    output: Path
    model: str = "multi-organ"
    series_uid: str | None = None
    options: InferenceOptions = field(default_factory=InferenceOptions)
    dicom_seg: bool = False
    fill_gaps: bool = False


def segment_case(
    job: SegmentJob,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
    models: ModelCache | None = None,
    resume: bool = False,
    segmenter: Segmenter = segment,
    find: Callable[[str], Bundle] = find_bundle,
    free: Callable[[Path], int] = free_bytes,
) -> dict[str, Any]:
    """Segment a case and write its `RESULT_FILES`.

    rtstruct.dcm only for DICOM input, segmentation.dcm only for DICOM input where asked for, entropy.nii.gz where asked
    for.

    Args:
        models: loaded networks, kept from case to case; None loads the model for this case alone.
        resume: return the earlier record where the output already holds a complete result of the same input, model
            and options.
        segmenter, find, free: `segment`, `find_bundle` and `free_bytes`, handed in by tests.

    Returns:
        The content of result.json.

    Raises:
        UsageError, InputError, ModelError, ResourceError, Cancelled: nothing was written, an earlier result is kept.
    """
    cancel = cancel or CancelToken()
    progress = JobProgress(on_progress, cancel)
    bundle = find(job.model)
    request = run_request(job, bundle, cancel.raise_if_cancelled)
    if resume and (record := finished_record(job.output, request)) is not None:
        return record
    edited = edited_results(job.output)
    with staged_results(job.output, kept=edited) as folder:
        progress.begin("read", 0.0, READ_SHARE)
        volume = _read(job, progress)
        optional_bytes = volume.array.size * (job.options.entropy + job.dicom_seg)
        require_space(folder, volume.array.size // 4 + optional_bytes + SPARE_BYTES, free)
        progress.begin("network", READ_SHARE, 1 - WRITE_SHARE)
        segmentation = segmenter(volume, bundle, job.options, on_progress=progress, cancel=cancel, models=models)
        progress.begin("write", 1 - WRITE_SHARE, 1.0)
        with os_errors_named(job.output):
            written = write_result_files(folder, volume, segmentation, bundle, progress, job.dicom_seg)
            kept = [
                f"{name} had been changed since the earlier run: kept as {other}." for name, other in edited.items()
            ]
            segmentation = replace(segmentation, notes=(*run_notes(volume, segmentation, bundle), *written, *kept))
            files = {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())}
            seconds = {"read": progress.seconds["read"], **segmentation.seconds, **progress.end()}
            record = result_record(volume, segmentation, bundle, request, seconds, files)
            write_record(record, folder / RESULT_NAME)
        cancel.raise_if_cancelled()
    return record


def run_request(job: SegmentJob, bundle: Bundle, check: Check) -> dict[str, Any]:
    """What decides the result of a run: input, model and options, without paths. Raises `InputError` if unreadable."""
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(job.options).items()}
    for where in ("device", "low_memory"):  # where it ran does not decide what is found
        del options[where]
    try:
        digest = input_sha256(job.input, job.output, check)
    except OSError as error:
        raise InputError(
            f"{job.input} cannot be read: {error.strerror}.", "Check the path and your permissions."
        ) from error
    if job.dicom_seg:
        options["dicom_seg"] = True
    if job.fill_gaps:
        options["fill_gaps"] = True
    return {"input_sha256": digest, "model_sha256": bundle.sha256, "series": job.series_uid, **options}


def write_result_files(
    folder: Path,
    volume: Volume,
    segmentation: Segmentation,
    bundle: Bundle,
    progress: JobProgress,
    dicom_seg: bool = False,
) -> tuple[str, ...]:
    """Write everything but result.json into ``folder``; returns what the user should know of it, sentences."""
    label_map = segmentation.label_map
    structures = tuple(organ_by_key(organ.key) for organ in segmentation.organs)
    note = status_note(bundle.manifest.status)
    write_label_map(label_map, folder / "labels.nii.gz")
    if segmentation.entropy is not None:
        entropy = segmentation.entropy / np.float32(STEPS)
        write_scalar_map(ScalarMap(entropy, label_map.geometry), folder / ENTROPY_NAME)
    progress.part(0.3)
    write_seg_nrrd(label_map, folder / "segmentation.seg.nrrd", structures, model_tags(provenance(bundle)))
    progress.part(0.5)
    notes: tuple[str, ...] = ()
    if volume.references is not None and not rtstruct_notes(volume, segmentation):
        masks = roi_masks([LabelArray(label_map.array, provenance(bundle))], structures)
        # Seconds for a large case: reported organ by organ, which is also where a cancellation is noticed.
        notes = write_rtstruct(
            volume.references,
            masks,
            folder / "rtstruct.dcm",
            on_progress=lambda event: progress.part(0.5 + 0.2 * event.fraction),
        ).notes
        progress.part(0.7)
        if dicom_seg:
            notes += write_dicom_seg(
                volume.references,
                masks,
                folder / "segmentation.dcm",
                on_progress=lambda event: progress.part(0.7 + 0.1 * event.fraction),
            ).notes
    elif dicom_seg:
        why = "the input is no DICOM series" if volume.references is None else "for the same reason"
        notes = (f"No segmentation.dcm: {why}.",)
    progress.part(0.8)
    volumes_ml = {organ.key: organ.volume_ml for organ in segmentation.organs}
    title = f"{bundle.manifest.title} {bundle.manifest.version}"
    write_preview(volume, label_map, structures, folder / "preview.png", title, note.upper(), volumes_ml)
    return notes


def run_notes(volume: Volume, segmentation: Segmentation, bundle: Bundle) -> tuple[str, ...]:
    """What the user should know: what reading changed, the segmenter's notes, a patient or values the model is not
    meant for, a missing RTSTRUCT."""
    notes = [*volume.notes, *segmentation.notes]
    age_years = volume.references.patient_age_years if volume.references else None
    if age_years is not None and not bundle.manifest.covers_age(age_years):  # the age itself is the patient's
        youngest, oldest = bundle.manifest.age_range_years
        notes.append(f"The model is meant for {youngest:g} to {oldest:g} years, the patient is not: check with care.")
    lowest = int(volume.array.min())
    if lowest > HIGHEST_MINIMUM_HU:
        notes.append(f"The lowest value is {lowest}, but a CT holds air near -1000 HU: check that this is a CT.")
    return (*notes, *rtstruct_notes(volume, segmentation))


def rtstruct_notes(volume: Volume, segmentation: Segmentation) -> tuple[str, ...]:
    """Why a DICOM series gets no RTSTRUCT, in one sentence; () when it does, and for other input."""
    if volume.references is None:
        return ()
    missing = missing_reference(volume.references)
    if missing is not None:
        return (f"No rtstruct.dcm: contours cannot refer to this series, its {missing} is missing.",)
    if not segmentation.label_map.array.any():
        return ("No rtstruct.dcm: nothing was found.",)
    return ()


def list_models() -> dict[str, Any]:
    """The bundles on the search path: ``{"models": [{name, title, version, status, ... or error}]}``."""
    models = []
    for listed in list_bundles():
        if listed.bundle is None:
            models.append({"name": listed.name, "folder": str(listed.folder), "error": str(listed.error)})
            continue
        manifest = listed.bundle.manifest
        models.append(
            {
                "name": manifest.name,
                "title": manifest.title,
                "version": manifest.version,
                "status": manifest.status,
                "target": manifest.target,
                "modality": manifest.modality,
                "age_range_years": list(manifest.age_range_years),
                "organs": list(manifest.organs.values()),
                "sha256": listed.bundle.sha256,
                "folder": str(listed.folder),
            }
        )
    return {"models": models}


def _read(job: SegmentJob, progress: JobProgress) -> Volume:
    try:
        return read_case(job.input, job.series_uid, progress, "fill" if job.fill_gaps else "refuse")
    except OSError as error:
        raise InputError(
            f"{job.input} cannot be read: {error.strerror}.", "Check the path and your permissions."
        ) from error
