"""``python -m PediatricAbdomenSegLib.engine.worker``, or this file's path for an interpreter without the package.

Started by path (as with ``python -I -u .../engine/worker/__main__.py``) it finds the package by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]  # our files shadow nobody's
    root = here.parents[2]
    # An installed package has its place already: site-packages put first would shadow Python's own modules, as the
    # back-port "dataclasses" that rt-utils brings along does.
    if not any(Path(entry).resolve() == root for entry in sys.path):
        sys.path.insert(0, str(root))

from PediatricAbdomenSegLib.engine.worker.service import run_worker

if __name__ == "__main__":
    run_worker()
