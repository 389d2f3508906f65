from __future__ import annotations

import dataclasses
import json

import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError, ResourceError
from PediatricAbdomenSegLib.engine.models.manifest import read_manifest, write_manifest


@pytest.fixture
def edit_manifest(a_bundle):
    """Change keys of the bundle's ``bundle.json``; a key set to ``...`` is removed."""

    def edit(**changes):
        path = a_bundle / "bundle.json"
        values = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))
        return a_bundle

    return edit


def test_a_manifest_survives_writing_and_reading(a_bundle):
    manifest = read_manifest(a_bundle)
    window = dataclasses.replace(manifest, intensity_window_hu=(0.0, 350.0), citation="Müller et al.")
    write_manifest(a_bundle, window)
    assert read_manifest(a_bundle) == window
    assert window.organs == {1: "spleen", 2: "liver"}


def test_the_hash_is_the_same_before_writing_and_after_reading(a_bundle):
    manifest = dataclasses.replace(read_manifest(a_bundle), intensity_window_hu=(0, 350), age_range_years=(0, 17))
    write_manifest(a_bundle, manifest)
    assert read_manifest(a_bundle).sha256 == manifest.sha256


def test_the_hash_depends_on_every_files_hash(a_bundle):
    manifest = read_manifest(a_bundle)
    altered = dataclasses.replace(manifest, files={**manifest.files, "plans.json": "0" * 64})
    assert altered.sha256 != manifest.sha256


def test_a_future_version_asks_for_an_update_even_when_its_other_keys_are_unknown(edit_manifest):
    folder = edit_manifest(schema_version=2, organs=..., structures=[])
    with pytest.raises(ModelError) as caught:
        read_manifest(folder)
    assert caught.value.message == ("bundle.json of a future version: schema 2; this software reads 1; update it.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "approved"}, ["status", "approved", "demonstration, research, clinical"]),
        ({"modality": "US"}, ["modality", "US", "CT, MR"]),
        ({"title": ...}, ["title", "missing"]),
        ({"title": 3}, ["title", "text", "3"]),
        ({"titel": "x"}, ["titel", "not a key"]),
        ({"schema_version": ...}, ["schema_version", "missing"]),
        ({"schema_version": "1"}, ["schema_version", "whole number"]),
        ({"schema_version": True}, ["schema_version", "whole number"]),
        ({"name": "../evil"}, ["name", "../evil"]),
        ({"organs": {"1": "tail"}}, ["organs", "tail", "spleen"]),
        ({"organs": {"0": "liver"}}, ["organs", '"0"', "1 to 255"]),
        ({"organs": {"256": "liver"}}, ["organs", '"256"']),
        ({"organs": {"1": "liver", "2": "liver"}}, ["organs", "liver twice"]),
        ({"organs": {}}, ["organs", "empty"]),
        ({"organs": ["liver"]}, ["organs", "object"]),
        ({"fusion_priority": ["heart"]}, ["fusion_priority", "heart"]),
        ({"fusion_priority": ["liver", "liver"]}, ["fusion_priority", "twice"]),
        ({"postprocessing": {"liver": "smooth"}}, ["liver", "smooth", "largest_component"]),
        ({"postprocessing": {"heart": "largest_component"}}, ["postprocessing", "heart"]),
        ({"minimum_volume_ml": {"heart": 1.0}}, ["minimum_volume_ml", "heart"]),
        ({"minimum_volume_ml": {"liver": 0}}, ["minimum_volume_ml", "liver", "0 ml"]),
        ({"minimum_volume_ml": {"liver": "much"}}, ["minimum_volume_ml", "liver"]),
        ({"intensity_window_hu": [350, 0]}, ["intensity_window_hu", "lower"]),
        ({"intensity_window_hu": [0, float("nan")]}, ["intensity_window_hu", "finite"]),
        ({"age_range_years": [0, 10**400]}, ["age_range_years", "finite"]),
        ({"files": {}}, ["files", "plans.json"]),
    ],
)
def test_a_wrong_value_is_named(edit_manifest, changes, words):
    folder = edit_manifest(**changes)
    with pytest.raises(ModelError) as caught:
        read_manifest(folder)
    for word in ["bundle.json", *words]:
        assert word in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    [
        "../plans.json",
        "/etc/passwd",
        "fold_0/../../x",
        "C:/x",
        "C:x",
        "fold_0\\x",
        "\\\\host\\x",
        "./x",
        "a//b",
        "",
        "x\0",
    ],
)
def test_a_file_outside_the_bundle_is_refused(a_bundle, edit_manifest, name):
    files = read_manifest(a_bundle).files
    folder = edit_manifest(files={**files, name: "0" * 64})
    with pytest.raises(ModelError, match="does not stay inside"):
        read_manifest(folder)


@pytest.mark.parametrize("digest", ["x", "0" * 63, "G" * 64, "A" * 64])
def test_what_is_no_sha256_is_refused(a_bundle, edit_manifest, digest):
    folder = edit_manifest(files={**read_manifest(a_bundle).files, "plans.json": digest})
    with pytest.raises(ModelError, match="SHA-256"):
        read_manifest(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_manifest_that_is_no_json_object_is_refused(a_bundle, content):
    (a_bundle / "bundle.json").write_bytes(content)
    with pytest.raises(ModelError, match="bundle.json"):
        read_manifest(a_bundle)


def test_a_missing_manifest_is_named_with_its_folder(tmp_path):
    with pytest.raises(ModelError) as caught:
        read_manifest(tmp_path)
    assert "bundle.json" in caught.value.message and str(tmp_path) in caught.value.message


def test_an_invalid_manifest_is_not_written_and_the_old_one_stays(a_bundle):
    before = (a_bundle / "bundle.json").read_bytes()
    with pytest.raises(ModelError, match="status"):
        write_manifest(a_bundle, dataclasses.replace(read_manifest(a_bundle), status="approved"))
    assert (a_bundle / "bundle.json").read_bytes() == before


def test_writing_leaves_no_temporary_file(a_bundle):
    before = sorted(a_bundle.rglob("*"))
    write_manifest(a_bundle, read_manifest(a_bundle))
    assert sorted(a_bundle.rglob("*")) == before


def test_a_folder_that_cannot_be_made_is_a_resource_error(a_bundle):
    with pytest.raises(ResourceError, match="bundle.json"):
        write_manifest(a_bundle / "plans.json" / "inside", read_manifest(a_bundle))


@pytest.mark.parametrize(
    ("lowest", "highest", "age_years", "covered"),
    [
        (0, 17, 0.0, True),
        (0, 17, 17.9, True),
        (0, 17, 18.0, False),
        (2, 10, 1.99, False),
        (0, 0.5, 0.9, False),
        (0, 1, 1.4, False),
    ],
)
def test_ages_count_in_whole_years_from_two_on(a_bundle, lowest, highest, age_years, covered):
    manifest = dataclasses.replace(read_manifest(a_bundle), age_range_years=(lowest, highest))
    assert manifest.covers_age(age_years) == covered
