"""Typed access to JSON from elsewhere: a wrong or missing key is an error that names file and key."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import ModelError, PediatricAbdomenSegError

_RESTORE_MODEL = "Restore the file from where the model came from, or choose another model."


@dataclass(frozen=True)
class JsonFields:
    """One JSON object and where it stands, for messages.

    Attributes:
        values: the object's members.
        where: file name, with the path inside it after a colon, for example ``"plans.json: configurations"``.
        error: what is raised; the files of a model bundle are the usual ones.
        hint: what the error advises.
    """

    values: dict[str, Any]
    where: str
    error: type[PediatricAbdomenSegError] = ModelError
    hint: str = _RESTORE_MODEL

    def fail(self, key: str, problem: str) -> PediatricAbdomenSegError:
        """The error for ``key``; to be raised by the caller."""
        return self.error(f"{self.where}: {key} {problem}.", self.hint)

    def value(self, key: str) -> Any:
        """The member ``key``, whatever its type."""
        if key not in self.values:
            raise self.fail(f'"{key}"', "is missing")
        return self.values[key]

    def object(self, key: str) -> JsonFields:
        """A member that is itself a JSON object."""
        value = self.value(key)
        if not isinstance(value, dict):
            raise self.fail(f'"{key}"', f"must be an object, not {_described(value)}")
        return replace(self, values=value, where=f"{self.where}: {key}")

    def objects(self, key: str) -> tuple[JsonFields, ...]:
        """A list of JSON objects."""
        value = self.value(key)
        if not isinstance(value, list):
            raise self.fail(f'"{key}"', f"must be a list of objects, not {_described(value)}")
        members = {str(index): item for index, item in enumerate(value)}
        rows = replace(self, values=members, where=f"{self.where}: {key}")
        return tuple(rows.object(index) for index in members)

    def text(self, key: str, may_be_empty: bool = False) -> str:
        """A string; an empty one only where it is allowed."""
        value = self.value(key)
        if not isinstance(value, str) or not (value.strip() or may_be_empty):
            raise self.fail(f'"{key}"', f"must be a text that is not blank, not {_described(value)}")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """A string out of ``choices``."""
        value = self.text(key)
        if value not in choices:
            raise self.fail(f'"{key}"', f'is "{value}", but only {", ".join(choices)} are known')
        return value

    def flag(self, key: str) -> bool:
        """A true or false."""
        value = self.value(key)
        if not isinstance(value, bool):
            raise self.fail(f'"{key}"', f"must be true or false, not {_described(value)}")
        return value

    def integer(self, key: str, lowest: int) -> int:
        """A whole number, at least ``lowest``."""
        value = self.value(key)
        if not _is_integer(value) or value < lowest:
            raise self.fail(f'"{key}"', f"must be a whole number of at least {lowest}, not {_described(value)}")
        return int(value)

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.value(key)
        if not _is_number(value):
            raise self.fail(f'"{key}"', f"must be a finite number, not {_described(value)}")
        return float(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self.value(key)
        if not isinstance(value, list) or not all(_is_number(item) for item in value):
            raise self.fail(f'"{key}"', f"must be a list of finite numbers, not {_described(value)}")
        return tuple(float(item) for item in value)

    def integers(self, key: str, lowest: int) -> tuple[int, ...]:
        """A list of whole numbers, each at least ``lowest``."""
        value = self.value(key)
        if not isinstance(value, list) or not all(_is_integer(item) and item >= lowest for item in value):
            problem = f"must be a list of whole numbers of at least {lowest}, not {_described(value)}"
            raise self.fail(f'"{key}"', problem)
        return tuple(int(item) for item in value)

    def integer_rows(self, key: str, lowest: int) -> tuple[tuple[int, ...], ...]:
        """A list of lists of whole numbers, each at least ``lowest``."""
        value = self.value(key)
        if not isinstance(value, list):
            raise self.fail(f'"{key}"', f"must be a list of lists, not {_described(value)}")
        members = {str(index): row for index, row in enumerate(value)}
        rows = replace(self, values=members, where=f"{self.where}: {key}")
        return tuple(rows.integers(index, lowest) for index in rows.values)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self.value(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(f'"{key}"', f"must be a list of texts, not {_described(value)}")
        return tuple(value)

    def text_members(self, key: str) -> dict[str, str]:
        """An object all of whose members are strings."""
        members = self.object(key)
        return {name: members.text(name) for name in members.values}

    def interval(self, key: str) -> tuple[float, float]:
        """A list of two finite numbers, the lower one first."""
        bounds = self.numbers(key)
        if len(bounds) != 2 or bounds[0] >= bounds[1]:
            raise self.fail(f'"{key}"', f"must be [lower, upper] with lower < upper, not {list(bounds)}")
        return bounds[0], bounds[1]


def read_json_fields(
    path: Path, error: type[PediatricAbdomenSegError] = ModelError, hint: str = _RESTORE_MODEL
) -> JsonFields:
    """Read a JSON file whose top level is an object.

    Raises:
        error: the file is missing, unreadable, not JSON, or its top level is not an object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))  # Windows' own editor puts a mark in front
    except OSError as failure:
        raise error(f"{path.name} cannot be read in {path.parent}: {failure.strerror}.", hint) from failure
    except (ValueError, RecursionError) as failure:
        raise error(f"{path.name} in {path.parent} is not valid JSON: {failure}.", hint) from failure
    if not isinstance(values, dict):
        raise error(f"{path.name} in {path.parent} must hold one JSON object.", hint)
    return JsonFields(values, path.name, error, hint)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return _is_integer(value) and abs(value) < 2**63  # Python's JSON has integers that no float can hold


def _described(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
