"""``python -m PediatricAbdomenSegLib.engine.worker``, or this file's path for an interpreter without the package.

Started by path (as with ``python -I -u .../engine/worker/__main__.py``) it inserts the package's folder itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]  # our files shadow nobody's
    sys.path.insert(0, str(here.parents[2]))

from PediatricAbdomenSegLib.engine.worker.service import run_worker

if __name__ == "__main__":
    run_worker()
