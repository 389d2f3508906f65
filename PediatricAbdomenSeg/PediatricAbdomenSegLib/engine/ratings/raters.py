"""Names of raters: one person under two spellings must not become two raters."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

from ..errors import InputError

# Letters that Unicode does not take apart into a letter and a mark.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def folded(text: str) -> str:
    """Text without case and diacritics: "Łukasz Müller" → "lukasz muller"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_PLAIN)


def spelling_key(name: str) -> str:
    """What two spellings of one name have in common: letters and digits without case, diacritics, spaces, dots."""
    return "".join(letter for letter in folded(name) if letter.isalnum())


def same_person(name: str, other: str) -> bool:
    """Whether two names are one name in two spellings; the same spelling counts as well."""
    return spelling_key(name) == spelling_key(other)


def rater_token(study_id: str, name: str) -> str:
    """The same few characters for every spelling of a name, for the names of files: they show no name."""
    return hashlib.sha256(f"{study_id}|{spelling_key(name)}".encode()).hexdigest()[:10]


def check_spelling(name: str, known: Iterable[str], where: str) -> None:
    """Raise `InputError` that names both spellings when one of ``known`` is ``name`` written in another way."""
    for other in known:
        if other != name and same_person(name, other):
            raise InputError(
                f'{where}: the rater "{name}" is known as "{other}".',
                "One person needs one spelling: correct one of the two, or tell two people apart by a number.",
            )
