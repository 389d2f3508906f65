"""The organ table: one frozen row for every structure the product segments.

The label value of a row is its row number and is the same everywhere: in label maps, bundles, phantoms and reports.
The nine Type 1 organs (clinician contours) come first, then the ten Type 2 organs (teacher-generated) [Ding-OAR];
hepatoblastoma is a target beside them.

**TG-263 names.** Spelt as in the AAPM TG-263 list (Mayo et al., Int J Radiat Oncol Biol Phys 2018). Four structures
are not on the list and are built by its rules (root first, then detail, ``_L``/``_R`` last, camel case for compounds,
16 characters at most): ``StomachBowel``, ``A_Aorta_Abd``, ``Musc_Autochth_L/R`` and ``Musc_Iliopsoas_L/R``.
``VBs`` is the list's "vertebral bodies"; nothing on it names whole vertebrae. ``GTV_Hepatobl`` follows the list's
target rule (type first).

**SNOMED CT codes** are those of DICOM PS3.16 and of Slicer's own terminology where these have the structure; deep
muscle of back, iliopsoas, gastrointestinal tract and hepatoblastoma come from SNOMED CT itself. Laterality is always
a modifier (7771000 left, 24028007 right), never part of the code.

**Volumes.** The reference volumes at 0, 1, 5, 10, 15 and 21 years are the organ masses of ICRP Publication 89 (2002),
table 2.8, mean of both sexes, divided by 1.05 g/ml and halved for one of a pair. Lungs are the tissue and blood of
ICRP 89 plus gas at resting lung volume. ICRP 89 has no entry for vertebrae, canal, single vessels and single muscles:
those are our own estimates from body mass and from cylinders of the vessel's length and diameter, hence their wide
factors. A plausible range is the reference times the row's two factors. They are generous on purpose (spread between
children, splenomegaly, compensatory growth of a remaining kidney, tumour in the liver): a flag has to mean "look at
this", not "unusual". Structures that the scanned range often cuts (lungs, spine, muscles, vessels) have hardly a
lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import UsageError

REFERENCE_AGES_YEARS = (0.0, 1.0, 5.0, 10.0, 15.0, 21.0)


class OrganType:
    """How the reference contours of a structure came about [Ding-OAR]."""

    TYPE1 = "type1"
    TYPE2 = "type2"
    TARGET = "target"
    EXTERNAL = "external"  # the body outline, which is in no label map


@dataclass(frozen=True)
class CodedConcept:
    """A coded term: value, coding scheme designator (``"SCT"`` for SNOMED CT) and meaning, as in DICOM PS3.3 8.8."""

    value: str
    scheme: str
    meaning: str


ANATOMICAL_STRUCTURE = CodedConcept("123037004", "SCT", "Anatomical Structure")
MORPHOLOGICALLY_ALTERED_STRUCTURE = CodedConcept("49755003", "SCT", "Morphologically Altered Structure")
LEFT = CodedConcept("7771000", "SCT", "Left")
RIGHT = CodedConcept("24028007", "SCT", "Right")


@dataclass(frozen=True)
class Organ:
    """One row of the organ table.

    Attributes:
        label: value in every label map, 1 to 20.
        key: stable lower-case identifier, used in files and on the command line.
        display_name: for people.
        tg263_name: ROI name in RTSTRUCT, unique, at most 16 characters.
        short_name: unique, ASCII, at most 16 characters, for systems that cut longer names.
        snomed: property type of DICOM SEG and Slicer's terminology, without laterality.
        laterality: `LEFT`, `RIGHT` or None for an unpaired structure.
        color: sRGB, 0 to 255; no two structures look alike, left and right differ.
        type: a constant of `OrganType`.
        priority: where two structures claim a voxel the higher one wins [Ding-OAR]; equal priorities do not touch.
        partner: key of the same organ on the other side, None for an unpaired structure.
        reference_volume_ml: typical volume at `REFERENCE_AGES_YEARS`; see the module's docstring for sources.
        volume_factors: what the reference is multiplied by to give the plausible range.
        category: property category of DICOM SEG and Slicer's terminology.
        region: anatomic region of a morphologic abnormality, None for anatomy itself.
    """

    label: int
    key: str
    display_name: str
    tg263_name: str
    short_name: str
    snomed: CodedConcept
    laterality: CodedConcept | None
    color: tuple[int, int, int]
    type: str
    priority: int
    partner: str | None
    reference_volume_ml: tuple[float, ...]
    volume_factors: tuple[float, float]
    category: CodedConcept = ANATOMICAL_STRUCTURE
    region: CodedConcept | None = None

    def volume_range_ml(self, age_years: float | None) -> tuple[float, float]:
        """Smallest and largest plausible volume in ml of a structure that is present.

        Args:
            age_years: the patient's age; ages outside 0 to 21 take the nearest of the two. None, when the age is not
                known, gives the union of the ranges over 0 to 21 years.
        """
        low_factor, high_factor = self.volume_factors
        if age_years is None:
            return min(self.reference_volume_ml) * low_factor, max(self.reference_volume_ml) * high_factor
        reference = _interpolate(age_years, REFERENCE_AGES_YEARS, self.reference_volume_ml)
        return reference * low_factor, reference * high_factor


def _interpolate(x: float, xs: tuple[float, ...], ys: tuple[float, ...]) -> float:
    """Piecewise linear through ``(xs, ys)``, constant beyond the ends; ``xs`` ascending."""
    if x <= xs[0]:
        return ys[0]
    for x0, x1, y0, y1 in zip(xs, xs[1:], ys, ys[1:], strict=False):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return ys[-1]


_WHOLE = (0.3, 3.0)  # parenchymal organs that a scan of the upper abdomen shows as a whole
_CUT = (0.02, 3.5)  # structures the scanned range often cuts
_LOOSE = (0.02, 5.0)  # the same, with an estimated reference

SPLEEN = CodedConcept("78961009", "SCT", "Spleen")
LUNG = CodedConcept("39607008", "SCT", "Lung")
KIDNEY = CodedConcept("64033007", "SCT", "Kidney")
LIVER = CodedConcept("10200004", "SCT", "Liver")
HEART = CodedConcept("80891009", "SCT", "Heart")
PANCREAS = CodedConcept("15776009", "SCT", "Pancreas")
GASTROINTESTINAL_TRACT = CodedConcept("122865005", "SCT", "Gastrointestinal tract")
VERTEBRA = CodedConcept("51282000", "SCT", "Vertebra")
SPINAL_CANAL = CodedConcept("61853006", "SCT", "Spinal canal")
ABDOMINAL_AORTA = CodedConcept("7832008", "SCT", "Abdominal aorta")
INFERIOR_VENA_CAVA = CodedConcept("64131007", "SCT", "Inferior vena cava")
DEEP_MUSCLE_OF_BACK = CodedConcept("244849004", "SCT", "Deep muscle of back")
ILIOPSOAS = CodedConcept("68455001", "SCT", "Iliopsoas muscle")
ADRENAL_GLAND = CodedConcept("23451007", "SCT", "Adrenal gland")
HEPATOBLASTOMA_DISORDER = CodedConcept("109843000", "SCT", "Hepatoblastoma")

# Reference volumes in ml at 0, 1, 5, 10, 15 and 21 years; sources in the module's docstring.
_SPLEEN_ML = (9, 28, 48, 76, 124, 133)
_LUNG_ML = (70, 190, 450, 800, 1400, 1800)
_KIDNEY_ML = (12, 33, 52, 86, 117, 139)
_LIVER_ML = (124, 314, 543, 790, 1238, 1524)
_HEART_ML = (44, 93, 210, 352, 571, 695)
_PANCREAS_ML = (6, 19, 33, 57, 100, 124)
_STOMACH_BOWEL_ML = (200, 400, 750, 1150, 1700, 2000)
_VERTEBRAE_ML = (60, 160, 300, 520, 850, 1050)
_SPINAL_CANAL_ML = (15, 35, 70, 100, 140, 160)
_AORTA_ML = (1.2, 2.5, 6.5, 13, 24, 33)
_VENA_CAVA_ML = (2, 4, 11, 24, 48, 65)
_AUTOCHTHONOUS_ML = (12, 28, 80, 160, 340, 420)
_ILIOPSOAS_ML = (10, 22, 65, 130, 280, 340)
_ADRENAL_ML = (2.9, 1.9, 2.4, 3.3, 4.5, 6.4)
_TUMOUR_ML = (300, 400, 500, 600, 700, 800)

_T1, _T2 = OrganType.TYPE1, OrganType.TYPE2

# fmt: off
ORGANS: tuple[Organ, ...] = (
    Organ(1, "spleen", "Spleen", "Spleen", "Spleen",
          SPLEEN, None, (157, 108, 162), _T1, 60, None, _SPLEEN_ML, (0.2, 5.0)),
    Organ(2, "lung_left", "Left lung", "Lung_L", "Lung_L",
          LUNG, LEFT, (135, 206, 250), _T1, 30, "lung_right", _LUNG_ML, _CUT),
    Organ(3, "lung_right", "Right lung", "Lung_R", "Lung_R",
          LUNG, RIGHT, (197, 165, 145), _T1, 30, "lung_left", _LUNG_ML, _CUT),
    Organ(4, "kidney_left", "Left kidney", "Kidney_L", "Kidney_L",
          KIDNEY, LEFT, (255, 200, 60), _T1, 60, "kidney_right", _KIDNEY_ML, _WHOLE),
    Organ(5, "kidney_right", "Right kidney", "Kidney_R", "Kidney_R",
          KIDNEY, RIGHT, (170, 110, 0), _T1, 60, "kidney_left", _KIDNEY_ML, _WHOLE),
    Organ(6, "liver", "Liver", "Liver", "Liver",
          LIVER, None, (221, 130, 101), _T1, 50, None, _LIVER_ML, _WHOLE),
    Organ(7, "heart", "Heart", "Heart", "Heart",
          HEART, None, (178, 24, 43), _T1, 60, None, _HEART_ML, _CUT),
    Organ(8, "pancreas", "Pancreas", "Pancreas", "Pancreas",
          PANCREAS, None, (250, 250, 100), _T1, 50, None, _PANCREAS_ML, (0.2, 4.0)),
    Organ(9, "stomach_bowel", "Stomach and bowel", "StomachBowel", "StomachBowel",
          GASTROINTESTINAL_TRACT, None, (102, 170, 90), _T1, 40, None, _STOMACH_BOWEL_ML, (0.1, 4.0)),
    Organ(10, "vertebrae", "Vertebrae", "VBs", "Vertebrae",
          VERTEBRA, None, (241, 214, 145), _T2, 20, None, _VERTEBRAE_ML, _CUT),
    Organ(11, "spinal_canal", "Spinal canal", "SpinalCanal", "SpinalCanal",
          SPINAL_CANAL, None, (85, 120, 120), _T2, 22, None, _SPINAL_CANAL_ML, _CUT),
    Organ(12, "abdominal_aorta", "Abdominal aorta", "A_Aorta_Abd", "AortaAbd",
          ABDOMINAL_AORTA, None, (255, 40, 20), _T2, 21, None, _AORTA_ML, _LOOSE),
    Organ(13, "inferior_vena_cava", "Inferior vena cava", "V_Venacava_I", "IVC",
          INFERIOR_VENA_CAVA, None, (0, 90, 220), _T2, 21, None, _VENA_CAVA_ML, _LOOSE),
    Organ(14, "autochthonous_muscle_left", "Left autochthonous muscle", "Musc_Autochth_L", "Autochthon_L",
          DEEP_MUSCLE_OF_BACK, LEFT, (214, 112, 210), _T2, 20, "autochthonous_muscle_right", _AUTOCHTHONOUS_ML, _LOOSE),
    Organ(15, "autochthonous_muscle_right", "Right autochthonous muscle", "Musc_Autochth_R", "Autochthon_R",
          DEEP_MUSCLE_OF_BACK, RIGHT, (110, 50, 130), _T2, 20, "autochthonous_muscle_left", _AUTOCHTHONOUS_ML, _LOOSE),
    Organ(16, "iliopsoas_left", "Left iliopsoas", "Musc_Iliopsoas_L", "Iliopsoas_L",
          ILIOPSOAS, LEFT, (90, 210, 190), _T2, 20, "iliopsoas_right", _ILIOPSOAS_ML, _LOOSE),
    Organ(17, "iliopsoas_right", "Right iliopsoas", "Musc_Iliopsoas_R", "Iliopsoas_R",
          ILIOPSOAS, RIGHT, (0, 110, 80), _T2, 20, "iliopsoas_left", _ILIOPSOAS_ML, _LOOSE),
    Organ(18, "adrenal_gland_left", "Left adrenal gland", "Glnd_Adrenal_L", "Adrenal_L",
          ADRENAL_GLAND, LEFT, (255, 140, 0), _T2, 20, "adrenal_gland_right", _ADRENAL_ML, (0.15, 5.0)),
    Organ(19, "adrenal_gland_right", "Right adrenal gland", "Glnd_Adrenal_R", "Adrenal_R",
          ADRENAL_GLAND, RIGHT, (255, 175, 200), _T2, 20, "adrenal_gland_left", _ADRENAL_ML, (0.15, 5.0)),
)
# fmt: on

HEPATOBLASTOMA = Organ(
    label=20,
    key="hepatoblastoma",
    display_name="Hepatoblastoma",
    tg263_name="GTV_Hepatobl",
    short_name="Hepatoblastoma",
    snomed=HEPATOBLASTOMA_DISORDER,
    laterality=None,
    color=(60, 255, 60),
    type=OrganType.TARGET,
    priority=100,
    partner=None,
    reference_volume_ml=_TUMOUR_ML,
    volume_factors=(0.001, 5.0),
    category=MORPHOLOGICALLY_ALTERED_STRUCTURE,
    region=LIVER,
)

ALL_STRUCTURES: tuple[Organ, ...] = (*ORGANS, HEPATOBLASTOMA)

_BY_KEY = {organ.key: organ for organ in ALL_STRUCTURES}


def organ_by_key(key: str) -> Organ:
    """The row with this key; raises `UsageError` that names the choices."""
    try:
        return _BY_KEY[key]
    except KeyError:
        raise UsageError(f"There is no organ {key!r}.", f"Choose from: {', '.join(_BY_KEY)}.") from None


def organs_of_type(type_: str) -> tuple[Organ, ...]:
    """All rows of one `OrganType`, in label order; raises `UsageError` for an unknown type."""
    choices = (OrganType.TYPE1, OrganType.TYPE2, OrganType.TARGET)
    if type_ not in choices:
        raise UsageError(f"There is no organ type {type_!r}.", f"Choose from: {', '.join(choices)}.")
    return tuple(organ for organ in ALL_STRUCTURES if organ.type == type_)
