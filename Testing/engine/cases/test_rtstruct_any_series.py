"""Any mask on slices that lie anywhere in space comes back from its RTSTRUCT."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import rtstruct_judges as judges
from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.outline_style import DEFAULT_SIMPLIFY_PX, DEFAULT_SMOOTH_PX, OutlineStyle
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.organs import organ_by_key

masks = arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 14), st.integers(1, 14))).filter(np.any)
angles = st.tuples(*[st.floats(-np.pi, np.pi)] * 3)
spacings_mm = st.tuples(st.floats(0.5, 10), st.floats(0.15, 3), st.floats(0.15, 3))
origins_mm = st.tuples(*[st.floats(-2000, 2000)] * 3)
styles = st.sampled_from([OutlineStyle(), OutlineStyle(DEFAULT_SMOOTH_PX, DEFAULT_SIMPLIFY_PX)])


def _orientation(first: float, second: float, third: float) -> np.ndarray:
    """Two perpendicular unit vectors, turned by three angles."""
    c, s = np.cos([first, second, third]), np.sin([first, second, third])
    row = [c[0] * c[1], s[0] * c[1], -s[1]]
    column = [c[0] * s[1] * s[2] - s[0] * c[2], s[0] * s[1] * s[2] + c[0] * c[2], c[1] * s[2]]
    return np.array([*row, *column])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(masks, angles, spacings_mm, origins_mm, styles)
def test_any_mask_on_any_slices_comes_back(mask, turned, spacing_mm, origin_mm, style):
    def place(index, dataset):
        position = np.array(dataset.ImagePositionPatient, float) + origin_mm
        dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]
        dataset.PixelSpacing = [f"{value:.6f}" for value in spacing_mm[1:]]

    with tempfile.TemporaryDirectory() as folder:
        ct, rtstruct = Path(folder) / "ct", Path(folder) / "rt.dcm"
        write_series(ct, mask.shape, _orientation(*turned), spacing_mm, place)
        write_rtstruct(read_references(ct), [RoiMask(organ_by_key("liver"), mask)], rtstruct, style=style)
        contours = judges.placed_contours(rtstruct, ct)
    expected = {"Liver": mask}
    assert judges.wrong_voxels(judges.our_rasteriser(contours, mask.shape), expected) == {}
    assert judges.wrong_voxels(judges.matplotlib_paths(contours, mask.shape), expected) == {}
    assert judges.wrong_voxels(judges.after_slicerrt_keyholes(contours, mask.shape), expected) == {}
    assert max(np.abs(contour.points_px()[:, 2]).max() for contour in contours) <= 1e-4
