from __future__ import annotations

from pathlib import Path

import pytest

from cancelling_token import CancellingToken
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.progress import CancelToken, ignore_progress
from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers
from PediatricAbdomenSegLib.engine.worker.protocol import MakePhantom


def test_a_phantom_on_request_is_a_readable_ct(tmp_path):
    request = MakePhantom("1", str(tmp_path / "phantom"), age_years=2.0, spacing_mm=(10.0, 6.0, 6.0))
    content = make_handlers()[MakePhantom](request, ignore_progress, CancelToken())
    volume = read_case(Path(content["ct_folder"]))
    assert volume.modality == "CT"
    assert volume.references.patient_age_years == 2.0


@pytest.mark.parametrize("at", [3, 30, 120])  # while the body deforms, organs are built, slices are written
def test_a_phantom_can_be_cancelled_at_any_stage_and_leaves_nothing(tmp_path, at):
    request = MakePhantom("1", str(tmp_path / "phantom"), age_years=2.0, spacing_mm=(10.0, 6.0, 6.0))
    token = CancellingToken(at)
    with pytest.raises(Cancelled):
        make_handlers()[MakePhantom](request, ignore_progress, token)
    assert token.looks == at and list(tmp_path.iterdir()) == []
