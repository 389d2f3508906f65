from __future__ import annotations

import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.series_choice import find_series
from PediatricAbdomenSegLib.engine.cases.series_voxels import read_voxels
from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.system_memory import available_memory_mb


@pytest.mark.skipif(available_memory_mb() is None, reason="this system does not say how much memory is free")
def test_a_series_larger_than_the_free_memory_is_refused_before_memory_is_taken(tmp_path):
    (header, *_) = find_series(write_series(tmp_path / "ct", (2, 40, 48)))
    slices = int(2 * available_memory_mb() * 1e6 / (40 * 48 * 2))
    with pytest.raises(ResourceError, match=f"48 × 40 × {slices} voxels.* needs about .* MB of memory") as caught:
        read_voxels([header] * slices)
    assert caught.value.hint
