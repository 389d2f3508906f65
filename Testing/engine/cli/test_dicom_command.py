"""``pedseg dicom``: nodes are kept, and nothing is sent unless somebody agrees."""

from __future__ import annotations

import io
import json

import pytest

from dicom_receivers import receiving

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
SYNTAXES = ["1.2.840.10008.1.2.1"]


class Terminal(io.StringIO):
    """Standard input with a person before it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def a_file(write_ct, tmp_path):
    return write_ct(tmp_path / "ct") / "slice0.dcm"


@pytest.fixture
def a_node(pedseg):
    """The node ``archive``, which runs in this process, and what it has received."""
    with receiving([CT, VERIFICATION], SYNTAXES) as (node, received):
        added = pedseg(
            "dicom", "node", "add", "archive", "--host", node.host, "--port", node.port, "--ae-title", "NODE"
        )
        assert added.code == 0, added.err
        yield received


def test_nodes_are_added_listed_asked_and_removed(pedseg, a_node):
    assert "archive (NODE at 127.0.0.1:" in pedseg("dicom", "node", "list").out
    assert pedseg("dicom", "node", "echo", "archive").out.endswith("answers.\n")
    assert pedseg("dicom", "node", "remove", "archive").code == 0
    assert pedseg("dicom", "node", "list").out == "No DICOM node is configured.\n"


def test_a_node_is_kept_with_all_its_options(pedseg, tmp_path):
    options = ["--host", "h", "--port", 2762, "--ae-title", "PACS", "--own-ae-title", "KIDS", "--tls"]
    pedseg("dicom", "node", "add", "x", *options, "--ca-file", tmp_path / "ca.pem", "--timeout-s", 3)
    files = [*tmp_path.rglob("dicom_nodes.json")]
    (kept,) = json.loads(files[0].read_text())["nodes"]
    assert (kept["own_ae_title"], kept["tls"], kept["timeout_s"]) == ("KIDS", True, 3.0)
    assert kept["ca_file"] == str((tmp_path / "ca.pem").resolve())


def test_a_node_that_cannot_be_is_a_usage_error(pedseg):
    outcome = pedseg("dicom", "node", "add", "x", "--host", "h", "--port", 99999, "--ae-title", "PACS")
    assert outcome.code == 2 and "99999" in outcome.err


def test_where_nobody_can_be_asked_nothing_is_sent_without_yes(pedseg, a_node, a_file, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    outcome = pedseg("dicom", "send", a_file, "--node", "archive")
    assert outcome.code == 2 and "slice0.dcm: CT Image" in outcome.err and "--yes" in outcome.err
    assert a_node.data_sets == []


@pytest.mark.parametrize("answer", ["no\n", "\n", "", "y\n"])
def test_a_person_who_does_not_agree_sends_nothing(answer, pedseg, a_node, a_file, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert pedseg("dicom", "send", a_file, "--node", "archive").code == 2
    assert a_node.data_sets == []


def test_a_person_is_told_what_goes_where_and_agrees(pedseg, a_node, a_file, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    outcome = pedseg("dicom", "send", a_file, "--node", "archive")
    assert outcome.code == 0, outcome.err
    assert "archive (NODE at 127.0.0.1:" in outcome.err and "slice0.dcm: CT Image\n" in outcome.err
    assert len(a_node.data_sets) == 1


def test_a_script_sends_with_yes_and_reads_the_result(pedseg, a_node, a_file):
    outcome = pedseg("dicom", "send", a_file, "--node", "archive", "--yes", "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out.splitlines()[-1])["result"]
    assert result == {"node": "archive", "stored": ["slice0.dcm"], "warnings": []}
    assert len(a_node.data_sets) == 1


def test_an_unknown_node_is_a_usage_error_that_names_the_known_ones(pedseg, a_node, a_file):
    outcome = pedseg("dicom", "send", a_file, "--node", "pacs", "--yes")
    assert outcome.code == 2 and "archive" in outcome.err
