"""The whole panel: its pages, the session they share, and the parameter node that they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk
from slicer.i18n import tr as _

from .export_page import ExportPage
from .job_runner import JobRunner
from .job_store import JobStore
from .jobs_folder import jobs_folder
from .model_list import ModelList
from .models_page import ModelsPage
from .review_page import ReviewPage
from .runtime_page import RuntimePage
from .runtime_settings import RuntimeSettings
from .segment_page import SegmentPage
from .session import Session
from .toolkit import Timer, file_of_instance, read_setting, slicer, write_setting
from .worker_process import slicer_worker_process


class Panel:
    """Owns the pages and hands on what happens to the module and the scene.

    Args:
        tabs: the QTabWidget that receives the pages.
        resource_path: full path of a file below the module's Resources folder.
        scene: the MRML scene.
        session: what the pages share; None makes one with a real worker.
    """

    def __init__(self, tabs: Any, resource_path: Callable[[str], str], scene: Any, session: Session | None = None):
        self.session = session or make_session(scene)
        self._observed: tuple[Any, int] | None = None
        self._gui_tag: int | None = None
        pages = (
            ("SegmentPage", SegmentPage, _("Segment")),
            ("ReviewPage", ReviewPage, _("Review")),
            ("ExportPage", ExportPage, _("Export")),
            ("ModelsPage", ModelsPage, _("Models")),
            ("RuntimePage", RuntimePage, _("Runtime")),
        )
        self.pages = {}
        for name, make_page, title in pages:
            widget = slicer.util.loadUI(resource_path(f"UI/{name}.ui"))
            widget.setMRMLScene(scene)
            tabs.addTab(widget, title)
            self.pages[name] = make_page(widget, self.session, resource_path)
        self.session.on_result(lambda node: tabs.setCurrentIndex(1))  # the result is there to be looked at

    def set_parameters(self, parameters: Any | None) -> None:
        """Show another parameter node; None shows nothing and must come before a scene closes."""
        if self._observed is not None:
            node, observer = self._observed
            node.RemoveObserver(observer)
            node.disconnectGui(self._gui_tag)
            self._observed = self._gui_tag = None
        self.session.parameters = parameters
        if parameters is not None:
            self._gui_tag = parameters.connectParametersToGui(self._bound_widgets())
            tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self.refresh())
            self._observed = (parameters, tag)
        self.refresh()

    def refresh(self) -> None:
        """Let every page show the parameters as they are now."""
        for page in self.pages.values():
            page.refresh()

    def enter(self) -> None:
        """The module was opened."""
        self.session.models.reload()
        self.session.look_for_unclaimed_results()
        self.session.ask_hardware()
        self.pages["ReviewPage"].enter()
        self.refresh()

    def exit(self) -> None:
        """Another module was opened; a run goes on."""
        self.pages["ReviewPage"].exit()

    def scene_about_to_close(self) -> None:
        """Nodes are about to go: a run goes on, its result is kept and offered later."""
        self.pages["ReviewPage"].forget_nodes()
        self.session.forget_nodes()

    def cleanup(self) -> None:
        """The module is reloaded or Slicer quits: the worker and whatever it started end now."""
        self.exit()
        self.set_parameters(None)
        self.pages["ReviewPage"].forget_nodes()
        self.pages["RuntimePage"].close()
        self.session.close()

    def _bound_widgets(self) -> dict[str, Any]:
        """Widgets by the parameter that their .ui file names for them."""
        widgets = [widget for page in self.pages.values() for widget in vars(page.ui).values()]
        return {name: widget for widget in widgets if (name := widget.property("SlicerParameterName"))}


def make_session(scene: Any) -> Session:
    """A session with a real worker; its interpreter is the one the user named on the page Runtime."""
    settings = RuntimeSettings(read_setting, write_setting)
    runner = JobRunner(lambda: settings.process(slicer_worker_process), JobStore(jobs_folder()), Timer)
    return Session(scene, runner, settings, ModelList(), file_of_instance)
