"""From a finished job's folder to a segmentation node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.cases.image_file import read_label_map
from ..engine.organs import organ_by_key
from ..scene.segment_properties import ModelTags
from ..scene.segmentation_builder import build_segmentation, replace_organs
from .job_store import Job

LABELS_NAME = "labels.nii.gz"
_MODEL_FIELDS = ("name", "title", "version", "sha256", "status")


def put_into_scene(scene: Any, job: Job, record: Mapping[str, Any], volume_node: Any) -> Any:
    """Make a segmentation of a result, or replace its organs in the one the job was started for.

    Args:
        scene: the MRML scene.
        job: a finished one.
        record: content of its result.json.
        volume_node: the CT.

    Returns:
        The segmentation node. A new one where the one to be replaced is not in the scene any more.

    Raises:
        InputError: the result does not lie on the volume's grid, or its file is damaged.
    """
    label_map = read_label_map(job.result_folder / LABELS_NAME)
    keys = [organ["key"] for organ in record["organs"]]
    tags = ModelTags(**{name: record["model"][name] for name in _MODEL_FIELDS})
    node = scene.GetNodeByID(job.context.get("replaced_node") or "")
    if node is None:
        return build_segmentation(scene, label_map, volume_node, [organ_by_key(key) for key in keys], tags)
    replace_organs(node, label_map, keys, tags)
    return node
