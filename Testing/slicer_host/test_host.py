"""The stand-in application: the scene, the parameter node, .ui files, modules and their life."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import pytest

UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <class>Page</class>
 <widget class="qMRMLWidget" name="Page">
  <layout class="QVBoxLayout" name="layout">
   <item>
    <widget class="ctkCollapsibleButton" name="advancedButton">
     <property name="text"><string>Advanced</string></property>
     <property name="collapsed"><bool>true</bool></property>
     <layout class="QVBoxLayout" name="advancedLayout">
      <item><widget class="QCheckBox" name="lowMemoryCheckBox">
       <property name="SlicerParameterName" stdset="0"><string>lowMemory</string></property>
      </widget></item>
     </layout>
    </widget>
   </item>
   <item><widget class="qMRMLNodeComboBox" name="inputSelector">
    <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
    <property name="showChildNodeTypes"><bool>false</bool></property>
    <property name="noneEnabled"><bool>true</bool></property>
    <property name="SlicerParameterName" stdset="0"><string>inputVolume</string></property>
   </widget></item>
   <item><widget class="ctkPathLineEdit" name="folderEdit">
    <property name="filters"><set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Writable</set></property>
   </widget></item>
  </layout>
 </widget>
 <connections>
  <connection>
   <sender>Page</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
   <receiver>inputSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot>
  </connection>
 </connections>
</ui>
"""

MODULE = """
import slicer
from slicer.ScriptedLoadableModule import *

class Sample(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Sample"
        slicer.app.connect("startupCompleted()", self.started)

    def started(self):
        import SampleData
        SampleData.SampleDataLogic.registerCustomSampleDataSource(sampleName="Phantom")

class SampleWidget(ScriptedLoadableModuleWidget):
    log = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.log.append("setup")

    def enter(self):
        self.log.append("enter")

    def exit(self):
        self.log.append("exit")

    def cleanup(self):
        self.log.append("cleanup")
"""


class Device(enum.Enum):
    AUTO = 1
    CPU = 2


@pytest.fixture
def page(slicer_host, tmp_path):
    path = tmp_path / "Page.ui"
    path.write_text(UI, "utf-8")
    return slicer_host.slicer.util.loadUI(str(path))


@pytest.fixture
def parameters(slicer_host):
    """A parameter node with every kind of parameter, in the current scene."""
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    slicer = slicer_host.slicer

    class Node:
        inputVolume: slicer.vtkMRMLScalarVolumeNode
        lowMemory: bool = False
        device: Device
        folds: list[str]
        outputFolder: Path
        opacity: Annotated[float, WithinRange(0, 1)] = 0.3
        style: Annotated[str, Choice(["tg263", "short"]), Default("tg263")]

    # The annotations are strings here that only this function can resolve.
    hints = {
        "inputVolume": slicer.vtkMRMLScalarVolumeNode,
        "lowMemory": bool,
        "device": Device,
        "folds": list[str],
        "outputFolder": Path,
        "opacity": Annotated[float, WithinRange(0, 1)],
        "style": Annotated[str, Choice(["tg263", "short"]), Default("tg263")],
    }
    Node.__annotations__ = hints
    wrapper = parameterNodeWrapper(Node)
    return lambda: wrapper(ScriptedLoadableModuleLogic().getParameterNode())


def add_volume(host, name="CT"):
    return host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)


def test_a_ui_file_loads_with_its_names_and_connections(slicer_host, page):
    ui = slicer_host.slicer.util.childWidgetVariables(page)
    page.setMRMLScene(slicer_host.scene)
    assert ui.advancedButton.className() == "ctkCollapsibleButton"
    assert ui.inputSelector.mrmlScene() is slicer_host.scene
    assert ui.folderEdit.filters & slicer_host.qt.QDir.Dirs
    assert ui.inputSelector.nodeTypes == ("vtkMRMLScalarVolumeNode",)


@pytest.mark.parametrize(
    ("old", "new"),
    [('class="ctkPathLineEdit"', 'class="ctkNoSuchWidget"'), ('name="noneEnabled"', 'name="noSuchProperty"')],
)
def test_a_ui_file_with_a_name_slicer_lacks_is_refused(slicer_host, tmp_path, old, new):

    path = tmp_path / "Page.ui"
    path.write_text(UI.replace(old, new), "utf-8")
    with pytest.raises(ValueError):
        slicer_host.slicer.util.loadUI(str(path))


def test_a_collapsed_section_shows_its_contents_when_clicked(slicer_host, page, click):
    page.show()
    box = page.findChild("QCheckBox", "lowMemoryCheckBox")
    assert not box.visible
    click(page.advancedButton)
    assert box.visible
    page.advancedButton.collapsed = True
    assert not box.visible


def test_the_node_selector_follows_the_scene(slicer_host, page):
    page.setMRMLScene(slicer_host.scene)
    selector, heard = page.inputSelector, []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: heard.append(node and node.GetName()))
    ct = add_volume(slicer_host)
    slicer_host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    selector.setCurrentNode(ct)
    assert (selector.nodeCount(), selector.currentNode()) == (1, ct)
    slicer_host.scene.RemoveNode(ct)
    assert selector.currentNode() is None
    assert heard == ["CT", None]


def test_parameters_have_defaults_and_refuse_wrong_values(parameters):
    node = parameters()
    assert (node.lowMemory, node.device, node.style, node.opacity) == (False, Device.AUTO, "tg263", 0.3)
    assert (list(node.folds), node.outputFolder, node.inputVolume) == ([], Path(), None)
    for name, wrong in (("opacity", 2.0), ("style", "long"), ("lowMemory", "yes")):
        with pytest.raises((ValueError, TypeError)):
            setattr(node, name, wrong)


def test_parameters_are_shared_through_the_scene_and_survive_save_and_load(slicer_host, parameters, tmp_path):
    node = parameters()
    node.inputVolume = add_volume(slicer_host)
    node.device, node.folds, node.lowMemory = Device.CPU, ["0", "1"], True
    assert parameters().device is Device.CPU
    util = slicer_host.slicer.util
    assert util.saveScene(str(tmp_path / "scene.mrml"))
    slicer_host.close_scene()
    assert parameters().device is Device.AUTO
    util.loadScene(str(tmp_path / "scene.mrml"))
    again = parameters()
    assert (again.device, list(again.folds), again.lowMemory) == (Device.CPU, ["0", "1"], True)
    assert again.inputVolume.GetName() == "CT"


def test_widgets_and_parameters_follow_each_other_until_disconnected(slicer_host, page, parameters):
    page.setMRMLScene(slicer_host.scene)
    node = parameters()
    tag = node.connectGui(page)
    box = page.findChild("QCheckBox", "lowMemoryCheckBox")
    box.checked = True
    assert node.lowMemory is True
    node.inputVolume = add_volume(slicer_host)
    assert page.inputSelector.currentNode() is node.inputVolume
    node.disconnectGui(tag)
    box.checked = False
    assert node.lowMemory is True


def test_message_boxes_are_recorded_and_questions_answered(slicer_host):
    util = slicer_host.slicer.util
    util.errorDisplay("no CT")
    slicer_host.messages.answer = False
    assert util.confirmYesNoDisplay("Really?") is False
    assert slicer_host.messages.shown == [("error", "no CT"), ("confirm", "Really?")]


def test_slicer_refuses_what_only_the_wheel_has(slicer_host):
    from slicer_host.inventory import inventory

    if inventory() is None:
        pytest.skip("needs the inventory of Slicer's API")
    with pytest.raises(AttributeError):
        slicer_host.slicer.arrayFromVolume  # noqa: B018
    assert callable(slicer_host.slicer.util.arrayFromVolume)


def test_settings_start_empty_and_are_kept_within_a_session(slicer_host):
    qt, util = slicer_host.qt, slicer_host.slicer.util
    assert util.settingsValue("PediatricAbdomenSeg/device", "auto") == "auto"
    qt.QSettings().setValue("PediatricAbdomenSeg/device", "cpu")
    assert util.settingsValue("PediatricAbdomenSeg/device", "auto") == "cpu"


def test_slice_views_jump_together(slicer_host):
    slicer = slicer_host.slicer
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, 10.0, 20.0, 30.0)
    layout = slicer.app.layoutManager()
    assert layout.sliceViewNames() == ("Red", "Yellow", "Green")
    for name, axis, expected in (("Red", 2, 30.0), ("Yellow", 0, 10.0), ("Green", 1, 20.0)):
        slice_to_ras = layout.sliceWidget(name).mrmlSliceNode().GetSliceToRAS()
        assert slice_to_ras.GetElement(axis, 3) == expected


def test_a_module_lives_from_start_over_reload_to_unload(slicer_host, tmp_path):
    path = tmp_path / "Sample.py"
    path.write_text(MODULE, "utf-8")
    loaded = slicer_host.load_module(path)
    assert loaded.title == "Sample"
    # Modules of earlier tests register theirs again when the stand-in starts up.
    assert {"sampleName": "Phantom"} in slicer_host.sample_data.sources
    first = slicer_host.open_panel(loaded)
    assert slicer_host.slicer.modules.SampleWidget is first
    second = slicer_host.reload_module(loaded)
    assert second is not first
    assert first.log == ["setup", "enter", "cleanup"]
    slicer_host.close_panel(loaded)
    assert second.log == ["setup", "enter", "exit", "cleanup"]


def test_sample_data_refuse_an_argument_that_slicer_does_not_know(slicer_host):
    with pytest.raises(TypeError, match="uri"):
        slicer_host.sample_data.SampleDataLogic.registerCustomSampleDataSource(sampleName="Phantom", uri="")


def test_a_parameter_cannot_have_the_name_of_a_method_of_its_node(slicer_host):
    from slicer_host.parameter_node import parameterNodeWrapper

    with pytest.raises(ValueError, match="default"):
        parameterNodeWrapper(type("Parameters", (), {"__annotations__": {"default": str}}))


def test_the_modules_of_the_stand_in_are_gone_after_a_test():
    assert "qt" not in sys.modules
    assert "slicer.parameterNodeWrapper" not in sys.modules


def test_waiting_in_vain_is_an_error(process_events):
    with pytest.raises(TimeoutError):
        process_events(until=lambda: False, timeout_s=0.05)


def test_a_dicom_series_is_imported_and_loaded_with_its_hierarchy(slicer_host, tmp_path):
    from ct_series_builder import write_series

    folder = tmp_path / "ct"
    write_series(folder)
    from DICOMLib import DICOMUtils
    from pydicom import dcmread

    slicer = slicer_host.slicer
    DICOMUtils.importDicom(str(folder))
    series_uid = str(dcmread(next(folder.iterdir()), stop_before_pixels=True).SeriesInstanceUID)
    (node_id,) = DICOMUtils.loadSeriesByUID([series_uid])
    node = slicer.mrmlScene.GetNodeByID(node_id)
    uids = node.GetAttribute("DICOM.instanceUIDs").split()
    assert len(uids) == node.GetImageData().GetDimensions()[2]
    assert Path(slicer.dicomDatabase.fileForInstance(uids[0])).is_file()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    assert hierarchy.GetItemAttribute(hierarchy.GetItemByDataNode(node), "DICOM.Modality") == "CT"


def test_a_volume_file_is_loaded(slicer_host, tmp_path):
    import numpy as np
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4), np.int16)), str(tmp_path / "ct.nrrd"))
    node = slicer_host.slicer.util.loadVolume(str(tmp_path / "ct.nrrd"))
    assert (node.GetName(), node.GetImageData().GetDimensions()) == ("ct", (4, 3, 2))


def test_a_slice_view_shows_the_ct_and_the_outline_of_a_segment(slicer_host, tmp_path):
    import numpy as np
    from PIL import Image

    from slicer_host.slice_rendering import save_slice_view

    slicer = slicer_host.slicer
    ct = slicer.util.addVolumeFromArray(np.full((4, 20, 20), 40, np.int16), name="CT")
    ct.CreateDefaultDisplayNodes()
    mask = np.zeros((4, 20, 20), np.uint8)
    mask[:, 5:15, 5:15] = 1
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    segment_id = segmentation.GetSegmentation().AddEmptySegment("liver", "liver", [1.0, 0.0, 0.0])
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segment_id, ct)
    view = slicer_host.open_slice_view("Red", (200, 200), ct)
    save_slice_view(view, tmp_path / "red.png")
    pixels = np.asarray(Image.open(tmp_path / "red.png").convert("RGB")).astype(int)
    red, green = pixels[..., 0], pixels[..., 1]
    assert red[100, 100] > green[100, 100] + 50
    assert abs(red[10, 100] - green[10, 100]) < 5
