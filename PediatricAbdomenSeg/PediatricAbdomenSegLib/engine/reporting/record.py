"""result.json: everything about a result that a script or a reviewer needs, and nothing about the patient."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...version import __version__
from ..cases.volume import Volume
from ..geometry import Geometry
from ..models.store import Bundle
from ..organs import organ_by_key

if TYPE_CHECKING:
    from ..inference.pipeline import Segmentation
    from ..inference.quality import OrganResult

RECORD_SCHEMA_VERSION = 1
DEMONSTRATION_NOTE = "demonstration model, not for clinical use"
RESEARCH_NOTE = "research model, not for clinical use"
_NOTES = {"demonstration": DEMONSTRATION_NOTE, "research": RESEARCH_NOTE, "clinical": ""}


def status_note(status: str) -> str:
    """The sentence that goes with a bundle's status into every file and picture; empty for a clinical model."""
    return _NOTES.get(status, RESEARCH_NOTE)


def result_record(
    volume: Volume,
    segmentation: Segmentation,
    bundle: Bundle,
    request: Mapping[str, Any],
    seconds: Mapping[str, float],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """The content of result.json.

    Args:
        request: what identifies the run: ``input_sha256``, ``model_sha256`` and the options, all plain JSON values.
        seconds: per stage, reading and writing included.
        files: name to SHA-256 of every other file of the result.
    """
    return {
        "schema_version": RECORD_SCHEMA_VERSION,
        "software": {"name": "PediatricAbdomenSeg", "version": __version__},
        "note": status_note(bundle.manifest.status),
        "input": {
            "kind": "image file" if volume.references is None else "DICOM series",
            "modality": volume.modality,
        },
        "request": dict(request),
        "model": {
            "name": bundle.manifest.name,
            "title": bundle.manifest.title,
            "version": bundle.manifest.version,
            "status": bundle.manifest.status,
            "sha256": bundle.sha256,
            "configuration": segmentation.configuration,
            "folds": list(segmentation.folds),
        },
        "geometry": _geometry_record(volume.geometry),
        "organs": [_organ_record(organ) for organ in segmentation.organs],
        "quality": list(segmentation.quality),
        "notes": list(segmentation.notes),
        "device": segmentation.device,
        "dtype": segmentation.dtype,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "peak_memory_mb": round(segmentation.peak_memory_mb, 1),
        "files": dict(files),
    }


def write_record(record: Mapping[str, Any], path: Path) -> None:
    """Write the record as indented JSON in UTF-8. Raises OSError when that is not possible."""
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def _organ_record(organ: OrganResult) -> dict[str, Any]:
    row = organ_by_key(organ.key)
    centroid = None if organ.centroid_ras_mm is None else [round(float(value), 2) for value in organ.centroid_ras_mm]
    return {
        "key": organ.key,
        "label": int(organ.label),
        "display_name": row.display_name,
        "tg263_name": row.tg263_name,
        "voxels": int(organ.voxels),
        "volume_ml": round(float(organ.volume_ml), 3),
        "pieces": int(organ.pieces),
        "centroid_ras_mm": centroid,
        "flags": list(organ.flags),
        **({} if organ.mean_entropy is None else {"mean_entropy": round(organ.mean_entropy, 4)}),
    }


def _geometry_record(geometry: Geometry) -> dict[str, Any]:
    return {
        "shape_zyx": [int(n) for n in geometry.shape],
        "spacing_zyx_mm": [round(value, 6) for value in geometry.spacing_mm],
        "orientation_xyz": orientation_code(geometry.affine),
        "affine_ras": [[float(value) for value in row] for row in geometry.affine],
    }


def orientation_code(affine: np.ndarray) -> str:
    """Three letters, the patient direction the indices x, y and z run to; for example ``LPS`` for axial head-first CT.

    Oblique axes get the letter of the nearest direction.
    """
    columns = np.asarray(affine, float)[:3, :3]
    code = ""
    for column in columns.T:
        axis = int(np.abs(column).argmax())
        code += ("RL", "AP", "SI")[axis][int(column[axis] < 0)]
    return code
