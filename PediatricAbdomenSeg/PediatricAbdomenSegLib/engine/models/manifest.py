"""``bundle.json``: what a model bundle is, which organs it finds, and the SHA-256 of each of its files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..cases.atomic_file import replaced_when_complete
from ..errors import ModelError, UsageError
from ..json_fields import JsonFields, read_json_fields
from ..organs import organ_by_key
from .weights_file import WEIGHTS_NAME

MANIFEST_NAME = "bundle.json"
SCHEMA_VERSION = 1
STATUSES = ("demonstration", "research", "clinical")
MODALITIES = ("CT", "MR")
POSTPROCESSING_STEPS = ("largest_component",)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BundleManifest:
    """The contents of ``bundle.json``, schema version 1.

    Attributes:
        name: what the user types; letters, digits, ``.``, ``_`` and ``-``.
        title: one line for people.
        version: version of the model, free text.
        target: what it segments, one line for people.
        modality: "CT" or "MR".
        organs: network label value (1 to 255) to key of the organ table. A label the network knows and this mapping
            leaves out becomes background.
        fusion_priority: organ keys, the one that wins a contested voxel first; empty: the organ table's priority.
        intensity_window_hu: intensities are confined to this interval (lower, upper) before anything else; None: not.
        contrast: which contrast phases it was trained on, free text.
        age_range_years: youngest and oldest patient it is meant for.
        postprocessing: organ key to one of `POSTPROCESSING_STEPS`; an organ left out is not postprocessed.
        training_data, licence, intended_use, citation: free text; the citation may be empty.
        status: one of `STATUSES`.
        files: path relative to the bundle's folder (forward slashes) to lower-case SHA-256, for every file but
            ``bundle.json`` itself.
        schema_version: version of this layout.
        minimum_volume_ml: organ key to volume; an organ found with less than it is taken for a false finding, for
            example in the bed of a removed kidney. The key may be absent from ``bundle.json``: no minimum.
    """

    name: str
    title: str
    version: str
    target: str
    modality: str
    organs: dict[int, str]
    fusion_priority: tuple[str, ...]
    intensity_window_hu: tuple[float, float] | None
    contrast: str
    age_range_years: tuple[float, float]
    postprocessing: dict[str, str]
    training_data: str
    licence: str
    intended_use: str
    status: str
    citation: str
    files: dict[str, str]
    schema_version: int = SCHEMA_VERSION
    minimum_volume_ml: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical form; it covers every file's SHA-256 and so identifies the whole bundle."""
        canonical = json.dumps(_to_json(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def covers_age(self, age_years: float) -> bool:
        """Whether it is meant for a patient of this age; from two years on whole years count, as in "17 years old"."""
        youngest, oldest = self.age_range_years
        return youngest <= (math.floor(age_years) if age_years >= 2 else age_years) <= oldest


def read_manifest(folder: Path) -> BundleManifest:
    """Read and validate ``folder/bundle.json``.

    Raises:
        ModelError: missing, not JSON, of another schema version, or a key is missing, unknown or of the wrong type.
    """
    return _from_json(read_json_fields(Path(folder) / MANIFEST_NAME))


def write_manifest(folder: Path, manifest: BundleManifest) -> Path:
    """Write ``folder/bundle.json`` whole or not at all, and return its path.

    Raises:
        ModelError: the manifest would not be accepted by `read_manifest`.
        ResourceError: the folder cannot be written to.
    """
    values = json.loads(json.dumps(_to_json(manifest)))
    _from_json(JsonFields(values, MANIFEST_NAME))
    path = Path(folder) / MANIFEST_NAME
    with replaced_when_complete(path) as partial:
        partial.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return path


def _to_json(manifest: BundleManifest) -> dict:
    values = dataclasses.asdict(manifest)
    values["organs"] = {str(label): key for label, key in manifest.organs.items()}
    if not values["minimum_volume_ml"]:
        del values["minimum_volume_ml"]
    for key in ("intensity_window_hu", "age_range_years"):  # 0 and 0.0 are the same bound and must hash alike
        values[key] = None if values[key] is None else [float(bound) for bound in values[key]]
    return values


def _from_json(fields: JsonFields) -> BundleManifest:
    _check_version(fields)
    known = {field.name for field in dataclasses.fields(BundleManifest)}
    for key in fields.values:
        if key not in known:
            raise fields.fail(f'"{key}"', f"is not a key of schema {SCHEMA_VERSION}")
    organs = _organs(fields)
    keys = set(organs.values())
    return BundleManifest(
        name=_name(fields),
        title=fields.text("title"),
        version=fields.text("version"),
        target=fields.text("target"),
        modality=fields.choice("modality", MODALITIES),
        organs=organs,
        fusion_priority=_fusion_priority(fields, keys),
        intensity_window_hu=None
        if fields.value("intensity_window_hu") is None
        else fields.interval("intensity_window_hu"),
        contrast=fields.text("contrast"),
        age_range_years=fields.interval("age_range_years"),
        postprocessing=_postprocessing(fields, keys),
        training_data=fields.text("training_data"),
        licence=fields.text("licence"),
        intended_use=fields.text("intended_use"),
        status=fields.choice("status", STATUSES),
        citation=fields.text("citation", may_be_empty=True),
        files=_files(fields),
        minimum_volume_ml=_minimum_volume_ml(fields, keys),
    )


def _check_version(fields: JsonFields) -> None:
    version = fields.integer("schema_version", lowest=1)
    if version > SCHEMA_VERSION:
        raise ModelError(
            f"{MANIFEST_NAME} of a future version: schema {version}; this software reads {SCHEMA_VERSION}; update it.",
            "Install the newest release of this software, or choose another model.",
        )


def _name(fields: JsonFields) -> str:
    name = fields.text("name")
    if not _NAME.fullmatch(name):
        raise fields.fail('"name"', f'"{name}" may hold letters, digits, ".", "_" and "-" only')
    return name


def _organs(fields: JsonFields) -> dict[int, str]:
    members = fields.text_members("organs")
    if not members:
        raise fields.fail('"organs"', "is empty")
    organs: dict[int, str] = {}
    for label, key in members.items():
        if not (label.isascii() and label.isdigit() and str(int(label)) == label and 1 <= int(label) <= 255):
            raise fields.fail('"organs"', f'has the label "{label}"; labels are whole numbers from 1 to 255')
        _check_organ_key(fields, "organs", key)
        if key in organs.values():
            raise fields.fail('"organs"', f"names {key} twice")
        organs[int(label)] = key
    return dict(sorted(organs.items()))


def _check_organ_key(fields: JsonFields, where: str, key: str) -> None:
    try:
        organ_by_key(key)
    except UsageError as error:
        raise fields.fail(f'"{where}"', f'has the unknown organ "{key}". {error.hint.rstrip(".")}') from error


def _fusion_priority(fields: JsonFields, keys: set[str]) -> tuple[str, ...]:
    priority = fields.texts("fusion_priority")
    for key in priority:
        if key not in keys:
            raise fields.fail('"fusion_priority"', f'names "{key}", which is not among "organs"')
    if len(set(priority)) != len(priority):
        raise fields.fail('"fusion_priority"', "names an organ twice")
    return priority


def _postprocessing(fields: JsonFields, keys: set[str]) -> dict[str, str]:
    steps = fields.object("postprocessing")
    for key in steps.values:
        if key not in keys:
            raise fields.fail('"postprocessing"', f'names "{key}", which is not among "organs"')
    return {key: steps.choice(key, POSTPROCESSING_STEPS) for key in steps.values}


def _minimum_volume_ml(fields: JsonFields, keys: set[str]) -> dict[str, float]:
    if "minimum_volume_ml" not in fields.values:
        return {}
    volumes = fields.object("minimum_volume_ml")
    for key in volumes.values:
        if key not in keys:
            raise fields.fail('"minimum_volume_ml"', f'names "{key}", which is not among "organs"')
        if not volumes.number(key) > 0:
            raise fields.fail('"minimum_volume_ml"', f"has {volumes.number(key):g} ml for {key}; give more than 0")
    return {key: volumes.number(key) for key in volumes.values}


def _files(fields: JsonFields) -> dict[str, str]:
    members = fields.text_members("files")
    for name, digest in members.items():
        if not _stays_inside(name):
            raise fields.fail('"files"', f'names "{name}", which does not stay inside the bundle\'s folder')
        if name == MANIFEST_NAME:
            raise fields.fail('"files"', f"cannot hold the SHA-256 of {MANIFEST_NAME} itself")
        if not _SHA256.fullmatch(digest):
            raise fields.fail('"files"', f'has "{digest}" for {name}; a SHA-256 is 64 lower-case hexadecimal digits')
    for name in ("plans.json", "dataset.json"):
        if name not in members:
            raise fields.fail('"files"', f"does not name {name}")
    if not any(PurePosixPath(name).name == WEIGHTS_NAME for name in members):
        raise fields.fail('"files"', f"names no {WEIGHTS_NAME}")
    return dict(sorted(members.items()))


def _stays_inside(name: str) -> bool:
    """Whether a name is a plain relative path on every system: a bundle made on one is run on another."""
    if "\\" in name or "\0" in name or PureWindowsPath(name).anchor or PurePosixPath(name).is_absolute():
        return False
    return all(part not in ("", ".", "..") for part in name.split("/"))
