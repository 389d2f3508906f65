"""Contours of label maps of any kind and grid, new or in an existing RTSTRUCT."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.image_file import itk_image, write_label_map
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.checksums import sha256_of_file
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.progress import CancelToken, ignore_progress
from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers
from PediatricAbdomenSegLib.engine.worker.requests import ExportRtstruct
from PediatricAbdomenSegLib.engine.worker.rtstruct_job import RtStructOptions, export_rtstruct


def test_contours_of_two_label_maps_go_into_one_rtstruct(run, a_ct_folder, a_bundle, tmp_path):
    run(a_ct_folder)
    labels = tmp_path / "out" / "labels.nii.gz"
    content = export_rtstruct(
        a_ct_folder, [labels, labels], tmp_path / "both.dcm", ["toy", "toy"], find=lambda name: a_bundle
    )
    assert content["rois"] == ["Spleen", "Liver"]
    dataset = dcmread(tmp_path / "both.dcm")
    assert [item.ROIName for item in dataset.StructureSetROISequence] == content["rois"]
    assert sha256_of_file(tmp_path / "both.dcm") == content["sha256"]


def test_corrected_organs_are_marked_and_named_in_the_style_asked_for(run, a_ct_folder, tmp_path):
    run(a_ct_folder)
    labels = [tmp_path / "out" / "labels.nii.gz"]
    options = RtStructOptions(name_style="display", edited=("liver",))
    export_rtstruct(a_ct_folder, labels, tmp_path / "x.dcm", options=options)
    rois = {roi.ROIName: roi for roi in dcmread(tmp_path / "x.dcm").StructureSetROISequence}
    assert rois["Liver"].ROIGenerationAlgorithm == "SEMIAUTOMATIC"
    assert rois["Liver"].ROIGenerationDescription == "automatic, edited"
    assert rois["Spleen"].ROIGenerationAlgorithm == "AUTOMATIC"


def test_a_label_map_of_another_grid_is_refused(run, a_ct_folder, a_nifti, tmp_path):
    run(a_nifti)
    with pytest.raises(InputError, match="labels.nii.gz: .* labelled voxels lie outside the CT"):
        export_rtstruct(a_ct_folder, [tmp_path / "out" / "labels.nii.gz"], tmp_path / "x.dcm")
    assert not (tmp_path / "x.dcm").exists()


def test_contours_need_a_dicom_series(run, a_nifti, tmp_path):
    run(a_nifti)
    with pytest.raises(InputError, match="DICOM"):
        export_rtstruct(a_nifti, [tmp_path / "out" / "labels.nii.gz"], tmp_path / "x.dcm")


def test_the_number_of_models_has_to_fit_the_label_maps(tmp_path):
    with pytest.raises(UsageError, match="3 models for 2 label maps"):
        export_rtstruct(tmp_path, [tmp_path, tmp_path], tmp_path / "x.dcm", ["a", "b", "c"])


def _segmented(run, a_ct_folder, tmp_path):
    run(a_ct_folder)
    return tmp_path / "out" / "labels.nii.gz"


def test_a_segmentation_names_the_model_that_made_it(run, a_ct_folder, tmp_path):
    run(a_ct_folder)
    export_rtstruct(a_ct_folder, [tmp_path / "out" / "segmentation.seg.nrrd"], tmp_path / "x.dcm")
    dataset = dcmread(tmp_path / "x.dcm")
    assert dataset.StructureSetLabel.startswith("DEMO")
    assert "(demonstration)" in dataset.StructureSetROISequence[0].ROIGenerationDescription


def test_labels_on_another_grid_are_resampled_and_that_is_said(run, a_ct_folder, tmp_path):
    labels = _segmented(run, a_ct_folder, tmp_path)
    image = sitk.ReadImage(str(labels))
    half = sitk.Resample(
        image,
        [2 * size for size in image.GetSize()],
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        image.TransformContinuousIndexToPhysicalPoint([-0.25] * 3),
        [spacing / 2 for spacing in image.GetSpacing()],
        image.GetDirection(),
    )
    sitk.WriteImage(half, str(tmp_path / "half.nii.gz"))
    exact = export_rtstruct(a_ct_folder, [labels], tmp_path / "a.dcm")
    resampled = export_rtstruct(a_ct_folder, [tmp_path / "half.nii.gz"], tmp_path / "b.dcm")
    assert exact["notes"] == []
    assert "half.nii.gz lies on another grid" in resampled["notes"][0]
    assert resampled["rois"] == exact["rois"]


def test_slices_that_are_missing_in_the_series_get_no_contours_and_that_is_said(run, a_ct_folder, tmp_path):
    labels = _segmented(run, a_ct_folder, tmp_path)
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(labels)))
    in_the_middle = int(np.median(np.flatnonzero(array.any((1, 2)))))
    files = sorted(a_ct_folder.iterdir(), key=lambda path: float(dcmread(path).ImagePositionPatient[2]))
    files[in_the_middle].unlink()
    content = export_rtstruct(a_ct_folder, [labels], tmp_path / "x.dcm")
    assert content["notes"] == ["Left out where the series has no image: 1 slice with labels in labels.nii.gz."]


def test_the_body_is_outlined_on_request(tmp_path):
    hounsfield = np.full((6, 60, 60), -1000)
    hounsfield[:, 10:50, 10:50] = 40
    hounsfield[:, 20:30, 20:30] = -900
    ct = write_series(tmp_path / "ct", spacing_mm=(5.0, 3.0, 3.0), hounsfield=hounsfield)
    volume = read_case(ct)
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[2:4, 30:40, 30:40] = 6
    write_label_map(LabelMap(labels, volume.geometry), tmp_path / "labels.nii.gz")
    options = RtStructOptions(body=True)
    content = export_rtstruct(ct, [tmp_path / "labels.nii.gz"], tmp_path / "x.dcm", options=options)
    assert content["rois"] == ["Liver", "External"]
    assert dcmread(tmp_path / "x.dcm").RTROIObservationsSequence[1].RTROIInterpretedType == "EXTERNAL"
    body = read_rtstruct(tmp_path / "x.dcm", volume).rois[1].mask
    assert body[:, 12:48, 12:48].all() and not body[:, :9].any()


def test_a_request_asks_for_rounded_outlines(a_ct_folder, tmp_path):
    geometry = read_case(a_ct_folder).geometry
    _, y, x = np.indices(geometry.shape)
    ball = ((y - 20) ** 2 + (x - 24) ** 2 < 150).astype(np.uint8)
    write_label_map(LabelMap(6 * ball, geometry), tmp_path / "labels.nii.gz")

    def export(name, **options):
        output = tmp_path / name
        request = ExportRtstruct("1", str(a_ct_folder), (str(tmp_path / "labels.nii.gz"),), str(output), **options)
        return make_handlers()[ExportRtstruct](request, ignore_progress, CancelToken())["points"]

    assert export("rounded.dcm", smooth_px=0.16, simplify_px=0.18) < export("exact.dcm")


def test_only_the_organs_asked_for_are_written(run, a_ct_folder, tmp_path):
    labels = _segmented(run, a_ct_folder, tmp_path)
    content = export_rtstruct(a_ct_folder, [labels], tmp_path / "x.dcm", options=RtStructOptions(organs=("liver",)))
    assert content["rois"] == ["Liver"]


def test_contours_are_appended_to_an_rtstruct_and_replace_one_of_its_rois(run, a_ct_folder, tmp_path):
    labels = _segmented(run, a_ct_folder, tmp_path)
    first = export_rtstruct(a_ct_folder, [labels], tmp_path / "a.dcm", options=RtStructOptions(organs=("liver",)))
    options = RtStructOptions(append_to=tmp_path / "a.dcm", replaced=("Liver",))
    second = export_rtstruct(a_ct_folder, [labels], tmp_path / "b.dcm", options=options)
    assert first["rois"] == ["Liver"] and second["rois"] == ["Spleen", "Liver"]
    assert [roi.ROIName for roi in dcmread(tmp_path / "b.dcm").StructureSetROISequence] == ["Liver", "Spleen"]


def test_a_request_keeps_the_rois_of_an_rtstruct_and_replaces_those_of_the_same_organs(run, a_ct_folder, tmp_path):
    labels, existing = _segmented(run, a_ct_folder, tmp_path), tmp_path / "a.dcm"
    export_rtstruct(a_ct_folder, [labels], existing, options=RtStructOptions(organs=("liver",)))
    dataset = dcmread(existing)
    dataset.StructureSetROISequence[0].ROIName = "Leber"
    dataset.save_as(existing)

    def names(**options):
        output = tmp_path / "b.dcm"
        request = ExportRtstruct("1", str(a_ct_folder), (str(labels),), str(output), append_to=str(existing), **options)
        make_handlers()[ExportRtstruct](request, ignore_progress, CancelToken())
        return [roi.ROIName for roi in dcmread(output).StructureSetROISequence]

    assert names() == ["Leber", "Spleen", "Liver"]
    assert names(replace_same=True) == ["Leber", "Spleen"]


def test_two_rois_of_one_organ_are_named_instead_of_replacing_one_of_them(run, a_ct_folder, tmp_path):
    labels = _segmented(run, a_ct_folder, tmp_path)
    export_rtstruct(a_ct_folder, [labels], tmp_path / "a.dcm")
    dataset = dcmread(tmp_path / "a.dcm")
    dataset.StructureSetROISequence[0].ROIName = "Leber"
    dataset.save_as(tmp_path / "a.dcm")
    options = RtStructOptions(append_to=tmp_path / "a.dcm", replace_same=True)
    with pytest.raises(UsageError, match="Leber and Liver"):
        export_rtstruct(a_ct_folder, [labels], tmp_path / "b.dcm", options=options)


def test_replacing_needs_an_rtstruct_to_replace_in(a_ct_folder, tmp_path):
    with pytest.raises(UsageError, match="existing RTSTRUCT"):
        export_rtstruct(a_ct_folder, [], tmp_path / "x.dcm", options=RtStructOptions(replaced=("Liver",)))
    with pytest.raises(UsageError, match="existing RTSTRUCT"):
        export_rtstruct(a_ct_folder, [], tmp_path / "x.dcm", options=RtStructOptions(replace_same=True))


def test_a_misspelt_edited_organ_is_a_usage_error(a_ct_folder, tmp_path):
    with pytest.raises(UsageError, match="livre"):
        export_rtstruct(a_ct_folder, [], tmp_path / "x.dcm", options=RtStructOptions(edited=("livre",)))


def test_overlapping_segments_both_keep_their_contours(a_ct_folder, tmp_path):
    volume = read_case(a_ct_folder)
    layers = np.zeros((*volume.array.shape, 2), np.uint8)
    layers[1:5, 5:30, 5:30, 0] = 1
    layers[2:4, 10:20, 10:20, 1] = 1
    image = sitk.GetImageFromArray(layers, isVector=True)
    grid = itk_image(volume.array, volume.geometry)
    image.SetOrigin(grid.GetOrigin())
    image.SetSpacing(grid.GetSpacing())
    image.SetDirection(grid.GetDirection())
    for index, name in enumerate(("Liver", "Hepatoblastoma")):
        image.SetMetaData(f"Segment{index}_Name", name)
        image.SetMetaData(f"Segment{index}_LabelValue", "1")
        image.SetMetaData(f"Segment{index}_Layer", str(index))
    sitk.WriteImage(image, str(tmp_path / "both.seg.nrrd"))
    export_rtstruct(a_ct_folder, [tmp_path / "both.seg.nrrd"], tmp_path / "x.dcm")
    liver, tumour = read_rtstruct(tmp_path / "x.dcm", volume).rois
    assert np.array_equal(liver.mask, layers[..., 0] == 1)
    assert np.array_equal(tumour.mask, layers[..., 1] == 1)
