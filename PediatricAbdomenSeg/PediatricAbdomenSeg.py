"""Pediatric Abdomen Segmentation: the module as Slicer sees it. What it does is in PediatricAbdomenSegLib."""

# No postponed annotations in this file: Slicer's parameterNodeWrapper reads those of the parameter node.
# Slicer imports this file when it starts: whatever needs SimpleITK or pydicom is imported when the module is opened.

import sys

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from PediatricAbdomenSegLib.panel.about import acknowledgement_html, help_html
from PediatricAbdomenSegLib.panel.sample_data import register_sample_data
from PediatricAbdomenSegLib.scene.parameters import DEFAULTS
from PediatricAbdomenSegLib.version import __version__

LIBRARY = "PediatricAbdomenSegLib"


class PediatricAbdomenSeg(ScriptedLoadableModule):
    """Title, category and help, and the sample data in Slicer's menu."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Pediatric Abdomen Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations", "SubjectHierarchy"]
        self.parent.contributors = ["PediatricAbdomenSeg contributors"]
        self.parent.helpText = help_html(__version__)
        self.parent.acknowledgementText = acknowledgement_html()
        slicer.app.connect("startupCompleted()", register_sample_data)


@parameterNodeWrapper
class PediatricAbdomenSegParameterNode:
    """What is saved with the scene; the choices of a run are described in `scene.parameters.Settings`.

    Attributes:
        input_volume: the CT.
        segmentation: the segmentation under review.
        model_sha256: identity of the chosen bundle, so that another one of the same name is noticed.
        replace_organs: write into the segmentation under review instead of a new one.
        export_rtstruct, export_dicom_seg, export_seg_nrrd, label_map_suffix, add_to_dicom_database: see `ExportChoice`.
        export_body, smooth_contours: its ``body`` and ``smooth``.
    """

    input_volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    model: str = DEFAULTS.model
    model_sha256: str = ""
    device: str = DEFAULTS.device
    organ_choice: str = DEFAULTS.organ_choice
    own_organs: str = DEFAULTS.own_organs
    configuration: str = DEFAULTS.configuration
    folds: str = DEFAULTS.folds
    mirror: bool = DEFAULTS.mirror
    entropy_map: bool = DEFAULTS.entropy_map
    low_memory: bool = DEFAULTS.low_memory
    replace_organs: bool = False
    export_rtstruct: bool = True
    export_dicom_seg: bool = False
    export_body: bool = False
    smooth_contours: bool = False
    export_seg_nrrd: bool = False
    label_map_suffix: str = ""
    name_style: str = DEFAULTS.name_style
    accepted_only: bool = DEFAULTS.accepted_only
    add_to_dicom_database: bool = False


class PediatricAbdomenSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Hands Slicer's events on to the panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: PediatricAbdomenSegLogic | None = None
        self.panel = None
        self._is_entered = False

    def setup(self):
        from PediatricAbdomenSegLib.panel.panel import Panel

        ScriptedLoadableModuleWidget.setup(self)
        self.logic = PediatricAbdomenSegLogic()
        ui_widget = slicer.util.loadUI(self.resourcePath("UI/PediatricAbdomenSeg.ui"))
        self.layout.addWidget(ui_widget)
        self.ui = slicer.util.childWidgetVariables(ui_widget)
        self.panel = Panel(self.ui.pagesTabWidget, self.resourcePath, slicer.mrmlScene)
        ui_widget.setMRMLScene(slicer.mrmlScene)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.on_scene_start_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.on_scene_end_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.on_scene_end_import)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self.on_node_removed)
        self.show_parameter_node()

    def enter(self):
        self._is_entered = True
        self.show_parameter_node()
        self.panel.enter()

    def exit(self):
        self._is_entered = False
        self.panel.exit()
        self.panel.set_parameters(None)

    def cleanup(self):
        self.removeObservers()
        if self.panel is not None:
            self.panel.cleanup()
            self.panel = None

    def onReload(self):  # noqa: N802
        # Slicer reloads this file only; without this its library would stay as it was.
        for name in [name for name in sys.modules if name == LIBRARY or name.startswith(f"{LIBRARY}.")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def on_scene_start_close(self, caller, event):
        self.panel.set_parameters(None)
        self.panel.scene_about_to_close()

    def on_scene_end_close(self, caller, event):
        if self._is_entered:
            self.show_parameter_node()

    def on_scene_end_import(self, caller, event):
        if self._is_entered:
            self.show_parameter_node()

    def on_node_removed(self, caller, event):
        if self._is_entered:
            self.panel.refresh()

    def show_parameter_node(self):
        self.panel.set_parameters(self.logic.getParameterNode())


class PediatricAbdomenSegLogic(ScriptedLoadableModuleLogic):
    """Gives the parameter node; what the module computes is in the library, without Slicer's widgets."""

    def getParameterNode(self):  # noqa: N802
        return PediatricAbdomenSegParameterNode(super().getParameterNode())


class PediatricAbdomenSegTest(ScriptedLoadableModuleTest):
    """The self-test inside Slicer: phantom → segment → edit → export."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):  # noqa: N802
        self.setUp()
        self.test_from_phantom_to_rtstruct()

    def test_from_phantom_to_rtstruct(self):
        from PediatricAbdomenSegLib.panel.self_test import run_self_test

        run_self_test(self, slicer.mrmlScene, self.delayDisplay)
