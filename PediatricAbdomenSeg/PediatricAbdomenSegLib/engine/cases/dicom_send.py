"""Send DICOM files to a node (C-STORE) and ask whether it answers (C-ECHO). Nothing is sent without consent."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ..errors import Cancelled, InputError, PediatricAbdomenSegError, ResourceError, UsageError
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .dicom_nodes import DicomNode

if TYPE_CHECKING:
    from pynetdicom import AE
    from pynetdicom.association import Association

_VERIFICATION = "1.2.840.10008.1.1"
_MOST_CONTEXTS = 128  # PS3.8: presentation context IDs are the odd numbers up to 255
_SUCCESS, _WARNINGS = 0x0000, range(0xB000, 0xC000)
_FAILURES = (
    (range(0xA700, 0xA800), "the node is out of resources"),
    (range(0xA900, 0xAA00), "the object does not match its SOP class"),
    (range(0xC000, 0xD000), "the node cannot understand the object"),
    (range(0x0122, 0x0123), "the node does not take this kind of object"),
    (range(0x0124, 0x0125), "the node does not allow it"),
)
_KINDS = {"1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage"}  # younger than pydicom's dictionary


@dataclass(frozen=True)
class OutgoingFile:
    """A DICOM file as it will be sent.

    Attributes:
        path: where it lies.
        sop_class_uid, transfer_syntax_uid: what it is and how it is encoded.
    """

    path: Path
    sop_class_uid: str
    transfer_syntax_uid: str

    @property
    def kind(self) -> str:
        """What it is, for people, for example ``"RT Structure Set"``."""
        name = _KINDS.get(self.sop_class_uid) or UID(self.sop_class_uid).name
        return name.removesuffix(" Storage")


@dataclass(frozen=True)
class SendSummary:
    """What the node has stored.

    Attributes:
        stored: names of the files, in their order.
        warnings: one sentence per file that the node stored with a warning.
    """

    stored: tuple[str, ...]
    warnings: tuple[str, ...]


def outgoing_files(paths: Iterable[Path]) -> tuple[OutgoingFile, ...]:
    """What the files are, by their headers.

    Raises:
        UsageError: no file is given. InputError: a file is missing, no DICOM or has no SOP class.
    """
    files = tuple(_outgoing(Path(path)) for path in paths)
    if not files:
        raise UsageError("No file to send.", "Give one or more DICOM files.")
    return files


def what_is_sent(files: Sequence[OutgoingFile], node: DicomNode) -> str:
    """What a user consents to, in lines: which files of which kind go where."""
    lines = [f"  {one.path.name}: {one.kind}" for one in files]
    return "\n".join([f"To the DICOM node {node}, with the patient's name and identifiers as they are:", *lines])


def echo(node: DicomNode) -> None:
    """Ask whether the node answers; returns when it does.

    Raises:
        ResourceError: it does not; the message says at what it failed.
    """
    from pynetdicom import AE

    entity = AE(ae_title=node.own_ae_title)
    entity.add_requested_context(_VERIFICATION)
    with _association(entity, node) as association:
        if not association.accepted_contexts:
            raise ResourceError(f"DICOM node {node}: it does not accept C-ECHO.", "Ask its administrator.")
        status = association.send_c_echo()
        if "Status" not in status:
            raise _no_answer(node)
        if status.Status != _SUCCESS:
            raise ResourceError(f"DICOM node {node}: C-ECHO ended with {status.Status:#06x}.", "Ask its administrator.")


def send_files(
    paths: Iterable[Path], node: DicomNode, *, consent: bool, on_progress: OnProgress = ignore_progress
) -> SendSummary:
    """Send files as they are, one after the other over one association.

    A file the node refuses does not stop the others.

    Args:
        paths: DICOM files.
        node: where to.
        consent: that a person has agreed to send these files, see `what_is_sent`, to this node.
        on_progress: stage "send", fraction of the files, before each of them; may raise to stop.

    Raises:
        UsageError: without consent; nothing was sent. InputError: a file cannot be sent.
        ResourceError: the node cannot be reached, refuses the association, or did not store every file: the message
            says which ones it did not and why, with its status code.
        Cancelled: by ``on_progress``; the message names the files that were stored before.
    """
    from pynetdicom import AE

    if consent is not True:
        raise UsageError("Nothing was sent: sending needs explicit consent.", "Confirm what is sent and where to.")
    files = outgoing_files(paths)
    entity = AE(ae_title=node.own_ae_title)
    for sop_class, syntax in _contexts(files):
        entity.add_requested_context(sop_class, syntax)
    stored, warnings, refused = [], [], []
    with _association(entity, node) as association:
        for index, one in enumerate(files):
            try:
                on_progress(ProgressEvent("send", index / len(files)))
            except Cancelled as error:
                if not stored:
                    raise
                raise Cancelled(f"Cancelled; {node.name} keeps what it has stored: {', '.join(stored)}.") from error
            problem, warning = _store(association, one, node)
            if problem:
                refused.append(f"{one.path.name} ({one.kind}): {problem}")
            else:
                stored.append(one.path.name)
                warnings += [f"{one.path.name}: {warning}"] if warning else []
    if refused:
        raise ResourceError(
            f"DICOM node {node} stored {len(stored)} of {len(files)} files. Not stored: {'; '.join(refused)}.",
            "Ask the node's administrator with the status code; send again only what is missing.",
        )
    return SendSummary(tuple(stored), tuple(warnings))


def _outgoing(path: Path) -> OutgoingFile:
    if not path.is_file():
        raise InputError(f"{path} is not a file.", "Give the DICOM files themselves, not their folder.")
    try:
        header = dcmread(path, specific_tags=["SOPClassUID", "SOPInstanceUID"], stop_before_pixels=True)
        sop_class, syntax = header.get("SOPClassUID"), header.file_meta.get("TransferSyntaxUID")
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror}.", "Check the permissions.") from error
    except (InvalidDicomError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no DICOM file.", "Only DICOM files can be sent.") from error
    if not sop_class or not syntax or not header.get("SOPInstanceUID"):
        raise InputError(f"{path} lacks SOP class, SOP instance UID or transfer syntax.", "Export the file again.")
    return OutgoingFile(path, str(sop_class), str(syntax))


def _contexts(files: Sequence[OutgoingFile]) -> list[tuple[str, str]]:
    """Pairs of SOP class and transfer syntax: the files' own first, then what every node has to understand."""
    own = [(one.sop_class_uid, one.transfer_syntax_uid) for one in files]
    fallback = [
        (sop_class, str(ImplicitVRLittleEndian)) for sop_class, syntax in own if syntax == ExplicitVRLittleEndian
    ]
    pairs = list(dict.fromkeys([*own, *fallback]))
    if len(pairs) > _MOST_CONTEXTS:
        raise UsageError(f"{len(pairs)} kinds of objects are too many for one association.", "Send fewer files.")
    return pairs


def _store(association: Association, one: OutgoingFile, node: DicomNode) -> tuple[str, str]:
    """Send one file: why it was not stored, or else what the node warned of; both may be empty."""
    if not association.is_established:
        return "the connection was lost before it was its turn", ""
    if not any(context.abstract_syntax == one.sop_class_uid for context in association.accepted_contexts):
        return "the node does not take this kind of object (SOP class refused)", ""
    try:
        status = association.send_c_store(one.path)
    except ValueError:  # pynetdicom's word for an encoding that no accepted context has
        return f"the node does not take its encoding ({UID(one.transfer_syntax_uid).name})", ""
    except RuntimeError:
        return "the connection was lost", ""
    if "Status" not in status:
        return f"no answer within {node.timeout_s:g} s, or the connection was lost", ""
    code = int(status.Status)
    if code == _SUCCESS:
        return "", ""
    if code in _WARNINGS:
        return "", f"stored with a warning, status {code:#06x}"
    meaning = next((text for codes, text in _FAILURES if code in codes), "the node refused it")
    return f"{meaning}, status {code:#06x}", ""


@contextmanager
def _association(entity: AE, node: DicomNode) -> Iterator[Association]:
    """An established association, released at the end whatever happens inside. Raises `ResourceError`."""
    from pynetdicom import evt

    connected: list[bool] = []
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = node.timeout_s
    tls = (_tls_context(node), node.tls_name or node.host) if node.tls else None
    try:
        association = entity.associate(
            node.host,
            node.port,
            ae_title=node.ae_title,
            tls_args=tls,
            evt_handlers=[(evt.EVT_CONN_OPEN, lambda event: connected.append(True))],
        )
    except socket.gaierror as error:
        raise _no_connection(node) from error
    if not association.is_established:
        raise _not_associated(association, node, bool(connected))
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _not_associated(association: Association, node: DicomNode, connected: bool) -> PediatricAbdomenSegError:
    if not connected:
        return _no_connection(node)
    if not association.is_rejected:
        return ResourceError(
            f"DICOM node {node}: it ended the connection or did not answer within {node.timeout_s:g} s.",
            "Check that host and port are a DICOM application's, and whether it wants TLS or an own certificate.",
        )
    answer = association.acceptor.primitive
    return ResourceError(
        f"DICOM node {node} rejected the association: {answer.reason_str} "
        f"(result {answer.result:#04x}, source {answer.result_source:#04x}, reason {answer.diagnostic:#04x}).",
        f"Check the node's AE title {node.ae_title}, and that it knows this software's AE title {node.own_ae_title}.",
    )


def _no_connection(node: DicomNode) -> ResourceError:
    """Why no connection came about. The library only logs it, so the connection is tried once more to learn it."""
    where = f"DICOM node {node}: "
    try:
        with socket.create_connection((node.host, node.port), timeout=node.timeout_s) as plain:
            if node.tls:
                with _tls_context(node).wrap_socket(plain, server_hostname=node.tls_name or node.host):
                    pass
    except ssl.SSLCertVerificationError as error:
        return ResourceError(
            f"{where}its certificate is not accepted: {error.verify_message}.",
            "Give the CA that signed it, and the name it was made for where that is not the host.",
        )
    except ssl.SSLError as error:
        return ResourceError(
            f"{where}TLS failed: {error.reason or error}.", "Check that the node uses TLS on this port and its version."
        )
    except socket.gaierror:
        return ResourceError(f"{where}the host is unknown.", "Check the host's name, or use its address.")
    except TimeoutError:
        return ResourceError(f"{where}no connection within {node.timeout_s:g} s.", "Check host, port and firewall.")
    except OSError as error:
        return ResourceError(f"{where}no connection: {error.strerror or error}.", "Check host, port and firewall.")
    return ResourceError(f"{where}the connection failed once, but can be made now.", "Try again.")


def _no_answer(node: DicomNode) -> ResourceError:
    return ResourceError(
        f"DICOM node {node}: no answer within {node.timeout_s:g} s.", "Check that the node is running."
    )


def _tls_context(node: DicomNode) -> ssl.SSLContext:
    """Certificates are always checked, host name included; TLS 1.2 is the least BCP 195 allows."""
    try:
        context = ssl.create_default_context(cafile=node.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if node.certificate_file:
            context.load_cert_chain(node.certificate_file, node.key_file, password="")
    except (OSError, ssl.SSLError) as error:
        raise ResourceError(
            f"DICOM node {node}: its certificate files cannot be used: {error.strerror or error}.",
            "Give readable PEM files; the private key must not have a password.",
        ) from error
    return context
