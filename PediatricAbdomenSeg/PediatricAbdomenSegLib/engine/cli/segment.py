"""``pedseg segment``: one patient or a folder of patients to label maps, contours and reports."""

from __future__ import annotations

import argparse
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, PediatricAbdomenSegError, UsageError
from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options, known_error, stray_prints_to_stderr

if TYPE_CHECKING:
    from ..worker.jobs import SegmentJob

RESULTS = """
DIR receives labels.nii.gz (on the input's grid), segmentation.seg.nrrd (opens in 3D Slicer with names, colours and
terminology), rtstruct.dcm (DICOM input), preview.png and result.json; with --entropy also entropy.nii.gz, how unsure
the network is of each voxel, from 0 (certain of one class) to 1 (all classes equally likely). INPUT may be a folder of
patients: a folder without images of its own whose subfolders hold some, or one with several NIfTI, NRRD or MetaImage
files. Then each patient gets a folder in DIR, a failed one does not stop the rest, and the exit code is the highest.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("segment", help="segment a CT or a folder of CTs", description=RESULTS)
    parser.add_argument("input", metavar="INPUT", type=Path, help="DICOM folder or file, NIfTI, NRRD, MHA, or patients")
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder for the results")
    parser.add_argument("--model", default="multi-organ", metavar="NAME", help="bundle name or folder (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:N, mps or cpu (%(default)s)")
    parser.add_argument("--series", metavar="UID", help="Series Instance UID where a folder holds several CT series")
    parser.add_argument(
        "--fill-gaps", action="store_true", help="interpolate missing slices and uneven distances of a DICOM series"
    )
    parser.add_argument("--folds", nargs="+", action="extend", metavar="N", help="folds to average (all)")
    parser.add_argument("--configuration", help="for example 3d_fullres (the bundle's best)")
    parser.add_argument(
        "--mirror", action=argparse.BooleanOptionalAction, help="average over mirrored copies (as the model was made)"
    )
    parser.add_argument("--exact", action="store_true", help="as stock nnU-Net: no body crop, fp32")
    parser.add_argument(
        "--organs", nargs="+", action="extend", metavar="KEY", help="only these, for example liver spleen"
    )
    parser.add_argument("--entropy", action="store_true", help="write entropy.nii.gz too: how unsure the network is")
    parser.add_argument("--dicom-seg", action="store_true", help="write segmentation.dcm too, for DICOM input")
    parser.add_argument("--low-memory", action="store_true", help="spare the graphics card's memory; slower")
    parser.add_argument("--resume", action="store_true", help="keep complete results of the same input, model, options")
    add_common_options(parser, with_json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Segment the one patient or all of them; see the module's description for the exit code."""
    from ..inference.model_cache import ModelCache
    from ..models.store import find_bundle
    from .cohort import case_input, find_cases, folders_left_out

    find_bundle(arguments.model)  # a model that is not there fails before anything is read
    models = ModelCache()
    cases = find_cases(arguments.input, leave_out=arguments.output)
    with cancel_by_signal() as cancel:
        if cases is None:
            job = make_job(arguments, case_input(arguments.input), arguments.output)
            segment_one(job, arguments.resume, console, cancel, models)
            return 0
        console.say(f"{len(cases)} patients in {arguments.input}")
        if left_out := folders_left_out(arguments.input, cases, arguments.output):
            console.say(f"Without images, left out: {', '.join(left_out)}")
        failures: dict[str, PediatricAbdomenSegError] = {}
        for number, case in enumerate(cases, 1):
            console.say(f"\n[{number}/{len(cases)}] {case.name}")
            try:
                job = make_job(arguments, case_input(case.path), arguments.output / case.name)
                segment_one(job, arguments.resume, console, cancel, models, case.name)
            except Cancelled as error:
                done = number - 1 - len(failures)
                if not done:
                    raise
                kept = f"Cancelled; the results of {done} of {len(cases)} patients are kept."
                raise Cancelled(kept, "Go on with --resume.") from error
            except (UsageError, BrokenPipeError):  # stopping, or wrong for every patient alike
                raise
            except Exception as error:  # a defect, or memory that one child's huge scan fills, stops that child only
                if arguments.debug:
                    traceback.print_exc()
                failures[case.name] = known_error(error)
                console.failure(failures[case.name], case.name, prefix="failed: ")
    console.say(f"\n{len(cases) - len(failures)} of {len(cases)} patients done.")
    for name, error in failures.items():
        console.say(f"  {name}: {error.message}")
    return max((error.exit_code for error in failures.values()), default=0)


def make_job(arguments: argparse.Namespace, path: Path, output: Path) -> SegmentJob:
    """The job the arguments ask for."""
    from ..inference.pipeline import InferenceOptions
    from ..worker.jobs import SegmentJob

    options = InferenceOptions(
        device=arguments.device,
        configuration=arguments.configuration,
        folds=tuple(arguments.folds) if arguments.folds else None,
        mirror=arguments.mirror,
        exact=arguments.exact,
        organs=tuple(arguments.organs) if arguments.organs else None,
        low_memory=arguments.low_memory,
        entropy=arguments.entropy,
    )
    return SegmentJob(
        path, output, arguments.model, arguments.series, options, arguments.dicom_seg, arguments.fill_gaps
    )


def segment_one(job: SegmentJob, resume: bool, console: Console, cancel: Any, models: Any, name: str = "1") -> None:
    """Segment one patient and print the result."""
    from ..worker.jobs import RESULT_NAME, segment_case
    from ..worker.protocol import Result

    earlier = _written_ns(job.output / RESULT_NAME) if resume else None
    with stray_prints_to_stderr():
        record = segment_case(job, console.progress(name), cancel, models, resume)
    console.event(Result(name, record))
    for line in record_lines(record):
        console.say(line)
    kept = earlier is not None and earlier == _written_ns(job.output / RESULT_NAME)
    console.say(f"{'Kept: complete results' if kept else 'Results'} in {job.output}")


def _written_ns(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.is_file() else None


def record_lines(record: dict[str, Any]) -> list[str]:
    """A result for people: one line per organ, then the case."""
    lines = []
    for organ in record["organs"]:
        pieces = f"{organ['pieces']} piece{'s' * (organ['pieces'] != 1)}"
        flags = ", ".join(flag.replace("_", " ") for flag in organ["flags"])
        lines.append(f"  {organ['display_name']:<28}{organ['volume_ml']:>9.1f} ml  {pieces:<11} {flags}".rstrip())
    model, seconds = record["model"], record["seconds"]["total"]
    lines += [f"Look at this: {flag.replace('_', ' ')}" for flag in record["quality"]]
    lines += [f"Note: {note}" for note in record["notes"]]
    lines.append(f"Model {model['name']} {model['version']} on {record['device']}, {seconds:.1f} s")
    if record["note"]:
        lines.append(record["note"].upper())
    return lines
