"""What a phantom is asked to be, what it is, and how large a child is at a given age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..cases.volume import LabelMap, Volume
from ..errors import UsageError

POSITIONS = ("HFS", "HFP", "FFS", "FFP", "HFDL", "HFDR")
SIDES = ("left", "right")
APPEARANCES = ("typical", "randomised")

# Ages (years) at which the tables below are given; between them values are interpolated linearly.
_AGES = (0.0, 1.0, 4.0, 8.0, 12.0, 17.0)
# Trunk breadth and depth at the upper abdomen and kidney length, rounded from pediatric growth and sonography norms;
# scan length from mid-chest to the iliac bones. They set the scale of a phantom, not a standard of normality.
_TRUNK_BREADTH_MM = (118, 158, 184, 218, 258, 304)
_TRUNK_DEPTH_MM = (96, 124, 138, 154, 174, 208)
_SCAN_LENGTH_MM = (190, 246, 306, 366, 426, 484)
_KIDNEY_LENGTH_MM = (45, 62, 76, 88, 98, 110)


@dataclass(frozen=True)
class PhantomSpec:
    """The child that is asked for.

    Attributes:
        age_years: 0 to 17.
        seed: any non-negative integer; the same specification gives the same voxels.
        nephrectomy: side of a kidney the surgeon removed, "left" or "right", or None.
        tumour_ml: volume of a hepatoblastoma in millilitres, or None for none.
        position: DICOM Patient Position, one of `POSITIONS`.
        slices: number of axial slices around the middle of the scan; None covers mid-chest to pelvis.
        spacing_mm: voxel spacing ``(z, y, x)`` of the image; None is 2 mm slices in a 512 × 512 matrix.
        contrast: intravenous contrast in the portal-venous phase.
        appearance: "typical", or "randomised": Hounsfield values and contrast drawn anew for every structure
            (training data).
    """

    age_years: float = 4.0
    seed: int = 1
    nephrectomy: str | None = None
    tumour_ml: float | None = None
    position: str = "HFS"
    slices: int | None = None
    spacing_mm: tuple[float, float, float] | None = None
    contrast: bool = True
    appearance: str = "typical"

    def __post_init__(self) -> None:
        if not 0 <= self.age_years <= 17:
            raise UsageError(f"Age {self.age_years:g} years is outside 0 to 17.", "Give --age-years between 0 and 17.")
        if self.seed < 0:
            raise UsageError(f"Seed {self.seed} is negative.", "Give a seed of 0 or more.")
        _require(self.nephrectomy in (None, *SIDES), "nephrectomy", self.nephrectomy, SIDES)
        _require(self.position in POSITIONS, "position", self.position, POSITIONS)
        _require(self.appearance in APPEARANCES, "appearance", self.appearance, APPEARANCES)
        if self.tumour_ml is not None and not 0.5 <= self.tumour_ml <= 0.6 * liver_volume_ml(self.age_years):
            raise UsageError(
                f"A tumour of {self.tumour_ml:g} ml does not fit the liver of a child of {self.age_years:g} years.",
                f"Give --tumour-ml between 0.5 and {0.6 * liver_volume_ml(self.age_years):.0f}.",
            )
        if self.slices is not None and not 1 <= self.slices <= 2000:
            raise UsageError(f"{self.slices} slices cannot be made.", "Give --slices between 1 and 2000.")
        spacing_mm = self.spacing_mm or (self.slice_spacing_mm,) * 3
        if len(spacing_mm) != 3 or not all(0.4 <= step <= 10 for step in spacing_mm):
            raise UsageError(f"Spacing {spacing_mm} mm cannot be made.", "Give three values from 0.4 to 10 mm.")
        if self.slices is not None and self.slices * self.slice_spacing_mm > 1.15 * body_size(self.age_years).length_mm:
            longest = int(1.15 * body_size(self.age_years).length_mm / self.slice_spacing_mm)
            raise UsageError(
                f"{self.slices} slices of {self.slice_spacing_mm:g} mm are longer than the phantom.",
                f"Give at most {longest} slices at this age and spacing.",
            )

    @property
    def slice_spacing_mm(self) -> float:
        """Distance of the slices, also when no spacing is asked for."""
        return 2.0 if self.spacing_mm is None else self.spacing_mm[0]


@dataclass(frozen=True)
class Phantom:
    """A rendered phantom and the truth about it.

    Attributes:
        spec: what was asked for.
        volume: int16 HU ``(z, y, x)`` in the scanner's order for the patient position.
        labels: organ-table labels 1–20 on the same grid. A tumour (20) is cut out of the liver (6).
        study_tag: short text, unique to the specification, from which UIDs and the phantom's id are made.
    """

    spec: PhantomSpec
    volume: Volume
    labels: LabelMap
    study_tag: str


@dataclass(frozen=True)
class BodySize:
    """Lengths that scale a phantom: trunk at the upper abdomen, scan from pelvis to mid-chest, one kidney."""

    breadth_mm: float
    depth_mm: float
    length_mm: float
    kidney_mm: float


def body_size(age_years: float) -> BodySize:
    """Average size at an age; a phantom varies around it."""
    tables = (_TRUNK_BREADTH_MM, _TRUNK_DEPTH_MM, _SCAN_LENGTH_MM, _KIDNEY_LENGTH_MM)
    return BodySize(*(float(np.interp(age_years, _AGES, table)) for table in tables))


def liver_volume_ml(age_years: float) -> float:
    """Average liver volume in ml, used to bound the tumour: about 130 ml at birth to 1400 ml at 17 years."""
    return float(np.interp(age_years, _AGES, (130, 300, 520, 780, 1050, 1400)))


def _require(holds: bool, name: str, value: object, choices: tuple[str, ...]) -> None:
    if not holds:
        raise UsageError(f"Unknown {name} {value!r}.", f"Choose one of {', '.join(choices)}.")
