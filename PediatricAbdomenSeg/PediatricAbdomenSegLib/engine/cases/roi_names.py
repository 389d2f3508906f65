"""Which organ an ROI is, by its name or code.

ROI names are free text. A name is taken apart into words; one word or phrase has to be a known name of a structure,
one may be a side, and nothing else may remain: ``Kidney_L_PRV05``, ``Liver-GTV`` or ``opt Liver`` are not the organ but
something derived from it. What is not certain has no organ but candidates, for a person to choose from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..organs import ALL_STRUCTURES, LEFT, RIGHT, Organ, organ_by_key
from .fma_codes import FMA_CODES

# Names in English, German, French, Italian and Spanish, lower case, words separated by blanks, without accents.
# A pair goes by its name without a side. The table's own names and keys are added below.
_NAMES = {
    "spleen": "spleen|splen|milz|lien|rate|milza|bazo",
    "lung": "lung|lungs|pulmo|lunge|lungen|lungenfluegel|poumon|poumons|polmone|polmoni|pulmon|pulmones",
    "kidney": "kidney|kidneys|ren|renes|niere|nieren|rein|reins|rene|reni|rinon|rinones",
    "liver": "liver|hepar|leber|foie|fegato|higado",
    "heart": "heart|cor|herz|coeur|cuore|corazon",
    "pancreas": "pancreas|pankreas|bauchspeicheldruese",
    "stomach_bowel": "stomach bowel|stomach and bowel|bowel and stomach|bowel stomach|stomach intestine|magen darm|"
    "magen und darm|gastrointestinal tract|gi tract|gastrointestinaltrakt|magendarmtrakt|tube digestif",
    "vertebrae": "vertebrae|vbs|vertebral bodies|vertebral column|spinal column|wirbelsaeule|wirbelkoerper|"
    "rachis|colonna vertebrale|columna vertebral|colonne vertebrale",
    "spinal_canal": "spinal canal|spinalcanal|spine canal|vertebral canal|canalis spinalis|spinalkanal|wirbelkanal|"
    "canal spinal|canal rachidien|canale spinale|canale vertebrale",
    "abdominal_aorta": "abdominal aorta|aorta abdominal|aorta abdominalis|aorta abd|abd aorta|a aorta abd|aortaabd|"
    "bauchaorta|aorte abdominale|aorta addominale",
    "inferior_vena_cava": "inferior vena cava|vena cava inferior|vena cava inf|inf vena cava|ivc|vci|v venacava i|"
    "v cava inf|v cava inferior|venacava inf|untere hohlvene|veine cave inferieure|vena cava inferiore",
    "autochthonous_muscle": "autochthonous muscle|autochthonous muscles|autochthonous back muscle|autochthon|"
    "musc autochth|autochthone muskulatur|autochthone rueckenmuskulatur|autochthonous|deep muscle of back|"
    "deep back muscle|deep back muscles",
    "iliopsoas": "iliopsoas|iliopsoas muscle|musc iliopsoas|m iliopsoas|musculus iliopsoas|ileopsoas|ilio psoas",
    "adrenal_gland": "adrenal gland|adrenal|adrenals|adrenal glands|gland adrenal|glnd adrenal|suprarenal gland|"
    "suprarenal|suprarenals|glandula suprarenalis|nebenniere|nebennieren|surrenale|surrenales|surrene|surreni|"
    "glandula suprarenal|ghiandola surrenale",
    "hepatoblastoma": "hepatoblastoma|hepatoblastom|hepatoblastome|gtv hepatobl|gtv hepatoblastoma|hepatobl",
}
# Names of something near or more than the structure: never the organ, but worth offering.
_VAGUE = {
    "stomach_bowel": "bowel|stomach|intestine|intestines|bowelbag|bag bowel|bowel bag|bowel space|small bowel|"
    "large bowel|colon|duodenum|darm|magen|intestin|estomac",
    "vertebrae": "vertebra|wirbel|bone vertebrae|vb|vertebral body|spine",
    "spinal_canal": "spine|spinal cord|spinalcord|cord|myelon|rueckenmark|moelle|medulla",
    "abdominal_aorta": "aorta|a aorta|aorte",
    "inferior_vena_cava": "vena cava|venacava|cava|v venacava|hohlvene",
    "autochthonous_muscle": "erector spinae|paraspinal muscle|paraspinal muscles|paravertebral muscle|back muscle|"
    "back muscles|musc erectorspinae",
    "iliopsoas": "psoas|psoas muscle|musc psoas|psoas major|iliacus",
    "hepatoblastoma": "gtv|tumor|tumour|liver tumor|liver tumour|lebertumor|tumeur|hb|liver lesion|gtv liver",
}
_SIDES = {
    "left": "l|lt|left|li|lks|links|linke|linker|linkes|sin|sinister|sinistra|sinistro|sx|g|gauche|izq|izquierdo|"
    "izquierda",
    "right": "r|rt|right|re|rts|rechts|rechte|rechter|rechtes|dex|dext|dexter|destra|destro|dx|d|droit|droite|der|"
    "derecho|derecha",
}
_BOTH_SIDES = {"both", "bilateral", "bilat", "bds", "beide", "beidseits", "lr", "rl", "total", "sum", "combined", "all"}
_LIGATURES = {"ä": "ae", "ö": "oe", "ü": "ue", "œ": "oe", "æ": "ae"}
_FILLERS = {"the", "of", "organ", "oar", "roi"}
_KEY_OF_FMA = {code.value: key for key, code in FMA_CODES.items()}
_SNOMED_SCHEMES = {"SCT", "SNM3", "SNOMED", "99SDM"}
# A copy of an ROI with the same name, as writers number them: "Liver_2".
_COPY_NUMBER = re.compile(r"(?<=\w)(_\d|\s*\(\d\))$")


@dataclass(frozen=True)
class RoiNameMatch:
    """The organ an ROI is, or what it may be.

    Attributes:
        organ: None when it is not certain.
        candidates: when ``organ`` is None: rows it may be, () when nothing is alike.
    """

    organ: Organ | None
    candidates: tuple[Organ, ...] = ()


def organ_of_roi_name(name: str) -> Organ | None:
    """The organ an ROI name surely means, else None; see `match_roi_name` for what it may mean."""
    return match_roi_name(name).organ


def match_roi(name: str, codes: Iterable[tuple[str, str, str]] = ()) -> RoiNameMatch:
    """The organ of an ROI by its name and its codes; where these contradict each other, none.

    Args:
        name: ROI Name.
        codes: scheme, value and value of the laterality modifier ("" for none) of each identification code.
    """
    name = _COPY_NUMBER.sub("", name.strip())
    by_name = match_roi_name(name)
    coded = _distinct(organ for code in codes if (organ := organ_of_code(*code)) is not None)
    if not coded or coded == (by_name.organ,):
        return by_name
    named = (by_name.organ,) if by_name.organ else by_name.candidates
    # A code decides where the name says nothing ("ROI-7") or leaves the side open; not where it says "Liver_PRV".
    silent = not named or (by_name.organ is None and _stem_of(name) is not None and coded[0] in named)
    return RoiNameMatch(coded[0]) if silent and len(coded) == 1 else RoiNameMatch(None, _distinct([*named, *coded]))


def organ_of_code(scheme: str, value: str, modifier: str = "") -> Organ | None:
    """The organ of an RT ROI identification code: SNOMED CT with a laterality modifier, or FMA; else None."""
    scheme = scheme.upper()
    if scheme == "FMA":
        key = _KEY_OF_FMA.get(value.upper().removeprefix("FMA").strip(": "))
        return organ_by_key(key) if key else None
    if scheme not in _SNOMED_SCHEMES:
        return None
    for organ in ALL_STRUCTURES:
        if organ.snomed.value == value and (organ.laterality.value if organ.laterality else "") == modifier:
            return organ
    return None


def match_roi_name(name: str) -> RoiNameMatch:
    """Match a name; see the module's docstring for the rules."""
    name = _COPY_NUMBER.sub("", name.strip())
    exact = _EXACT.get(name.casefold())
    if exact is not None:
        return RoiNameMatch(exact)
    found = _stem_of(name)
    if found is None:
        return RoiNameMatch(None, _alike(*_without_sides(_words(name))))
    stem, sides = found
    choices = _ORGANS_OF_STEM[stem]
    if len(choices) == 1 and not sides:
        return RoiNameMatch(choices[0])
    if len(choices) == 2 and len(sides) == 1:
        return RoiNameMatch(organ_by_key(f"{stem}_{next(iter(sides))}"))
    return RoiNameMatch(None, choices)  # half of an unpaired organ, or a pair without one side


def _stem_of(name: str) -> tuple[str, set[str]] | None:
    """The structure a whole name means and the sides it gives; None when words remain."""
    words = _words(name)
    for rest, sides in (_without_sides(words), *_side_glued_on(words)):
        stem = _STEMS.get(" ".join(rest))
        if stem is not None:
            return stem, sides
    return None


def _words(name: str) -> list[str]:
    """Lower-case words without accents, camel case taken apart, ``ä`` as ``ae``."""
    name = unicodedata.normalize("NFC", name)
    for letter, letters in _LIGATURES.items():
        name = name.replace(letter, letters).replace(letter.upper(), letters.capitalize())
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return [word for word in re.split(r"[^a-z0-9]+", plain.casefold()) if word and word not in _FILLERS]


def _without_sides(words: list[str]) -> tuple[list[str], set[str]]:
    """The words that are no sides, and the sides."""
    rest, sides = [], set()
    for word in words:
        if word in _SIDE_OF:
            sides.add(_SIDE_OF[word])
        elif word in _BOTH_SIDES:
            sides |= {"left", "right"}
        else:
            rest.append(word)
    return rest, sides


def _side_glued_on(words: list[str]) -> Iterator[tuple[list[str], set[str]]]:
    """Readings of names such as ``LKIDNEY`` or ``kidneyleft``."""
    if not words:
        return
    for affix in sorted(_SIDE_OF, key=len, reverse=True):
        if affix in ("d", "g"):  # French, and too often just the first or last letter of something
            continue
        side = {_SIDE_OF[affix]}
        if words[0].startswith(affix):
            yield [words[0].removeprefix(affix), *words[1:]], side
        if words[-1].endswith(affix):
            yield [*words[:-1], words[-1].removesuffix(affix)], side


def _alike(words: list[str], sides: set[str]) -> tuple[Organ, ...]:
    """Organs whose names occur in a name that holds other words too."""
    text = f" {' '.join(word.rstrip('0123456789') for word in words)} "
    found = [stem for phrase, stem in _ALIKE if f" {phrase} " in text]
    organs = [organ for stem in found for organ in _ORGANS_OF_STEM[stem]]
    if len(sides) == 1:
        wanted = {"left": LEFT, "right": RIGHT}[next(iter(sides))]
        organs = [organ for organ in organs if organ.laterality in (wanted, None)]
    return _distinct(organs)


def _distinct(organs: Iterable[Organ]) -> tuple[Organ, ...]:
    return tuple({organ.key: organ for organ in organs}.values())


def _organs_of_stem(stem: str) -> tuple[Organ, ...]:
    return tuple(organ for organ in ALL_STRUCTURES if organ.key in (stem, f"{stem}_left", f"{stem}_right"))


def _phrases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(phrase, stem) for stem, phrases in table.items() for phrase in phrases.split("|")]


_ORGANS_OF_STEM = {stem: _organs_of_stem(stem) for stem in _NAMES}
_STEMS = dict(_phrases(_NAMES))
_ALIKE = (*_phrases(_NAMES), *_phrases(_VAGUE))
_SIDE_OF = {word: side for side, words in _SIDES.items() for word in words.split("|")}
_EXACT = {
    name.casefold(): organ
    for organ in ALL_STRUCTURES
    for name in (organ.key, organ.display_name, organ.tg263_name, organ.short_name)
}
