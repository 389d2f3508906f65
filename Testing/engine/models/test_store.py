from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError
from PediatricAbdomenSegLib.engine.models import store


@pytest.fixture(autouse=True)
def no_other_models(monkeypatch, tmp_path):
    """Whatever models this machine's user has must not matter."""
    monkeypatch.delenv(store.MODELS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))


def test_a_bundle_is_found_by_its_name(a_bundle):
    bundle = store.find_bundle("toy", [a_bundle.parent])
    assert bundle.folder == a_bundle
    assert bundle.manifest.name == "toy"
    assert bundle.sha256 == bundle.manifest.sha256


def test_a_bundle_is_found_by_its_folder(a_bundle):
    assert store.find_bundle(a_bundle).manifest.name == "toy"
    assert store.find_bundle(str(a_bundle)).manifest.name == "toy"


def test_a_search_folder_may_be_the_bundle_itself(a_bundle):
    assert store.find_bundle("toy", [a_bundle]).folder == a_bundle


def test_an_unknown_name_lists_those_there_are(write_bundle, tmp_path):
    for name in ("one", "two"):
        write_bundle(tmp_path / "models" / name)
    with pytest.raises(ModelError) as caught:
        store.find_bundle("three", [tmp_path / "models"])
    for word in ("three", "one", "two"):
        assert word in caught.value.message


def test_a_broken_neighbour_is_listed_with_its_error_and_hides_no_other(write_bundle, tmp_path):
    models = tmp_path / "models"
    for name in ("a", "b", "c"):
        write_bundle(models / name)
    (models / "b" / "bundle.json").write_text("{")
    (models / "notes.txt").write_text("not a bundle")
    (models / "empty").mkdir()
    listing = {listed.name: listed for listed in store.list_bundles([models])}
    assert listing["a"].bundle and listing["c"].bundle
    assert listing["b"].bundle is None and "bundle.json" in listing["b"].error.message
    assert not {"empty", "notes.txt"} & set(listing)
    assert store.find_bundle("c", [models]).manifest.name == "c"


def test_asking_for_a_broken_bundle_says_what_is_broken(a_bundle):
    values = json.loads((a_bundle / "bundle.json").read_text()) | {"status": "approved"}
    (a_bundle / "bundle.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="status"):
        store.find_bundle("toy", [a_bundle.parent])


def test_of_two_bundles_with_one_name_the_first_on_the_search_path_wins(write_bundle, tmp_path, monkeypatch):
    first = write_bundle(tmp_path / "first" / "toy", version="1")
    write_bundle(tmp_path / "second" / "toy", version="2")
    monkeypatch.setenv(store.MODELS_VARIABLE, os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")]))
    assert store.find_bundle("toy").folder == first
    assert store.find_bundle("toy", [tmp_path / "second"]).manifest.version == "2"


def test_a_broken_bundle_does_not_shadow_a_sound_one_of_the_same_name(write_bundle, tmp_path):
    write_bundle(tmp_path / "first" / "toy")
    sound = write_bundle(tmp_path / "second" / "toy")
    (tmp_path / "first" / "toy" / "bundle.json").write_text("")
    assert store.find_bundle("toy", [tmp_path / "first", tmp_path / "second"]).folder == sound


def test_a_sound_bundle_verifies(a_bundle):
    store.verify_bundle(store.open_bundle(a_bundle))


@pytest.mark.parametrize("name", ["plans.json", "dataset.json", "fold_0/weights.safetensors"])
def test_one_altered_byte_is_found(a_bundle, name):
    bundle = store.open_bundle(a_bundle)
    store.verify_bundle(bundle)
    content = bytearray((a_bundle / name).read_bytes())
    content[-1] ^= 1
    (a_bundle / name).write_bytes(content)
    with pytest.raises(ModelError, match="altered") as caught:
        store.verify_bundle(bundle)
    assert name in caught.value.message


def test_a_missing_file_is_named(a_bundle):
    bundle = store.open_bundle(a_bundle)
    (a_bundle / "fold_0" / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"fold_0/weights\.safetensors is missing"):
        store.verify_bundle(bundle)


def test_weights_the_manifest_does_not_name_are_refused(a_bundle, write_weights_header):
    bundle = store.open_bundle(a_bundle)
    write_weights_header(a_bundle / "fold_1" / "weights.safetensors")
    with pytest.raises(ModelError, match=r"fold_1/weights\.safetensors is not named"):
        store.verify_bundle(bundle)


def test_a_read_me_beside_the_weights_does_no_harm(a_bundle):
    (a_bundle / "README.md").write_text("hello")
    store.verify_bundle(store.open_bundle(a_bundle))


def test_a_manifest_that_changed_since_it_was_opened_is_refused(a_bundle):
    bundle = store.open_bundle(a_bundle)
    values = json.loads((a_bundle / "bundle.json").read_text()) | {"title": "Another"}
    (a_bundle / "bundle.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"bundle\.json has changed"):
        store.verify_bundle(bundle)


def test_an_organ_the_network_does_not_have_is_refused(write_bundle, tmp_path):
    folder = write_bundle(tmp_path / "toy", organs={1: "spleen", 2: "liver", 3: "heart"})
    with pytest.raises(ModelError, match="heart has label 3, but the network's labels end at 2"):
        store.verify_bundle(store.open_bundle(folder))


def test_the_search_path_runs_from_the_call_over_the_environment_and_the_user_to_what_is_shipped(tmp_path):
    environ = {store.MODELS_VARIABLE: os.pathsep.join(["/one", "", "/two"]), "XDG_DATA_HOME": "/data"}
    folders = store.search_folders([tmp_path], environ, "linux", Path("/home/child"))
    assert folders[:4] == (tmp_path, Path("/one"), Path("/two"), Path("/data/PediatricAbdomenSeg/Models"))
    assert all(folder.parts[-2:] == ("Resources", "Models") for folder in folders[4:])


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/u/.local/share"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data"),
        ("darwin", {}, "/home/u/Library/Application Support"),
        ("win32", {"LOCALAPPDATA": "/appdata"}, "/appdata"),
        ("win32", {}, "/home/u/AppData/Local"),
    ],
)
def test_the_users_own_models_lie_where_the_system_keeps_such_data(platform, environ, expected):
    folder = store.user_models_folder(environ, platform, Path("/home/u"))
    assert folder == Path(expected) / "PediatricAbdomenSeg" / "Models"


def test_a_checkout_finds_the_models_it_ships(repository):
    assert repository / "Resources" / "Models" in store.search_folders()
