"""A small case on disk, a bundle without weights and a segmenter without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.image_file import write_volume
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.models.store import Bundle
from PediatricAbdomenSegLib.engine.progress import ProgressEvent
from PediatricAbdomenSegLib.engine.worker.jobs import SegmentJob, segment_case
from toy_bundle import toy_manifest
from toy_segmentation import toy_segmentation

SHAPE = (6, 40, 48)
ORGANS = {1: "liver", 2: "spleen"}


@pytest.fixture
def a_ct_folder(tmp_path) -> Path:
    """A DICOM series of six slices."""
    return write_series(tmp_path / "Jörg Ünal" / "ct", SHAPE)


@pytest.fixture
def a_nifti(tmp_path) -> Path:
    """A volume without DICOM."""
    geometry = Geometry(SHAPE, np.diag([-2.0, -2.0, 3.0, 1.0]))
    array = np.random.default_rng(1).normal(40, 300, SHAPE).astype(np.int16)
    write_volume(Volume(array, geometry), tmp_path / "case.nii.gz")
    return tmp_path / "case.nii.gz"


@pytest.fixture
def a_bundle(tmp_path) -> Bundle:
    """A demonstration bundle of liver and spleen; only its manifest exists."""
    manifest = toy_manifest(title="Toy model", organs=ORGANS, age_range_years=(0.0, 17.0))
    return Bundle(tmp_path / "toy", manifest, "ab" * 32)


@dataclass
class FakeSegmenter:
    """Finds a liver and a spleen of fixed boxes, or raises ``error``; counts its runs."""

    error: Exception | None = None
    empty: bool = False
    runs: list = field(default_factory=list)

    def __call__(self, volume, bundle, options, on_progress, cancel, models):
        self.runs.append(options)
        for step in range(3):
            on_progress(ProgressEvent("network", step / 2))
        if self.error:
            raise self.error
        labels = np.zeros(volume.geometry.shape, np.uint8)
        if not self.empty:
            labels[1:5, 10:30, 5:25] = 6
            labels[2:4, 15:25, 30:40] = 1
        label_map = LabelMap(labels, volume.geometry)
        return toy_segmentation(label_map, ("spleen", "liver"), bundle, options.entropy)


@pytest.fixture
def a_segmenter() -> FakeSegmenter:
    """A segmenter without a network."""
    return FakeSegmenter()


@pytest.fixture
def run(a_bundle, a_segmenter, tmp_path):
    """Segment an input into ``tmp_path/out``."""

    def segment(path, output=tmp_path / "out", **changes):
        arguments = {"segmenter": a_segmenter, "find": lambda name: a_bundle, **changes}
        return segment_case(SegmentJob(path, output), **arguments)

    return segment
