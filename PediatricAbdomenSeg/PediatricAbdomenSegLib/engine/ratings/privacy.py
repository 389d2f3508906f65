"""Nothing that names a patient gets into a rating or an export: texts are compared with the patient module of the CTs.

Names are compared in parts of three letters and more, without case and diacritics; short parts as whole words only,
because "Eva" must not forbid "evaluation". Addresses are compared line by line (street, town, postcode): their words,
such as "Upper", are needed in comments. So are those of the history and the like, of which whole sentences count. Birth
dates count in the usual ways of writing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, ResourceError
from .dicom_identity import DAMAGED, file_of_series
from .raters import folded
from .record import RatingRecord
from .study import ImageReference

if TYPE_CHECKING:
    from pydicom import DataElement

FEWEST_LETTERS = 3
# Parts of at least this length are looked for inside words as well: "Johanna" in "Johannas", "xJohanna01".
_INSIDE_WORDS = 5
_PATIENT_GROUP = 0x0010
# Value representations that hold words of the patient's own; codes such as sex, numbers and ages identify nobody.
_TEXT_REPRESENTATIONS = {"PN", "LO", "SH", "LT", "ST", "UT", "UC", "DA"}
# AdditionalPatientHistory "tumour" must not forbid a comment on the tumour, but a sentence copied from there tells who.
_DESCRIPTIONS, _FEWEST_WORDS = {"AdditionalPatientHistory", "Allergies", "MedicalAlerts"}, 3
_NAME_PARTS, _ADDRESS_LINES = r"[\^=\s,\-]+", r"[\^,;\r\n]+"
_TRANSCRIBED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
_YEARS = ("%Y", "%y")
# The other members are codes, hashes, numbers and times that the software writes.
_TYPED_BY_PEOPLE = ("case", "rater", "comment", "not_assessable")


@dataclass(frozen=True)
class PatientStrings:
    """What must not appear in a text; its `repr` shows none of it.

    Attributes:
        parts: folded, see `raters.folded`.
    """

    parts: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"PatientStrings({len(self.parts)} parts)"

    def __or__(self, other: PatientStrings) -> PatientStrings:
        return PatientStrings(self.parts | other.parts)

    def appear_in(self, text: str) -> bool:
        """Whether one of them is in ``text``."""
        plain = folded(text)
        return any(_contains(plain, part) for part in self.parts)


def patient_strings(image: Path, reference: ImageReference) -> PatientStrings:
    """The strings of the patient module (0010,xxxx) of a case's CT; none for files that are not DICOM.

    Args:
        image: where the CT lies, see `case_files.find_image`.

    Raises:
        InputError: the series is not there. ResourceError: a file cannot be read.
    """
    from pydicom import dcmread

    if reference.kind != "dicom_series":
        return PatientStrings()
    path = file_of_series(image, reference.series_instance_uid)
    found: set[str] = set()
    try:
        dataset = dcmread(path, stop_before_pixels=True)
        for element in dataset.iterall():  # other ids stand in a sequence
            if element.tag.group == _PATIENT_GROUP:
                found |= _strings_of(element)
    except OSError as error:
        raise ResourceError(f"{path.name} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except DAMAGED as error:
        raise InputError(
            f"The patient module of {path.name} is damaged; texts cannot be compared with it.",
            "Export the series again.",
        ) from error
    return PatientStrings(frozenset(part for part in found if len(part) >= FEWEST_LETTERS))


def check_text(text: str, strings: PatientStrings, field: str, where: str) -> None:
    """Raise `InputError` naming field and place, never the string itself, when ``text`` holds one of ``strings``."""
    if strings.appear_in(text):
        raise InputError(
            f"{where}: the field {field} holds a name, number or date from the patient's data.",
            "Take it out, or use a pseudonym: no rating and no export may name a patient.",
        )


def check_records(records: Iterable[RatingRecord], strings: PatientStrings) -> None:
    """Raise `InputError` for the first record with one of ``strings`` in a field; field and record are named."""
    for record in records:
        for field, text in texts_of(record).items():
            check_text(text, strings, field, f"Score {record.id}")


def texts_of(record: RatingRecord) -> Mapping[str, str]:
    """The fields of a record in which somebody could have typed a name, members of later versions included."""
    typed = {name: getattr(record, name) for name in _TYPED_BY_PEOPLE}
    return {**typed, **{name: str(value) for name, value in record.extra.items()}}


def _contains(text: str, part: str) -> bool:
    if part not in text:
        return False
    if part.isalpha() and len(part) >= _INSIDE_WORDS:
        return True
    neighbour = r"[^\W\d_]" if part.isalpha() else r"[^\W_]"  # letters, or letters and digits
    return re.search(rf"(?<!{neighbour}){re.escape(part)}(?!{neighbour})", text) is not None


def _strings_of(element: DataElement) -> set[str]:
    if element.VR not in _TEXT_REPRESENTATIONS:
        return set()
    separators = _NAME_PARTS if element.VR == "PN" else _ADDRESS_LINES if element.keyword == "PatientAddress" else ""
    values = [str(value) for value in (element.value if element.VM > 1 else [element.value or ""])]
    if element.keyword in _DESCRIPTIONS:
        values = [value for value in values if len(value.split()) >= _FEWEST_WORDS]
    return set().union(*(_dates(value) if element.VR == "DA" else _parts(value, separators) for value in values))


def _parts(text: str, separators: str) -> set[str]:
    """A value as a whole, and in parts where there are separators, with umlauts in both transcriptions."""
    parts = {text, *(re.split(separators, text) if separators else ())}
    lower = {part.strip().casefold() for part in parts}
    return {folded(part) for part in lower} | {folded(part.translate(_TRANSCRIBED)) for part in lower}


def _dates(text: str) -> set[str]:
    match = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", text.strip())
    if not match:
        return set()
    try:
        day = date(*(int(part) for part in match.groups()))
    except ValueError:  # 00000000, as de-identification leaves it
        return set()
    orders = [f"{first}{sign}{second}{sign}" for sign in "./- " for first, second in (("%d", "%m"), ("%m", "%d"))]
    formats = ["%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", *(f"{each}{year}" for each in orders for year in _YEARS)]
    written = {day.strftime(each) for each in formats}
    return written | {re.sub(r"(?<!\d)0", "", each) for each in written if not each.isdigit()}
