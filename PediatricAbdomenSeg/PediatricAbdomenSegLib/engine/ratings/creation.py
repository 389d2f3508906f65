"""Create a study folder from a plan."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..errors import InputError, UsageError
from .assignment import Contour, StudyKey
from .assignment_files import write_key
from .case_contents import read_case_contours, read_case_image
from .case_files import image_reference, segmentation_reference
from .neutral_copy import forget_order, write_neutral_copy
from .plan import PlannedCase, StudyPlan
from .privacy import check_text, patient_strings
from .record import utc_now
from .study import STUDY_NAME, ImageReference, Study, StudyCase, check_study, write_study

CONTOURS_FOLDER = "contours"
_RESULT_NAME = "result.json"


def create_study(
    folder: Path, plan: StudyPlan, seed: str | None = None, on_case: Callable[[str], None] = lambda pseudonym: None
) -> Study:
    """Make a study folder: ``study.json``, the key, and in a blinded study neutral copies of the contours.

    The copies hold voxels and organs in one kind of file on the CT's grid, because an RTSTRUCT, a DICOM SEG or a scene
    names patient and source in many places, and grids tell sources apart. The page that shows contours makes voxels of
    all kinds of files: a rater misses nothing, but for detail that a label map has beyond the CT's own grid.

    Args:
        folder: to be made; it must not hold a study.
        seed: orders and tokens follow from it; None for a random one. It is kept in the key.
        on_case: called with each pseudonym before its files are read.

    Raises:
        UsageError: the folder holds a study already.
        InputError: the plan contradicts itself, a file is missing or of the wrong kind, a pseudonym, a path or another
            text of the study has a name, id or date of a patient in it, or contours to be blinded cannot be read,
            belong to another CT or hold no organ of the study.
        ResourceError: a file cannot be read or written.
    """
    folder = Path(folder)
    if (folder / STUDY_NAME).exists():
        raise UsageError(f"{folder} holds a study already.", "Choose another folder.")
    _check_sources(plan)
    nothing_read = ImageReference("image_file", "not read yet", "not read yet")
    # Before the CTs are read, which takes minutes.
    check_study(_study(plan, [_studied(planned, nothing_read) for planned in plan.cases]))
    cases = []
    for number, planned in enumerate(plan.cases, start=1):
        on_case(planned.pseudonym)
        cases.append(_case(folder, planned, plan, f"Case {number} of the plan"))
    study = _study(plan, cases)
    contours = _contours(folder, study, plan)
    # study.json comes last: a folder without it is no study, and creating it can be tried again.
    seed = secrets.token_hex(16) if seed is None else seed
    write_key(folder, StudyKey(study.id, seed, contours, {}, study.sources))
    write_study(folder, replace(study, sources=()) if study.blinded else study)
    return study


def _check_sources(plan: StudyPlan) -> None:
    known = [source.key for source in plan.sources]
    for key in plan.bundles:
        if key not in known:
            raise InputError(f'"bundles" names the source "{key}".', f"The plan has: {', '.join(known)}.")
    for case in plan.cases:
        if not case.segmentations:
            raise InputError(f"The case {case.pseudonym} has no segmentation.", "Give at least one for each case.")
        for key in case.segmentations:
            if key not in known:
                raise InputError(
                    f'The case {case.pseudonym} has contours of the source "{key}".',
                    f"The plan has: {', '.join(known)}.",
                )


def _study(plan: StudyPlan, cases: Sequence[StudyCase]) -> Study:
    return Study(
        id=str(uuid.uuid4()),
        title=plan.title,
        question=plan.question,
        blinded=plan.blinded,
        cases=tuple(cases),
        organs=plan.organs,
        sources=plan.sources,
        raters=plan.raters,
        scale=plan.scale,
        thresholds=plan.thresholds,
        created_at=utc_now(),
    )


def _studied(planned: PlannedCase, image: ImageReference) -> StudyCase:
    return StudyCase(
        pseudonym=planned.pseudonym,
        image=image,
        age_group=planned.age_group,
        sex=planned.sex,
        contrast=planned.contrast,
        tumour_type=planned.tumour_type,
        absent_organs=planned.absent_organs,
    )


def _case(folder: Path, planned: PlannedCase, plan: StudyPlan, where: str) -> StudyCase:
    """The case with its CT looked at; its texts and files are checked, nothing is written."""
    with _at(f"{where}, ct"):
        image = image_reference(planned.ct, folder, planned.series_uid)
    case = _studied(planned, image)
    texts = {
        "title": plan.title,
        "question": plan.question,
        "raters": "\n".join(plan.raters),
        "sources": "\n".join(f"{source.key}\n{source.title}" for source in plan.sources),
        "pseudonym": case.pseudonym,
        "age_group": case.age_group,
        "tumour_type": case.tumour_type,
        "ct": image.path,
    }
    for source, path in planned.segmentations.items():
        with _at(f"{where}, {source}"):
            reference = segmentation_reference(path, folder)
        if not plan.blinded:  # else the copies get names of ours
            texts[f"segmentations: {source}"] = reference.path
    strings = patient_strings(planned.ct, image)
    for field, text in texts.items():
        check_text(text, strings, field, where)
    return case


def _contours(folder: Path, study: Study, plan: StudyPlan) -> tuple[Contour, ...]:
    """Every contour set as raters get it; in a blinded study its copy is written."""
    contours: list[Contour] = []
    copies: dict[tuple[str, str], Path] = {}  # by source and pseudonym
    try:
        for case, planned in zip(study.cases, plan.cases, strict=True):
            if plan.blinded:
                _write_copies(folder, study, case, planned, copies)
            for source, path in planned.segmentations.items():
                original = segmentation_reference(path, folder)
                shown = segmentation_reference(copies[source, case.pseudonym], folder) if plan.blinded else original
                bundle = plan.bundles.get(source) or _bundle_beside(path)
                contours.append(Contour(case.pseudonym, source, shown, bundle, original.sha256))
        forget_order(copies.values(), time.time())
    except BaseException:
        for copy in copies.values():  # without a study nobody would know what they are
            copy.unlink(missing_ok=True)
        for made in (folder / CONTOURS_FOLDER, folder):
            with suppress(OSError):  # not there, or not empty: it was there before
                made.rmdir()
        raise
    return tuple(contours)


def _write_copies(
    folder: Path, study: Study, case: StudyCase, planned: PlannedCase, copies: dict[tuple[str, str], Path]
) -> None:
    """Write a case's copies and enter them under source and pseudonym, in random order: it must not be the plan's."""
    with _at(f"{case.pseudonym}, ct"):
        image = read_case_image(planned.ct, case.image.kind, case.image.series_instance_uid)
    organs = [organ.key for organ in study.organs]
    for source in secrets.SystemRandom().sample(list(planned.segmentations), len(planned.segmentations)):
        path = planned.segmentations[source]
        with _at(f"{case.pseudonym}, {source}"):
            found = read_case_contours(path, segmentation_reference(path, folder).kind, image, organs)
            if not found.organs:
                raise InputError(
                    f"{path.name} holds none of the study's organs.",
                    f"Name its structures like organs of the table; the study asks for {', '.join(organs)}.",
                )
            copies[source, case.pseudonym] = copy = folder / CONTOURS_FOLDER / f"{secrets.token_hex(6)}.seg.nrrd"
            write_neutral_copy(found, image.geometry, copy)


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Errors of a file say which case and source of the plan it belongs to."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.hint) from error


def _bundle_beside(path: Path) -> str:
    """SHA-256 of the model that wrote the result folder ``path`` lies in; "" when it lies in none."""
    try:
        record = json.loads((path.parent / _RESULT_NAME).read_text(encoding="utf-8"))
        return str(record["model"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):  # contours from elsewhere
        return ""
