"""A specification that cannot be made is refused with what to do."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age_years": 18}, "18"),
        ({"age_years": float("nan")}, "nan"),
        ({"seed": -1}, "-1"),
        ({"nephrectomy": "both"}, "both"),
        ({"position": "LFS"}, "LFS"),
        ({"tumour_ml": 0.0}, "0 ml"),
        ({"tumour_ml": 5000}, "5000"),
        ({"slices": 0}, "0 slices"),
        ({"slices": 500}, "500"),
        ({"spacing_mm": (1, 1)}, "(1, 1)"),
        ({"spacing_mm": (0, 1, 1)}, "(0, 1, 1)"),
        ({"appearance": "pretty"}, "pretty"),
    ],
)
def test_a_wrong_value_is_named_with_a_hint(changes, said):
    with pytest.raises(UsageError) as caught:
        PhantomSpec(**changes)
    assert said in caught.value.message
    assert caught.value.hint
