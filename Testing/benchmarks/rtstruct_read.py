"""How long an RTSTRUCT takes to become masks, and how right they are: ours, rt-utils and dcmrtstruct2nii.

    python Testing/benchmarks/rtstruct_read.py [--slices 190] [--rounds 3] [--json FILE]

One phantom with nineteen organs on 512 × 512 pixels a slice is written as RTSTRUCT; then every reader turns it into
nineteen masks, each run in a process of its own, the readers in turn. Extra memory is the peak of the process less
what it held after importing its packages (Linux). "Dice" is that of the worst organ with the labels behind the file.
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
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "PediatricAbdomenSeg"), str(HERE.parents[1])]

from PediatricAbdomenSegLib.engine.organs import ORGANS  # noqa: E402

NamedMasks = Iterator[tuple[str, np.ndarray]]


def ours() -> Callable[[Path, Path], NamedMasks]:
    """Headers of the CT, then `read_rtstruct`; all regions are held, each is laid out on the grid in turn."""
    from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
    from PediatricAbdomenSegLib.engine.cases.series_references import read_references

    def read(rtstruct: Path, ct: Path) -> NamedMasks:
        for roi in read_rtstruct(rtstruct, read_references(ct)).rois:
            yield roi.name, roi.mask

    return read


def rt_utils() -> Callable[[Path, Path], NamedMasks]:
    """rt-utils 1.2.7."""
    from rt_utils import RTStructBuilder

    def read(rtstruct: Path, ct: Path) -> NamedMasks:
        structure_set = RTStructBuilder.create_from(str(ct), str(rtstruct))
        for name in structure_set.get_roi_names():
            yield name, np.moveaxis(structure_set.get_roi_mask_by_name(name), 2, 0)

    return read


def dcmrtstruct2nii() -> Callable[[Path, Path], NamedMasks]:
    """dcmrtstruct2nii 5, without writing its files."""
    import pydicom
    import SimpleITK as sitk
    from dcmrtstruct2nii.adapters.convert.rtstructcontour2mask import DcmPatientCoords2Mask
    from dcmrtstruct2nii.adapters.input.contours.rtstructinputadapter import RtStructInputAdapter
    from dcmrtstruct2nii.adapters.input.image.dcminputadapter import DcmInputAdapter

    pydicom.read_file = pydicom.dcmread  # its name before pydicom 3

    def read(rtstruct: Path, ct: Path) -> NamedMasks:
        image = DcmInputAdapter().ingest(str(ct))
        for roi in RtStructInputAdapter().ingest(str(rtstruct)):
            mask = DcmPatientCoords2Mask().convert(roi["sequence"], image, 0, 1)
            yield roi["name"], sitk.GetArrayFromImage(mask) > 0

    return read


READERS = {"ours": ours, "rt-utils": rt_utils, "dcmrtstruct2nii": dcmrtstruct2nii}


def main() -> None:
    """Run the readers in turn and print a table, or one of them in this process."""
    arguments = parse_arguments(__doc__)
    if arguments.one:
        print(json.dumps(run_one(arguments.one[0], Path(arguments.one[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_case(Path(folder), arguments.slices)
        runs = run_in_turn(HERE, READERS, Path(folder), arguments.rounds)
        print(f"{arguments.slices} x 512 x 512, RTSTRUCT {(Path(folder) / 'rt.dcm').stat().st_size / 1e6:.1f} MB")
    print(f"{'':16s} {'wall s':>8s} {'CPU s':>8s} {'extra MB':>9s} {'worst Dice':>11s}")
    for name, results in runs.items():
        wall, cpu, extra, dice = (
            statistics.median(result[key] for result in results) for key in ("wall_s", "cpu_s", "extra_mb", "dice")
        )
        print(f"{name:16s} {wall:8.2f} {cpu:8.2f} {extra:9.0f} {dice:11.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1))


def parse_arguments(description: str) -> argparse.Namespace:
    """Options of this benchmark and of its twin for writing."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=190)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args()


def run_in_turn(script: Path, names: Iterable[str], folder: Path, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Every program ``rounds`` times, each run in a process of its own; figures by name."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    for _ in range(rounds):
        for name, results in runs.items():
            command = [sys.executable, str(script), "--one", name, str(folder)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
            results.append(json.loads(done.stdout.splitlines()[-1]))
    return runs


def make_case(folder: Path, slices: int) -> None:
    """A phantom's CT, its labels and the RTSTRUCT of its nineteen organs."""
    from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
    from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
    from PediatricAbdomenSegLib.engine.cases.series_references import read_references
    from PediatricAbdomenSegLib.engine.phantom.ct_series import write_phantom
    from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
    from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec

    phantom = make_phantom(PhantomSpec(age_years=8.0, slices=slices))
    write_phantom(phantom, folder)
    labels = phantom.labels.array
    masks = [RoiMask(organ, labels, label_value=organ.label) for organ in ORGANS]
    write_rtstruct(read_references(folder / "ct"), masks, folder / "rt.dcm")
    np.save(folder / "labels.npy", labels)


def run_one(name: str, folder: Path) -> dict[str, float]:
    """Time one reader in this process; the comparison with the truth comes after the measurement."""
    read = READERS[name]()
    before_mb = memory_mb("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    voxels = {roi: int(np.count_nonzero(mask)) for roi, mask in read(folder / "rt.dcm", folder / "ct")}
    result = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    result["extra_mb"] = memory_mb("VmHWM") - before_mb
    labels = np.load(folder / "labels.npy")
    by_name = {organ.tg263_name: labels == organ.label for organ in ORGANS if organ.tg263_name in voxels}
    overlaps = [
        2 * np.count_nonzero(mask & by_name[roi]) / (np.count_nonzero(mask) + np.count_nonzero(by_name[roi]))
        for roi, mask in read(folder / "rt.dcm", folder / "ct")
    ]
    return {**result, "dice": float(min(overlaps)), "rois": len(voxels)}


def memory_mb(field: str) -> float:
    """Resident memory now (VmRSS) or at its peak (VmHWM); Linux. `getrusage` would count the parent's peak too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


if __name__ == "__main__":
    main()
