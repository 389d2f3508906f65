"""Runs inside Slicer: the module opens, survives a closed scene, is opened twice, and every page shows itself."""

from __future__ import annotations

import unittest
from pathlib import Path

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
        self.assertEqual(tabs.count, len(self.widget.panel.pages))
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

    def test_from_a_volume_to_files_with_a_correction(self):
        from PediatricAbdomenSegLib.panel.self_test import run_with_fake_worker

        run_with_fake_worker(self, slicer.mrmlScene, FAKE_WORKER)
