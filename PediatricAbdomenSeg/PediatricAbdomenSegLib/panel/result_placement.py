"""From a finished job's folder to a segmentation node, and the map of the uncertainty beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.cases.image_file import read_label_map, read_scalar_map
from ..engine.organs import organ_by_key
from ..engine.worker.result_folder import ENTROPY_NAME
from ..scene.entropy_volume import store_entropy
from ..scene.segment_properties import ModelTags
from ..scene.segmentation_builder import build_segmentation, replace_organs
from .job_store import Job

LABELS_NAME = "labels.nii.gz"
_MODEL_FIELDS = ("name", "title", "version", "sha256", "status")


def put_into_scene(
    scene: Any, job: Job, record: Mapping[str, Any], volume_node: Any, replaced: Any | None = None
) -> Any:
    """Make a segmentation of a result, or replace its organs in one that is there.

    Args:
        scene: the MRML scene.
        job: a finished one.
        record: content of its result.json.
        volume_node: the CT.
        replaced: the segmentation whose organs are replaced; None makes a new one.

    Returns:
        The segmentation node.

    Raises:
        InputError: the result does not lie on the volume's grid, or its file is damaged.
    """
    label_map = read_label_map(job.result_folder / LABELS_NAME)
    entropy_path = job.result_folder / ENTROPY_NAME
    entropy = read_scalar_map(entropy_path) if entropy_path.is_file() else None  # before the scene is changed
    keys = [organ["key"] for organ in record["organs"]]
    tags = ModelTags(**{name: record["model"][name] for name in _MODEL_FIELDS})
    node = replaced
    if node is None:
        node = build_segmentation(scene, label_map, volume_node, [organ_by_key(key) for key in keys], tags)
    else:
        replace_organs(node, label_map, keys, tags)
    if entropy is not None:
        store_entropy(node, entropy, volume_node)
    return node
