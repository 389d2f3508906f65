"""A CT series from its files to an array: ours and SimpleITK's series reader in turn. Seconds, CPU seconds, memory.

    python Testing/benchmarks/series.py [--slices 190] [--syntax explicit] [--repetitions 5] [--json FILE]

Each run is a process of its own, so that its peak memory is its own; the runs of one repetition follow each other
directly, so that other work on the machine weighs on all of them alike. Times are without imports; "memory" is the
largest resident set above that after importing, as a multiple of the volume's own size. SimpleITK looks through the
folder and reads, which is what its users do. Exit status 1 when the voxels or the grid disagree.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "PediatricAbdomenSeg"), str(HERE.parents[1])]

READERS = ("ours", "SimpleITK")


def write_case(folder: Path, slices: int, syntax: str) -> None:
    """A series of 512 × 512 pixels: smooth anatomy with noise, so that compressed files are as large as real ones."""
    from ct_series_builder import write_series
    from transfer_syntaxes import SYNTAXES, transcode

    noise = np.random.default_rng(1)
    y, x = np.indices((512, 512))
    body = (((y - 256) / 150) ** 2 + ((x - 256) / 200) ** 2 < 1) * 1040.0 - 1000
    volume = np.stack([body + noise.normal(0, 12, body.shape) for _ in range(slices)]).astype(np.int16)
    write_series(folder, hounsfield=np.maximum(volume, -1024), spacing_mm=(2.0, 0.7, 0.7))
    if syntax != "explicit":
        transcode(folder, SYNTAXES[syntax])


def run_reader(reader: str, folder: Path, result: Path) -> dict[str, float]:
    """One reader in this process; array and affine go to a file."""
    from PediatricAbdomenSegLib.engine.system_memory import peak_memory_mb

    read = _ours() if reader == "ours" else _itk()
    before_mb = peak_memory_mb()
    began, cpu_began = time.perf_counter(), time.process_time()
    array, affine = read(folder)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    memory_mb = peak_memory_mb() - before_mb
    np.savez(result, array=array, affine=affine)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "memory": memory_mb * 2**20 / array.nbytes}


def _ours():
    from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series

    def read(folder: Path):
        volume = read_series(folder)
        return volume.array, volume.geometry.affine

    return read


def _itk():
    from itk_series import read_with_itk

    return read_with_itk


def compare(results: dict[str, Path]) -> dict[str, float]:
    """Voxels that differ, and the largest distance between the same corner of both grids in mm."""
    from itk_series import in_the_same_direction

    ours, itk = (np.load(results[reader]) for reader in READERS)
    array, affine = in_the_same_direction(itk["array"], itk["affine"], ours["affine"])
    corners = np.array([[x, y, z, 1] for z in (0, len(array)) for y in (0, 512) for x in (0, 512)])
    return {
        "voxels_different": int(np.count_nonzero(array != ours["array"])),
        "grid_difference_mm": float(np.abs((affine - ours["affine"]) @ corners.T).max()),
    }


def measure(folder: Path, repetitions: int) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Medians per reader, and the agreement of the two."""
    runs: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
    results = {reader: folder / f"{reader}.npz" for reader in READERS}
    for repetition in range(repetitions + 1):
        for reader in READERS:
            command = [sys.executable, str(HERE), "--run", reader, "--folder", str(folder / "ct")]
            done = subprocess.run(
                [*command, "--result", str(results[reader])], check=True, stdout=subprocess.PIPE, text=True
            )
            if repetition:  # the first one fills the file cache
                runs[reader].append(json.loads(done.stdout.splitlines()[-1]))
    medians = {
        reader: {key: statistics.median(run[key] for run in of_reader) for key in of_reader[0]}
        for reader, of_reader in runs.items()
    }
    return medians, compare(results)


def print_figures(figures: dict[str, dict[str, float]], agreement: dict[str, float]) -> None:
    print(f"{'':10}{'seconds':>9}{'CPU s':>8}{'memory / volume':>17}")
    for reader, row in figures.items():
        print(f"{reader:10}{row['seconds']:9.2f}{row['cpu_seconds']:8.2f}{row['memory']:17.2f}")
    ratio = {key: figures["ours"][key] / figures["SimpleITK"][key] for key in figures["ours"]}
    print(f"{'ratio':10}{ratio['seconds']:9.2f}{ratio['cpu_seconds']:8.2f}{ratio['memory']:17.2f}")
    print(
        f"voxels different: {agreement['voxels_different']}, grids differ by {agreement['grid_difference_mm']:.1e} mm"
    )


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=190)
    parser.add_argument("--syntax", default="explicit", help="name in transfer_syntaxes.py (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--run", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    if arguments.run:
        print(json.dumps(run_reader(arguments.run, arguments.folder, arguments.result)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        write_case(Path(scratch, "ct"), arguments.slices, arguments.syntax)
        figures, agreement = measure(Path(scratch), arguments.repetitions)
    print(f"{arguments.slices} × 512 × 512, {arguments.syntax}, {os.cpu_count()} cores")
    print_figures(figures, agreement)
    if arguments.json:
        arguments.json.write_text(json.dumps({"figures": figures, "agreement": agreement}, indent=2), encoding="utf-8")
    return 1 if agreement["voxels_different"] or agreement["grid_difference_mm"] > 0.01 else 0


if __name__ == "__main__":
    raise SystemExit(main())
