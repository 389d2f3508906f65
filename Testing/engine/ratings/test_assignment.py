from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.ratings.assignment import Contour, StudyKey, make_assignment
from PediatricAbdomenSegLib.engine.ratings.assignment_files import (
    ASSIGNMENTS_FOLDER,
    KEY_NAME,
    add_rater,
    assign,
    read_assignment,
    read_key,
)
from PediatricAbdomenSegLib.engine.ratings.study import (
    ImageReference,
    SegmentationReference,
    Source,
    Study,
    StudyCase,
    StudyOrgan,
    read_study,
)

IMAGE = ImageReference("image_file", "x.nii.gz", "0")


def a_plain_study(cases: int, sources: int, blinded: bool = True, seed: str = "1") -> tuple[Study, StudyKey]:
    names = [f"C{number}" for number in range(cases)]
    keys = [f"source-{number}" for number in range(sources)]
    study = Study(
        id="s",
        title="t",
        question="q",
        blinded=blinded,
        cases=tuple(StudyCase(name, IMAGE) for name in names),
        organs=(StudyOrgan("liver"),),
        sources=tuple(Source(key, key) for key in keys),
        raters=("RO-1", "RO-2"),
    )
    contours = tuple(
        Contour(name, key, SegmentationReference("label_map", f"{name}{key}", "0", 1), "ab")
        for name in names
        for key in keys
    )
    return study, StudyKey("s", seed, contours, {})


@given(cases=st.integers(2, 12), sources=st.integers(1, 3), share=st.floats(0, 1), seed=st.text())
def test_each_contour_comes_once_and_repeats_never_beside_their_original(cases, sources, share, seed):
    study, key = a_plain_study(cases, sources, seed=seed)
    repeats = round(share * len(key.contours))
    assignment, items = make_assignment(study, key, "RO-1", repeats)
    shown = [(items[item.token].case, items[item.token].source) for item in assignment.items]
    assert len(set(items)) == len(shown) == len(key.contours) + repeats
    assert set(shown) == {(contour.case, contour.source) for contour in key.contours}
    places: dict[tuple[str, str], list[int]] = {}
    for place, contour in enumerate(shown):
        places.setdefault(contour, []).append(place)
    for contour, at in places.items():
        assert [items[assignment.items[place].token].repeat for place in at] == list(range(len(at)))
        assert len(at) <= 2
        if len(at) == 2:
            assert at[1] - at[0] > min(10, len(key.contours) // 2), contour


def test_the_same_seed_gives_the_same_assignment_and_another_seed_another_one():
    study, key = a_plain_study(15, 2)
    assert make_assignment(study, key, "RO-1", 3) == make_assignment(study, key, "RO-1", 3)
    other = make_assignment(study, replace(key, seed="2"), "RO-1", 3)[0]
    assert [item.case for item in other.items] != [
        item.case for item in make_assignment(study, key, "RO-1", 3)[0].items
    ]


ORDER = [
    ("C1", "source-1"),
    ("C2", "source-1"),
    ("C1", "source-0"),
    ("C0", "source-0"),
    ("C2", "source-0"),
    ("C2", "source-1"),
    ("C0", "source-1"),
]


def test_the_order_of_a_known_seed_never_changes():
    """Scores of a study that runs for months refer to it: another order in a later version would be another study."""
    study, key = a_plain_study(3, 2)
    assignment, items = make_assignment(study, key, "RO-1", 1)
    assert [(item.case, items[item.token].source) for item in assignment.items] == ORDER
    assert assignment.items[0].token == "c933b0f49071"


def test_every_rater_has_an_order_of_their_own():
    study, key = a_plain_study(15, 2)
    orders = [
        [(items[item.token].case, items[item.token].source) for item in assignment.items]
        for assignment, items in (make_assignment(study, key, rater) for rater in study.raters)
    ]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) != orders[0]


def test_no_token_serves_twice_so_that_none_can_become_familiar():
    study, key = a_plain_study(15, 2)
    tokens = [item.token for rater in study.raters for item in make_assignment(study, key, rater, 5)[0].items]
    assert len(tokens) == len(set(tokens)) == 70


def test_an_open_study_names_source_and_bundle():
    study, key = a_plain_study(2, 1, blinded=False)
    item = make_assignment(study, key, "RO-1")[0].items[0]
    assert (item.source, item.bundle_sha256) == ("source-0", "ab")


@pytest.mark.parametrize(("contours", "repeats"), [(4, 5), (4, -1), (1, 1)])
def test_impossible_repeats_are_refused(contours, repeats):
    study, key = a_plain_study(contours, 1)
    with pytest.raises(UsageError, match="not possible"):
        make_assignment(study, key, "RO-1", repeats)


def test_what_the_rating_page_reads_says_nothing_about_the_sources(a_study):
    study = read_study(a_study)
    bundle = "ab" * 32
    for path in (a_study / ASSIGNMENTS_FOLDER).glob("*.json"):
        text = path.read_text("utf-8")
        for secret in ("model-a", "Model A", "manual", "Manual", bundle, "repeat"):
            assert secret not in text
    assert not any(
        each.name in (a_study / "study.json").read_text("utf-8") for each in (a_study / "contours").iterdir()
    )
    items = read_assignment(a_study, study, "RO-1").items
    key = read_key(a_study)
    assert {key.items[item.token].source for item in items} == {"model-a", "manual"}
    assert bundle in (a_study / KEY_NAME).read_text("utf-8")


def test_who_has_an_assignment_keeps_it(a_study):
    before = read_assignment(a_study, read_study(a_study), "RO-1")
    assert assign(a_study) == ()
    with pytest.raises(UsageError, match="RO-1 has an assignment already"):
        assign(a_study, ["RO-1"])
    assert read_assignment(a_study, read_study(a_study), "RO-1") == before


def test_nobody_of_the_study_and_a_known_rater_in_another_spelling_are_refused(a_study):
    study = read_study(a_study)
    with pytest.raises(UsageError, match="no rater"):
        read_assignment(a_study, study, "RO-3")
    with pytest.raises(InputError) as caught:
        read_assignment(a_study, study, "lukasz angstrom")
    assert "Łukasz Ångström" in caught.value.message and "lukasz angstrom" in caught.value.message


def test_an_assignment_of_another_study_or_a_future_version_is_refused(a_study):
    study = read_study(a_study)
    (path, *_) = sorted((a_study / ASSIGNMENTS_FOLDER).glob("*.json"))
    values = json.loads(path.read_text("utf-8"))
    for change, named in (({"study_id": "other"}, "other"), ({"schema_version": 7}, "version 7")):
        path.write_text(json.dumps({**values, **change}), encoding="utf-8")
        with pytest.raises(InputError, match=named):
            read_assignment(a_study, study, values["rater"])


def test_an_unknown_token_is_refused(a_study):
    with pytest.raises(UsageError, match="not assigned to RO-1"):
        read_assignment(a_study, read_study(a_study), "RO-1").item("nonsense")


def test_a_rater_can_join_later_and_the_others_keep_their_assignments(a_study):
    before = {path.name: path.read_bytes() for path in (a_study / ASSIGNMENTS_FOLDER).iterdir()}
    add_rater(a_study, "RO-3")
    study = read_study(a_study)
    assert study.raters == ("RO-1", "Łukasz Ångström", "RO-3")
    (made,) = assign(a_study, ["RO-3"])
    assert read_assignment(a_study, study, "RO-3") == made and len(made.items) == 4
    after = {path.name: path.read_bytes() for path in (a_study / ASSIGNMENTS_FOLDER).iterdir()}
    assert before.items() < after.items()


@pytest.mark.parametrize(
    ("name", "error", "named"),
    [
        ("RO-1", UsageError, "already"),
        ("lukasz angstrom", InputError, "Łukasz Ångström"),
        ("Johanna M.", InputError, "raters"),
        (" ", InputError, "raters"),
    ],
)
def test_a_name_that_is_taken_or_a_patients_does_not_join(a_study, name, error, named):
    before = read_study(a_study)
    with pytest.raises(error, match=named):
        add_rater(a_study, name)
    assert read_study(a_study) == before
