"""The page Models: list, card, checksums, adding and removing."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from panel.page_fixtures import write_model


def test_the_card_of_the_selected_model_is_shown(a_panel):
    ui = a_panel.models.ui
    assert ui.modelsTable.rowCount == 1
    assert ui.modelsTable.item(0, 2).text() == "not verified"
    text = ui.modelCardBrowser.toPlainText()
    for fact in ("Toy", "demonstration", "Liver, Spleen", "Apache-2.0", a_panel.session.models.bundles[0].sha256):
        assert fact in text


def test_an_altered_file_is_found(a_panel, a_models_folder, click):
    ui = a_panel.models.ui
    a_panel.tabs.setCurrentIndex(4)
    click(ui.verifyButton)
    assert ui.modelsTable.item(0, 2).text() == "intact"
    with (a_models_folder / "multi-organ" / "plans.json").open("a") as file:
        file.write(" ")
    click(ui.verifyButton)
    assert ui.modelsTable.item(0, 2).text() == "altered"
    assert "plans.json is altered" in ui.modelsMessageLabel.text


def test_a_model_is_added_from_a_folder_and_removed_again(a_panel, tmp_path):
    ui = a_panel.models.ui
    a_panel.models.add(write_model(tmp_path / "download", "clinic", title="Clinic"))
    assert ui.modelsMessageLabel.text == "Added: Clinic."
    assert ui.modelsTable.rowCount == 2
    ui.modelsTable.selectRow(0)
    assert ui.removeModelButton.enabled
    a_panel.models.remove_selected()
    assert ui.modelsMessageLabel.text == "Removed: clinic."
    assert not (tmp_path / "data" / "PediatricAbdomenSeg" / "Models" / "clinic").exists()


def test_a_model_is_added_from_a_zip_file(a_panel, tmp_path):
    folder = write_model(tmp_path / "download", "clinic", title="Clinic")
    archive = shutil.make_archive(str(tmp_path / "clinic"), "zip", folder.parent)
    a_panel.models.add(Path(archive))
    assert a_panel.models.ui.modelsMessageLabel.text == "Added: Clinic."
    assert a_panel.session.models.find("clinic") is not None


@pytest.mark.parametrize("name", ["../bundle.json", "/bundle.json", "a/../../bundle.json", "C:/bundle.json"])
def test_a_zip_file_cannot_write_elsewhere(a_panel, tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "{}")
    a_panel.models.add(tmp_path / "bad.zip")
    assert "leads outside" in a_panel.models.ui.modelsMessageLabel.text


def test_a_file_that_is_no_zip_is_refused(a_panel, tmp_path):
    (tmp_path / "model.zip").write_bytes(b"PK nothing")
    a_panel.models.add(tmp_path / "model.zip")
    assert "not a ZIP file" in a_panel.models.ui.modelsMessageLabel.text


def _marked_as_encrypted(content: bytes) -> bytes:
    """The flag in the header of the file and in the directory of the archive."""
    content = bytearray(content)
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("method", "change", "words"),
    [
        (zipfile.ZIP_STORED, _marked_as_encrypted, "encrypted or compressed"),
        (zipfile.ZIP_BZIP2, bytes, "encrypted or compressed"),
        (zipfile.ZIP_DEFLATED, lambda content: content.replace(b"bundle.json", b"bundle.json\xff", 1), "damaged"),
        (zipfile.ZIP_DEFLATED, lambda content: content[:41] + b"\xff" * 8 + content[49:], "damaged"),
    ],
)
def test_a_zip_file_that_cannot_be_unpacked_is_refused_with_what_to_do(a_panel, tmp_path, method, change, words):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", method) as archive:
        archive.writestr("bundle.json", '{"schema_version": 1}' * 20)
    (tmp_path / "odd.zip").write_bytes(change((tmp_path / "odd.zip").read_bytes()))
    a_panel.models.add(tmp_path / "odd.zip")
    assert words in a_panel.models.ui.modelsMessageLabel.text
    assert a_panel.models.ui.modelsTable.rowCount == 1


def test_a_folder_that_is_no_model_is_refused_with_a_reason(a_panel, tmp_path):
    a_panel.models.add(tmp_path)
    assert "bundle.json" in a_panel.models.ui.modelsMessageLabel.text
    assert a_panel.models.ui.modelsTable.rowCount == 1


def test_a_shipped_model_cannot_be_removed(a_panel, a_models_folder):
    assert not a_panel.models.ui.removeModelButton.enabled
    a_panel.models.remove_selected()
    assert "not among the models you have added" in a_panel.models.ui.modelsMessageLabel.text
    assert (a_models_folder / "multi-organ").is_dir()
