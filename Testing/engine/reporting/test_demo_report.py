"""report.html: complete, self-contained, correct."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.reporting.demo_report import NOTICE, DemoReport, OrganRow, write_report

GEOMETRY = Geometry((10, 30, 30), np.diag([-10.0, -10.0, 10.0, 1.0]))  # a voxel is 1 ml


class BalancedTags(HTMLParser):
    """Fails on a closing tag that closes nothing."""

    void = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def labelled(**boxes) -> LabelMap:
    array = np.zeros(GEOMETRY.shape, np.uint8)
    for key, box in boxes.items():
        array[box] = organ_by_key(key).label
    return LabelMap(array, GEOMETRY)


@pytest.fixture
def page(tmp_path) -> str:
    """A report on two structures."""
    truth = labelled(liver=np.s_[2:8, 5:15, 5:15], hepatoblastoma=np.s_[3:5, 7:9, 7:9])
    rows = [
        OrganRow(organ_by_key("liver"), 590.0, 600.0, 0.95, ("touches_border",)),
        OrganRow(organ_by_key("kidney_left"), 0.0, 0.0, None),
        OrganRow(organ_by_key("hepatoblastoma"), 8.0, 8.0, 1.0),
    ]
    facts = {"Phantom": "4 years <script>"}
    report = DemoReport(facts, rows, {"Phantom": 3.0, "Model": 9.0}, {"rtstruct.dcm": "contours"})
    volume = Volume(np.zeros(GEOMETRY.shape, np.int16), GEOMETRY, "CT")
    write_report(report, volume, [truth], truth, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text("utf-8")


def test_the_page_is_well_formed_and_loads_nothing_from_outside(page):
    parser = BalancedTags()
    parser.feed(page)
    assert parser.open == []
    assert "http" not in page and "<script" not in page and "@import" not in page
    assert all(source.startswith("data:image/png;base64,") for source in re.findall(r'src="([^"]*)"', page))


def test_the_page_shows_three_planes_with_result_truth_and_ct(page):
    assert page.count("<figure>") == 3
    for layer in ("found", "truth", "ct"):
        assert page.count(f'<img class="{layer}"') == 3


def test_the_page_tells_volumes_agreement_flags_and_time(page):
    for text in ("590.0", "600.0", "0.950", "touches border", "12 s", "Left kidney", "–", "rtstruct.dcm"):
        assert text in page


def test_the_notice_stands_at_both_ends(page):
    assert page.count(NOTICE) == 2
