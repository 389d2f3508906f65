"""RTSTRUCTs of others are read as other programs read them, where these are right."""

from __future__ import annotations

import shutil

import numpy as np
import pydicom
import pytest

import rtstruct_judges as judges
from ct_series_builder import ORIENTATIONS, write_series
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES
from rtstruct_builder import on_slice, write_structure_set
from rtstruct_cases import structures

PHANTOM_FILES = ["rt.dcm", "invalid_reference_rt.dcm", "non_existent_reference_rt.dcm"]


@pytest.fixture
def a_phantom_ct(shared_data, tmp_path):
    """The two CT slices of the public phantom that rt-utils tests with, without its structure sets."""
    ct = tmp_path / "ct"
    ct.mkdir()
    for path in (shared_data / "rt_utils_phantom" / "mock_data").glob("ct_*.dcm"):
        shutil.copy(path, ct)
    return ct


@pytest.fixture(params=PHANTOM_FILES)
def a_phantom_file(request, shared_data):
    return shared_data / "rt_utils_phantom" / "mock_data" / request.param


def _masks(rtstruct, ct) -> judges.Masks:
    return {roi.name: roi.mask for roi in read_rtstruct(rtstruct, read_references(ct)).rois}


def test_the_public_phantoms_are_read_as_by_plastimatch(a_phantom_ct, a_phantom_file, tmp_path, external_tool):
    ours = _masks(a_phantom_file, a_phantom_ct)
    theirs = judges.plastimatch(
        external_tool("plastimatch"), a_phantom_file, a_phantom_ct, tmp_path / "out", "--xor-contours"
    )
    assert judges.wrong_voxels(ours, theirs) == {}
    assert all(mask.any() for mask in theirs.values())


def test_the_public_phantom_is_read_as_by_dcmrtstruct2nii_but_for_its_outline(a_phantom_ct, shared_data, monkeypatch):
    # It refuses the other two files: one of their contours lies beyond the two slices.
    file = shared_data / "rt_utils_phantom" / "mock_data" / "rt.dcm"
    ours = _masks(file, a_phantom_ct)
    theirs = judges.dcmrtstruct2nii(file, a_phantom_ct, monkeypatch)
    assert ours.keys() == theirs.keys()
    for name, mask in theirs.items():
        # The outlines run through pixel centres; which of these count as inside is each program's choice.
        assert not (ours[name] & ~_grown(mask)).any()
        assert not (mask & ~_grown(ours[name])).any()


def _grown(mask: np.ndarray) -> np.ndarray:
    grown = mask.copy()
    for axis in (1, 2):
        for step in (-1, 1):
            grown |= np.roll(mask, step, axis)
    return grown


@pytest.mark.parametrize("name", ["oriented_data", "one_slice_data"])
def test_masks_come_back_on_the_public_oblique_series(shared_data, tmp_path, name):
    ct = tmp_path / "ct"
    shutil.copytree(shared_data / "rt_utils_phantom" / name, ct)

    for path in ct.glob("*.dcm"):  # they carry no frame of reference, without which no RTSTRUCT can be written
        dataset = pydicom.dcmread(path)
        dataset.FrameOfReferenceUID, dataset.StudyInstanceUID = "1.2.3", "1.2.4"
        dataset.save_as(path)
    references = read_references(ct)
    first = references.slices[0]
    shape = len(references.slices), first.rows, first.columns
    mask = next(iter(structures(shape).values()))
    write_rtstruct(references, [RoiMask(ALL_STRUCTURES[0], mask)], tmp_path / "rt.dcm")
    assert np.array_equal(read_rtstruct(tmp_path / "rt.dcm", references).rois[0].mask, mask)


@pytest.mark.parametrize("orientation", ["supine", "prone", "oblique"])
def test_hand_drawn_outlines_with_holes_are_read_as_by_plastimatch(tmp_path, external_tool, orientation):
    ct = write_series(tmp_path / "ct", (7, 60, 70), ORIENTATIONS[orientation], (3.0, 1.0, 1.0))
    references = read_references(ct)
    rng = np.random.default_rng(7)
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)

    def outline(radius):
        wobble = radius * (1 + 0.12 * np.sin(3 * angles + rng.uniform(0, 6)) + 0.05 * np.sin(7 * angles))
        return np.stack([34.7 + wobble * np.cos(angles), 29.3 + wobble * np.sin(angles)], 1)

    rois = [
        (f"ROI{number}", [on_slice(references, index, outline(radius)) for index in range(1, 6) for radius in radii])
        for number, radii in enumerate([(21,), (22, 14), (25, 16, 9, 4)])
    ]
    file = write_structure_set(tmp_path / "rt.dcm", references, rois)
    theirs = judges.plastimatch(external_tool("plastimatch"), file, ct, tmp_path / "out", "--xor-contours")
    assert judges.wrong_voxels(_masks(file, ct), theirs) == {}
