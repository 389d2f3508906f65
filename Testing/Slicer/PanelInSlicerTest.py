"""Runs inside Slicer: the module opens, survives a closed scene, is opened twice, and every page shows itself."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import slicer

MODULE = "PediatricAbdomenSeg"
FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"


class PanelInSlicerTest(unittest.TestCase):
    def setUp(self):
        slicer.mrmlScene.Clear()
        slicer.util.selectModule(MODULE)
        self.widget = slicer.util.getModuleWidget(MODULE)

    def test_every_page_can_be_shown(self):
        tabs = self.widget.ui.pagesTabWidget
        self.assertEqual(tabs.count, 5)
        for index in range(tabs.count):
            tabs.setCurrentIndex(index)
            slicer.app.processEvents()

    def test_a_closed_scene_leaves_the_panel_usable(self):
        slicer.mrmlScene.Clear()
        slicer.app.processEvents()
        self.assertIsNotNone(self.widget.panel.session.parameters)
        self.assertIsNone(self.widget.panel.session.parameters.input_volume)

    def test_the_module_can_be_left_and_opened_again(self):
        slicer.util.selectModule("Data")
        self.assertIsNone(self.widget.panel.session.parameters)
        slicer.util.selectModule(MODULE)
        self.assertIsNotNone(self.widget.panel.session.parameters)

    def test_a_new_volume_can_be_chosen(self):
        volume_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        self.widget.panel.session.parameters.input_volume = volume_node
        self.assertIs(self.widget.panel.pages["SegmentPage"].ui.inputSelector.currentNode(), volume_node)

    def test_a_worker_process_fills_the_scene(self):
        """With a fake worker in Slicer's own Python, so that no other environment is needed."""
        from PediatricAbdomenSegLib.engine.worker.protocol import Segment
        from PediatricAbdomenSegLib.panel.job_runner import JobRunner
        from PediatricAbdomenSegLib.panel.job_store import JobStore
        from PediatricAbdomenSegLib.panel.model_list import ModelList
        from PediatricAbdomenSegLib.panel.runtime_settings import RuntimeSettings
        from PediatricAbdomenSegLib.panel.session import Session
        from PediatricAbdomenSegLib.panel.toolkit import Timer
        from PediatricAbdomenSegLib.panel.worker_process import QtProcess

        environment = dict(os.environ)  # PythonSlicer needs Slicer's own
        command = [shutil.which("PythonSlicer"), str(FAKE_WORKER), "success"]
        store = JobStore(Path(tempfile.mkdtemp()))
        runner = JobRunner(lambda: QtProcess(command, environment), store, Timer)
        settings = RuntimeSettings(lambda key: "", lambda key, value: None)
        session = Session(slicer.mrmlScene, runner, settings, ModelList(), lambda uid: "")
        results = []
        session.on_result(results.append)
        volume_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        image = np.full((20, 40, 40), -1000, np.int16)
        image[:, 10:30, 10:30] = 40
        slicer.util.updateVolumeFromArray(volume_node, image)
        try:
            session.segment(volume_node, Segment("", "", "", organs=("liver", "spleen")))
            end = time.monotonic() + 60
            while not results and session.is_busy and time.monotonic() < end:
                slicer.app.processEvents()
                time.sleep(0.02)
            self.assertTrue(results, session.message)
            self.assertEqual(list(results[0].GetSegmentation().GetSegmentIDs()), ["spleen", "liver"])
        finally:
            session.close()
