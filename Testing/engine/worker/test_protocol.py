"""Lines of the protocol: what is accepted, what is refused and why."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.worker.protocol import (
    EVENTS,
    MAX_LINE_BYTES,
    PROTOCOL_VERSION,
    REQUESTS,
    Cancel,
    CancelledEvent,
    ExportDicomSeg,
    ExportRtstruct,
    Failed,
    Hardware,
    Hello,
    ListModels,
    MakePhantom,
    PrepareRatingCase,
    Progress,
    ProtocolError,
    Ready,
    Result,
    Segment,
    SendDicom,
    Shutdown,
    decode_event,
    decode_request,
    encode,
    failed,
)

REQUEST_EXAMPLES = [
    Hello("1"),
    Segment("2", "in", "out", folds=("0", "all"), mirror=False, organs=("liver",)),
    Segment("3", "/data/Jörg Ünal/CT 1", "C:\\Ausgabe\\é"),
    ExportRtstruct("4", "ct", ("a.nii.gz", "b.nii.gz"), "out.dcm"),
    ExportDicomSeg("10", "ct", ("a.nii.gz",), "out.dcm", ("toy",), encoding="labelmap"),
    PrepareRatingCase("12", "ct", "dicom_series", "a.dcm", "rtstruct", ("liver",), "out", series="1.2"),
    SendDicom("11", ("a.dcm", "b.dcm"), "archive", consent=True),
    ListModels("5"),
    Hardware("8"),
    MakePhantom("9", "out", tumour_ml=30.0, spacing_mm=(5.0, 2.0, 2.0)),
    Cancel("6", target="2"),
    Shutdown("7"),
]
EVENT_EXAMPLES = [
    Ready("0.1.0", "3.12.1", 42),
    Progress("1", "network", 0.5, 12.0),
    Progress("1", "network", 0.0),
    Result("1", {"organs": [{"key": "liver", "volume_ml": 1.5, "centroid": None}]}),
    Failed("1", "input", "what", "do", 3),
    Failed(None, "usage", "what"),
    CancelledEvent("1"),
]


def line(**content) -> bytes:
    return json.dumps({"version": PROTOCOL_VERSION, **content}).encode()


@pytest.mark.parametrize("request_", REQUEST_EXAMPLES, ids=lambda each: each.type)
def test_a_request_comes_back_as_it_was_sent(request_):
    assert decode_request(encode(request_)) == request_


@pytest.mark.parametrize("event", EVENT_EXAMPLES, ids=lambda each: each.type)
def test_an_event_comes_back_as_it_was_sent(event):
    assert decode_event(encode(event)) == event


def test_an_older_partner_still_understands_what_it_ever_could():
    assert json.loads(encode(Hello("1")))["version"] == 1
    assert json.loads(encode(Ready("0.1.0", "3.12", 1)))["version"] == 1
    assert json.loads(encode(Segment("1", "in", "out")))["version"] == 3
    assert json.loads(encode(ExportDicomSeg("1", "ct", (), "out.dcm")))["version"] == 4


def test_every_kind_of_message_has_an_example_above():
    assert {type(each) for each in REQUEST_EXAMPLES} == set(REQUESTS.values())
    assert {type(each) for each in EVENT_EXAMPLES} == set(EVENTS.values())


@given(st.text(min_size=1), st.text())
def test_any_text_travels_on_a_single_ascii_line(identifier, path):
    encoded = encode(Segment(identifier, path, path))
    assert encoded.isascii() and encoded.count(b"\n") == 1 and encoded.endswith(b"\n")
    assert decode_request(encoded) == Segment(identifier, path, path)


def test_a_file_name_that_is_no_valid_unicode_survives():
    name = b"/data/\xff\xfe".decode("utf-8", "surrogateescape")
    assert decode_request(encode(Segment("1", name, name))).input == name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (line(type="segment", id="1", input="a", output="b", colour="red"), "unknown field colour"),
        (line(type="segment", id="1", input="a"), "missing field output"),
        (line(type="segment", id="1", input=1, output="b"), "input is a int, not str"),
        (line(type="segment", id="1", input="a", output="b", exact=1), "exact is a int, not bool"),
        (line(type="segment", id="1", input="a", output="b", folds=[0]), "folds"),
        (line(type="segment", id="1", input="a", output="b", folds=[None]), "folds"),
        (line(type="segment", id="1", input="a", output="b", organs="liver"), "organs"),
        (line(type="export_rtstruct", id="1", ct_folder="a", labels=[None], output="b"), "labels"),
        (line(type="hello", id=""), "id is empty"),
        (line(type="dance", id="1"), "Unknown request 'dance'"),
        (line(id="1"), "Unknown request None"),
        (line(type=["hello"], id="1"), "Unknown request"),
        (b'{"type": "hello", "id": "1"}', "no valid protocol version"),
        (b'{"type": "hello", "id": "1", "version": true}', "no valid protocol version"),
        (line(type="hello", id="1", version=PROTOCOL_VERSION + 1), f"speaks protocol {PROTOCOL_VERSION + 1}"),
        (b"[1, 2]", "list, not an object"),
        (b"{", "not JSON"),
        (b'{"version": NaN}', "not JSON"),
        (b"\xff\xfe{}", "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (MAX_LINE_BYTES + 1), "longer than"),
    ],
)
def test_a_request_that_is_not_valid_is_refused_with_the_reason(content, message):
    with pytest.raises(ProtocolError, match="(?i)" + message) as caught:
        decode_request(content)
    assert caught.value.kind == "usage"


def test_the_id_of_a_refused_request_is_kept_for_the_answer():
    with pytest.raises(ProtocolError) as caught:
        decode_request(line(type="dance", id="7"))
    assert caught.value.id == "7"


def test_a_result_with_a_number_that_json_cannot_hold_is_not_encoded():
    with pytest.raises(ValueError, match="JSON"):
        encode(Result("1", {"volume_ml": float("nan")}))


def test_a_failure_carries_message_hint_kind_and_exit_code():
    event = failed("1", InputError("no slices", "look"))
    assert [getattr(event, each.name) for each in fields(event)] == ["1", "input", "no slices", "look", 3]
