"""Create a study folder from a plan."""

from __future__ import annotations

import json
import secrets
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from ..cases.atomic_file import replaced_when_complete
from ..errors import InputError, UsageError
from .assignment import Contour, StudyKey
from .assignment_files import write_key
from .case_files import image_reference, segmentation_reference
from .plan import PlannedCase, StudyPlan
from .privacy import check_text, patient_strings
from .record import utc_now
from .study import STUDY_NAME, Study, StudyCase, check_study, write_study

CONTOURS_FOLDER = "contours"
_SCENE_WITH_FILES = ".mrml"
_RESULT_NAME = "result.json"


def create_study(
    folder: Path, plan: StudyPlan, seed: str | None = None, on_case: Callable[[str], None] = lambda pseudonym: None
) -> Study:
    """Make a study folder: ``study.json``, the key, and in a blinded study the contours under names that say nothing.

    Args:
        folder: to be made; it must not hold a study.
        seed: orders and tokens follow from it; None for a random one. It is kept in the key.
        on_case: called with each pseudonym before its files are read.

    Raises:
        UsageError: the folder holds a study already.
        InputError: the plan contradicts itself, a file is missing or of the wrong kind, or a pseudonym, a path or
            another text of the study has a name, id or date of the patient in it.
        ResourceError: a file cannot be read or written.
    """
    folder = Path(folder)
    if (folder / STUDY_NAME).exists():
        raise UsageError(f"{folder} holds a study already.", "Choose another folder.")
    _check_sources(plan)
    cases = []
    for number, planned in enumerate(plan.cases, start=1):
        on_case(planned.pseudonym)
        cases.append(_case(folder, planned, plan, f"Case {number} of the plan"))
    study = Study(
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
    check_study(study)  # before anything is written
    contours = [_contour(folder, planned, source, plan) for planned in plan.cases for source in planned.segmentations]
    # study.json comes last: a folder without it is no study, and creating it can be tried again.
    write_key(folder, StudyKey(study.id, secrets.token_hex(16) if seed is None else seed, tuple(contours), {}))
    write_study(folder, study)
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


def _case(folder: Path, planned: PlannedCase, plan: StudyPlan, where: str) -> StudyCase:
    """The case with its CT looked at; its texts and files are checked, nothing is written."""
    image = image_reference(planned.ct, folder, planned.series_uid)
    case = StudyCase(
        pseudonym=planned.pseudonym,
        image=image,
        age_group=planned.age_group,
        sex=planned.sex,
        contrast=planned.contrast,
        tumour_type=planned.tumour_type,
        absent_organs=planned.absent_organs,
    )
    texts = {
        "title": plan.title,
        "question": plan.question,
        "pseudonym": case.pseudonym,
        "age_group": case.age_group,
        "tumour_type": case.tumour_type,
        "ct": image.path,
    }
    for source, path in planned.segmentations.items():
        reference = segmentation_reference(path, folder)
        if plan.blinded and path.suffix.lower() == _SCENE_WITH_FILES:
            raise InputError(
                f"{path.name} is a scene whose files lie beside it; a blinded study needs a copy of it in one file.",
                "Save the scene as a medical record bundle (.mrb).",
            )
        if not plan.blinded:  # else the copies get names of ours
            texts[f"segmentations: {source}"] = reference.path
    strings = patient_strings(planned.ct, image)
    for field, text in texts.items():
        check_text(text, strings, field, where)
    return case


def _contour(folder: Path, planned: PlannedCase, source: str, plan: StudyPlan) -> Contour:
    path = planned.segmentations[source]
    shown = _neutral_copy(folder, path) if plan.blinded else path
    bundle = plan.bundles.get(source) or _bundle_beside(path)
    return Contour(planned.pseudonym, source, segmentation_reference(shown, folder), bundle)


def _neutral_copy(folder: Path, path: Path) -> Path:
    """A copy whose name says nothing about where it came from; only what kind of file it is."""
    suffix = "".join(path.suffixes[-2:]) if path.name.lower().endswith((".nii.gz", ".seg.nrrd")) else path.suffix
    copy = folder / CONTOURS_FOLDER / f"{secrets.token_hex(6)}{suffix.lower()}"
    with replaced_when_complete(copy) as temporary:
        shutil.copyfile(path, temporary)
    return copy


def _bundle_beside(path: Path) -> str:
    """SHA-256 of the model that wrote the result folder ``path`` lies in; "" when it lies in none."""
    try:
        record = json.loads((path.parent / _RESULT_NAME).read_text(encoding="utf-8"))
        return str(record["model"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):  # contours from elsewhere
        return ""
