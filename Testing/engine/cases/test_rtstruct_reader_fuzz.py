"""Whatever stands in an RTSTRUCT, reading it ends in an error of ours or in a right mask."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from ct_series_builder import write_series
from even_odd_rasteriser import fill
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import PediatricAbdomenSegError
from rtstruct_builder import Drawn, on_slice, square, structure_set

SHAPE = (5, 20, 24)
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# What says where the contours lie; everything else may be missing or wrong without moving them.
POSITION = {"ContourData", "ContourGeometricType"}
GARBAGE = [None, "", "x", "\\", "-1", "1e9", "1.2.3", "NaN", "ÄÖ", "9" * 70, "CLOSED_PLANAR"]


@pytest.fixture(scope="module")
def a_ct(tmp_path_factory):
    return read_references(write_series(tmp_path_factory.mktemp("ct"), shape=SHAPE))


@pytest.fixture(scope="module")
def rois(a_ct):
    liver = [
        on_slice(a_ct, index, outline) for index in (1, 2) for outline in (square(2, 2, 15, 12), square(5, 5, 8, 8))
    ]
    return [("Liver", liver), ("Kidney_L", [on_slice(a_ct, 3, square(1, 1, 4, 4))])]


@pytest.fixture(scope="module")
def a_file(a_ct, rois) -> bytes:
    return _encoded(structure_set(a_ct, rois))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rt.dcm"


def _encoded(dataset) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about the values broken on purpose
        dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _read(path, content: bytes, a_ct):
    """The contents, or None when the file is refused in our own words."""
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            contents = read_rtstruct(path, a_ct)
        except PediatricAbdomenSegError as error:
            assert error.message
            return None
    for roi in contents.rois:
        assert roi.mask.shape == SHAPE
        assert roi.mask.dtype == bool
    return contents


def _all_items(dataset: Dataset) -> list[tuple[Dataset, str]]:
    found = []
    for element in dataset:
        if element.keyword and element.keyword not in POSITION:
            found.append((dataset, element.keyword))
        if element.VR == "SQ":
            found += [pair for item in element.value for pair in _all_items(item)]
    return found


@pytest.mark.filterwarnings("ignore")  # pydicom's, about the values broken on purpose
@FUZZ
@given(data=st.data())
def test_header_fields_missing_or_wrong_never_move_a_contour(data, path, a_ct, rois):
    dataset = structure_set(a_ct, rois)
    places = data.draw(st.lists(st.sampled_from(_all_items(dataset)), min_size=1, max_size=4))
    for item, keyword in places:
        value = data.draw(st.sampled_from(GARBAGE))
        if keyword not in item:
            continue
        tag, vr = item[keyword].tag, item[keyword].VR
        del item[keyword]
        if value is not None and vr != "SQ":
            encoded = value.encode("latin-1")
            item[tag] = RawDataElement(tag, vr, len(encoded), encoded, 0, True, True)
    contents = _read(path, _encoded(dataset), a_ct)
    if contents is None:
        return
    liver = np.zeros(SHAPE, bool)
    liver[1:3, 2:13, 2:16] = True
    liver[1:3, 5:9, 5:9] = False
    kidney = np.zeros(SHAPE, bool)
    kidney[3, 1:5, 1:5] = True
    for roi in contents.rois:
        # A number that is wrong separates an ROI from its contours; it can never give it another's.
        assert any(np.array_equal(roi.mask, right) for right in (liver, kidney, np.zeros(SHAPE, bool)))
        assert roi.mask.any() or roi.warnings


@FUZZ
@given(at=st.integers(0, 10**6), value=st.binary(min_size=1, max_size=8))
def test_changed_bytes_end_in_an_error_of_ours_or_a_mask(at, value, path, a_ct, a_file):
    at %= len(a_file)
    _read(path, a_file[:at] + value + a_file[at + len(value) :], a_ct)


@FUZZ
@given(length=st.integers(0, 10**6))
def test_a_file_cut_short_ends_in_an_error_of_ours_or_a_mask(length, path, a_ct, a_file):
    _read(path, a_file[: length % len(a_file)], a_ct)


COORDINATES = st.floats(-40, 60).map(lambda value: round(value, 1))


def _near_an_edge(points: np.ndarray) -> np.ndarray:
    """Bool ``(y, x)``: pixel centres so close to the contour that rounding in the file decides."""
    y, x = np.indices(SHAPE[1:])
    centres = np.stack([x, y], -1)[..., None, :]
    ends = np.roll(points, -1, 0)
    along = ends - points
    length = np.maximum((along**2).sum(-1), 1e-12)
    share = np.clip(((centres - points) * along).sum(-1) / length, 0, 1)
    return (np.linalg.norm(centres - points - share[..., None] * along, axis=-1) < 1e-3).any(-1)


@FUZZ
@given(points=st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=25), index=st.integers(0, 4))
def test_any_contour_on_a_slice_is_filled_as_by_the_plain_rasteriser(points, index, path, a_ct):
    drawn = on_slice(a_ct, index, points)
    contents = _read(path, _encoded(structure_set(a_ct, [("Liver", [drawn])])), a_ct)
    expected = np.zeros(SHAPE, bool)
    expected[index] = fill(np.array(points), SHAPE[1:])
    wrong = contents.rois[0].mask != expected
    assert not wrong[:, ~_near_an_edge(np.array(points))].any()


@FUZZ
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(*[st.floats(-300, 300, width=32)] * 3), max_size=8),
            st.sampled_from(["CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "OPEN_PLANAR", "POINT", "", "CLOSED"]),
        ),
        max_size=6,
    )
)
def test_contours_of_any_points_and_types_end_in_an_error_of_ours_or_a_mask(path, a_ct, contours):
    drawn = [Drawn(np.array(points).reshape(-1, 3), kind) for points, kind in contours]
    _read(path, _encoded(structure_set(a_ct, [("Liver", drawn)])), a_ct)
