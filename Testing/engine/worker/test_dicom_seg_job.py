"""Label maps to DICOM SEG, as a job of its own and beside the other results."""

from __future__ import annotations

from pydicom import dcmread

from PediatricAbdomenSegLib.engine.checksums import sha256_of_file
from PediatricAbdomenSegLib.engine.worker.dicom_seg_job import export_dicom_seg
from PediatricAbdomenSegLib.engine.worker.jobs import SegmentJob, segment_case


def test_label_maps_become_a_dicom_segmentation_with_the_same_organs_and_marks(run, a_ct_folder, a_bundle, tmp_path):
    run(a_ct_folder)
    labels = [tmp_path / "out" / "labels.nii.gz"]
    content = export_dicom_seg(
        a_ct_folder, labels, tmp_path / "seg.dcm", ["toy"], find=lambda name: a_bundle, edited=["liver"]
    )
    dataset = dcmread(tmp_path / "seg.dcm")
    assert content["segments"] == [segment.SegmentLabel for segment in dataset.SegmentSequence] == ["Spleen", "Liver"]
    assert [segment.SegmentAlgorithmType for segment in dataset.SegmentSequence] == ["AUTOMATIC", "SEMIAUTOMATIC"]
    assert content["frames"] == dataset.NumberOfFrames
    assert sha256_of_file(tmp_path / "seg.dcm") == content["sha256"]


def test_a_dicom_segmentation_is_written_beside_the_others_where_asked_for(
    a_ct_folder, a_nifti, a_bundle, a_segmenter, tmp_path
):
    def run(path, output, **changes):
        job = SegmentJob(path, tmp_path / output, dicom_seg=True)
        return segment_case(job, segmenter=a_segmenter, find=lambda name: a_bundle, **changes)

    record = run(a_ct_folder, "dicom")
    assert dcmread(tmp_path / "dicom" / "segmentation.dcm").Modality == "SEG"
    assert "segmentation.dcm" in record["files"]
    assert run(a_ct_folder, "dicom", resume=True) == record
    run(a_nifti, "nifti")
    assert not (tmp_path / "nifti" / "segmentation.dcm").exists()


def test_a_result_without_the_segmentation_is_not_resumed_with_it(run, a_ct_folder, a_bundle, a_segmenter, tmp_path):
    run(a_ct_folder)
    job = SegmentJob(a_ct_folder, tmp_path / "out", dicom_seg=True)
    segment_case(job, segmenter=a_segmenter, find=lambda name: a_bundle, resume=True)
    assert (tmp_path / "out" / "segmentation.dcm").exists()
