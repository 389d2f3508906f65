"""Sending to a DICOM node: only with consent, unchanged, and every failure named without the patient."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ct_series_builder import write_series
from dicom_receivers import free_port, receiving, storescp
from PediatricAbdomenSegLib.engine.cases.dicom_nodes import DicomNode
from PediatricAbdomenSegLib.engine.cases.dicom_seg import write_dicom_seg
from PediatricAbdomenSegLib.engine.cases.dicom_send import echo, outgoing_files, send_files, what_is_sent
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError, ResourceError, UsageError
from PediatricAbdomenSegLib.engine.organs import organ_by_key

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
VERIFICATION = "1.2.840.10008.1.1"
BOTH_SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian]
PATIENT = ("Иванов", "Пётр", "P-1")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    """An RTSTRUCT and a DICOM SEG of one CT."""
    folder = tmp_path_factory.mktemp("export")
    references = read_references(write_series(folder / "ct", shape=(4, 40, 48)))
    masks = [RoiMask(organ_by_key("liver"), np.random.default_rng(1).random((4, 40, 48)) < 0.3)]
    write_rtstruct(references, masks, folder / "rtstruct.dcm")
    write_dicom_seg(references, masks, folder / "seg.dcm")
    return [folder / "rtstruct.dcm", folder / "seg.dcm"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate authority, a certificate of it for 127.0.0.1, and the files of both."""
    trustme = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "pacs.example.org")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(folder / "certificate.pem", append=index > 0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return folder, context


def data_set_of(path: Path) -> bytes:
    """The bytes of a file behind its preamble and file meta information."""
    content = path.read_bytes()
    length = pydicom.filereader.read_file_meta_info(path).FileMetaInformationGroupLength
    return content[128 + 4 + 12 + length :]


def _node(**changes) -> DicomNode:
    """A node on a port where nobody listens."""
    return DicomNode(**{"name": "gone", "host": "127.0.0.1", "port": free_port(), "ae_title": "NODE", **changes})


def refused(files, node) -> str:
    """The message of a failed transfer, which must name the node and not the patient."""
    with pytest.raises(ResourceError) as raised:
        send_files(files, node, consent=True)
    text = str(raised.value)
    assert node.name in text and raised.value.hint
    assert not any(word in text for word in PATIENT)
    return text


def test_without_consent_nothing_leaves(files):
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES) as (node, received):
        for consent in (False, None, 1, "yes"):
            with pytest.raises(UsageError, match="consent"):
                send_files(files, node, consent=consent)
        assert received.callers == []


def test_what_a_user_consents_to_names_node_files_and_kinds(files):
    with receiving([RTSTRUCT], BOTH_SYNTAXES) as (node, _):
        text = what_is_sent(outgoing_files(files), node)
    assert "rtstruct.dcm: RT Structure Set" in text and "seg.dcm: Segmentation" in text
    assert "test (NODE at 127.0.0.1:" in text and "not encrypted" in text
    assert not any(word in text for word in PATIENT)


def test_data_sets_arrive_byte_by_byte(files):
    steps = []
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES) as (node, received):
        summary = send_files(files, node, consent=True, on_progress=lambda event: steps.append(event.fraction))
    assert summary.stored == ("rtstruct.dcm", "seg.dcm") and summary.warnings == ()
    assert received.data_sets == [data_set_of(path) for path in files]
    assert received.callers == ["PEDSEG"]
    assert steps == [0.0, 0.5]


def test_a_node_that_knows_implicit_vr_alone_gets_that(files):
    with receiving([RTSTRUCT, SEG], [ImplicitVRLittleEndian]) as (node, received):
        send_files(files, node, consent=True)
    assert received.data_sets[0] == data_set_of(files[0])
    theirs = pydicom.dcmread(pydicom.filebase.DicomBytesIO(received.data_sets[1]), force=True)
    assert theirs.PixelData == pydicom.dcmread(files[1]).PixelData


def test_dcmtk_stores_both_unchanged(files, tmp_path, external_tool):
    with storescp(external_tool("storescp"), tmp_path / "received") as node:
        echo(node)
        send_files(files, node, consent=True)
    received = {data_set_of(path) for path in (tmp_path / "received").iterdir()}
    assert received == {data_set_of(path) for path in files}


def test_dcmtk_stores_over_tls(files, tmp_path, certificates, external_tool):
    folder, _ = certificates
    options = ["+tls", str(folder / "key.pem"), str(folder / "certificate.pem"), "-ic"]
    with storescp(external_tool("storescp"), tmp_path / "received", *options) as plain:
        node = replace(plain, tls=True, ca_file=str(folder / "ca.pem"))
        echo(node)
        assert send_files(files, node, consent=True).stored == ("rtstruct.dcm", "seg.dcm")
        refused(files, plain)
    assert len([*(tmp_path / "received").iterdir()]) == 2


def test_tls_reaches_a_node_whose_certificate_is_right(files, certificates):
    folder, context = certificates
    with receiving([RTSTRUCT, SEG, VERIFICATION], BOTH_SYNTAXES, tls=context) as (plain, received):
        node = replace(plain, tls=True, ca_file=str(folder / "ca.pem"), tls_name="pacs.example.org")
        echo(node)
        send_files(files, node, consent=True)
    assert received.data_sets == [data_set_of(path) for path in files]


@pytest.mark.parametrize("wrong", ["unknown authority", "other name"])
def test_a_certificate_that_does_not_fit_stops_the_transfer(wrong, files, certificates):
    folder, context = certificates
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES, tls=context) as (plain, received):
        ca = str(folder / "ca.pem")
        change = {"ca_file": ca, "tls_name": "evil.example.org"} if wrong == "other name" else {}
        assert "certificate is not accepted" in refused(files, replace(plain, tls=True, **change))
    assert received.callers == []


def test_a_node_without_tls_is_told_apart(files, certificates):
    folder, _ = certificates
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES) as (plain, received):
        node = replace(plain, tls=True, ca_file=str(folder / "ca.pem"), timeout_s=2)
        assert refused(files, node)
    assert received.callers == []


def test_certificate_files_that_are_not_there_are_named(files):
    node_text = refused(files, _node(tls=True, ca_file="/nowhere/ca.pem"))
    assert "certificate files" in node_text


def test_a_node_that_is_switched_off_is_told_apart(files):
    assert "no connection" in refused(files, _node())


def test_a_host_that_does_not_exist_is_told_apart(files):
    assert "host is unknown" in refused(files, _node(host="nowhere.invalid"))


def test_a_node_that_does_not_answer_is_told_apart(files):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        text = refused(files, _node(port=listener.getsockname()[1], timeout_s=0.5))
    assert "did not answer within 0.5 s" in text


def test_an_unknown_ae_title_is_named(files):
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES, ae_title="OTHER", require_title=True) as (node, received):
        text = refused(files, node)
    assert "alled AE title not recognised" in text and "NODE" in text and "PEDSEG" in text and "0x07" in text
    assert received.data_sets == []


def test_a_kind_the_node_does_not_take_is_named_and_the_rest_is_sent(files):
    with receiving([RTSTRUCT], BOTH_SYNTAXES) as (node, received):
        text = refused(files, node)
    assert "stored 1 of 2 files" in text and "seg.dcm (Segmentation)" in text and "SOP class refused" in text
    assert len(received.data_sets) == 1


def test_a_failure_status_is_given_in_hexadecimal_and_the_rest_is_sent(files):
    statuses = iter([0xA700, 0x0000])
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES, lambda event: next(statuses)) as (node, received):
        text = refused(files, node)
    assert "rtstruct.dcm" in text and "0xa700" in text and "out of resources" in text and "seg.dcm" not in text
    assert len(received.data_sets) == 2


def test_a_warning_counts_as_stored_and_is_reported(files):
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES, lambda event: 0xB006) as (node, _):
        summary = send_files(files, node, consent=True)
    assert len(summary.stored) == 2 and all("0xb006" in warning for warning in summary.warnings)


def test_a_connection_lost_midway_names_what_is_missing(files):
    def hang_up(event):
        event.assoc.abort()
        return 0x0000

    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES, hang_up) as (node, _):
        text = refused(files, replace(node, timeout_s=1))
    assert "stored 0 of 2 files" in text and "rtstruct.dcm" in text and "seg.dcm" in text


@pytest.mark.parametrize(
    ("fraction", "sent", "message"),
    [
        (0.0, 0, "Cancelled; nothing was written."),
        (0.5, 1, "Cancelled; {node} keeps what it has stored: rtstruct.dcm."),
    ],
)
def test_stopping_before_a_file_sends_no_more_and_says_what_has_arrived(files, fraction, sent, message):
    def stop(event):
        if event.fraction >= fraction:
            raise Cancelled()

    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES) as (node, received), pytest.raises(Cancelled) as raised:
        send_files(files, node, consent=True, on_progress=stop)
    assert len(received.data_sets) == sent
    assert raised.value.message == message.format(node=node.name)


def test_stopping_once_the_last_file_is_on_its_way_comes_too_late(files):
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES) as (node, received):

        def stop(event):
            if len(received.data_sets) == len(files):
                raise Cancelled()

        assert send_files(files, node, consent=True, on_progress=stop).stored == ("rtstruct.dcm", "seg.dcm")


def test_what_is_no_dicom_file_is_refused_before_anything_is_sent(files, tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    with receiving([RTSTRUCT, SEG], BOTH_SYNTAXES) as (node, received):
        for wrong in (tmp_path / "note.txt", tmp_path, tmp_path / "gone.dcm"):
            with pytest.raises(InputError, match=wrong.name):
                send_files([*files, wrong], node, consent=True)
        with pytest.raises(UsageError, match="No file"):
            send_files([], node, consent=True)
        assert received.callers == []


def test_echo_reaches_a_node_and_names_one_that_refuses():
    with receiving([VERIFICATION], BOTH_SYNTAXES) as (node, _):
        echo(node)
    with receiving([RTSTRUCT], BOTH_SYNTAXES) as (node, _), pytest.raises(ResourceError, match="test"):
        echo(node)
    with pytest.raises(ResourceError, match="no connection"):
        echo(_node())
