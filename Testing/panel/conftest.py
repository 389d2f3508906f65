"""The stand-in Slicer and a panel in it, for the panel's tests."""

from panel.page_fixtures import a_ct, a_models_folder, a_module, a_panel
from slicer_host.fixtures import click, process_events, slicer_host

__all__ = ["a_ct", "a_models_folder", "a_module", "a_panel", "click", "process_events", "slicer_host"]
