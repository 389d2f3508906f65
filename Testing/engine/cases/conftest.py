"""Fixtures of the tests on cases."""

from __future__ import annotations

import pytest

from ct_series_builder import write_series


@pytest.fixture
def an_axial_series(tmp_path):
    """A folder with five axial slices of 40 rows by 48 columns, pixels not square."""
    return write_series(tmp_path / "ct")
