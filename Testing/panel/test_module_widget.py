"""The module in the stand-in application: opened twice, reloaded, scene closed, saved and loaded."""

from __future__ import annotations

import pytest

from panel.page_fixtures import MODULE


@pytest.fixture
def an_open_module(slicer_host, a_module):
    """The module's widget, opened by the application."""
    return slicer_host.open_panel(a_module)


def test_the_module_says_what_it_is(a_module):
    assert a_module.title == "Pediatric Abdomen Segmentation"
    assert a_module.categories == ["Segmentation"]
    assert "arxiv.org/abs/2605.06820" in a_module.acknowledgementText
    assert "not for clinical use" in a_module.helpText.replace("\n", " ")


def test_the_phantom_is_among_the_sample_data(slicer_host, a_module):
    source = slicer_host.sample_data.sources[-1]
    assert source["sampleName"] == "PediatricAbdomenPhantom"
    assert callable(source["customDownloader"])


def test_the_sample_data_say_that_a_worker_is_needed(slicer_host, a_module):
    source = slicer_host.sample_data.sources[-1]
    assert source["customDownloader"](None) == []
    assert "Runtime" in str(slicer_host.messages.shown)


@pytest.fixture
def a_phantom_that_is_made_at_once(monkeypatch, a_module):
    """Three slices in place of the worker's phantom."""
    from ct_series_builder import write_series
    from PediatricAbdomenSegLib.panel import phantom_series

    monkeypatch.setattr(phantom_series, "make_phantom_series", lambda folder: write_series(folder / "ct", (3, 8, 8)))


def test_the_sample_data_are_loaded_and_it_is_said_that_this_takes_a_while(slicer_host, a_phantom_that_is_made_at_once):
    (node,) = slicer_host.sample_data.sources[-1]["customDownloader"](None)
    assert node.GetImageData().GetDimensions() == (8, 8, 3)
    assert [text.split(",")[0] for text in slicer_host.messages.texts("status")] == [
        "Making a phantom",
        "Loading the phantom \u2026",
        "The phantom is loaded.",
    ]


@pytest.mark.parametrize("answer", [[], OSError("DICOM module or database cannot be accessed")])
def test_sample_data_that_the_dicom_database_does_not_take_are_said(
    slicer_host, a_phantom_that_is_made_at_once, monkeypatch, answer
):
    from DICOMLib import DICOMUtils

    def load(uids):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(DICOMUtils, "loadSeriesByUID", load)
    assert slicer_host.sample_data.sources[-1]["customDownloader"](None) == []
    assert "did not take the series" in slicer_host.messages.texts("error")[-1]


def test_a_chosen_volume_survives_leaving_and_coming_back(an_open_module, a_ct):
    an_open_module.panel.session.parameters.input_volume = a_ct
    an_open_module.exit()
    assert an_open_module.panel.session.parameters is None
    an_open_module.enter()
    assert an_open_module.panel.pages["SegmentPage"].ui.inputSelector.currentNode() is a_ct


def test_a_button_that_slicers_editor_makes_anew_does_not_keep_the_module_from_opening(an_open_module, a_ct):
    effect = an_open_module.panel.pages["ReviewPage"].ui.Paint
    an_open_module.exit()
    effect.delete()  # as the Segment Editor does with all of them when another effect is registered
    an_open_module.enter()
    an_open_module.panel.session.parameters.input_volume = a_ct
    assert an_open_module.panel.pages["SegmentPage"].ui.inputSelector.currentNode() is a_ct


def test_a_closed_scene_leaves_the_panel_usable(slicer_host, an_open_module, a_ct):
    an_open_module.panel.session.parameters.input_volume = a_ct
    slicer_host.close_scene()
    assert an_open_module.panel.session.parameters.input_volume is None
    assert an_open_module.panel.session.parameters.model == "multi-organ"


def test_a_segmentation_that_is_deleted_leaves_the_review_empty(an_open_module):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.GetSegmentation().AddEmptySegment("liver")
    an_open_module.panel.session.parameters.segmentation = node
    review = an_open_module.panel.pages["ReviewPage"]
    assert "not in the scene any more" in review.ui.flagsLabel.text  # it has no CT
    slicer.mrmlScene.RemoveNode(node)
    assert review.segmentation is None
    assert not an_open_module.panel.pages["ExportPage"].ui.exportButton.enabled


def test_a_reload_gives_a_working_panel(slicer_host, a_module, an_open_module):
    new = slicer_host.reload_module(a_module)
    assert new is not an_open_module
    assert new.panel.session is not None
    assert new.ui.pagesTabWidget.count == 6


def test_choices_are_saved_with_the_scene(slicer_host, an_open_module, tmp_path):
    import slicer

    parameters = an_open_module.panel.session.parameters
    parameters.organ_choice, parameters.device, parameters.accepted_only = "type1", "cpu", True
    path = str(tmp_path / "scene.mrml")
    slicer.mrmlScene.SetURL(path)
    assert slicer.mrmlScene.Commit(path)
    slicer_host.close_scene()
    assert an_open_module.panel.session.parameters.organ_choice == "all"
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.Import()
    parameters = an_open_module.panel.session.parameters
    assert (parameters.organ_choice, parameters.device, parameters.accepted_only) == ("type1", "cpu", True)
    assert an_open_module.panel.pages["SegmentPage"].ui.organChoiceComboBox.currentText.startswith("Type 1")


def test_slicer_starts_without_what_the_panel_needs():
    import subprocess
    import sys
    from pathlib import Path

    code = (
        "import sys; from pathlib import Path; from slicer_host.host import the_host\n"
        "host = the_host()\n"
        "for name in [name for name in sys.modules if name.split('.')[0] in ('pydicom', 'SimpleITK')]:\n"
        "    del sys.modules[name]\n"
        "with host.installed():\n"
        f"    host.load_module(Path({str(MODULE)!r}))\n"
        "    print(sorted({name.split('.')[0] for name in sys.modules} & {'pydicom', 'SimpleITK', 'torch', 'scipy'}))\n"
    )
    folder = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr


def test_a_volume_that_is_loaded_already_is_chosen(slicer_host, a_module, a_ct):
    panel = slicer_host.open_panel(a_module).panel
    assert panel.session.parameters.input_volume is a_ct


def test_a_jobs_folder_that_cannot_be_written_is_said_on_the_page(slicer_host, a_module, tmp_path, monkeypatch):
    (tmp_path / "data").write_text("a file where the folder belongs")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    panel = slicer_host.open_panel(a_module).panel
    notice = panel.pages["SegmentPage"].ui.noticeLabel
    assert notice.visible
    assert "may be lost when Slicer ends" in notice.text
    assert panel.session.runner.store.folder.is_dir()
