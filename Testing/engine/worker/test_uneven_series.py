"""A series with missing slices: refused, or segmented on an even grid with contours on the slices that exist."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.worker.jobs import SegmentJob, segment_case

SHAPE = (6, 40, 48)


@pytest.fixture
def a_series_with_a_gap(tmp_path):
    """Six slices, one in the middle of the organs missing."""
    return write_series(tmp_path / "ct", SHAPE, change=lambda index, dataset: index != 2)


@pytest.fixture
def segment_gap(a_series_with_a_gap, a_segmenter, a_bundle, tmp_path):
    """Segment it into ``tmp_path/out``."""

    def segment(**changes):
        job = SegmentJob(a_series_with_a_gap, tmp_path / "out", **changes)
        return segment_case(job, segmenter=a_segmenter, find=lambda name: a_bundle)

    return segment


def test_a_gap_is_refused_unless_it_is_to_be_filled(segment_gap):
    with pytest.raises(InputError, match="gap of 4.00 mm"):
        segment_gap()


def test_a_filled_gap_is_said_and_contours_lie_on_the_slices_that_exist(segment_gap, a_series_with_a_gap, tmp_path):
    record = segment_gap(fill_gaps=True)
    assert "1 interpolated" in record["notes"][0]
    assert any("No contours where the series has no image" in note for note in record["notes"])
    assert record["request"]["fill_gaps"] is True
    labels = read_label_map(tmp_path / "out" / "labels.nii.gz").array
    assert labels.shape == SHAPE and labels[2].any()
    instances = {str(pydicom.dcmread(path).SOPInstanceUID) for path in a_series_with_a_gap.iterdir()}
    contours = [
        contour
        for roi in pydicom.dcmread(tmp_path / "out" / "rtstruct.dcm").ROIContourSequence
        for contour in roi.ContourSequence
    ]
    heights = {round(float(contour.ContourData[2]), 3) for contour in contours}
    assert {contour.ContourImageSequence[0].ReferencedSOPInstanceUID for contour in contours} <= instances
    expected = {-400.0 + 2 * z for z in range(6) if z != 2 and labels[z].any()}
    assert heights == expected


def test_padding_read_as_air_is_said_in_the_record(a_segmenter, a_bundle, tmp_path):
    values = np.random.default_rng(1).normal(40, 300, SHAPE).clip(-1000, 2000).astype(np.int16)
    values[:, :4] = -3024

    def signed(index, dataset):
        dataset.PixelData, dataset.PixelRepresentation = values[index].tobytes(), 1
        dataset.RescaleIntercept = 0

    job = SegmentJob(write_series(tmp_path / "ct", SHAPE, change=signed), tmp_path / "out")
    record = segment_case(job, segmenter=a_segmenter, find=lambda name: a_bundle)
    assert "10 % of the voxels are padding" in record["notes"][0]
