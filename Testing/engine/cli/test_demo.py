"""``pedseg demo`` on a small phantom with the toy bundle in the place of both models."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from pydicom import dcmread

from cancelling_token import CancellingToken
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.cli import demo
from PediatricAbdomenSegLib.engine.cli.console import Console
from PediatricAbdomenSegLib.engine.cli.demo import MODELS, organ_rows, run_demo
from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.models.store import find_bundle
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec

GEOMETRY = Geometry((10, 30, 30), np.diag([-10.0, -10.0, 10.0, 1.0]))  # a voxel is 1 ml


def labelled(**boxes) -> LabelMap:
    array = np.zeros(GEOMETRY.shape, np.uint8)
    for key, box in boxes.items():
        array[box] = organ_by_key(key).label
    return LabelMap(array, GEOMETRY)


def test_the_demo_goes_all_the_way_through_a_worker_process(a_model, tmp_path, capsys):
    spec = PhantomSpec(age_years=1, seed=7, tumour_ml=30, slices=24, spacing_mm=(6, 4, 4))
    out = tmp_path / "Jörgs demo"
    rois = run_demo(out, spec, ["toy"], "cpu", Console())
    assert rois == [item.ROIName for item in dcmread(out / "rtstruct.dcm").StructureSetROISequence]
    page = (out / "report.html").read_text("utf-8")
    for text in ("Liver", "Spleen", "Vertebrae", "1 years, seed 7, hepatoblastoma of 30 ml", "cpu"):
        assert text in page
    assert sorted(path.name for path in out.iterdir()) == ["phantom", "report.html", "rtstruct.dcm", "toy"]
    assert "Model toy" in capsys.readouterr().out


def test_the_demo_is_cancelled_while_it_makes_the_phantom(a_model, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "cancel_by_signal", lambda: nullcontext(CancellingToken(at=10)))
    spec = PhantomSpec(age_years=1, seed=7, slices=6, spacing_mm=(6, 4, 4))
    with pytest.raises(Cancelled):
        run_demo(tmp_path / "demo", spec, ["toy"], "cpu", Console())
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_the_bundled_models_give_twenty_structures(tmp_path):
    from PediatricAbdomenSegLib.engine.cli.__main__ import main

    for model in MODELS:
        find_bundle(model)
    assert main(["demo", str(tmp_path / "demo")]) == 0
    assert len(dcmread(tmp_path / "demo" / "rtstruct.dcm").StructureSetROISequence) == 20


def test_a_tumour_inside_the_liver_counts_as_liver_for_the_organ_model():
    truth = labelled(liver=np.s_[2:8, 5:15, 5:15], hepatoblastoma=np.s_[3:5, 7:9, 7:9])
    organs = labelled(liver=np.s_[2:8, 5:15, 5:15])
    tumour = labelled(hepatoblastoma=np.s_[3:5, 7:9, 7:11])
    records = [
        {"organs": [{"key": "liver", "volume_ml": 600.0, "flags": []}]},
        {"organs": [{"key": "hepatoblastoma", "volume_ml": 16.0, "flags": ["touches_border"]}]},
    ]
    liver, mass = organ_rows(records, [organs, tumour], truth)
    assert (liver.truth_ml, liver.dsc) == (pytest.approx(600.0), 1.0)
    assert (mass.truth_ml, mass.dsc) == (pytest.approx(8.0), pytest.approx(2 * 8 / 24))


def test_agreement_is_not_defined_where_both_are_empty():
    records = [{"organs": [{"key": "spleen", "volume_ml": 0.0, "flags": []}]}]
    (row,) = organ_rows(records, [labelled()], labelled())
    assert row.dsc is None
