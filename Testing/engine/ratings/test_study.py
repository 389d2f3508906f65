from __future__ import annotations

import json
from dataclasses import replace

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.ratings.study import STUDY_NAME, read_study, write_study


def spoil(folder, change) -> None:
    """Change the values in study.json."""
    path = folder / STUDY_NAME
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def sources(*titles: str) -> list[dict]:
    return [{"key": key, "title": title} for key, title in zip("ab", titles, strict=True)]


def test_a_study_comes_back_from_its_file_as_it_was(a_study, tmp_path):
    study = read_study(a_study)
    write_study(tmp_path / "copy", study)
    assert read_study(tmp_path / "copy") == study


def test_members_of_a_later_minor_version_are_ignored(a_study):
    study = read_study(a_study)
    spoil(a_study, lambda values: values.update(colour="blue"))
    assert read_study(a_study) == study


def test_a_removed_kidney_is_not_asked_for(a_study):
    study = read_study(a_study)
    without = replace(study.cases[0], absent_organs=("kidney_left",))
    study = replace(study, cases=(without, study.cases[1]))
    assert [organ.key for organ in study.organs_of("C01")] == ["liver", "pancreas"]
    assert [organ.key for organ in study.organs_of("C02")] == ["liver", "kidney_left", "pancreas"]


def test_an_unknown_case_is_refused_naming_those_there_are(a_study):
    with pytest.raises(UsageError, match="C01, C02"):
        read_study(a_study).case("C03")


def test_a_study_of_a_future_version_is_refused_naming_both_versions(a_study):
    spoil(a_study, lambda values: values.update(schema_version=2))
    with pytest.raises(InputError) as caught:
        read_study(a_study)
    assert "version 2" in caught.value.message and "up to 1" in caught.value.message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda values: values.pop("organs"), '"organs" is missing'),
        (lambda values: values["organs"][0].update(key="gallbladder"), "gallbladder"),
        (lambda values: values["cases"][1].update(pseudonym="c01"), '"cases" has "C01" twice'),
        (lambda values: values["cases"][1].update(absent_organs=["nose"]), "nose"),
        (lambda values: values["cases"][1]["image"].update(kind="film"), "film"),
        (lambda values: values["cases"][1].update(sex="W"), '"W"'),
        (lambda values: values.update(raters=["Anna Berg", "ANNA BÉRG"]), '"Anna Berg" and "ANNA BÉRG"'),
        (lambda values: values.update(raters=[]), '"raters" is empty'),
        (lambda values: values.update(raters=["RO-1", " . "]), 'has " . ", which is no name'),
        (lambda values: values.update(sources=sources("Model A", "MODEL A")), 'the title "MODEL A" for b and for a'),
        (lambda values: values.update(sources=sources("Model A", "a")), 'the title "a" for b and for a'),
        (lambda values: values.update(blinded=False), '"sources" is empty'),
        (
            lambda values: values["cases"][0].update(absent_organs=["liver", "kidney_left", "pancreas"]),
            "C01, where every organ of the study is absent",
        ),
        (lambda values: values["thresholds"].update(acceptable=9), "acceptable 9 and usable 3"),
        (lambda values: values["thresholds"].update(usable=4.5), "acceptable 4 and usable 4.5"),
        (lambda values: values["scale"].pop(), "each score from 1 to 5"),
        (lambda values: values.update(blinded="yes"), '"blinded"'),
    ],
)
def test_a_wrong_member_is_named(a_study, change, named):
    spoil(a_study, change)
    with pytest.raises(InputError) as caught:
        read_study(a_study)
    assert named in caught.value.message and STUDY_NAME in caught.value.message


def test_a_folder_without_a_study_is_named(tmp_path):
    with pytest.raises(InputError, match=r"study.json cannot be read"):
        read_study(tmp_path)
