"""Whether PythonQt has an overload for a call: PySide6 accepts more forms of a call than PythonQt."""

from __future__ import annotations

import re
from typing import Any

# What PythonQt makes of a str; other classes with an implicit constructor from text are not converted.
_TAKES_TEXT = re.compile(r"QString|QAnyStringView|char|QVariant|QByteArray|\bstr\b|callable")


def parameter_types(signature: str) -> list[str]:
    """The types in ``setRange(int minimum, QMap<int,int> ticks) -> bool``: here ``int`` and ``QMap<int,int>``."""
    inside = signature[signature.index("(") + 1 : signature.rindex(")")]
    depth, parts, current = 0, [], ""
    for character in inside:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip() for part in [*parts, current] if part.strip()]


def refuse_call(name: str, signatures: tuple[str, ...], arguments: tuple[Any, ...]) -> None:
    """Raise ValueError when no signature takes that many arguments, or text where text is passed.

    Args:
        signatures: of all overloads; none means that nothing is known and nothing refused.
    """
    if not signatures:
        return
    if any(_fits(parameter_types(signature), arguments) for signature in signatures):
        return
    forms = "; ".join(signatures)
    raise ValueError(f"Could not find matching overload of {name} for {arguments!r}; there are: {forms}")


def _fits(types: list[str], arguments: tuple[Any, ...]) -> bool:
    required = sum("=" not in each for each in types)
    given = zip(types, arguments, strict=False)
    return required <= len(arguments) <= len(types) and all(
        _TAKES_TEXT.search(each) for each, argument in given if isinstance(argument, str)
    )
