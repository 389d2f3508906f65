"""A panel on a phantom with a scripted worker, led from state to state for the pictures."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panel.page_fixtures import MODULE, resource_path, write_model
from panel.scripted_worker import ScriptedClock, ScriptedProcesses
from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
from PediatricAbdomenSegLib.engine.models.store import list_bundles
from PediatricAbdomenSegLib.engine.organs import ORGANS
from PediatricAbdomenSegLib.engine.phantom.ct_series import write_phantom
from PediatricAbdomenSegLib.engine.phantom.spec import Phantom
from PediatricAbdomenSegLib.engine.progress import CancelToken, ignore_progress
from PediatricAbdomenSegLib.engine.runtime.hardware import Device, Hardware
from PediatricAbdomenSegLib.engine.runtime.packages import REQUIRED, installed_packages
from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers
from PediatricAbdomenSegLib.engine.worker.protocol import ExportRtstruct, Failed, Progress, Result

_SHOWN_FOLDER = "/home/user/export"
_SOFT_TISSUE_HU = (-160.0, 240.0)
_HARDWARE = Hardware(
    devices=(
        Device("cuda:0", "NVIDIA RTX 4090", 25769.0, 24100.0, 60000.0),
        Device("cpu", "Intel Core i7-12700H", 34360.0, 21000.0, 350.0),
    ),
    packages=dict.fromkeys(REQUIRED, "1.0") | installed_packages(),
    torch_problem=None,
    python_version="3.12.8",
    executable="/home/user/pedseg/bin/python",
    prefix="/home/user/pedseg",
    size_mb=5400.0,
)


@dataclass
class Stage:
    """The open panel and what plays in it.

    Attributes:
        tabs: the pages' QTabWidget, as the panel sees it.
        folder: for everything that is written.
        labels: the truth about the phantom.
        settings: the panel's settings.
        ct: the phantom's volume node, from `choose_ct` on.
    """

    host: Any
    panel: Any
    session: Any
    processes: ScriptedProcesses
    parameters: Any
    tabs: Any
    folder: Path
    labels: Path
    settings: dict[str, str]
    ct: Any = None

    @property
    def raw_tabs(self) -> Any:
        """The PySide6 widget of ``tabs``."""
        from slicer_host.wrapper import raw_object

        return raw_object(self.tabs)

    @property
    def ui(self) -> dict[str, Any]:
        """Page → its widgets by name."""
        return {name: page.ui for name, page in self.panel.pages.items()}

    def choose_ct(self) -> None:
        from DICOMLib import DICOMUtils

        DICOMUtils.importDicom(str(self.folder / "phantom" / "ct"))
        (node_id,) = DICOMUtils.loadSeriesByUID(list(self.host.series_uids()))
        self.ct = self.host.scene.GetNodeByID(node_id)
        self.parameters.input_volume = self.ct

    def unfold_advanced(self) -> None:
        self.ui["SegmentPage"].advancedCollapsibleButton.collapsed = False

    def ask_for_thick_slices(self) -> None:
        """Press Segment on a CT of every third slice: there is a doubt to confirm."""
        ui = self.ui["SegmentPage"]
        ui.advancedCollapsibleButton.collapsed = True
        util = self.host.slicer.util
        thick = util.addVolumeFromArray(util.arrayFromVolume(self.ct)[::3].copy(), name="Thick slices")
        x_mm, y_mm, z_mm = self.ct.GetSpacing()
        thick.SetSpacing(x_mm, y_mm, 3 * z_mm)
        self.parameters.input_volume = thick
        ui.segmentButton.click()

    def run(self) -> None:
        self.host.scene.RemoveNode(self.parameters.input_volume)
        self.parameters.input_volume = self.ct
        self.ui["SegmentPage"].segmentButton.click()
        job = self.session.runner.current
        self.processes.last.be_ready()
        self.processes.last.say(Progress(job.id, "network", 0.45, 140.0))

    def queue(self) -> None:
        """Let the same CT wait behind itself."""
        self.ui["SegmentPage"].queueButton.click()

    def fail(self) -> None:
        self.session.runner.cancel(self.session.runner.waiting[0].id)
        job = self.session.runner.current
        message, hint = "The graphics card has too little memory.", "Choose another device, or tick Low memory."
        self.processes.last.say(Failed(job.id, "resource", message, hint, 5))

    def show_result(self) -> None:
        from PediatricAbdomenSegLib.scene.segment_properties import ModelTags
        from PediatricAbdomenSegLib.scene.segmentation_builder import build_segmentation

        bundle = self.session.models.find(self.parameters.model)
        manifest = bundle.manifest
        tags = ModelTags(manifest.name, manifest.title, manifest.version, bundle.sha256, manifest.status)
        label_map = read_label_map(self.labels)
        self.parameters.segmentation = build_segmentation(self.host.scene, label_map, self.ct, ORGANS, tags)
        ui = self.ui["ReviewPage"]
        for row, button in ((0, ui.acceptButton), (1, ui.acceptButton), (8, ui.needsEditButton)):
            ui.organTable.selectRow(row)
            button.click()

    def edit_an_organ(self) -> None:
        page = self.panel.pages["ReviewPage"]
        page.ui.smoothButton.click()
        page.open_editor(page._table.selected)

    def choose_export_folder(self) -> None:
        self.ui["ReviewPage"].editorCollapsibleButton.collapsed = True
        self.ui["ExportPage"].folderPathLineEdit.currentPath = _SHOWN_FOLDER
        self.ui["ExportPage"].exportAdvancedCollapsibleButton.collapsed = False

    def export(self) -> None:
        ui = self.ui["ExportPage"]
        ui.exportAdvancedCollapsibleButton.collapsed = True
        ui.folderPathLineEdit.currentPath = str(self.folder / "export")
        ui.exportButton.click()
        self.processes.last.be_ready()
        (request,) = self.processes.last.told(ExportRtstruct)
        written = make_handlers()[ExportRtstruct](request, ignore_progress, CancelToken())
        self.processes.last.say(Result(request.id, written))
        ui.folderPathLineEdit.currentPath = _SHOWN_FOLDER
        ui.summaryLabel.text = ui.summaryLabel.text.replace(str(self.folder / "export"), _SHOWN_FOLDER)

    def choose_a_model(self) -> None:
        self.ui["ModelsPage"].modelsTable.selectRow(0)

    def name_an_interpreter(self) -> None:
        """As if the trial of the interpreter had passed."""
        page = self.panel.pages["RuntimePage"]
        page.ui.interpreterPathLineEdit.currentPath = _HARDWARE.executable
        page._take_for_use(Path(_HARDWARE.executable), _HARDWARE)

    def show_soft_tissue(self) -> None:
        display = self.ct.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(*_SOFT_TISSUE_HU)

    def jump_to_organ(self, key: str) -> None:
        rows = self.panel.pages["ReviewPage"]._table.rows
        row = next(row for row in rows if row.organ is not None and row.organ.key == key)
        for index in range(self.host.scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            self.host.scene.GetNthNodeByClass(index, "vtkMRMLSliceNode").JumpSliceByOffsetting(*row.centre_ras_mm)

    def close(self) -> None:
        self.panel.cleanup()
        self.tabs.delete()


def open_stage(host: Any, phantom: Phantom, folder: Path) -> Stage:
    """Open the panel without a volume and without a worker.

    Args:
        host: the stand-in Slicer, installed.
        folder: empty.
    """
    host.load_module(MODULE)
    from PediatricAbdomenSegLib.panel.job_runner import JobRunner
    from PediatricAbdomenSegLib.panel.job_store import JobStore
    from PediatricAbdomenSegLib.panel.model_list import ModelList
    from PediatricAbdomenSegLib.panel.panel import Panel
    from PediatricAbdomenSegLib.panel.runtime_settings import RuntimeSettings
    from PediatricAbdomenSegLib.panel.session import Session

    write_phantom(phantom, folder / "phantom")
    if not list_bundles():
        write_model(folder / "models")
    processes, settings = ScriptedProcesses(), {}
    runner = JobRunner(processes, JobStore(folder / "Jobs"), ScriptedClock())
    session = Session(
        host.scene,
        runner,
        RuntimeSettings(lambda key: settings.get(key, ""), settings.__setitem__),
        ModelList(lambda: list_bundles() or list_bundles([folder / "models"]), lambda: folder / "own"),
        host.slicer.dicomDatabase.fileForInstance,
    )
    tabs = host.qt.QTabWidget()
    panel = Panel(tabs, resource_path, host.scene, session)
    parameters = sys.modules[MODULE.stem].PediatricAbdomenSegLogic().getParameterNode()
    panel.set_parameters(parameters)
    tabs.show()
    labels = folder / "phantom" / "labels.nii.gz"
    return Stage(host, panel, session, processes, parameters, tabs, folder, labels, settings)
