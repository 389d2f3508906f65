"""The whole panel: its pages, the session they share, and the parameter node that they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import vtk
from slicer.i18n import tr as _

from ..engine.errors import ResourceError
from ..scene.volumes import volume_to_begin_with
from .export_page import ExportPage
from .job_runner import JobRunner
from .job_store import JobStore
from .jobs_folder import jobs_folder
from .model_list import ModelList
from .models_page import ModelsPage
from .rating_page import RatingPage
from .review_page import ReviewPage
from .runtime_page import RuntimePage
from .runtime_settings import RuntimeSettings
from .segment_page import SegmentPage
from .session import Session
from .toolkit import Timer, file_of_instance, read_setting, slicer, write_setting
from .worker_process import slicer_worker_process

_REVIEW, _EXPORT, _RATING = 1, 2, 3  # places of these pages among the tabs
_STATUS_MS = 15_000


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
        self._tabs = tabs
        self._is_entered = False
        self._unseen: Any | None = None  # a result that came while another module was open
        self._observed: tuple[Any, int] | None = None
        self._gui_tag: int | None = None
        pages = (
            ("SegmentPage", SegmentPage, _("Segment")),
            ("ReviewPage", ReviewPage, _("Review")),
            ("ExportPage", ExportPage, _("Export")),
            ("RatingPage", RatingPage, _("Score")),
            ("ModelsPage", ModelsPage, _("Models")),
            ("RuntimePage", RuntimePage, _("Runtime")),
        )
        self.pages = {}
        for name, make_page, title in pages:
            widget = slicer.util.loadUI(resource_path(f"UI/{name}.ui"))
            widget.setMRMLScene(scene)
            tabs.addTab(widget, title)
            self.pages[name] = make_page(widget, self.session, resource_path)
        self._bound_widgets = {name: widget for page in self.pages.values() for name, widget in bound_widgets(page.ui)}
        self.pages["RatingPage"].on_correct = self._correct
        tabs.connect("currentChanged(int)", lambda index: self._show_page_in_view())
        self.session.on_result(self._show_result)

    def set_parameters(self, parameters: Any | None) -> None:
        """Show another parameter node; None shows nothing and must come before a scene closes."""
        if self._observed is not None:
            node, observer = self._observed
            node.RemoveObserver(observer)
            node.disconnectGui(self._gui_tag)
            self._observed = self._gui_tag = None
        self.session.parameters = parameters
        if parameters is not None:
            self._gui_tag = parameters.connectParametersToGui(self._bound_widgets)
            tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self.refresh())
            self._observed = (parameters, tag)
        self.refresh()
        if parameters is not None and self._unseen is not None:
            node, self._unseen = self._unseen, None
            if node.GetScene() is not None:
                self._show_result(node)

    def refresh(self) -> None:
        """Let every page show the parameters as they are now."""
        for page in self.pages.values():
            page.refresh()

    def enter(self) -> None:
        """The module was opened."""
        self._is_entered = True
        parameters = self.session.parameters
        if parameters is not None and parameters.input_volume is None:
            parameters.input_volume = volume_to_begin_with(self.session.scene)
        self.session.models.reload()
        self.session.look_for_unclaimed_results()
        self.session.ask_hardware()
        self._show_page_in_view()
        self.refresh()

    def exit(self) -> None:
        """Another module was opened; a run goes on."""
        self._is_entered = False
        self._show_page_in_view()

    def scene_about_to_close(self) -> None:
        """Nodes are about to go: a run goes on, its result is kept and offered later."""
        self._unseen = None
        self.pages["ReviewPage"].forget_nodes()
        self.pages["RatingPage"].end()
        self.session.forget_nodes()

    def cleanup(self) -> None:
        """The module is reloaded or Slicer quits: the worker and whatever it started end now."""
        self.exit()
        self.set_parameters(None)
        self.pages["ReviewPage"].forget_nodes()
        self.pages["RatingPage"].close()
        self.pages["RuntimePage"].close()
        self.session.close()

    def _show_page_in_view(self) -> None:
        place = self._tabs.currentIndex if self._is_entered else None
        review, rating = self.pages["ReviewPage"], self.pages["RatingPage"]
        review.enter() if place == _REVIEW else review.exit()
        if place == _RATING:
            rating.enter()
        else:
            case = rating.segmentation
            rating.exit(is_case_in_view=place == _REVIEW and case is not None and review.segmentation is case)

    def _correct(self, segmentation: Any, segment_id: str) -> None:
        """Go to a contour that is being scored on the page Review, where it can be corrected."""
        parameters = self.session.parameters
        if parameters is not None:
            parameters.segmentation = segmentation
            self._tabs.setCurrentIndex(_REVIEW)
            self.pages["ReviewPage"].select(segment_id)

    def _show_result(self, node: Any) -> None:
        """Go to a new result, but not away from another one that is being reviewed or exported."""
        parameters = self.session.parameters
        if parameters is None:
            self._unseen = node
            return
        is_reviewing = self._tabs.currentIndex in (_REVIEW, _EXPORT) and parameters.segmentation is not None
        is_at_work = is_reviewing or self.pages["RatingPage"].is_at_work
        if is_at_work and parameters.segmentation is not node:
            text = _('"{name}" is ready: choose it on the page Review.').format(name=node.GetName())
            self.pages["ReviewPage"].announce(text)
            slicer.util.showStatusMessage(text, _STATUS_MS)
            self.session.say(text)
            return
        parameters.segmentation = node
        self._tabs.setCurrentIndex(_REVIEW)


def bound_widgets(ui: Any) -> Iterator[tuple[str, Any]]:
    """Parameter and widget of every widget for which the .ui file names one.

    Asked while all of a page's widgets live: Slicer's own ones replace some of their buttons later, and to touch a
    widget that is gone is an error.
    """
    for widget in vars(ui).values():
        name = widget.property("SlicerParameterName")
        if name:
            yield name, widget


def make_session(scene: Any) -> Session:
    """A session with a real worker; its interpreter is the one the user named on the page Runtime."""
    settings = RuntimeSettings(read_setting, write_setting)
    store, notice = make_store(jobs_folder(), Path(slicer.app.temporaryPath) / "PediatricAbdomenSegJobs")
    runner = JobRunner(lambda: settings.process(slicer_worker_process), store, Timer)
    session = Session(scene, runner, settings, ModelList(), file_of_instance)
    session.notice = notice
    return session


def make_store(folder: Path, fallback: Path) -> tuple[JobStore, str]:
    """The store of jobs, and what the user has to know about it; "" for the usual one.

    Args:
        folder: where jobs belong.
        fallback: taken where ``folder`` cannot be written, so that one can still work.

    Raises:
        ResourceError: neither can be written.
    """
    try:
        return JobStore(folder), ""
    except ResourceError as error:
        text = _("{problem} Until then results are kept in {folder} and may be lost when Slicer ends. {hint}")
        return JobStore(fallback), text.format(problem=error.message, folder=fallback, hint=error.hint)
