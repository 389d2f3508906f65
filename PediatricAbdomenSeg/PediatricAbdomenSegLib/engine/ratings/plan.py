"""The plan a study is created from: a JSON file that a person writes, with paths beside pseudonyms.

The plan stays outside the study folder, because its paths may say more than the raters should know::

    {
      "title": "Two models, five children", "question": "How much would you edit?", "blinded": true,
      "raters": ["RO-1", "RO-2"],
      "sources": {"model-a": "Model A", "manual": "Manual contours"},
      "organs": {"required": ["liver", "kidney_left"], "optional": ["pancreas"]},
      "cases": [{"pseudonym": "C01", "ct": "c01/ct",
                 "segmentations": {"model-a": "c01/a/rtstruct.dcm", "manual": "c01/manual.nii.gz"},
                 "age_group": "3-4", "sex": "F", "contrast": true, "tumour_type": "renal",
                 "absent_organs": ["kidney_right"], "series": "1.2.3"}]
    }

Only title, raters, sources, organs and for each case pseudonym, ct and segmentations are needed. Paths are relative to
the plan. ``scale`` (a list of score, short, wording), ``thresholds`` (acceptable, usable) and ``bundles`` (source to
SHA-256 of its model bundle; else taken from the result.json beside a segmentation) may be given too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..json_fields import JsonFields, read_json_fields
from .scale import ANCHORS, LOWEST, Anchor
from .study import Source, StudyOrgan, Thresholds

DEFAULT_QUESTION = "How much would you edit this contour before using it for a treatment plan?"
_HINT = "Correct the plan; `pedseg ratings study create --help` shows an example."
_MEMBERS = ("title", "question", "blinded", "raters", "sources", "organs", "cases", "scale", "thresholds", "bundles")
_CASE_MEMBERS = ("pseudonym", "ct", "segmentations", "age_group", "sex", "contrast", "tumour_type")
_CASE_MEMBERS += ("absent_organs", "series")


@dataclass(frozen=True)
class PlannedCase:
    """A case before its files have been looked at; see `study.StudyCase` for what is known of the patient.

    Attributes:
        ct: folder of a DICOM series, image file or Slicer scene.
        segmentations: source key to file.
        series_uid: which series of the folder, None for the only CT.
    """

    pseudonym: str
    ct: Path
    segmentations: Mapping[str, Path]
    age_group: str = ""
    sex: str = ""
    contrast: bool | None = None
    tumour_type: str = ""
    absent_organs: tuple[str, ...] = ()
    series_uid: str | None = None


@dataclass(frozen=True)
class StudyPlan:
    """A study before it is created; see `study.Study`.

    Attributes:
        bundles: source key to SHA-256 of its model bundle, where it is known.
    """

    title: str
    raters: tuple[str, ...]
    sources: tuple[Source, ...]
    organs: tuple[StudyOrgan, ...]
    cases: tuple[PlannedCase, ...]
    question: str = DEFAULT_QUESTION
    blinded: bool = True
    scale: tuple[Anchor, ...] = ANCHORS
    thresholds: Thresholds = field(default_factory=Thresholds)
    bundles: Mapping[str, str] = field(default_factory=dict)


def read_plan(path: Path) -> StudyPlan:
    """The plan in a JSON file; raises `InputError` that names the missing, wrong or unknown member."""
    path = Path(path)
    values = read_json_fields(path, InputError, _HINT)
    _refuse_unknown(values, _MEMBERS)
    given = values.values
    organs = values.object("organs")
    required = organs.texts("required") if "required" in organs.values else ()
    optional = organs.texts("optional") if "optional" in organs.values else ()
    chosen = {}
    if "question" in given:
        chosen["question"] = values.text("question")
    if "blinded" in given:
        chosen["blinded"] = values.flag("blinded")
    if "scale" in given:
        chosen["scale"] = tuple(
            Anchor(each.integer("score", LOWEST), each.text("short"), each.text("wording"))
            for each in values.objects("scale")
        )
    if "thresholds" in given:
        thresholds = values.object("thresholds")
        chosen["thresholds"] = Thresholds(thresholds.number("acceptable"), thresholds.number("usable"))
    if "bundles" in given:
        chosen["bundles"] = values.text_members("bundles")
    return StudyPlan(
        title=values.text("title"),
        raters=values.texts("raters"),
        sources=tuple(Source(key, title) for key, title in values.text_members("sources").items()),
        organs=(*(StudyOrgan(key) for key in required), *(StudyOrgan(key, False) for key in optional)),
        cases=tuple(_case(each, path.parent) for each in values.objects("cases")),
        **chosen,
    )


def _case(values: JsonFields, folder: Path) -> PlannedCase:
    _refuse_unknown(values, _CASE_MEMBERS)
    given = values.values
    files = values.text_members("segmentations")
    return PlannedCase(
        pseudonym=values.text("pseudonym"),
        ct=folder / values.text("ct"),
        segmentations={source: folder / file for source, file in files.items()},
        contrast=values.flag("contrast") if given.get("contrast") is not None else None,
        absent_organs=values.texts("absent_organs") if "absent_organs" in given else (),
        series_uid=values.text("series") if "series" in given else None,
        **{name: values.text(name, True) for name in ("age_group", "sex", "tumour_type") if name in given},
    )


def _refuse_unknown(values: JsonFields, known: tuple[str, ...]) -> None:
    """A misspelt member would otherwise be ignored in silence."""
    for name in values.values:
        if name not in known:
            raise values.fail(f'"{name}"', f"is unknown; known are {', '.join(known)}")
