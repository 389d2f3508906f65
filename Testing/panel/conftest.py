"""The stand-in Slicer, a panel in it, and a runner without either, for the panel's tests."""

import sys
import types

# The wheel of slicer-core lacks this module of Slicer's; the runner, which needs nothing else of it, is tested alone.
if "slicer.i18n" not in sys.modules:
    sys.modules["slicer.i18n"] = types.ModuleType("slicer.i18n")
    sys.modules["slicer.i18n"].tr = lambda text: text

from panel.page_fixtures import a_ct, a_models_folder, a_module, a_panel
from panel.runner_fixtures import a_runner, a_running_job, clock, diary, new_job, processes
from slicer_host.fixtures import click, process_events, slicer_host

__all__ = [
    "a_ct",
    "a_models_folder",
    "a_module",
    "a_panel",
    "a_runner",
    "a_running_job",
    "click",
    "clock",
    "diary",
    "new_job",
    "process_events",
    "processes",
    "slicer_host",
]
