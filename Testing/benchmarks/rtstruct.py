"""How long nineteen organs take to become an RTSTRUCT, and how right it is: ours and rt-utils' ``add_roi``.

    python Testing/benchmarks/rtstruct.py [--slices 190] [--rounds 3] [--json FILE]

One phantom with nineteen organs on 512 × 512 pixels a slice. Every run is a process of its own, the writers in turn,
so that other work on the machine weighs on all alike. "read" is the series (ours: headers; rt-utils: ``create_new``),
"write" the contours and the file. Extra memory is the peak of the process less what it held with its packages and the
label map (Linux). Dice is that of plastimatch's masks, joined by XOR (better for rt-utils) and by OR (its default).
Targets are fractions of rt-utils' figures.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "PediatricAbdomenSeg"), str(HERE.parents[1])]

from benchmarks.rtstruct_read import make_case, memory_mb, parse_arguments, run_in_turn  # noqa: E402
from PediatricAbdomenSegLib.engine.organs import ORGANS  # noqa: E402

Write = Callable[[], None]
TARGETS = {"seconds": 0.5, "cpu_seconds": 0.5, "extra_mb": 0.3}
LARGEST_FILE_MB = 12.0
COLUMNS = ("read_s", "write_s", "seconds", "cpu_seconds", "extra_mb", "file_mb")


def ours() -> Callable[[Path, np.ndarray, Path], Write]:
    """`read_references` and `write_rtstruct` as they stand."""
    from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
    from PediatricAbdomenSegLib.engine.cases.rt_utils_helpers import rt_utils_helpers
    from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
    from PediatricAbdomenSegLib.engine.cases.series_references import read_references

    rt_utils_helpers()  # imported before the clock starts, as for the others

    def read(ct: Path, labels: np.ndarray, out: Path) -> Write:
        references = read_references(ct)
        masks = [RoiMask(organ, labels, label_value=organ.label) for organ in ORGANS]
        return lambda: write_rtstruct(references, masks, out)

    return read


def rt_utils(approximate: bool = True) -> Callable[[Path, np.ndarray, Path], Write]:
    """rt-utils 1.2.7; the masks are made one by one, so that it holds one at a time."""
    from rt_utils import RTStructBuilder

    def read(ct: Path, labels: np.ndarray, out: Path) -> Write:
        structure_set = RTStructBuilder.create_new(str(ct))

        def write() -> None:
            for organ in ORGANS:
                mask = np.moveaxis(labels == organ.label, 0, 2)
                structure_set.add_roi(mask, name=organ.tg263_name, approximate_contours=approximate)
            with contextlib.redirect_stdout(io.StringIO()):  # it prints where it writes to
                structure_set.save(str(out))

        return write

    return read


WRITERS = {"ours": ours, "rt-utils": rt_utils, "rt-utils, all points": lambda: rt_utils(approximate=False)}


def run_one(name: str, folder: Path) -> dict[str, float]:
    """One writer in this process; its file is ``<name>.dcm``."""
    read = WRITERS[name]()
    labels = np.load(folder / "labels.npy")
    out = folder / f"{name}.dcm"
    before_mb = memory_mb("VmRSS")
    began, cpu_began = time.perf_counter(), time.process_time()
    write = read(folder / "ct", labels, out)
    was_read = time.perf_counter()
    write()
    ended = time.perf_counter()
    return {
        "read_s": was_read - began,
        "write_s": ended - was_read,
        "seconds": ended - began,
        "cpu_seconds": time.process_time() - cpu_began,
        "extra_mb": memory_mb("VmHWM") - before_mb,
        "file_mb": out.stat().st_size / 1e6,
    }


def plastimatch_dice(rtstruct: Path, folder: Path, *options: str) -> list[float]:
    """Dice of each organ there is, on the grid of the labels; 0 where plastimatch finds none."""
    import SimpleITK as sitk

    from rtstruct_judges import itk_image

    grid, out = folder / "grid.mha", folder / "masks"
    if not grid.exists():
        sitk.WriteImage(itk_image(folder / "ct"), str(grid))
    command = ["plastimatch", "convert", "--input", rtstruct, "--fixed", grid, "--output-prefix", out]
    command += ["--prefix-format", "nrrd", *options]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    labels = np.load(folder / "labels.npy")
    dice = []
    for organ in ORGANS:
        truth = labels == organ.label
        path = out / f"{organ.tg263_name}.nrrd"
        if truth.any():
            mask = sitk.GetArrayFromImage(sitk.ReadImage(str(path))) > 0 if path.exists() else np.zeros_like(truth)
            dice.append(2 * np.count_nonzero(mask & truth) / (np.count_nonzero(mask) + np.count_nonzero(truth)))
    shutil.rmtree(out)
    return dice


def report(runs: dict[str, list[dict[str, float]]], dice: dict[str, dict[str, list[float]]]) -> None:
    """Medians, and ours as a fraction of rt-utils'."""
    medians = {
        name: {column: statistics.median(run[column] for run in results) for column in COLUMNS}
        for name, results in runs.items()
    }
    print(f"{'':22s}" + "".join(f"{column:>13s}" for column in COLUMNS))
    for name, values in medians.items():
        print(f"{name:22s}" + "".join(f"{values[column]:13.2f}" for column in COLUMNS))
    for column, target in TARGETS.items():
        fraction = medians["ours"][column] / medians["rt-utils"][column]
        print(f"{column}: {fraction:.2f} of rt-utils', target {target}: {'met' if fraction <= target else 'MISSED'}")
    met = medians["ours"]["file_mb"] <= LARGEST_FILE_MB
    print(f"file: {medians['ours']['file_mb']:.1f} MB, target {LARGEST_FILE_MB:g}: {'met' if met else 'MISSED'}")
    for name, by_option in dice.items():
        for option, values in by_option.items():
            print(f"{name:22s} plastimatch {option:4s} Dice mean {statistics.mean(values):.4f}, min {min(values):.4f}")


def main() -> None:
    """Run the writers in turn and print a table, or one of them in this process."""
    arguments = parse_arguments(__doc__)
    if arguments.one:
        print(json.dumps(run_one(arguments.one[0], Path(arguments.one[1]))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_case(folder, arguments.slices)
        runs = run_in_turn(HERE, WRITERS, folder, arguments.rounds)
        dice: dict[str, dict[str, list[float]]] = {}
        if shutil.which("plastimatch"):
            for writer in WRITERS:
                file = folder / f"{writer}.dcm"
                dice[writer] = {
                    "OR": plastimatch_dice(file, folder),
                    "XOR": plastimatch_dice(file, folder, "--xor-contours"),
                }
    print(f"{len(ORGANS)} organs, {arguments.slices} x 512 x 512")
    report(runs, dice)
    if arguments.json:
        arguments.json.write_text(json.dumps({"runs": runs, "dice": dice}, indent=1))


if __name__ == "__main__":
    main()
