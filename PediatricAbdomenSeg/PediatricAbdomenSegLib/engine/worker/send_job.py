"""The job that sends files to one of the user's DICOM nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cases.dicom_nodes import find_node, nodes_file
from ..cases.dicom_send import send_files
from ..progress import CancelToken, OnProgress, ignore_progress
from .job_progress import JobProgress


def send_to_node(
    files: Sequence[Path],
    node: str,
    consent: bool,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
    nodes: Path | None = None,
) -> dict[str, Any]:
    """Send DICOM files to the node of this name.

    Args:
        consent: see `send_files`.
        nodes: the file with the user's nodes; None takes `nodes_file`.

    Returns:
        ``{"node": name, "stored": file names, "warnings": sentences}``.

    Raises:
        UsageError: no such node, or no consent. InputError, ResourceError: as `send_files` says. Cancelled: files that
            were stored before stay with the node.
    """
    known = find_node(node, nodes or nodes_file())
    progress = JobProgress(on_progress, cancel or CancelToken())
    progress.begin("send", 0.0, 1.0)
    summary = send_files(files, known, consent=consent, on_progress=progress)
    return {"node": known.name, "stored": list(summary.stored), "warnings": list(summary.warnings)}
