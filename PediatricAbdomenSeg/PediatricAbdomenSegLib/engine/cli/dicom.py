"""``pedseg dicom``: the DICOM nodes of this user, and sending to them with explicit consent."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options, stray_prints_to_stderr

if TYPE_CHECKING:
    from ..cases.dicom_nodes import DicomNode


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("dicom", help="DICOM nodes, and sending files to them")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    node = actions.add_parser("node", help="the nodes you have configured; there is none by default")
    node_actions = node.add_subparsers(metavar="ACTION", required=True)
    _add_node_parser(node_actions)
    listing = node_actions.add_parser("list", help="all nodes")
    listing.set_defaults(run=run_list)
    remove = node_actions.add_parser("remove", help="forget a node")
    remove.set_defaults(run=run_remove)
    echo = node_actions.add_parser("echo", help="ask whether a node answers (C-ECHO)")
    echo.set_defaults(run=run_echo)
    for each in (remove, echo):
        each.add_argument("name", metavar="NAME")
    for each in (listing, remove, echo):
        add_common_options(each)
    send = actions.add_parser("send", help="send DICOM files to a node (C-STORE)")
    send.add_argument("files", metavar="FILE", type=Path, nargs="+", help="for example rtstruct.dcm")
    send.add_argument("--node", metavar="NAME", required=True, help="one of `pedseg dicom node list`")
    send.add_argument("--yes", action="store_true", help="do not ask: what is sent and where to is what I want")
    add_common_options(send, with_json=True)
    send.set_defaults(run=run_send)


def _add_node_parser(actions: argparse._SubParsersAction) -> None:
    add = actions.add_parser("add", help="configure a node")
    add.add_argument("name", metavar="NAME", help="what you call it")
    add.add_argument("--host", required=True, help="name or address")
    add.add_argument("--port", type=int, required=True)
    add.add_argument("--ae-title", required=True, help="AE title of the node")
    add.add_argument("--own-ae-title", help="AE title of this software (PEDSEG)")
    add.add_argument("--tls", action="store_true", default=None, help="encrypt, and check the node's certificate")
    add.add_argument("--ca-file", metavar="PEM", help="CA that signed the node's certificate (the system's)")
    add.add_argument("--certificate-file", metavar="PEM", help="own certificate, where the node asks for one")
    add.add_argument("--key-file", metavar="PEM", help="its private key, without a password")
    add.add_argument("--tls-name", help="name in the node's certificate (the host)")
    add.add_argument("--timeout-s", metavar="S", type=float, help="seconds to wait for the node (30)")
    add_common_options(add)
    add.set_defaults(run=run_add)


def run_add(arguments: argparse.Namespace, console: Console) -> int:
    """Configure a node; certificate files are kept by their full path."""
    from ..cases.dicom_nodes import DicomNode, add_node, nodes_file

    given = {each.name: getattr(arguments, each.name) for each in fields(DicomNode)}
    for name in ("ca_file", "certificate_file", "key_file"):
        if given[name]:
            given[name] = str(Path(given[name]).resolve())
    node = DicomNode(**{name: value for name, value in given.items() if value is not None})
    add_node(node, nodes_file())
    console.say(f"Added {node}. Ask it with: pedseg dicom node echo {node.name}")
    return 0


def run_list(arguments: argparse.Namespace, console: Console) -> int:
    """One line per node."""
    from ..cases.dicom_nodes import list_nodes, nodes_file

    nodes = list_nodes(nodes_file())
    for node in nodes:
        console.say(str(node))
    if not nodes:
        console.say("No DICOM node is configured.")
    return 0


def run_remove(arguments: argparse.Namespace, console: Console) -> int:
    """Forget a node."""
    from ..cases.dicom_nodes import nodes_file, remove_node

    remove_node(arguments.name, nodes_file())
    console.say(f"Removed {arguments.name}.")
    return 0


def run_echo(arguments: argparse.Namespace, console: Console) -> int:
    """Ask whether a node answers."""
    from ..cases.dicom_send import echo

    node = _node(arguments.name)
    echo(node)
    console.say(f"{node} answers.")
    return 0


def run_send(arguments: argparse.Namespace, console: Console) -> int:
    """Say what goes where, ask unless told not to, and send."""
    from ..cases.dicom_send import outgoing_files, what_is_sent
    from ..worker.protocol import Result
    from ..worker.send_job import send_to_node

    question = what_is_sent(outgoing_files(arguments.files), _node(arguments.node))
    consent = arguments.yes or _agreed(question, console)
    with cancel_by_signal() as cancel, stray_prints_to_stderr():
        content = send_to_node(arguments.files, arguments.node, consent, console.progress(), cancel)
    console.event(Result("1", content))
    for warning in content["warnings"]:
        console.warn(warning)
    console.say(f"{content['node']} has stored {', '.join(content['stored'])}.")
    return 0


def _node(name: str) -> DicomNode:
    from ..cases.dicom_nodes import find_node, nodes_file

    return find_node(name, nodes_file())


def _agreed(question: str, console: Console) -> bool:
    """Whether the person at the terminal types yes. Raises `UsageError` where nobody can be asked."""
    console.warn(question)
    if not sys.stdin.isatty():
        raise UsageError("Nothing was sent: nobody can be asked here.", "Add --yes if this is to be sent.")
    console.warn("Send? Type yes to agree:")
    return sys.stdin.readline().strip().lower() == "yes"
