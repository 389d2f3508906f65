"""The whole way in the stand-in Slicer: phantom DICOM → segment → correct → accept → DICOM files → node, by clicks."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from dicom_receivers import receiving
from panel.page_fixtures import resource_path, write_model
from PediatricAbdomenSegLib.engine.cases.dicom_nodes import add_node, nodes_file
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.phantom.ct_series import write_phantom
from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
from PediatricAbdomenSegLib.engine.phantom.spec import PhantomSpec

WORKER = Path(__file__).with_name("session_worker.py")


@pytest.fixture(scope="module")
def a_phantom_folder(tmp_path_factory):
    """A phantom on disk: ct/*.dcm and labels.nii.gz."""
    folder = tmp_path_factory.mktemp("phantom")
    return write_phantom(make_phantom(PhantomSpec(spacing_mm=(5.0, 3.0, 3.0))), folder)


@pytest.fixture
def an_open_panel(slicer_host, a_module, a_models_folder, a_phantom_folder, tmp_path, monkeypatch):
    """The module's panel on a real worker process whose network knows the phantom's truth."""
    import os
    import shutil

    import qt

    from PediatricAbdomenSegLib.engine.models.store import list_bundles
    from PediatricAbdomenSegLib.engine.organs import ORGANS
    from PediatricAbdomenSegLib.panel.job_runner import JobRunner
    from PediatricAbdomenSegLib.panel.job_store import JobStore
    from PediatricAbdomenSegLib.panel.model_list import ModelList
    from PediatricAbdomenSegLib.panel.panel import Panel
    from PediatricAbdomenSegLib.panel.runtime_settings import RuntimeSettings
    from PediatricAbdomenSegLib.panel.session import Session
    from PediatricAbdomenSegLib.panel.toolkit import Timer
    from PediatricAbdomenSegLib.panel.worker_process import QtProcess

    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):  # wherever this system keeps a user's DICOM nodes
        monkeypatch.setenv(name, str(tmp_path / "user"))
    shutil.rmtree(a_models_folder / "multi-organ")
    write_model(a_models_folder, organs={organ.label: organ.key for organ in ORGANS})
    slices = a_phantom_folder.glob("ct/*")
    files = {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID): str(path) for path in slices}
    environment = {**os.environ, "PEDSEG_TEST_TRUTH": str(a_phantom_folder / "labels.nii.gz")}
    settings = RuntimeSettings(lambda key: sys.executable, lambda key, value: None)
    runner = JobRunner(
        lambda: QtProcess([sys.executable, "-u", str(WORKER)], environment), JobStore(tmp_path / "Jobs"), Timer
    )
    session = Session(slicer_host.scene, runner, settings, ModelList(list_bundles), lambda uid: files.get(uid, ""))
    tabs = qt.QTabWidget()
    panel = Panel(tabs, resource_path, slicer_host.scene, session)
    panel.set_parameters(sys.modules["PediatricAbdomenSeg"].PediatricAbdomenSegLogic().getParameterNode())
    panel.enter()
    tabs.show()
    yield panel
    panel.cleanup()
    tabs.delete()


def load_ct(folder):
    """The series as Slicer's DICOM module leaves it in the scene."""
    import slicer
    import vtk

    volume = read_case(folder / "ct")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    slicer.util.updateVolumeFromArray(node, volume.array)
    matrix = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            matrix.SetElement(row, column, volume.geometry.affine[row, column])
    node.SetIJKToRASMatrix(matrix)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(each.sop_instance_uid for each in volume.references.slices))
    return node


def z_extents_mm(path):
    """Lowest and highest contour of each ROI, DICOM z in mm."""
    dataset = dcmread(path)
    names = {roi.ROINumber: roi.ROIName for roi in dataset.StructureSetROISequence}
    extents = {}
    for roi in dataset.ROIContourSequence:
        heights = [float(contour.ContourData[2]) for contour in roi.ContourSequence]
        extents[names[roi.ReferencedROINumber]] = (min(heights), max(heights))
    return extents


def test_from_dicom_to_an_rtstruct_that_holds_the_correction(
    an_open_panel, a_phantom_folder, tmp_path, click, process_events
):
    from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
    from PediatricAbdomenSegLib.scene.images import voxels_of

    session, parameters = an_open_panel.session, an_open_panel.session.parameters
    pages = an_open_panel.pages
    parameters.input_volume = load_ct(a_phantom_folder)

    # Segment, with a map of the uncertainty
    ui = pages["SegmentPage"].ui
    ui.advancedCollapsibleButton.collapsed = False
    click(ui.entropyMapCheckBox)
    click(ui.segmentButton)
    if ui.confirmCheckBox.visible:
        click(ui.confirmCheckBox)
        click(ui.segmentButton)
    process_events(until=lambda: parameters.segmentation is not None, timeout_s=180)
    assert session.message == ""
    assert not list((tmp_path / "Jobs").glob("*-*/job.json")), "the job's folder is gone once the result is shown"
    entropy = session.scene.GetFirstNodeByName(f"{parameters.segmentation.GetName()} entropy")
    truth = read_label_map(a_phantom_folder / "labels.nii.gz")
    np.testing.assert_allclose(voxels_of(entropy.GetImageData()), truth.array * 10 / 255.0, atol=1e-6)

    # Review: cut the liver above the slice of its centre, accept liver and spleen
    ui = pages["ReviewPage"].ui
    table = ui.organTable
    rows = {table.item(row, 0).text(): row for row in range(table.rowCount)}
    assert len(rows) == 19
    for name in ("Spleen", "Liver"):
        table.selectRow(rows[name])
        click(ui.acceptButton)
    click(ui.cropAboveButton)

    # Export accepted organs
    ui = pages["ExportPage"].ui
    out = tmp_path / "Ergebnisse für die Planung"
    ui.folderPathLineEdit.currentPath = str(out)
    parameters.accepted_only = True
    parameters.label_map_suffix = ".nii.gz"
    parameters.export_seg_nrrd = parameters.export_dicom_seg = True
    parameters.export_body = parameters.smooth_contours = True
    an_open_panel.refresh()
    pages["ExportPage"].export()
    process_events(until=lambda: "Contours in the RTSTRUCT" in ui.summaryLabel.text, timeout_s=180)

    (rtstruct,) = out.glob("*_rtstruct.dcm")
    extents = z_extents_mm(rtstruct)
    assert set(extents) == {"Spleen", "Liver", "External"}
    assert dcmread(rtstruct).StructureSetLabel.startswith("DEMO")
    liver_z = np.flatnonzero((truth.array == 6).any(axis=(1, 2)))
    heights = truth.geometry.to_ras(np.stack([liver_z, 0 * liver_z, 0 * liver_z], axis=1).astype(float))[:, 2]
    assert extents["Liver"][0] == pytest.approx(heights.min(), abs=0.1)
    assert extents["Liver"][1] < heights.max() - 10
    rois = {roi.ROIName: roi for roi in dcmread(rtstruct).StructureSetROISequence}
    assert rois["Liver"].ROIGenerationAlgorithm == "SEMIAUTOMATIC"
    assert rois["Spleen"].ROIGenerationAlgorithm == "AUTOMATIC"
    (labels,) = out.glob("*_labels.nii.gz")
    assert sorted(set(read_label_map(labels).array.ravel())) == [0, 1, 6]
    assert len(list(out.glob("*.seg.nrrd"))) == 1
    assert "Organs written (2): Spleen, Liver." in ui.summaryLabel.text

    # Send both DICOM files
    (dicom_seg,) = out.glob("*_seg.dcm")
    segments = {segment.SegmentLabel: segment for segment in dcmread(dicom_seg).SegmentSequence}
    assert {name: segments[name].SegmentAlgorithmType for name in segments} == {
        "Liver": "SEMIAUTOMATIC",
        "Spleen": "AUTOMATIC",
    }
    kinds = [str(dcmread(path, specific_tags=["SOPClassUID"]).SOPClassUID) for path in (rtstruct, dicom_seg)]
    with receiving(kinds, ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]) as (node, received):
        add_node(node, nodes_file())
        pages["ExportPage"].refresh()
        pages["ExportPage"].send_row.send()
        process_events(until=lambda: "has stored" in ui.summaryLabel.text, timeout_s=60)
    assert len(received.data_sets) == 2

    # Add all organs to that RTSTRUCT, in place of those it has
    before = rtstruct.read_bytes()
    names = [roi.ROIName for roi in dcmread(rtstruct).StructureSetROISequence]
    parameters.accepted_only = parameters.export_body = parameters.export_dicom_seg = False
    ui.folderPathLineEdit.currentPath = str(tmp_path / "added")
    ui.existingPathLineEdit.currentPath = str(rtstruct)
    ui.replaceSameCheckBox.checked = True
    pages["ExportPage"].export()
    process_events(until=lambda: f"those of {rtstruct.name}" in ui.summaryLabel.text, timeout_s=180)
    (added,) = (tmp_path / "added").glob("*_rtstruct.dcm")
    names_now = [roi.ROIName for roi in dcmread(added).StructureSetROISequence]
    assert names_now[: len(names)] == names
    assert len(names_now) == len(set(names_now)) == 1 + len(rows)
    assert rtstruct.read_bytes() == before
