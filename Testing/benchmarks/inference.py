"""Ours and stock nnunetv2 in turn, on one phantom and one bundle: seconds, CPU seconds, peak memory, DSC.

    python Testing/benchmarks/inference.py [--model multi-organ] [--repetitions 2] [--spacing 3 1.5 1.5] [--json FILE]

Each run is a process of its own, so that its peak memory is its own; the runs of one repetition follow each other
directly, so that other work on the machine weighs on all of them alike. Both sides get the same array in memory, on
the processor, with the same number of threads and OMP_WAIT_POLICY=PASSIVE; reading and writing images is no part of
it. "seconds" and "CPU s" are for one volume after imports and after loading the model; "whole" is the process.
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

ENGINES = ("ours", "ours-exact", "stock")


def prepare_case(folder: Path, arguments: argparse.Namespace) -> None:
    """Make the phantom once and keep its arrays; turn the bundle into a stock results folder."""
    from benchmarks.stock_nnunet import write_results_folder
    from PediatricAbdomenSegLib.engine.inference.model_cache import choose_configuration
    from PediatricAbdomenSegLib.engine.models.store import find_bundle
    from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
    from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec

    phantom = make_phantom(
        PhantomSpec(
            age_years=arguments.age_years,
            seed=arguments.seed,
            tumour_ml=arguments.tumour_ml,
            spacing_mm=tuple(arguments.spacing) if arguments.spacing else None,
            slices=arguments.slices,
        )
    )
    np.savez(
        folder / "case.npz",
        array=phantom.volume.array,
        affine=phantom.volume.geometry.affine,
        truth=phantom.labels.array,
    )
    bundle = find_bundle(arguments.model)
    write_results_folder(bundle, choose_configuration(bundle, arguments.configuration), folder / "stock")


def run_engine(engine: str, folder: Path, arguments: argparse.Namespace) -> dict[str, float | str]:
    """One engine on the case, in this process; labels of the organ table go to ``<engine>.npy``."""
    from PediatricAbdomenSegLib.engine.models.store import find_bundle
    from PediatricAbdomenSegLib.engine.system_memory import peak_memory_mb

    case = np.load(folder / "case.npz")
    bundle = find_bundle(arguments.model)
    run = _stock(case, bundle, folder) if engine == "stock" else _ours(case, bundle, arguments, engine == "ours-exact")
    began, cpu_began = time.perf_counter(), time.process_time()
    labels, dtype = run()
    result = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu_began,
        "whole_cpu_seconds": time.process_time(),
        "peak_mb": peak_memory_mb(),
        "dtype": dtype,
    }
    if engine == "stock":
        labels = _postprocessed(labels, case["affine"], bundle)
    np.save(folder / f"{engine}.npy", labels)
    return result


def _postprocessed(labels: np.ndarray, affine: np.ndarray, bundle) -> np.ndarray:
    """Stock's labels after the bundle's own post-processing, which its predictor leaves to the user; not timed."""
    from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
    from PediatricAbdomenSegLib.engine.geometry import Geometry
    from PediatricAbdomenSegLib.engine.inference.postprocessing import postprocess

    label_map = LabelMap(np.ascontiguousarray(labels), Geometry(labels.shape, affine))
    return postprocess(label_map, bundle.manifest.postprocessing, bundle.manifest.minimum_volume_ml).array


def _ours(case, bundle, arguments: argparse.Namespace, exact: bool):
    from PediatricAbdomenSegLib.engine.cases.volume import Volume
    from PediatricAbdomenSegLib.engine.geometry import Geometry
    from PediatricAbdomenSegLib.engine.inference.devices import arithmetic
    from PediatricAbdomenSegLib.engine.inference.model_cache import ModelCache, choose_configuration
    from PediatricAbdomenSegLib.engine.inference.pipeline import InferenceOptions, segment
    from PediatricAbdomenSegLib.engine.models.nnunet_folder import find_weights

    volume = Volume(case["array"], Geometry(case["array"].shape, case["affine"]), "CT")
    options = InferenceOptions(device="cpu", configuration=arguments.configuration, exact=exact)
    models = ModelCache()
    configuration = choose_configuration(bundle, arguments.configuration)
    folds = tuple(find_weights(bundle.folder, configuration))
    models.load(bundle, configuration, folds, "cpu", arithmetic("cpu", exact))

    def run() -> tuple[np.ndarray, str]:
        result = segment(volume, bundle, options, models=models)
        return result.label_map.array, result.dtype

    return run


def _stock(case, bundle, folder: Path):
    from benchmarks.stock_nnunet import stock_labels, stock_predictor
    from PediatricAbdomenSegLib.engine.geometry import Geometry, canonical_reorientation, reoriented_geometry
    from PediatricAbdomenSegLib.engine.organs import organ_by_key

    geometry = Geometry(case["array"].shape, case["affine"])
    reorientation = canonical_reorientation(geometry.affine)
    array = np.ascontiguousarray(reorientation.apply(case["array"]))
    if bundle.manifest.intensity_window_hu is not None:
        array = np.clip(array, *(round(bound) for bound in bundle.manifest.intensity_window_hu))
    table = np.zeros(256, np.uint8)
    for value, key in bundle.manifest.organs.items():
        table[value] = organ_by_key(key).label
    folds = tuple(path.name.removeprefix("fold_") for path in sorted((folder / "stock").glob("fold_*")))
    predictor = stock_predictor(folder / "stock", folds)
    spacing_mm = reoriented_geometry(geometry, reorientation).spacing_mm

    def run() -> tuple[np.ndarray, str]:
        labels = stock_labels(predictor, array, spacing_mm)
        return reorientation.undo(table[np.asarray(labels)]), "float32"

    return run


def dice_per_organ(labels: np.ndarray, reference: np.ndarray, wanted: list[int]) -> dict[int, float]:
    """DSC of each label that is in either map."""
    count = 256
    pairs = np.bincount(labels.ravel().astype(np.int64) * count + reference.ravel(), minlength=count * count)
    table = pairs.reshape(count, count)
    sizes = table.sum(0) + table.sum(1)
    return {label: 2.0 * float(table[label, label]) / float(sizes[label]) for label in wanted if sizes[label]}


def compare(folder: Path, arguments: argparse.Namespace, runs: dict[str, list[dict]]) -> dict[str, dict]:
    """Medians over the repetitions and DSC against the truth and against stock, per engine."""
    from PediatricAbdomenSegLib.engine.models.store import find_bundle
    from PediatricAbdomenSegLib.engine.organs import organ_by_key

    wanted = [organ_by_key(key).label for key in find_bundle(arguments.model).manifest.organs.values()]
    truth, stock = np.load(folder / "case.npz")["truth"], np.load(folder / "stock.npy")
    summary = {}
    for engine, results in runs.items():
        labels = np.load(folder / f"{engine}.npy")
        figures = {key: statistics.median(result[key] for result in results) for key in results[0] if key != "dtype"}
        for name, reference in (("truth", truth), ("stock", stock)):
            scores = dice_per_organ(labels, reference, wanted)
            figures[f"dsc_{name}_mean"] = statistics.mean(scores.values()) if scores else float("nan")
            figures[f"dsc_{name}_min"] = min(scores.values(), default=float("nan"))
        summary[engine] = {"dtype": results[0]["dtype"], **figures}
    return summary


def print_summary(summary: dict[str, dict]) -> None:
    stock = summary["stock"]
    header = f"{'':12}{'dtype':>10}{'seconds':>9}{'CPU s':>9}{'whole':>8}{'peak MB':>9}"
    print(f"{header}{'DSC truth mean/min':>22}{'DSC stock mean/min':>22}{'stock/this: s':>15}{'CPU':>7}{'MB':>7}")
    for engine, row in summary.items():
        print(
            f"{engine:12}{row['dtype']:>10}{row['seconds']:9.2f}{row['cpu_seconds']:9.2f}"
            f"{row['whole_cpu_seconds']:8.1f}{row['peak_mb']:9.0f}"
            f"{row['dsc_truth_mean']:14.4f}/{row['dsc_truth_min']:.4f}"
            f"{row['dsc_stock_mean']:15.4f}/{row['dsc_stock_min']:.4f}"
            f"{stock['seconds'] / row['seconds']:15.1f}{stock['cpu_seconds'] / row['cpu_seconds']:7.1f}"
            f"{stock['peak_mb'] / row['peak_mb']:7.1f}"
        )


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="multi-organ", help="name or folder of a bundle")
    parser.add_argument("--configuration", help="default: the bundle's finest")
    parser.add_argument("--age-years", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=4711)
    parser.add_argument("--tumour-ml", type=float)
    parser.add_argument("--spacing", type=float, nargs=3, metavar=("Z", "Y", "X"), help="mm; default 2 mm, 512 × 512")
    parser.add_argument("--slices", type=int)
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="stock is always run")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--run", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    if arguments.run:
        print(json.dumps(run_engine(arguments.run, arguments.folder, arguments)))
        return 0
    engines = [engine for engine in ENGINES if engine in arguments.engines or engine == "stock"]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(arguments.threads)}
    runs: dict[str, list[dict]] = {engine: [] for engine in engines}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_case(folder, arguments)
        for repetition in range(arguments.repetitions):
            for engine in engines:
                command = [sys.executable, str(HERE), *(sys.argv[1:] if argv is None else argv)]
                command += ["--run", engine, "--folder", str(folder)]
                finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
                runs[engine].append(json.loads(finished.stdout.splitlines()[-1]))
                seconds = runs[engine][-1]["seconds"]
                print(f"repetition {repetition + 1}: {engine} {seconds:.2f} s", file=sys.stderr, flush=True)
        summary = compare(folder, arguments, runs)
    print_summary(summary)
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
