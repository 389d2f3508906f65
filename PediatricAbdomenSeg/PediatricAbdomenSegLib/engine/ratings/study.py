"""A reader study: what is asked, of which cases, organs and sources, by whom; and its file ``study.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..cases.atomic_file import replaced_when_complete
from ..errors import InputError, UsageError
from ..json_fields import JsonFields, read_json_fields
from ..organs import organ_by_key
from .raters import same_person, spelling_key
from .scale import ACCEPTABLE_MEAN, ANCHORS, HIGHEST, LOWEST, USABLE_MEAN, Anchor

STUDY_NAME = "study.json"
SCHEMA_VERSION = 1
_HINT = "Take study.json from a copy of the study folder, or create the study again."
SEXES = ("M", "F", "O", "")

IMAGE_KINDS = ("dicom_series", "image_file", "scene")
SEGMENTATION_KINDS = ("rtstruct", "dicom_seg", "label_map", "scene")


@dataclass(frozen=True)
class ImageReference:
    """The CT of a case and how to know it again.

    Attributes:
        kind: one of `IMAGE_KINDS`.
        path: relative to the study folder with "/" between names; absolute only on another drive. A folder for a
            series.
        sha256: of the file, or of the sorted SOP Instance UIDs of a series.
        series_instance_uid: of a series, else "".
        size_bytes: of the file, 0 for a series.
    """

    kind: str
    path: str
    sha256: str
    series_instance_uid: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class SegmentationReference:
    """A contour set and how to know it again.

    Attributes:
        kind: one of `SEGMENTATION_KINDS`.
        path: relative to the study folder, as in `ImageReference`.
        sha256: of the file.
        size_bytes: of the file.
        sop_instance_uid: of a DICOM object, else "".
    """

    kind: str
    path: str
    sha256: str
    size_bytes: int
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class StudyCase:
    """One patient, under a pseudonym.

    Attributes:
        pseudonym: unique in the study.
        image: the CT.
        age_group, tumour_type: as the study names them, "" when not known.
        sex: "M", "F", "O" or "".
        contrast: whether the CT is contrast-enhanced, None when not known.
        absent_organs: keys of organs this patient does not have (a kidney removed): not asked for.
    """

    pseudonym: str
    image: ImageReference
    age_group: str = ""
    sex: str = ""
    contrast: bool | None = None
    tumour_type: str = ""
    absent_organs: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyOrgan:
    """An organ to score: key of the organ table, and whether a case is done without it."""

    key: str
    required: bool = True


@dataclass(frozen=True)
class Source:
    """Who or what contoured: key ("model-a") and title ("Model A")."""

    key: str
    title: str


@dataclass(frozen=True)
class Thresholds:
    """Mean scores from which an organ counts as acceptable with minor modification and as usable."""

    acceptable: float = ACCEPTABLE_MEAN
    usable: float = USABLE_MEAN


@dataclass(frozen=True)
class Study:
    """A reader study.

    Attributes:
        id: UUID; ratings of different studies never mix.
        title, question: for the raters.
        blinded: raters do not learn which source a contour is from.
        cases, organs, raters: none is empty; raters are names or codes.
        sources: in a blinded study () but for the analysis: study.json is for raters, the key has them.
        scale: one `Anchor` per score.
        thresholds: see `Thresholds`.
        created_at: UTC, ISO 8601.
    """

    id: str
    title: str
    question: str
    blinded: bool
    cases: tuple[StudyCase, ...]
    organs: tuple[StudyOrgan, ...]
    sources: tuple[Source, ...]
    raters: tuple[str, ...]
    scale: tuple[Anchor, ...] = ANCHORS
    thresholds: Thresholds = field(default_factory=Thresholds)
    created_at: str = ""

    def case(self, pseudonym: str) -> StudyCase:
        """The case; raises `UsageError` that names the choices."""
        return _one_of(self.cases, "pseudonym", pseudonym, "case")

    def source(self, key: str) -> Source:
        """The source; raises `UsageError` that names the choices."""
        return _one_of(self.sources, "key", key, "source")

    def organs_of(self, pseudonym: str) -> tuple[StudyOrgan, ...]:
        """The organs to score in this case, in the study's order."""
        absent = self.case(pseudonym).absent_organs
        return tuple(organ for organ in self.organs if organ.key not in absent)


def write_study(folder: Path, study: Study) -> Path:
    """Write ``study.json`` into the folder.

    Raises:
        InputError: the study contradicts itself. ResourceError: the file cannot be written.
    """
    values = check_study(study)
    path = Path(folder) / STUDY_NAME
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with replaced_when_complete(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def check_study(study: Study) -> dict[str, Any]:
    """The content of study.json; raises `InputError` when the study contradicts itself."""
    values = json.loads(json.dumps({"schema_version": SCHEMA_VERSION, **asdict(study)}))
    study_from_json(JsonFields(values, STUDY_NAME, InputError, "Correct what the study is made from."))
    return values


def read_study(folder: Path) -> Study:
    """The study of a folder.

    Raises:
        InputError: no study.json, not readable, of a later version, or a field is missing or wrong.
    """
    return study_from_json(read_json_fields(Path(folder) / STUDY_NAME, InputError, _HINT))


def check_version(fields_: JsonFields, supported: int) -> None:
    """Raise `InputError` for a file of a later version than this software knows."""
    version = fields_.integer("schema_version", 1)
    if version > supported:
        raise InputError(
            f"{fields_.where} has the version {version}; this software knows versions up to {supported}.",
            "Open the study with the newer version of the software that made it.",
        )


def study_from_json(values: JsonFields) -> Study:
    """The study in a JSON object; raises `InputError` that names the wrong field."""
    check_version(values, SCHEMA_VERSION)
    scale = tuple(
        Anchor(each.integer("score", LOWEST), each.text("short"), each.text("wording"))
        for each in values.objects("scale")
    )
    if sorted(anchor.score for anchor in scale) != list(range(LOWEST, HIGHEST + 1)):
        raise values.fail('"scale"', f"must describe each score from {LOWEST} to {HIGHEST} once")
    thresholds = values.object("thresholds")
    study = Study(
        id=values.text("id"),
        title=values.text("title"),
        question=values.text("question"),
        blinded=values.flag("blinded"),
        cases=tuple(_case(each) for each in values.objects("cases")),
        organs=tuple(StudyOrgan(_organ(each, "key"), each.flag("required")) for each in values.objects("organs")),
        sources=sources_from_json(values),
        raters=values.texts("raters"),
        scale=scale,
        thresholds=Thresholds(thresholds.number("acceptable"), thresholds.number("usable")),
        created_at=values.text("created_at", may_be_empty=True),
    )
    _check(study, values)
    return study


def sources_from_json(values: JsonFields) -> tuple[Source, ...]:
    """The sources in a JSON object; raises `InputError` that names the wrong field."""
    return tuple(Source(each.text("key"), each.text("title")) for each in values.objects("sources"))


def image_from_json(values: JsonFields) -> ImageReference:
    """The reference in a JSON object; raises `InputError` that names the wrong field."""
    return ImageReference(
        kind=values.choice("kind", IMAGE_KINDS),
        path=values.text("path"),
        sha256=values.text("sha256"),
        series_instance_uid=values.text("series_instance_uid", may_be_empty=True),
        size_bytes=values.integer("size_bytes", 0),
    )


def segmentation_from_json(values: JsonFields) -> SegmentationReference:
    """The reference in a JSON object; raises `InputError` that names the wrong field."""
    return SegmentationReference(
        kind=values.choice("kind", SEGMENTATION_KINDS),
        path=values.text("path"),
        sha256=values.text("sha256"),
        size_bytes=values.integer("size_bytes", 0),
        sop_instance_uid=values.text("sop_instance_uid", may_be_empty=True),
    )


def _case(values: JsonFields) -> StudyCase:
    sex = values.text("sex", may_be_empty=True)
    if sex not in SEXES:
        raise values.fail('"sex"', f'is "{sex}", but only M, F, O or nothing are known')
    return StudyCase(
        pseudonym=values.text("pseudonym"),
        image=image_from_json(values.object("image")),
        age_group=values.text("age_group", may_be_empty=True),
        sex=sex,
        contrast=None if values.value("contrast") is None else values.flag("contrast"),
        tumour_type=values.text("tumour_type", may_be_empty=True),
        absent_organs=tuple(_known_organ(values, "absent_organs", key) for key in values.texts("absent_organs")),
    )


def _organ(values: JsonFields, key: str) -> str:
    return _known_organ(values, key, values.text(key))


def _known_organ(values: JsonFields, member: str, key: str) -> str:
    try:
        return organ_by_key(key).key
    except UsageError as error:
        raise values.error(f'{values.where}: "{member}": {error.message}', error.hint) from None


def _check(study: Study, values: JsonFields) -> None:
    for name, keys in {
        "cases": [case.pseudonym for case in study.cases],
        "organs": [organ.key for organ in study.organs],
        "sources": [source.key for source in study.sources],
        "raters": list(study.raters),
    }.items():
        if not keys and not (name == "sources" and study.blinded):
            raise values.fail(f'"{name}"', "is empty")
        folded = [key.strip().casefold() for key in keys]
        twice = next((key for key, fold in zip(keys, folded, strict=True) if folded.count(fold) > 1), None)
        if twice is not None:
            raise values.fail(f'"{name}"', f'has "{twice}" twice')
    for source in study.sources:  # a sheet names sources by title or key
        for other in study.sources:
            names = {source.key.strip().casefold(), source.title.strip().casefold()}
            if other is not source and other.title.strip().casefold() in names:
                raise values.fail('"sources"', f'has the title "{other.title}" for {other.key} and for {source.key}')
    for case in study.cases:
        if not study.organs_of(case.pseudonym):
            raise values.fail('"cases"', f"has {case.pseudonym}, where every organ of the study is absent")
    limits = study.thresholds
    if not LOWEST <= limits.usable <= limits.acceptable <= HIGHEST:
        problem = f"are acceptable {limits.acceptable:g} and usable {limits.usable:g}; both lie between {LOWEST} and "
        raise values.fail('"thresholds"', f"{problem}{HIGHEST}, acceptable not below usable")
    for index, rater in enumerate(study.raters):
        if not spelling_key(rater):
            raise values.fail('"raters"', f'has "{rater}", which is no name or code')
        for other in study.raters[:index]:
            if same_person(rater, other):
                raise values.fail('"raters"', f'has one person in two spellings, "{other}" and "{rater}"')


def _one_of(entries: tuple[Any, ...], attribute: str, wanted: str, what: str) -> Any:
    for entry in entries:
        if getattr(entry, attribute) == wanted:
            return entry
    names = ", ".join(getattr(entry, attribute) for entry in entries)
    raise UsageError(f'The study has no {what} "{wanted}".', f"It has: {names}.")
