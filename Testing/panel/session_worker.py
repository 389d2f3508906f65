"""A worker process whose network is an oracle: it knows the truth of the phantom; everything else is the real worker.

Started by path; the label map it answers with is named by the environment variable PEDSEG_TEST_TRUTH.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "PediatricAbdomenSeg"))

from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.inference.pipeline import Segmentation
from PediatricAbdomenSegLib.engine.progress import ProgressEvent
from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers, segment_job
from PediatricAbdomenSegLib.engine.worker.jobs import segment_case
from PediatricAbdomenSegLib.engine.worker.protocol import Segment
from PediatricAbdomenSegLib.engine.worker.service import run_worker
from toy_segmentation import toy_segmentation


def segment(volume, bundle, options, on_progress, cancel, models) -> Segmentation:
    truth = read_label_map(Path(os.environ["PEDSEG_TEST_TRUTH"]))
    on_progress(ProgressEvent("network", 0.5, 1.0))
    cancel.raise_if_cancelled()
    keys = options.organs or tuple(bundle.manifest.organs.values())
    return toy_segmentation(LabelMap(truth.array, volume.geometry), keys, bundle, options.entropy)


def on_segment(request: Segment, on_progress, cancel) -> dict:
    return segment_case(segment_job(request), on_progress, cancel, segmenter=segment)


if __name__ == "__main__":
    run_worker({**make_handlers(), Segment: on_segment})
