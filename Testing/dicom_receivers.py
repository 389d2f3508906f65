"""DICOM nodes on this machine that receive what tests send: one inside the process, one by dcmtk."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pynetdicom import AE, evt

from PediatricAbdomenSegLib.engine.cases.dicom_nodes import DicomNode


@dataclass
class Received:
    """What a node inside the process has received: encoded data sets, in their order, and who sent them."""

    data_sets: list[bytes] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)


@contextmanager
def receiving(
    sop_classes: list[str],
    syntaxes: list[str],
    answer: Callable[[evt.Event], int] = lambda event: 0x0000,
    ae_title: str = "NODE",
    require_title: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[DicomNode, Received]]:
    """A node inside this process that takes these SOP classes and answers each object with a status."""
    received = Received()

    def on_store(event: evt.Event) -> int:
        received.data_sets.append(event.request.DataSet.getvalue())
        return answer(event)

    def on_open(event: evt.Event) -> None:
        received.callers.append(event.assoc.requestor.ae_title)

    entity = AE(ae_title=ae_title)
    entity.require_called_aet = require_title
    for sop_class in sop_classes:
        entity.add_supported_context(sop_class, syntaxes)
    handlers = [(evt.EVT_C_STORE, on_store), (evt.EVT_ESTABLISHED, on_open)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=tls)
    try:
        yield DicomNode("test", "127.0.0.1", server.socket.getsockname()[1], "NODE", timeout_s=10), received
    finally:
        server.shutdown()


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def storescp(program: str, folder: Path, *options: str) -> Iterator[DicomNode]:
    """dcmtk's ``storescp`` that writes into ``folder`` what it receives, bit by bit."""
    port = free_port()
    folder.mkdir()
    command = [program, "-aet", "NODE", "-od", str(folder), "+B", "-pm", "+xa", *options, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        assert process.poll() is None, process.stdout.read().decode("utf-8", "replace")
        yield DicomNode("dcmtk", "127.0.0.1", port, "NODE", timeout_s=20)
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
