"""A stand-alone worker that behaves as it is told: speaks the protocol's lines without importing anything of ours.

    python fake_worker.py [SCENARIO] [--seconds S]

What it does at its start, and with every ``segment`` request; a request whose model is ``fake:SCENARIO`` overrides it.

    success   writes a result (needs numpy and SimpleITK): one ellipsoid per organ asked for
    progress  the same, with progress over S seconds
    fail      answers with an input error
    crash     dies of a memory fault
    kill      kills itself as the system does when memory runs out
    exit      ends with exit code 7
    hang      works until it is cancelled
    deaf      works for ever, ends at SIGTERM
    stubborn  works for ever, ignores SIGTERM, and has a child process that does too
    garbage   answers with a line that is no protocol
    version   (start) speaks protocol 99
    old       (start) knows protocol 1 only
    babble    (start) prints a line before it is ready, then as success
    silent    (start) never becomes ready
    broken    (start) ends at once with a message on stderr
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

VERSION = 2
ORGANS = [
    *("spleen", "lung_left", "lung_right", "kidney_left", "kidney_right", "liver", "heart", "pancreas"),
    *("stomach_bowel", "vertebrae", "spinal_canal", "abdominal_aorta", "inferior_vena_cava"),
    *("autochthonous_muscle_left", "autochthonous_muscle_right", "iliopsoas_left", "iliopsoas_right"),
    *("adrenal_gland_left", "adrenal_gland_right", "hepatoblastoma"),
]
GIGABYTE_MB = 1073.741824

_output = threading.Lock()


def say(**event) -> None:
    with _output:
        sys.stdout.write(json.dumps({"version": 1, **event}) + "\n")
        sys.stdout.flush()


def log(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Worker:
    """Reads requests on a thread, so that a cancel is heard while a segmentation runs."""

    def __init__(self, scenario: str, seconds: float) -> None:
        self.scenario, self.seconds = scenario, seconds
        self.cancelled: set[str] = set()
        self.requests: list[dict] = []
        self.arrived = threading.Condition()

    def read(self) -> None:
        for line in sys.stdin:
            request = json.loads(line)
            if self.scenario == "old" and request["version"] > 1:
                message = f"The request speaks protocol {request['version']}, this software only up to 1."
                hint = "Update the older of the two: the extension or the worker's environment."
                say(type="failed", id=request["id"], kind="usage", message=message, hint=hint, exit_code=2)
                continue
            if request["type"] == "cancel":
                self.cancelled.add(request["target"])
                say(type="result", id=request["id"], result={"found": True})
                continue
            with self.arrived:
                self.requests.append(request)
                self.arrived.notify()
        os._exit(0)

    def serve(self) -> None:
        while True:
            with self.arrived:
                while not self.requests:
                    self.arrived.wait()
                request = self.requests.pop(0)
            kind = request["type"]
            if kind == "shutdown":
                say(type="result", id=request["id"], result={})
                return
            if kind == "segment":
                self.segment(request)
            elif kind == "hardware":
                say(type="result", id=request["id"], result=hardware())
            elif kind == "list_models":
                say(type="result", id=request["id"], result={"models": []})
            elif kind == "export_rtstruct":
                Path(request["output"]).write_bytes(b"")
                say(
                    type="result",
                    id=request["id"],
                    result={"rois": [], "contours": 0, "points": 0, "notes": [], "sha256": ""},
                )
            else:
                say(type="result", id=request["id"], result={})

    def segment(self, request: dict) -> None:
        request_id, model = request["id"], request.get("model", "")
        scenario = model.removeprefix("fake:") if model.startswith("fake:") else self.scenario
        log(f"fake worker: {scenario}")
        say(type="progress", id=request_id, stage="read", fraction=0.05)
        say(type="progress", id=request_id, stage="network", fraction=0.5, remaining_s=1.0)
        if scenario == "fail":
            hint = "Choose another series."
            say(type="failed", id=request_id, kind="input", message="There is one slice.", hint=hint, exit_code=3)
        elif scenario == "crash":
            ctypes.string_at(0)
        elif scenario == "kill":
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        elif scenario == "exit":
            os._exit(7)
        elif scenario == "garbage":
            with _output:
                sys.stdout.write("this is no protocol\n")
                sys.stdout.flush()
        elif scenario in ("hang", "deaf", "stubborn"):
            self.wait_for_ever(request_id, scenario)
        else:
            self.succeed(request)

    def wait_for_ever(self, request_id: str, scenario: str) -> None:
        if scenario == "stubborn":
            sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
            child = subprocess.Popen([sys.executable, "-c", sleeper])
            log(f"child {child.pid}")
        while scenario != "hang" or request_id not in self.cancelled:
            time.sleep(0.01)
        say(type="cancelled", id=request_id)

    def succeed(self, request: dict) -> None:
        steps = max(1, int(self.seconds / 0.05))
        for step in range(steps if self.seconds else 0):
            if request["id"] in self.cancelled:
                say(type="cancelled", id=request["id"])
                return
            share = step / steps
            remaining_s = self.seconds * (1 - share)
            say(type="progress", id=request["id"], stage="network", fraction=0.5 + share / 2, remaining_s=remaining_s)
            time.sleep(self.seconds / steps)
        say(type="result", id=request["id"], result=write_result(request))


def hardware() -> dict:
    """As a workstation with an NVIDIA card would say it; without card after PEDSEG_FAKE_GPU=0."""
    cpu = {"name": "cpu", "title": "Fake processor", "memory_mb": 32e3, "free_memory_mb": 20e3, "gflops": 150.0}
    gpu = {
        "name": "cuda:0",
        "title": "NVIDIA GeForce RTX 4090",
        "memory_mb": 24 * GIGABYTE_MB,
        "free_memory_mb": 22 * GIGABYTE_MB,
        "gflops": 30_000.0,
    }
    names = "numpy SimpleITK pydicom scipy Pillow rt-utils highdicom pynetdicom safetensors torch"
    return {
        "devices": [gpu, cpu] if os.environ.get("PEDSEG_FAKE_GPU") != "0" else [cpu],
        "packages": dict.fromkeys([*names.split(), "dynamic-network-architectures"], "1.0"),
        "torch_problem": None,
        "python_version": platform.python_version(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "size_mb": 2345.0,
    }


def write_result(request: dict) -> dict:
    """labels.nii.gz and result.json in the output folder, which appears whole."""
    import numpy as np
    import SimpleITK as sitk  # noqa: N813

    image = sitk.ReadImage(request["input"])
    shape = image.GetSize()[::-1]
    grid = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij", sparse=True)
    labels = np.zeros(shape, np.uint8)
    organs = []
    voxel_ml = float(np.prod(image.GetSpacing())) / 1000
    keys = request.get("organs") or ORGANS[:19]
    for index, key in enumerate(keys):
        label = ORGANS.index(key) + 1
        side = 0.35 if key.endswith("_left") else -0.35 if key.endswith("_right") else 0.0
        centre = (-0.8 + 1.6 * (index + 0.5) / len(keys), 0.3 * np.sin(2.4 * index), side)
        radius = (max(0.12, 2.5 / shape[0]), 0.22, 0.22)
        distance = sum(((axis - at) / r) ** 2 for axis, at, r in zip(grid, centre, radius, strict=True))
        labels[(distance < 1) & (labels == 0)] = label
    for key in keys:
        label = ORGANS.index(key) + 1
        voxels = int((labels == label).sum())
        organs.append({"key": key, "label": label, "voxels": voxels, "volume_ml": voxels * voxel_ml, "flags": []})
    found = sitk.GetImageFromArray(labels)
    found.CopyInformation(image)
    output = Path(request["output"])
    staging = output.with_name(f".{output.name}.partial")
    staging.mkdir(parents=True)
    sitk.WriteImage(found, str(staging / "labels.nii.gz"), True)
    model = {"name": request.get("model", ""), "title": "Fake model", "version": "0", "status": "demonstration"}
    record = {
        "schema_version": 1,
        "software": {"name": "fake worker", "version": "0"},
        "note": "demonstration model, not for clinical use",
        "model": {**model, "sha256": "0" * 64, "configuration": "3d_fullres", "folds": ["0"]},
        "organs": organs,
        "quality": [],
        "notes": [],
        "device": "cpu",
        "dtype": "float32",
        "seconds": {"total": 1.0},
        "peak_memory_mb": 0.0,
        "files": {},
    }
    (staging / "result.json").write_text(json.dumps(record), encoding="utf-8")
    staging.rename(output)
    return record


def main(arguments: list[str]) -> None:
    seconds = float(arguments[arguments.index("--seconds") + 1]) if "--seconds" in arguments else 0.0
    scenario = arguments[0] if arguments and not arguments[0].startswith("--") else "success"
    if scenario == "progress" and not seconds:
        seconds = 1.0
    if os.name != "nt" and os.getpgrp() != os.getpid():
        os.setsid()  # as the real worker does, so that its children can be killed with it
    if scenario == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if scenario == "broken":
        log("Traceback (most recent call last):\nModuleNotFoundError: No module named 'numpy'")
        sys.exit(1)
    if scenario == "silent":
        time.sleep(600)
    if scenario == "babble":
        print("Activating environment /opt/conda ...", flush=True)
    worker = Worker(scenario, seconds)
    threading.Thread(target=worker.read, daemon=True).start()
    ready = {"software_version": "0", "python_version": platform.python_version(), "pid": os.getpid()}
    say(**{"type": "ready", **ready, **({"version": 99} if scenario == "version" else {})})
    worker.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
