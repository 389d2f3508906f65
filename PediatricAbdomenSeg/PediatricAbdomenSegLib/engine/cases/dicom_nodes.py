"""The DICOM nodes a user has configured: a JSON file in the per-user folder. There is none until the user adds one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import InputError, UsageError
from ..json_fields import JsonFields, read_json_fields
from ..user_folder import user_folder
from .atomic_file import replaced_when_complete

NODES_NAME = "dicom_nodes.json"
OWN_AE_TITLE = "PEDSEG"
_SCHEMA_VERSION = 1
_HIGHEST_PORT = 65535
_HINT = "Correct the file, or remove it and add the nodes again."
# PS3.5: the default repertoire without backslash and control characters; leading and trailing blanks mean nothing.
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")


@dataclass(frozen=True)
class DicomNode:
    """Another DICOM application that can receive objects.

    Attributes:
        name: what the user calls it.
        host, port: where it listens.
        ae_title: of the node.
        own_ae_title: by which this software presents itself; many nodes accept only those they know.
        tls: encrypt the connection and check the node's certificate.
        ca_file: certificates (PEM) the node's certificate is checked against; empty takes the operating system's.
        certificate_file, key_file: this software's own certificate and private key (PEM), where the node asks for one.
        tls_name: the name in the node's certificate where it is not ``host``.
        timeout_s: to wait for a connection and for each answer.
    """

    name: str
    host: str
    port: int
    ae_title: str
    own_ae_title: str = OWN_AE_TITLE
    tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    tls_name: str = ""
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.host.strip():
            raise UsageError("A DICOM node needs a name and a host.")
        if not 1 <= self.port <= _HIGHEST_PORT:
            raise UsageError(
                f"Port {self.port} is not between 1 and {_HIGHEST_PORT}.", "DICOM often uses 104 or 11112."
            )
        if not 0 < self.timeout_s < float("inf"):
            raise UsageError(f"A timeout of {self.timeout_s:g} s cannot be.", "Give a positive number of seconds.")
        for title in (self.ae_title, self.own_ae_title):
            if not _AE_TITLE.fullmatch(title) or not title.strip():
                raise UsageError(f'"{title}" is no AE title.', "Use 1 to 16 ASCII characters without a backslash.")
        if bool(self.certificate_file) != bool(self.key_file):
            raise UsageError("An own certificate needs its private key, and the key its certificate.")
        if not self.tls and (self.ca_file or self.certificate_file or self.tls_name):
            raise UsageError("Certificates are given, but TLS is off.", "Switch TLS on, or leave the certificates out.")

    def __str__(self) -> str:
        return f"{self.name} ({self.ae_title} at {self.host}:{self.port}{', TLS' if self.tls else ', not encrypted'})"


def nodes_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file with this user's nodes; need not exist."""
    return user_folder(environ) / NODES_NAME


def list_nodes(file: Path) -> tuple[DicomNode, ...]:
    """The nodes in a file, by name; () when there is no file. Raises `InputError` when it cannot be understood."""
    if not file.exists():
        return ()
    content = read_json_fields(file, InputError, _HINT)
    if (version := content.integer("schema_version", 1)) > _SCHEMA_VERSION:
        raise InputError(f"{file.name} has schema version {version}; this software knows {_SCHEMA_VERSION}.", _HINT)
    return tuple(sorted(map(_node, content.objects("nodes")), key=lambda node: node.name.casefold()))


def find_node(name: str, file: Path) -> DicomNode:
    """The node of this name; raises `UsageError` that names the choices."""
    nodes = list_nodes(file)
    for node in nodes:
        if node.name == name:
            return node
    known = (
        f"Configured are: {', '.join(node.name for node in nodes)}." if nodes else "None is configured: add it first."
    )
    raise UsageError(f"There is no DICOM node {name!r}.", known)


def add_node(node: DicomNode, file: Path) -> None:
    """Add a node. Raises `UsageError` when its name is taken, `ResourceError` when the file cannot be written."""
    nodes = list_nodes(file)
    if any(node.name == other.name for other in nodes):
        raise UsageError(f"There is a DICOM node {node.name!r} already.", "Remove it first, or choose another name.")
    _write((*nodes, node), file)


def remove_node(name: str, file: Path) -> None:
    """Remove a node. Raises `UsageError` when there is none of this name."""
    gone = find_node(name, file)
    _write([node for node in list_nodes(file) if node != gone], file)


def _write(nodes, file: Path) -> None:
    content = {"schema_version": _SCHEMA_VERSION, "nodes": [asdict(node) for node in nodes]}
    with replaced_when_complete(file) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _node(fields: JsonFields) -> DicomNode:
    optional = ("ca_file", "certificate_file", "key_file", "tls_name")
    try:
        return DicomNode(
            name=fields.text("name"),
            host=fields.text("host"),
            port=fields.integer("port", 1),
            ae_title=fields.text("ae_title"),
            own_ae_title=fields.text("own_ae_title"),
            tls=fields.flag("tls"),
            timeout_s=fields.number("timeout_s"),
            **{key: fields.text(key, may_be_empty=True) for key in optional},
        )
    except UsageError as error:  # the values themselves: here they come from a file, not from the caller
        raise InputError(f"{fields.where}: {error.message}", f"{error.hint} {_HINT}".strip()) from error
