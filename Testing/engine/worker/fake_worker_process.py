"""A worker process with jobs that tests can steer: what comes in ``input`` says what happens.

Started by path with the library's folder on PYTHONPATH; serves the real protocol with the real serve loop.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import threading
import warnings

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.progress import ProgressEvent
from PediatricAbdomenSegLib.engine.worker.protocol import Segment
from PediatricAbdomenSegLib.engine.worker.service import run_worker


def segment(request: Segment, on_progress, cancel) -> dict:
    on_progress(ProgressEvent("network", 0.5, 1.0))
    if request.input == "fail":
        raise InputError("one slice", "give more")
    if request.input == "crash":
        ctypes.string_at(0)
    if request.input == "exit":
        os._exit(7)
    if request.input == "print":
        print("a stray line")
        os.system("echo a stray line of a child")
        os.write(1, b"a stray line of C\n")
        return {"stdin": sys.stdin.read(1) if sys.stdin else ""}
    if request.input == "quote a patient":
        warnings.warn("Invalid value for VR PN: 'Doe^Jane'", UserWarning, stacklevel=1)
        logging.getLogger("pydicom").warning("Invalid value for VR PN: 'Doe^Jane'")
        thread = threading.Thread(target=lambda: {}["Doe^Jane"])
        thread.start()
        thread.join()
    if request.input == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        return {"pid": child.pid}
    while request.input == "wait":
        threading.Event().wait(0.01)
        cancel.raise_if_cancelled()
    while request.input == "ignore cancel":
        threading.Event().wait(0.01)
    return {"output": request.output}


if __name__ == "__main__":
    run_worker({Segment: segment})
