"""A tilted gantry: labels of the sheared volume leave exactly as they are, nothing is resampled on the way."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread

from ct_series_builder import write_tilted_series
from dicom_seg_frames import binary_frames
from PediatricAbdomenSegLib.engine.cases.body_outline import body_outline
from PediatricAbdomenSegLib.engine.cases.image_file import write_label_map
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.worker.dicom_seg_job import export_dicom_seg
from PediatricAbdomenSegLib.engine.worker.rtstruct_job import RtStructOptions, export_rtstruct


@pytest.fixture
def a_tilted_case(tmp_path):
    """Folder, volume and a liver with a hole that reaches where only some images are."""
    hounsfield = np.full((6, 40, 32), -1000, np.int16)
    hounsfield[:, 6:36, 5:27] = 40
    folder = write_tilted_series(tmp_path / "ct", hounsfield, spacing_mm=(12.0, 3.0, 3.0))
    volume = read_case(folder)
    liver = np.zeros(volume.array.shape, bool)
    liver[1:5, 3:, 8:20] = True
    liver[2:4, 15:18, 12:15] = False
    labels = LabelMap(np.where(liver, organ_by_key("liver").label, 0).astype(np.uint8), volume.geometry)
    write_label_map(labels, tmp_path / "labels.nii.gz")
    return folder, volume, liver


def test_contours_give_back_the_labels(a_tilted_case, tmp_path):
    folder, volume, liver = a_tilted_case
    content = export_rtstruct(folder, [tmp_path / "labels.nii.gz"], tmp_path / "rt.dcm")
    assert content["notes"] == []
    assert np.array_equal(read_rtstruct(tmp_path / "rt.dcm", volume).rois[0].mask, liver)


def test_the_body_lies_on_the_volume_too(a_tilted_case, tmp_path):
    folder, volume, _ = a_tilted_case
    export_rtstruct(folder, [tmp_path / "labels.nii.gz"], tmp_path / "rt.dcm", options=RtStructOptions(body=True))
    body = read_rtstruct(tmp_path / "rt.dcm", volume).rois[1].mask
    assert body.any() and np.array_equal(body, body_outline(volume))


def test_frames_of_a_segmentation_lie_where_the_labels_lie(a_tilted_case, tmp_path):
    folder, volume, liver = a_tilted_case
    content = export_dicom_seg(folder, [tmp_path / "labels.nii.gz"], tmp_path / "seg.dcm")
    dataset = dcmread(tmp_path / "seg.dcm")
    assert content["notes"] == [] and content["frames"] == 4
    slices = {one.sop_instance_uid: index for index, one in enumerate(volume.references.slices)}
    seen = set()
    for group, frame in zip(dataset.PerFrameFunctionalGroupsSequence, binary_frames(dataset), strict=True):
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        z = slices[source.ReferencedSOPInstanceUID]
        corner = volume.geometry.to_ras((z, 0, 0)) * (-1, -1, 1)
        assert np.allclose(group.PlanePositionSequence[0].ImagePositionPatient, corner, atol=1e-3)
        assert np.array_equal(frame, liver[z])
        seen.add(z)
    assert seen == {1, 2, 3, 4}
