"""Before anything of a study leaves the house: no text in it may name a patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import InputError
from .case_files import find_image
from .privacy import PatientStrings, check_records, check_text, patient_strings
from .record import RatingRecord
from .study import STUDY_NAME, Study


def check_exportable(
    folder: Path, study: Study, records: Iterable[RatingRecord], search: Sequence[Path] = ()
) -> tuple[str, ...]:
    """Compare every text of a study and its scores with the patient modules of all its CTs.

    Args:
        folder: of the study.
        records: what is to be exported.
        search: folders to look in for CTs that moved.

    Returns:
        Pseudonyms of the cases whose CT was not found, so that nothing could be compared with it: to be told to the
        user. Texts typed while scoring were compared with the case's own CT then.

    Raises:
        InputError: a text holds a name, id or birth date of a patient; field and record are named, the text is not.
        ResourceError: a file cannot be read.
    """
    strings, not_found = patients_of(folder, study, search)
    for field, text in _texts_of(study).items():
        check_text(text, strings, field, STUDY_NAME)
    check_records(records, strings)
    return not_found


def patients_of(folder: Path, study: Study, search: Sequence[Path] = ()) -> tuple[PatientStrings, tuple[str, ...]]:
    """What no text may hold, of all patients of a study, and the pseudonyms of cases whose CT was not found."""
    strings, not_found = PatientStrings(), []
    for case in study.cases:
        try:
            strings |= patient_strings(find_image(folder, case.image, search), case.image)
        except InputError:
            not_found.append(case.pseudonym)
    return strings, tuple(not_found)


def _texts_of(study: Study) -> dict[str, str]:
    texts = {"title": study.title, "question": study.question, "raters": "\n".join(study.raters)}
    texts["sources"] = "\n".join(f"{source.key}\n{source.title}" for source in study.sources)
    for number, case in enumerate(study.cases, start=1):
        texts[f"cases: {number}"] = "\n".join((case.pseudonym, case.age_group, case.tumour_type, case.image.path))
    return texts
