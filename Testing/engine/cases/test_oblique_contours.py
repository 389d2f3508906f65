"""Contours drawn in planes across the slices become voxels."""

from __future__ import annotations

import numpy as np
import pytest

from ct_series_builder import ORIENTATIONS, write_series
from PediatricAbdomenSegLib.engine.cases.contours import contours_of
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import InputError
from rtstruct_builder import Drawn, on_slice, square, write_structure_set

SHAPE = (30, 40, 48)
SPACING_MM = (2.0, 1.5, 0.8)


@pytest.fixture(params=["supine", "oblique"])
def a_ct(request, tmp_path):
    folder = write_series(tmp_path / "ct", shape=SHAPE, orientation=ORIENTATIONS[request.param], spacing_mm=SPACING_MM)
    return read_references(folder)


def _to_mm(references, index_xyz) -> np.ndarray:
    first, last = references.slices[0], references.slices[-1]
    slice_step = (last.corner_mm - first.corner_mm) / (len(references.slices) - 1)
    steps = np.stack([first.column_step_mm, first.row_step_mm, slice_step])
    return first.corner_mm + np.asarray(index_xyz, float) @ steps


def _ring() -> np.ndarray:
    z, y, x = np.indices(SHAPE)
    distance = ((z - 15) * 2.0) ** 2 + ((y - 20) * 1.5) ** 2 + ((x - 24) * 0.8) ** 2
    return (distance < 14**2) & ~(distance < 7**2)


def _read(references, tmp_path, drawn):
    write_structure_set(tmp_path / "rt.dcm", references, [("Liver", drawn)])
    return read_rtstruct(tmp_path / "rt.dcm", references).rois[0]


@pytest.mark.parametrize("axis", [1, 2], ids=["coronal", "sagittal"])
def test_contours_across_the_slices_give_back_the_mask_they_were_made_from(a_ct, tmp_path, axis):
    mask = _ring()
    across = np.moveaxis(mask, axis, 0)  # planes along the first axis, then z, then the other one
    drawn = []
    for contour in contours_of(np.ascontiguousarray(across)):
        other, z = contour.points_px.T
        plane = np.full(len(z), contour.slice_index, float)
        index = [other, plane, z] if axis == 1 else [plane, other, z]
        drawn.append(Drawn(_to_mm(a_ct, np.stack(index, 1))))
    roi = _read(a_ct, tmp_path, drawn)
    assert np.array_equal(roi.mask, mask)
    assert any("across the slices" in warning for warning in roi.warnings)


def test_sagittal_contours_on_every_third_column_fill_the_columns_between(a_ct, tmp_path):
    drawn = []
    for column in range(10, 34, 3):
        outline = [(column, 10 - 0.5, 5 - 0.5), (column, 25.5, 5 - 0.5), (column, 25.5, 20.5), (column, 9.5, 20.5)]
        drawn.append(Drawn(_to_mm(a_ct, outline)))
    expected = np.zeros(SHAPE, bool)
    expected[5:21, 10:26, 9:33] = True
    assert np.array_equal(_read(a_ct, tmp_path, drawn).mask, expected)


def test_sagittal_contours_a_degree_off_the_grid_are_read_in_their_own_planes(a_ct, tmp_path):
    lean = np.tan(np.radians(1.2)) * SPACING_MM[1] / SPACING_MM[2]  # columns per row
    drawn = []
    for column in range(10, 30):
        outline = [(column + lean * (y - 20), y, z) for y, z in ((5.5, 5.5), (34.5, 5.5), (34.5, 24.5), (5.5, 24.5))]
        drawn.append(Drawn(_to_mm(a_ct, outline)))
    mask = _read(a_ct, tmp_path, drawn).mask
    z, y, x = np.indices(SHAPE)
    column = x - lean * (y - 20)
    assert mask[(column > 9.6) & (column < 29.4) & (y > 6) & (y < 34) & (z > 6) & (z < 24)].all()
    assert not mask[(column < 9.4) | (column > 29.6) | (y < 5) | (y > 35) | (z < 5) | (z > 25)].any()


def test_a_tilted_stack_of_discs_is_a_cylinder_to_within_its_surface(a_ct, tmp_path):
    tilt = np.radians(25)
    centre = _to_mm(a_ct, [24, 20, 15])
    first = a_ct.slices[0]
    row, column, normal = np.array(first.row_direction), np.array(first.column_direction), first.normal
    axis = np.cos(tilt) * normal + np.sin(tilt) * column
    in_plane = np.cross(axis, row)
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    disc = 11.0 * (np.cos(angles)[:, None] * row + np.sin(angles)[:, None] * in_plane)
    drawn = [Drawn(centre + step * 2.0 * axis + disc) for step in range(-5, 6)]
    mask = _read(a_ct, tmp_path, drawn).mask

    z, y, x = np.indices(SHAPE)
    relative = _to_mm(a_ct, np.stack([x, y, z], -1)) - centre
    along = relative @ axis
    radius = np.linalg.norm(relative - along[..., None] * axis, axis=-1)
    inside = (radius < 11.0 - 0.2) & (np.abs(along) < 11.0 - 0.01)
    outside = (radius > 11.0 + 0.2) | (np.abs(along) > 11.0 + 0.01)
    assert mask[inside].all()
    assert not mask[outside].any()


def test_contours_in_planes_of_several_directions_are_refused_by_name(a_ct, tmp_path):
    axial = on_slice(a_ct, 15, square(10, 10, 30, 30))
    sagittal = Drawn(_to_mm(a_ct, [(24, 10, 5), (24, 30, 5), (24, 30, 25), (24, 10, 25)]))
    with pytest.raises(InputError, match=r"ROI 1 \(Liver\) has contours in planes that are not parallel"):
        _read(a_ct, tmp_path, [axial, sagittal])


def test_a_contour_in_no_plane_at_all_is_refused_by_name(a_ct, tmp_path):
    bent = Drawn(_to_mm(a_ct, [(10, 10, 5), (30, 10, 15), (30, 30, 5), (10, 30, 25), (20, 20, 0)]))
    with pytest.raises(InputError, match=r"ROI 1 \(Liver\).*not in a plane at all"):
        _read(a_ct, tmp_path, [bent])


def test_contours_across_the_slices_beside_the_image_enclose_nothing(a_ct, tmp_path):
    drawn = [Drawn(_to_mm(a_ct, [(90, 10, 5), (90, 30, 5), (90, 30, 25), (90, 10, 25)]))]
    roi = _read(a_ct, tmp_path, drawn)
    assert not roi.mask.any()
    assert "Its contours enclose no voxel of the image." in roi.warnings


def test_slices_of_any_distances_take_contours_across_them(tmp_path):
    def move(index, dataset):
        dataset.ImagePositionPatient[2] = -400 + 2 * index + (index > 15) * 5

    references = read_references(write_series(tmp_path / "ct", shape=SHAPE, spacing_mm=SPACING_MM, change=move))
    corner, first = references.slices[0].corner_mm, references.slices[0]
    drawn = []
    for column in range(10, 20):
        outline = [(column, 9.5, 9), (column, 25.5, 9), (column, 25.5, 51), (column, 9.5, 51)]  # z in mm
        drawn.append(
            Drawn([corner + x * first.column_step_mm + y * first.row_step_mm + [0, 0, z] for x, y, z in outline])
        )
    expected = np.zeros(SHAPE, bool)
    offsets = np.array([one.corner_mm[2] - corner[2] for one in references.slices])
    expected[(offsets > 9) & (offsets < 51), 10:26, 10:20] = True
    assert np.array_equal(_read(references, tmp_path, drawn).mask, expected)
