"""How numbers of things are said in messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and the noun it counts, which takes an s unless there is just one: "1 slice", "0 slices"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
