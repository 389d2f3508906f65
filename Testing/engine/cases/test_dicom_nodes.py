"""DICOM nodes: none by default, kept in a file of the user's, refused when they cannot be right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from PediatricAbdomenSegLib.engine.cases.dicom_nodes import (
    DicomNode,
    add_node,
    find_node,
    list_nodes,
    nodes_file,
    remove_node,
)
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError

PLANNING = DicomNode("planning", "tps.example.org", 104, "ARIA", timeout_s=5.5)
ARCHIVE = DicomNode("Archive", "10.0.0.7", 11112, "PACS", "KIDS", True, "ca.pem", "own.pem", "own.key", "pacs.local")


@pytest.fixture
def a_file(tmp_path):
    return tmp_path / "settings" / "dicom_nodes.json"


def test_there_is_no_node_until_one_is_added(a_file):
    assert list_nodes(a_file) == ()
    with pytest.raises(UsageError, match="planning") as raised:
        find_node("planning", a_file)
    assert "None is configured" in raised.value.hint


def test_nodes_come_back_as_they_were_added(a_file):
    add_node(PLANNING, a_file)
    add_node(ARCHIVE, a_file)
    assert list_nodes(a_file) == (ARCHIVE, PLANNING)
    assert find_node("planning", a_file) == PLANNING


def test_a_node_is_removed_by_name(a_file):
    add_node(PLANNING, a_file)
    add_node(ARCHIVE, a_file)
    remove_node("Archive", a_file)
    assert list_nodes(a_file) == (PLANNING,)
    with pytest.raises(UsageError, match="Archive"):
        remove_node("Archive", a_file)


def test_a_name_stands_for_one_node(a_file):
    add_node(PLANNING, a_file)
    with pytest.raises(UsageError, match="already"):
        add_node(replace(ARCHIVE, name="planning"), a_file)
    assert list_nodes(a_file) == (PLANNING,)


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"host": ""},
        {"port": 0},
        {"port": 65536},
        {"ae_title": ""},
        {"ae_title": "   "},
        {"ae_title": "SEVENTEEN LETTERS"},
        {"own_ae_title": "A\\B"},
        {"ae_title": "KÖLN"},
        {"timeout_s": 0.0},
        {"timeout_s": float("nan")},
        {"ca_file": "ca.pem"},
        {"tls": True, "key_file": "own.key"},
    ],
)
def test_a_node_that_cannot_be_is_refused(values):
    with pytest.raises(UsageError):
        replace(PLANNING, **values)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("{", "JSON"),
        ('{"schema_version": 2, "nodes": []}', "schema version 2"),
        ('{"schema_version": 1, "nodes": [{"name": "x"}]}', "host"),
    ],
)
def test_a_file_that_is_not_ours_is_named(a_file, wrong, named):
    a_file.parent.mkdir()
    a_file.write_text(wrong)
    with pytest.raises(InputError, match=named) as raised:
        list_nodes(a_file)
    assert "dicom_nodes.json" in raised.value.message


def test_a_wrong_value_in_the_file_is_an_input_error_that_names_the_file(a_file):
    add_node(PLANNING, a_file)
    a_file.write_text(a_file.read_text().replace('"port": 104', '"port": 104000'))
    with pytest.raises(InputError, match=r"dicom_nodes.json.*104000"):
        list_nodes(a_file)


def test_the_file_lies_in_the_users_own_folder(tmp_path, monkeypatch):
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert tmp_path in nodes_file().parents
    assert nodes_file().name == "dicom_nodes.json"
