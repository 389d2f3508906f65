"""What a run would give, for tests that need a result without a network."""

from __future__ import annotations

from collections.abc import Sequence

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.inference.pipeline import Segmentation
from PediatricAbdomenSegLib.engine.inference.quality import assess
from PediatricAbdomenSegLib.engine.models.store import Bundle


def toy_segmentation(
    label_map: LabelMap, keys: Sequence[str], bundle: Bundle, has_entropy: bool = False
) -> Segmentation:
    """A segmentation that found these labels.

    Args:
        keys: of the organs it reports.
        has_entropy: with a map of the uncertainty that is each voxel's label times ten.
    """
    found = assess(label_map, keys)
    return Segmentation(
        label_map=label_map,
        organs=found.organs,
        quality=found.case_flags,
        notes=(),
        bundle_name=bundle.manifest.name,
        bundle_sha256=bundle.sha256,
        status=bundle.manifest.status,
        device="cpu",
        dtype="float32",
        configuration="3d_fullres",
        folds=("0",),
        seconds={"network": 1.0},
        peak_memory_mb=100.0,
        entropy=label_map.array * 10 if has_entropy else None,
    )
