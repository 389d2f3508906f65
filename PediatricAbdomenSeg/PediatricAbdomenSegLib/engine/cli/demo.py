"""``pedseg demo``: the whole way once, on a child that does not exist, from CT to RTSTRUCT and a report."""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Cancelled
from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options

if TYPE_CHECKING:
    from ..cases.volume import LabelMap
    from ..phantom.spec import Phantom, PhantomSpec
    from ..progress import CancelToken
    from ..reporting.demo_report import OrganRow
    from ..worker.client import WorkerClient

MODELS = ("multi-organ", "hepatoblastoma-ct")
AGE_YEARS, SEED, TUMOUR_ML = 4.0, 2026, 120.0  # a seed that no bundled model was trained on
COUNTS_AS = {"liver": ("liver", "hepatoblastoma")}  # the multi-organ model takes a tumour of the liver for liver


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo",
        help="the whole way on a synthetic child",
        description="A phantom child with a tumour as DICOM, both bundled models through the worker, one RTSTRUCT with "
        "all structures, and report.html with overlays, volumes, agreement with the truth and timings.",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the results")
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:N, mps or cpu (%(default)s)")
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make the phantom, segment it with the models, export the contours, write the report."""
    from ..phantom.spec import PhantomSpec

    spec = PhantomSpec(age_years=AGE_YEARS, seed=SEED, tumour_ml=TUMOUR_ML)
    try:
        rois = run_demo(arguments.out, spec, MODELS, arguments.device, console)
    except Cancelled as error:
        if not arguments.out.is_dir():
            raise
        raise Cancelled(f"Cancelled; the finished steps are kept in {arguments.out}.") from error
    console.say(f"\nOne RTSTRUCT with {len(rois)} ROIs: {arguments.out / 'rtstruct.dcm'}")
    console.say(f"Open this in a browser:      {arguments.out / 'report.html'}")
    console.say("Synthetic phantom, demonstration models, not for clinical use.")
    return 0


def run_demo(out: Path, spec: PhantomSpec, models: Sequence[str], device: str, console: Console) -> list[str]:
    """Write phantom, one folder of results per model, rtstruct.dcm and report.html into ``out``.

    Returns:
        The names of the ROIs.

    Raises:
        ModelError, ResourceError, Cancelled: what was complete before stays.
    """
    from ..models.store import find_bundle
    from ..phantom.ct_series import write_phantom
    from ..phantom.make import make_phantom
    from ..worker.client import WorkerClient

    for model in models:
        find_bundle(model)  # a missing model is reported before minutes of work
    seconds: dict[str, float] = {}
    with cancel_by_signal() as cancel:
        with timed("Phantom", seconds, console):
            phantom = make_phantom(spec, cancel.raise_if_cancelled)
            write_phantom(phantom, out / "phantom", cancel.raise_if_cancelled)
        with timed("Worker start", seconds, console):
            worker = WorkerClient()
        with worker:
            records = []
            for model in models:
                with timed(f"Model {model}", seconds, console):
                    records.append(segment_with(worker, out, model, device, console, cancel))
            with timed("RTSTRUCT", seconds, console):
                rois = export_contours(worker, out, models, cancel)
        with timed("Report", seconds, console):
            write_page(out, phantom, models, records, seconds, cancel.raise_if_cancelled)
    return rois


@contextmanager
def timed(name: str, seconds: dict[str, float], console: Console) -> Iterator[None]:
    """Measure a step and say when it is done."""
    began = time.monotonic()
    yield
    seconds[name] = time.monotonic() - began
    console.say(f"{name:<26}{seconds[name]:>7.1f} s")


def segment_with(
    worker: WorkerClient, out: Path, model: str, device: str, console: Console, cancel: CancelToken
) -> dict[str, Any]:
    """Segment the phantom through the worker into ``out/model``; the content of its result.json."""
    from ..worker.protocol import Segment

    request = Segment("", _absolute(out / "phantom" / "ct"), _absolute(out / model), model, device=device)
    return worker.request(request, console.progress(label=model), cancel)


def export_contours(worker: WorkerClient, out: Path, models: Sequence[str], cancel: CancelToken) -> list[str]:
    """One RTSTRUCT from the label maps of all models; the names of its ROIs."""
    from ..worker.protocol import ExportRtstruct

    labels = tuple(_absolute(out / model / "labels.nii.gz") for model in models)
    request = ExportRtstruct(
        "", _absolute(out / "phantom" / "ct"), labels, _absolute(out / "rtstruct.dcm"), tuple(models)
    )
    return worker.request(request, cancel=cancel)["rois"]


def write_page(
    out: Path,
    phantom: Phantom,
    models: Sequence[str],
    records: Sequence[Mapping[str, Any]],
    seconds: Mapping[str, float],
    check: Callable[[], None],
) -> None:
    """Write ``out/report.html``; ``check`` raises to stop before it is complete."""
    from ..cases.atomic_file import replaced_when_complete
    from ..cases.image_file import read_label_map
    from ..reporting.demo_report import DemoReport, write_report

    found = [read_label_map(out / model / "labels.nii.gz") for model in models]
    spec, (depth, height, width) = phantom.spec, phantom.volume.geometry.shape
    facts = {
        "Phantom": f"{spec.age_years:g} years, seed {spec.seed}, hepatoblastoma of {spec.tumour_ml or 0:g} ml",
        "CT": f"{width} × {height} × {depth} voxels",
        "Device": ", ".join(dict.fromkeys(record["device"] for record in records)),
        "Machine": f"{platform.system()} {platform.machine()}",
    }
    files = {
        "rtstruct.dcm": "all structures as contours, for planning systems",
        "phantom/ct": "the CT series",
        "phantom/labels.nii.gz": "the truth",
        **{f"{model}/segmentation.seg.nrrd": "opens in 3D Slicer" for model in models},
        **{f"{model}/result.json": "volumes, flags, geometry, timings" for model in models},
    }
    check()
    report = DemoReport(facts, organ_rows(records, found, phantom.labels), seconds, files)
    check()
    with replaced_when_complete(out / "report.html") as temporary:
        write_report(report, phantom.volume, found, phantom.labels, temporary)
        check()


def organ_rows(records: Sequence[Mapping[str, Any]], found: Sequence[LabelMap], truth: LabelMap) -> list[OrganRow]:
    """One row per organ of each model, in label order, compared with the truth on the same grid."""
    from ..organs import organ_by_key
    from ..reporting.demo_report import OrganRow

    rows = []
    for record, labels in zip(records, found, strict=True):
        for result in record["organs"]:
            organ = organ_by_key(result["key"])
            values = [organ_by_key(key).label for key in COUNTS_AS.get(organ.key, (organ.key,))]
            expected, actual = np.isin(truth.array, values), labels.array == organ.label
            total = int(expected.sum() + actual.sum())
            dsc = 2 * int((expected & actual).sum()) / total if total else None
            truth_ml = float(expected.sum()) * truth.geometry.voxel_volume_ml
            rows.append(OrganRow(organ, result["volume_ml"], truth_ml, dsc, tuple(result["flags"])))
    return sorted(rows, key=lambda row: row.organ.label)


def _absolute(path: Path) -> str:
    return str(path.resolve())
