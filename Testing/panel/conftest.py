"""The stand-in Slicer, a panel in it, and a runner without either, for the panel's tests."""

import plain_translation  # noqa: F401 first: the runner is tested without the stand-in
from panel.page_fixtures import a_ct, a_models_folder, a_module, a_panel
from panel.rating_fixtures import a_rating_panel, a_rating_study
from panel.runner_fixtures import a_runner, a_running_job, clock, diary, new_job, processes
from slicer_host.fixtures import click, process_events, slicer_host

__all__ = [
    "a_ct",
    "a_models_folder",
    "a_module",
    "a_panel",
    "a_rating_panel",
    "a_rating_study",
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
