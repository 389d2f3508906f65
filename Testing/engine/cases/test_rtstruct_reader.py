"""RTSTRUCTs as masks on a CT: what was written comes back, and what others write is understood or refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from pydicom.uid import generate_uid

from ct_series_builder import ORIENTATIONS, write_series
from PediatricAbdomenSegLib.engine.cases.image_file import read_image, write_volume
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError
from PediatricAbdomenSegLib.engine.organs import HEPATOBLASTOMA, organ_by_key
from rtstruct_builder import on_slice, square, write_structure_set

SHAPE = (7, 40, 48)
GAP_BETWEEN_PIECES = ("Slices without a contour between slices with one: 3, left empty.",)


def _shapes() -> dict[str, np.ndarray]:
    y, x = np.indices(SHAPE[1:])
    distance = (y - 20) ** 2 + (x - 24) ** 2
    empty = np.zeros(SHAPE, bool)
    ring, voxel, border, pieces, holes = (empty.copy() for _ in range(5))
    ring[1:6] = (distance < 15**2) & ~(distance < 8**2) | (distance < 9)
    ring[3, 18:22, 30:36] = False
    voxel[3, 5, 6] = True
    border[:, :12, :] = True
    border[:, :, -3:] = True
    pieces[0, 2:5, 2:6], pieces[4:, 30:36, 40:] = True, True
    holes[2, 4:36, 4:44] = True
    for i in range(5):
        holes[2, 8:12, 6 + 7 * i : 9 + 7 * i] = False
    return {"liver": ring, "kidney_left": voxel, "spleen": border, "pancreas": pieces, "hepatoblastoma": holes}


@pytest.fixture
def a_ct(tmp_path):
    return read_references(write_series(tmp_path / "ct", shape=SHAPE))


def _written_and_read(folder, image, path):
    masks = [RoiMask(organ_by_key(key), mask) for key, mask in _shapes().items()]
    write_rtstruct(read_references(folder), masks, path)
    return read_rtstruct(path, image)


def _require_same(contents):
    assert [roi.organ.key for roi in contents.rois] == list(_shapes())
    for roi in contents.rois:
        assert np.array_equal(roi.mask, _shapes()[roi.organ.key]), roi.name
        assert roi.warnings == (GAP_BETWEEN_PIECES if roi.organ.key == "pancreas" else ())
    assert contents.warnings == ()


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_what_we_write_is_read_voxel_for_voxel_in_every_orientation(tmp_path, orientation):
    folder = write_series(tmp_path / "ct", shape=SHAPE, orientation=orientation)
    _require_same(_written_and_read(folder, read_references(folder), tmp_path / "rt.dcm"))
    _require_same(read_rtstruct(tmp_path / "rt.dcm", read_case(folder)))


def test_slices_of_any_distances_are_read_voxel_for_voxel(tmp_path):
    def move(index, dataset):
        dataset.ImagePositionPatient[2] = [0, 2, 4, 9, 14, 14.8, 30][index] - 400

    folder = write_series(tmp_path / "ct", shape=SHAPE, change=move)
    _require_same(_written_and_read(folder, read_references(folder), tmp_path / "rt.dcm"))


def test_a_single_slice_is_read_voxel_for_voxel(tmp_path):
    references = read_references(write_series(tmp_path / "ct", shape=(1, 40, 48)))
    ring = _shapes()["liver"][3:4]
    write_rtstruct(references, [RoiMask(organ_by_key("liver"), ring)], tmp_path / "rt.dcm")
    assert np.array_equal(read_rtstruct(tmp_path / "rt.dcm", references).rois[0].mask, ring)


def test_a_volume_without_dicom_files_takes_contours_too(tmp_path):
    folder = write_series(tmp_path / "ct", shape=SHAPE, orientation=ORIENTATIONS["oblique"])
    write_volume(read_case(folder), tmp_path / "ct.nii.gz")
    volume = read_image(tmp_path / "ct.nii.gz")
    contents = _written_and_read(folder, volume, tmp_path / "rt.dcm")
    for roi in contents.rois:
        assert np.array_equal(roi.mask, _shapes()[roi.organ.key])
        assert "was not checked" in roi.warnings[0]


def test_names_types_and_colours_come_along(tmp_path):
    folder = write_series(tmp_path / "ct", shape=SHAPE)
    contents = _written_and_read(folder, read_references(folder), tmp_path / "rt.dcm")
    tumour = contents.rois[-1]
    assert (tumour.number, tumour.name) == (5, HEPATOBLASTOMA.tg263_name)
    assert (tumour.interpreted_type, tumour.generation_algorithm) == ("GTV", "AUTOMATIC")
    assert tumour.color == HEPATOBLASTOMA.color


def test_a_region_holds_no_more_than_its_box(a_ct, tmp_path):
    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", [on_slice(a_ct, 2, square(10, 5, 12, 9))])])
    roi = read_rtstruct(tmp_path / "rt.dcm", a_ct).rois[0]
    assert roi.region.mask.size < 60
    assert roi.region.voxels == roi.mask.sum() == 15
    assert roi.mask[2, 5:10, 10:13].all()


def _read_square(a_ct, tmp_path, drawn, **options):
    change = options.pop("change", None)
    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", drawn)], change)
    return read_rtstruct(tmp_path / "rt.dcm", a_ct, **options).rois[0]


def test_exclusive_contours_make_a_hole(a_ct, tmp_path):
    outlines = (square(5, 5, 24, 24), square(10, 10, 14, 14))
    drawn = [on_slice(a_ct, 3, outline, "CLOSEDPLANAR_XOR") for outline in outlines]
    assert _read_square(a_ct, tmp_path, drawn).mask.sum() == 400 - 25


def test_plain_contours_in_one_another_make_a_hole(a_ct, tmp_path):
    drawn = [on_slice(a_ct, 3, outline) for outline in (square(10, 10, 14, 14), square(5, 5, 24, 24))]
    assert _read_square(a_ct, tmp_path, drawn).mask.sum() == 400 - 25


def test_points_and_open_contours_are_left_out_and_said(a_ct, tmp_path):
    outline = square(5, 5, 9, 9)
    drawn = [
        on_slice(a_ct, 3, outline),
        on_slice(a_ct, 3, outline[:1], "POINT"),
        on_slice(a_ct, 2, outline, "OPEN_PLANAR"),
        on_slice(a_ct, 1, outline[:2]),
    ]
    roi = _read_square(a_ct, tmp_path, drawn)
    assert roi.mask.sum() == 25
    assert "Contours that enclose no area (POINT) are left out: 1." in roi.warnings
    assert "Contours that enclose no area (OPEN_PLANAR) are left out: 1." in roi.warnings
    assert "Contours of fewer than three points are left out: 1." in roi.warnings


def test_an_offset_of_contours_from_their_plane_is_said(a_ct, tmp_path):
    def change(dataset):
        first, second = dataset.ROIContourSequence[0].ContourSequence
        first.ContourOffsetVector, second.ContourOffsetVector = [0, 0, 0], [0, 0, 1.5]

    drawn = [on_slice(a_ct, index, square(5, 5, 9, 9)) for index in (1, 2)]
    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", drawn)], change)
    roi = read_rtstruct(tmp_path / "rt.dcm", a_ct).rois[0]
    assert any("Contour Offset Vector" in warning and warning.endswith(": 1.") for warning in roi.warnings)
    assert np.flatnonzero(roi.mask.any((1, 2))).tolist() == [1, 2]


def test_an_roi_without_contours_is_empty_and_said(a_ct, tmp_path):
    roi = _read_square(a_ct, tmp_path, [])
    assert not roi.mask.any()
    assert roi.mask.shape == SHAPE
    assert roi.warnings == ("It has no closed contours.",)


@pytest.mark.parametrize(
    ("corners", "voxels"),
    [((-9, 30, 4, 60), 10 * 5), ((-9, 5, 4, 9), 5 * 5), ((40, 5, 60, 9), 5 * 8), ((5, 35, 9, 60), 5 * 5)],
    ids=["corner", "left", "right", "below"],
)
def test_contours_beyond_the_border_are_cut_and_said(a_ct, tmp_path, corners, voxels):
    roi = _read_square(a_ct, tmp_path, [on_slice(a_ct, 3, square(*corners))])
    assert roi.mask.sum() == voxels
    assert any("cut off at its border" in warning for warning in roi.warnings)


def test_contours_beside_the_image_enclose_nothing_and_it_is_said(a_ct, tmp_path):
    roi = _read_square(a_ct, tmp_path, [on_slice(a_ct, 3, square(60, 60, 70, 70))])
    assert not roi.mask.any()
    assert "Its contours enclose no voxel of the image." in roi.warnings


def _shifted(drawn, offset_mm):
    return type(drawn)(drawn.points_mm + [0, 0, offset_mm], drawn.kind, drawn.image_uid)


def test_contours_between_slices_go_to_the_nearest_one(a_ct, tmp_path):
    drawn = [_shifted(on_slice(a_ct, index, square(5, 5, 9, 9)), 0.7) for index in (2, 3, 4)]
    roi = _read_square(a_ct, tmp_path, drawn)
    assert roi.mask.any((1, 2)).tolist() == [False, False, True, True, True, False, False]
    assert "Contours between slices are moved to the nearest one: 3." in roi.warnings
    assert any("do not lie on the image they refer to" in warning for warning in roi.warnings)


def test_contours_half_way_between_slices_do_not_thicken_the_structure(a_ct, tmp_path):
    drawn = [_shifted(on_slice(a_ct, index, square(5, 5, 9, 9)), 1.0) for index in (2, 3, 4)]
    assert _read_square(a_ct, tmp_path, drawn).mask.any((1, 2)).sum() == 3


def test_of_contour_planes_closer_than_slices_the_nearest_counts(a_ct, tmp_path):
    at_slice = on_slice(a_ct, 3, square(5, 5, 9, 9))
    beside = _shifted(on_slice(a_ct, 3, square(20, 20, 29, 29)), 0.6)
    roi = _read_square(a_ct, tmp_path, [beside, at_slice])
    assert roi.mask.sum() == 25
    assert "Contour planes closer together than the slices are left out: 1." in roi.warnings


def test_contour_planes_a_hair_apart_are_not_taken_for_one_plane(a_ct, tmp_path):
    drawn = [_shifted(on_slice(a_ct, 3, square(5, 5, 9, 9)), 0.08 * step) for step in range(10)]
    roi = _read_square(a_ct, tmp_path, drawn)
    assert roi.mask.sum((1, 2)).tolist() == [0, 0, 0, 25, 0, 0, 0]
    assert "Contour planes closer together than the slices are left out: 4." in roi.warnings


def test_contours_above_the_image_are_left_out_and_said(a_ct, tmp_path):
    drawn = [on_slice(a_ct, 6, square(5, 5, 9, 9)), _shifted(on_slice(a_ct, 6, square(5, 5, 9, 9)), 2.0)]
    roi = _read_square(a_ct, tmp_path, drawn)
    assert roi.mask.sum() == 25
    assert "Contours where the image has no slice are left out: 1." in roi.warnings


def test_a_contour_of_a_missing_slice_does_not_slip_into_its_neighbours(tmp_path):
    whole = read_references(write_series(tmp_path / "whole", shape=SHAPE))
    folder = write_series(tmp_path / "ct", shape=SHAPE, change=lambda index, dataset: index != 3)
    references = read_references(folder)
    drawn = [on_slice(whole, 3, square(5, 5, 9, 9)), on_slice(whole, 4, square(5, 5, 6, 6))]
    roi = _read_square(references, tmp_path, drawn)
    assert roi.mask.sum((1, 2)).tolist() == [0, 0, 0, 4, 0, 0]


def test_two_slices_at_one_place_are_refused(a_ct, tmp_path):
    twice = replace(a_ct, slices=(a_ct.slices[0], *a_ct.slices))
    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", [on_slice(a_ct, 3, square(5, 5, 9, 9))])])
    with pytest.raises(InputError, match="at the same place"):
        read_rtstruct(tmp_path / "rt.dcm", twice)


def test_gaps_between_contours_stay_empty_unless_asked(a_ct, tmp_path):
    drawn = [on_slice(a_ct, index, square(20 - 2 * index, 5, 25, 9)) for index in (0, 2, 4)]
    roi = _read_square(a_ct, tmp_path, drawn)
    assert roi.mask.any((1, 2)).tolist() == [True, False, True, False, True, False, False]
    assert "Slices without a contour between slices with one: 2, left empty." in roi.warnings


def test_gaps_are_filled_by_the_shape_half_way_when_asked(a_ct, tmp_path):
    drawn = [on_slice(a_ct, index, square(20 - 2 * index, 5, 25, 20)) for index in (0, 2, 4)]
    roi = _read_square(a_ct, tmp_path, drawn, fill_gaps=True)
    assert any("filled by the shape" in warning for warning in roi.warnings)
    for index in range(5):
        middle = np.flatnonzero(roi.mask[index, 12])
        assert (middle.min(), middle.max()) == (20 - 2 * index, 25)


def test_contours_refer_to_images_of_another_series_and_their_coordinates_count(a_ct, tmp_path):
    drawn = on_slice(a_ct, 3, square(5, 5, 9, 9))
    roi = _read_square(a_ct, tmp_path, [type(drawn)(drawn.points_mm, drawn.kind, generate_uid())])
    assert roi.mask[3].sum() == 25
    assert "Contours that refer to images not in the series: 1." in roi.warnings


def test_missing_references_are_said(a_ct, tmp_path):
    def strip(dataset):
        del dataset.ReferencedFrameOfReferenceSequence
        del dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID

    drawn = on_slice(a_ct, 3, square(5, 5, 9, 9))
    write_structure_set(
        tmp_path / "rt.dcm", a_ct, [("Liver", [type(drawn)(drawn.points_mm, drawn.kind)])], change=strip
    )
    contents = read_rtstruct(tmp_path / "rt.dcm", a_ct)
    assert contents.rois[0].mask.sum() == 25
    assert "Referenced Frame of Reference Sequence (3006,0010) is missing." in contents.warnings
    assert any("was not checked" in warning for warning in contents.rois[0].warnings)
    assert "Contours that name no image (Contour Image Sequence): 1." in contents.rois[0].warnings


def _other_frame(dataset):
    dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "1.2.3.4"


def test_another_frame_of_reference_is_refused_unless_asked(a_ct, tmp_path):
    drawn = on_slice(a_ct, 3, square(5, 5, 9, 9))
    unnamed = [type(drawn)(drawn.points_mm, drawn.kind)]
    with pytest.raises(InputError, match=r"rt\.dcm: ROI 1 \(Liver\) lies in the frame of reference 1\.2\.3\.4"):
        _read_square(a_ct, tmp_path, unnamed, change=_other_frame)
    roi = _read_square(a_ct, tmp_path, unnamed, change=_other_frame, any_frame=True)
    assert roi.mask.sum() == 25
    assert "another frame of reference" in roi.warnings[0]


def test_contours_drawn_on_the_images_are_read_whatever_the_frame_is_called(a_ct, tmp_path):
    roi = _read_square(a_ct, tmp_path, [on_slice(a_ct, 3, square(5, 5, 9, 9))], change=_other_frame)
    assert roi.mask.sum() == 25
    assert "another frame of reference" in roi.warnings[0]


def test_another_study_and_another_patient_are_said_without_naming_them(a_ct, tmp_path):
    def swap(dataset):
        dataset.StudyInstanceUID, dataset.PatientID = "1.2.3", "SECRET-99"

    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", [on_slice(a_ct, 3, square(5, 5, 9, 9))])], swap)
    warnings = read_rtstruct(tmp_path / "rt.dcm", a_ct).warnings
    assert any("another study" in warning for warning in warnings)
    assert any("another Patient ID" in warning for warning in warnings)
    assert not re.search("SECRET|P-1|Doe", " ".join(warnings))


def test_reading_can_be_stopped(a_ct, tmp_path):
    def stop(event):
        raise Cancelled

    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", []), ("Spleen", [])])
    with pytest.raises(Cancelled):
        read_rtstruct(tmp_path / "rt.dcm", a_ct, on_progress=stop)
