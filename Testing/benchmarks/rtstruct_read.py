"""How long an RTSTRUCT takes to become masks, and how right they are: ours, rt-utils and dcmrtstruct2nii.

    python Testing/benchmarks/rtstruct_read.py [--slices 190] [--rounds 3] [--json FILE]

One phantom with nineteen organs on 512 × 512 pixels a slice is written as RTSTRUCT; then every reader turns it into
nineteen masks, each run in a process of its own, the readers in turn. Extra memory is the peak of the process less
what it held after importing its packages (Linux). "Dice" is that of the worst organ with the labels behind the file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=190)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("READER", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_one(arguments.one[0], Path(arguments.one[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_case(Path(folder), arguments.slices)
        runs: dict[str, list[dict]] = {name: [] for name in READERS}
        for _ in range(arguments.rounds):
            for name in READERS:
                command = [sys.executable, str(HERE), "--one", name, folder]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                runs[name].append(json.loads(output.splitlines()[-1]))
        print(f"{arguments.slices} x 512 x 512, RTSTRUCT {(Path(folder) / 'rt.dcm').stat().st_size / 1e6:.1f} MB")
    print(f"{'':16s} {'wall s':>8s} {'CPU s':>8s} {'extra MB':>9s} {'worst Dice':>11s}")
    for name, results in runs.items():
        wall, cpu, extra, dice = (
            statistics.median(result[key] for result in results) for key in ("wall_s", "cpu_s", "extra_mb", "dice")
        )
        print(f"{name:16s} {wall:8.2f} {cpu:8.2f} {extra:9.0f} {dice:11.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1))


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
