"""Contours are exact to the voxel in every reader, wherever the series lies and whatever the organ looks like.

Each series gets one RTSTRUCT with all structures, which each reader then reads once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rtstruct_judges as judges
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES
from rtstruct_cases import SERIES, SeriesCase, structures
from slicerrt_keyholes import COINCIDENCE_MM, bridge_ends


@dataclass(frozen=True)
class Written:
    """An RTSTRUCT, the CT it lies on (``whole`` has the missing slices too) and the masks by ROI name."""

    case: SeriesCase
    rtstruct: Path
    ct: Path
    whole: Path
    masks: judges.Masks
    contours: list[judges.PlacedContour]

    @property
    def shape(self) -> tuple[int, int, int]:
        return (len(self.case.present), *self.case.shape[1:])


@pytest.fixture(scope="module", params=SERIES.values(), ids=SERIES.keys())
def written(request, tmp_path_factory) -> Written:
    case = request.param
    folder = tmp_path_factory.mktemp("exactness")
    case.write(folder / "whole", folder / "ct")
    masks = [mask[case.present] for mask in structures(case.shape).values()]
    rois = [RoiMask(organ, mask) for organ, mask in zip(ALL_STRUCTURES, masks, strict=False)]
    assert len(rois) == len(masks)
    summary = write_rtstruct(read_references(folder / "ct"), rois, folder / "rt.dcm")
    named = dict(zip(summary.roi_names, masks, strict=True))
    contours = judges.placed_contours(folder / "rt.dcm", folder / "ct")
    return Written(case, folder / "rt.dcm", folder / "ct", folder / "whole", named, contours)


def test_our_rasteriser_gives_back_every_mask(written):
    found = judges.our_rasteriser(written.contours, written.shape)
    assert judges.wrong_voxels(found, written.masks) == {}


def test_our_reader_gives_back_every_mask(written):
    contents = read_rtstruct(written.rtstruct, read_references(written.ct))
    assert judges.wrong_voxels({roi.name: roi.mask for roi in contents.rois}, written.masks) == {}


def test_matplotlib_gives_back_every_mask(written):
    found = judges.matplotlib_paths(written.contours, written.shape)
    assert judges.wrong_voxels(found, written.masks) == {}


@pytest.mark.parametrize("options", [(), ("--xor-contours",)], ids=["or", "xor"])
def test_plastimatch_gives_back_every_mask(written, options, tmp_path, external_tool):
    if written.case.orientation == "coronal":
        pytest.skip("plastimatch 1.9.4 drops contours of a few pixels from series that do not run along z")
    found = judges.plastimatch(
        external_tool("plastimatch"), written.rtstruct, written.whole, tmp_path / "masks", *options
    )
    on_the_whole_grid = {}
    for name, mask in written.masks.items():
        on_the_whole_grid[name] = np.zeros(written.case.shape, bool)
        on_the_whole_grid[name][written.case.present] = mask
    assert judges.wrong_voxels(found, on_the_whole_grid) == {}


def test_dcmrtstruct2nii_gives_back_every_mask(written, monkeypatch):
    if written.case.missing:
        pytest.skip("ITK puts slices of uneven distance on an even grid, where no contour belongs")
    found = judges.dcmrtstruct2nii(written.rtstruct, written.ct, monkeypatch)
    assert judges.wrong_voxels(found, written.masks) == {}


def test_rt_utils_gives_back_every_mask(written, monkeypatch):
    if not written.case.has_square_pixels:
        pytest.skip("rt-utils takes the spacing of rows for that of columns")
    found = judges.rt_utils(written.rtstruct, written.ct, monkeypatch)
    assert judges.wrong_voxels(found, written.masks) == {}


def test_slicerrt_takes_keyholes_out_and_has_every_mask(written):
    found = judges.after_slicerrt_keyholes(written.contours, written.shape)
    assert judges.wrong_voxels(found, written.masks) == {}


def test_no_points_but_bridge_ends_coincide_for_slicerrt(written):
    for contour in written.contours:
        points = contour.points_mm
        gaps = np.linalg.norm(np.roll(points, -1, 0) - points, axis=1)
        assert gaps.min() > COINCIDENCE_MM, contour.roi_name
        partner = bridge_ends(points)[:-1]
        at_bridge = np.flatnonzero(partner >= 0)
        assert (partner[partner[at_bridge]] == at_bridge).all(), contour.roi_name
        # A channel is two ends on its way in and the same two, in reverse, on its way out.
        assert len(at_bridge) % 4 == 0, contour.roi_name


def test_every_contour_lies_in_the_plane_of_its_image(written):
    tolerance_mm = 1e-4 if written.case.orientation == "oblique" else 1e-9
    for contour in written.contours:
        assert np.abs(contour.points_px()[:, 2]).max() <= tolerance_mm


@pytest.mark.parametrize("command", ["dciodvfy -new", "dcmdump -q", "drtdump"])
def test_dicom_programs_do_not_complain(written, command, external_tool):
    program, *options = command.split()
    assert judges.complaints([external_tool(program), *options, str(written.rtstruct)]) == []


def test_every_contour_is_a_polygon_in_decimal_strings_of_sixteen_characters(written):
    for contour in written.contours:
        values = contour.text.split("\\")
        assert contour.item.ContourGeometricType == "CLOSED_PLANAR"
        assert contour.item.NumberOfContourPoints == len(values) / 3 >= 3
        assert max(map(len, values)) <= 16
