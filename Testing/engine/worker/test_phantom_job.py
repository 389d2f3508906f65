from __future__ import annotations

from pathlib import Path

from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.progress import CancelToken, ignore_progress
from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers
from PediatricAbdomenSegLib.engine.worker.protocol import MakePhantom


def test_a_phantom_on_request_is_a_readable_ct(tmp_path):
    request = MakePhantom("1", str(tmp_path / "phantom"), age_years=2.0, spacing_mm=(10.0, 6.0, 6.0))
    content = make_handlers()[MakePhantom](request, ignore_progress, CancelToken())
    volume = read_case(Path(content["ct_folder"]))
    assert volume.modality == "CT"
    assert volume.references.patient_age_years == 2.0
