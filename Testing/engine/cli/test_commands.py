"""The other subcommands and the command itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from PediatricAbdomenSegLib.engine.cli.__main__ import main, make_parser
from PediatricAbdomenSegLib.engine.cli.console import Console, bar_text, known_error
from PediatricAbdomenSegLib.engine.cli.segment import record_lines
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError
from PediatricAbdomenSegLib.engine.progress import ProgressEvent

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_help_names_every_subcommand(pedseg):
    outcome = pedseg("--help")
    assert outcome.code == 0
    for name in ("demo", "phantom", "segment", "models", "rtstruct", "seg", "dicom", "train-demo"):
        assert name in outcome.out


def test_no_subcommand_is_a_usage_error(pedseg):
    assert pedseg().code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["models", "list"], ["segment", "--help"]])
def test_commands_that_compute_nothing_load_no_network_library(arguments):
    script = (
        "import sys; from PediatricAbdomenSegLib.engine.cli.__main__ import main; main(sys.argv[1:])\n"
        "print('LOADED', sorted({'torch', 'SimpleITK', 'scipy', 'PIL', 'nnunetv2'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.rstrip().endswith("LOADED []")


def test_an_option_that_takes_several_values_may_also_be_given_several_times():
    parse = make_parser().parse_args
    segment = parse(["segment", "ct", "--output", "o", "--organs", "liver", "spleen", "--organs", "heart"])
    assert segment.organs == ["liver", "spleen", "heart"] and segment.folds is None
    twice = ["--edited", "liver", "--edited", "heart", "--replace", "A", "--replace", "B"]
    for _ in range(2):  # a second call does not go on with the first one's list
        export = parse(["rtstruct", "export", "ct", "labels.nii.gz", "--output", "o", *twice])
        assert (export.edited, export.replace, export.organs) == (["liver", "heart"], ["A", "B"], None)


def test_models_are_listed_with_version_and_status(pedseg):
    line = next(line for line in pedseg("models", "list").out.splitlines() if line.startswith("toy "))
    assert line.split() == ["toy", "1.0", "demonstration", "Toy"]


def test_the_list_of_models_names_the_folders_that_may_hold_more(pedseg, a_model):
    assert f"  {a_model.parent}" in pedseg("models", "list").out.splitlines()


def test_a_broken_model_is_listed_with_its_error(pedseg, a_model):
    (a_model / "bundle.json").write_text("{")
    outcome = pedseg("models", "list")
    assert outcome.code == 0 and "toy: bundle.json" in outcome.err


def test_a_model_shows_its_card(pedseg):
    outcome = pedseg("models", "show", "toy")
    for text in ("demonstration", "0 to 18 years", "Liver", "largest component", "SHA-256"):
        assert text in outcome.out


def test_an_unknown_model_names_those_there_are(pedseg):
    outcome = pedseg("models", "show", "nothing")
    assert outcome.code == 4 and "toy" in outcome.err


def test_an_intact_model_is_verified(pedseg):
    outcome = pedseg("models", "verify", "toy")
    assert outcome.code == 0 and "intact" in outcome.out


def test_verifying_all_reports_every_bad_one(pedseg, a_model):
    (a_model / "plans.json").write_text("{}")
    outcome = pedseg("models", "verify")
    assert outcome.code == 4 and "plans.json" in outcome.err


def test_contours_are_exported_from_a_label_map(pedseg, tmp_path, write_ct):
    ct = write_ct(tmp_path / "ct")
    pedseg("segment", ct, "--output", tmp_path / "out", "--model", "toy")
    labels, file = tmp_path / "out" / "labels.nii.gz", tmp_path / "contours.dcm"
    outcome = pedseg("rtstruct", "export", ct, labels, "--output", file, "--model", "toy")
    assert outcome.code == 0, outcome.err
    names = [item.ROIName for item in dcmread(file).StructureSetROISequence]
    assert f"{len(names)} ROIs: {', '.join(names)}" in outcome.out


def test_a_dicom_segmentation_is_exported_from_a_label_map(pedseg, tmp_path, write_ct):
    ct = write_ct(tmp_path / "ct")
    assert pedseg("segment", ct, "--output", tmp_path / "out", "--model", "toy", "--dicom-seg").code == 0
    labels, file = tmp_path / "out" / "labels.nii.gz", tmp_path / "seg.dcm"
    outcome = pedseg("seg", "export", ct, labels, "--output", file, "--model", "toy", "--encoding", "labelmap-rle")
    assert outcome.code == 0, outcome.err
    beside = dcmread(tmp_path / "out" / "segmentation.dcm")
    names = [segment.SegmentLabel for segment in dcmread(file).SegmentSequence][1:]  # the first is the background
    assert names == [segment.SegmentLabel for segment in beside.SegmentSequence]
    assert f"{len(names)} segments: {', '.join(names)}" in outcome.out


def test_contours_on_another_ct_are_refused(pedseg, tmp_path, write_ct, write_image):
    ct = write_ct(tmp_path / "ct")
    image = write_image(tmp_path / "case.nii.gz")
    pedseg("segment", image, "--output", tmp_path / "out", "--model", "toy")
    labels = tmp_path / "out" / "labels.nii.gz"
    outcome = pedseg("rtstruct", "export", ct, labels, "--output", tmp_path / "x.dcm")
    assert outcome.code == 3 and "labels.nii.gz" in outcome.err and not (tmp_path / "x.dcm").exists()


def test_a_phantom_is_written_with_its_truth(pedseg, tmp_path):
    arguments = ["--age-years", 1, "--slices", 6, "--spacing", 6, 4, 4, "--position", "FFS", "--seed", 5]
    outcome = pedseg("phantom", tmp_path / "child", *arguments)
    assert outcome.code == 0, outcome.err
    assert len(list((tmp_path / "child" / "ct").glob("*.dcm"))) == 6
    assert json.loads((tmp_path / "child" / "case.json").read_text("utf-8"))["position"] == "FFS"


@pytest.mark.parametrize("options", [["--age-years", "40"], ["--position", "upside down"], ["--tumour-ml", "99999"]])
def test_a_phantom_that_cannot_be_is_a_usage_error(pedseg, tmp_path, options):
    outcome = pedseg("phantom", tmp_path / "child", *options)
    assert outcome.code == 2 and not (tmp_path / "child").exists()


def test_a_defect_becomes_one_line_with_exit_code_1():
    error = known_error(KeyError("ZZPATIENT"))
    assert error.exit_code == 1 and "KeyError" in error.message and "--debug" in error.hint
    assert "ZZPATIENT" not in str(error), "texts of libraries may quote a patient's name"


def test_a_package_that_an_older_environment_lacks_is_named_with_what_to_do():
    error = known_error(ModuleNotFoundError("No module named 'rt_utils.ds'", name="rt_utils.ds"))
    assert error.exit_code == 5 and "rt-utils" in error.message and 'pip install "rt-utils>=' in error.hint
    assert known_error(ModuleNotFoundError("ours", name="PediatricAbdomenSegLib.engine.x")).exit_code == 1


def test_an_interrupt_is_a_cancellation():
    assert isinstance(known_error(KeyboardInterrupt()), Cancelled)


def test_the_progress_bar_shows_stage_share_and_remaining_time():
    text = bar_text(ProgressEvent("network", 0.5, 75.2), "multi-organ")
    assert text == f"multi-organ  [{'#' * 14}{'.' * 14}]  50%  network  1:15 left"


def test_the_bar_is_drawn_on_a_terminal_only_and_removed_before_a_line():
    terminal, file = Terminal(), io.StringIO()
    for err in (terminal, file):
        console = Console(out=io.StringIO(), err=err)
        console.progress()(ProgressEvent("network", 1.0))
        console.warn("done")
    assert "network" in terminal.getvalue() and terminal.getvalue().endswith("\r\x1b[Kdone\n")
    assert file.getvalue() == "done\n"


def test_a_failure_shows_message_and_hint():
    err = io.StringIO()
    Console(out=io.StringIO(), err=err).failure(InputError("one slice", "give more"))
    assert err.getvalue() == "pedseg: one slice\n  give more\n"


def test_flags_are_shown_in_words():
    organ = {"display_name": "Liver", "volume_ml": 512.25, "pieces": 2, "flags": ["touches_border", "several_pieces"]}
    record = {
        "organs": [organ],
        "quality": ["sides_swapped"],
        "notes": ["cuda:0 cannot run"],
        "model": {"name": "toy", "version": "1"},
        "device": "cpu",
        "seconds": {"total": 2.0},
        "note": "",
    }
    assert record_lines(record) == [
        "  Liver                           512.2 ml  2 pieces    touches border, several pieces",
        "Look at this: sides swapped",
        "Note: cuda:0 cannot run",
        "Model toy 1 on cpu, 2.0 s",
    ]


def test_the_version_is_the_packages(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pedseg 0.")
