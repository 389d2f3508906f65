"""The way of a case to the views: prepared by the worker, the next one while this one is scored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.cases.image_file import read_image, read_label_map
from ..engine.errors import InputError, PediatricAbdomenSegError, ResourceError
from ..engine.organs import organ_by_key
from ..engine.worker.protocol import PrepareRatingCase
from ..engine.worker.rating_case_job import prepare_rating_case
from ..scene.case_nodes import CaseNodes, add_case
from .rating_task import CaseFiles
from .session import Session
from .toolkit import wait_cursor


@dataclass
class _Prepared:
    """One case on its way.

    Attributes:
        folder: of its plain files; it holds images of a patient and goes with them.
        result: of the worker; None until it is there.
        error: what kept it from coming.
        then: who waits for it.
    """

    files: CaseFiles
    folder: Path
    result: dict[str, Any] | None = None
    error: PediatricAbdomenSegError | None = None
    then: Callable[[_Prepared], None] | None = None

    @property
    def is_through(self) -> bool:
        """Whether the worker has answered."""
        return self.result is not None or self.error is not None


class CaseLoader:
    """Prepares cases; keeps the one asked for and the one to come.

    Without a worker, or while it segments, a case is read here and now, and none is prepared in advance.

    Args:
        session: has the worker and the folder for its files.
        is_blinded: messages must not quote what stands in a file of contours.
    """

    def __init__(self, session: Session, is_blinded: bool) -> None:
        self._session, self._is_blinded = session, is_blinded
        self._prepared: dict[str, _Prepared] = {}

    def load(
        self,
        files: CaseFiles,
        on_ready: Callable[[CaseNodes, int], None],
        on_failed: Callable[[PediatricAbdomenSegError], None],
    ) -> None:
        """Put a case into the scene.

        Args:
            on_ready: receives the nodes, and how many structures of the file are no organ of the table.
            on_failed: receives why there are none.
        """

        def show(prepared: _Prepared) -> None:
            self._prepared.pop(files.token, None)
            try:
                if prepared.error is not None:
                    raise prepared.error
                with wait_cursor():
                    nodes = self._nodes(prepared)
            except PediatricAbdomenSegError as error:
                on_failed(self._neutral(error, files))
                return
            finally:
                shutil.rmtree(prepared.folder, ignore_errors=True)
            on_ready(nodes, int(prepared.result["unassigned"]))

        self._drop_all_but(files.token)
        prepared = self._prepared.get(files.token)
        try:
            if not self._has_free_worker and (prepared is None or not prepared.is_through):
                self._drop(files.token)  # it would wait behind a segmentation
                prepared = self._prepare_here(files)
            elif prepared is None:
                prepared = self._ask(files)
        except ResourceError as error:
            on_failed(error)
            return
        if prepared.is_through:
            show(prepared)
        else:
            prepared.then = show

    def preload(self, files: CaseFiles) -> None:
        """Prepare a case that will be asked for next. Raises `ResourceError` when there is no room for it."""
        if files.token not in self._prepared and self._has_free_worker:
            self._ask(files)

    def close(self) -> None:
        """Remove whatever was prepared."""
        self._drop_all_but("")

    @property
    def _has_free_worker(self) -> bool:
        return bool(self._session.settings.interpreter) and not self._session.is_busy

    def _ask(self, files: CaseFiles) -> _Prepared:
        prepared = self._prepared[files.token] = _Prepared(files, self._session.runner.store.private_folder("rating"))

        def settle(result: dict[str, Any] | None, error: PediatricAbdomenSegError | None) -> None:
            prepared.result, prepared.error = result, error
            if self._prepared.get(files.token) is not prepared:
                shutil.rmtree(prepared.folder, ignore_errors=True)  # nobody wants it any more
            elif prepared.then is not None:
                prepared.then(prepared)

        request = PrepareRatingCase(
            id="",
            image=str(files.image),
            image_kind=files.image_kind,
            contours=str(files.contours),
            contours_kind=files.contours_kind,
            organs=files.organs,
            output=str(prepared.folder),
            series=files.series,
        )
        self._session.runner.ask(
            request,
            lambda result: settle(result, None),
            lambda error: settle(None, error),
            on_cancelled=lambda: settle(None, InputError(_("Loading was cancelled."), "")),
        )
        return prepared

    def _prepare_here(self, files: CaseFiles) -> _Prepared:
        prepared = _Prepared(files, self._session.runner.store.private_folder("rating"))
        try:
            with wait_cursor():
                prepared.result = prepare_rating_case(
                    files.image,
                    files.image_kind,
                    files.series,
                    files.contours,
                    files.contours_kind,
                    files.organs,
                    prepared.folder,
                )
        except PediatricAbdomenSegError as error:
            prepared.error = error
        return prepared

    def _nodes(self, prepared: _Prepared) -> CaseNodes:
        folder, result = prepared.folder, prepared.result
        image = read_image(folder / result["image"])
        layers = [read_label_map(folder / name) for name in result["layers"]]
        organs = [organ_by_key(key) for key in prepared.files.organs]
        return add_case(self._session.scene, image, layers, organs, _("Case {n}").format(n=prepared.files.number))

    def _neutral(self, error: PediatricAbdomenSegError, files: CaseFiles) -> PediatricAbdomenSegError:
        """An error that quotes no name from the contours, which may be the source's."""
        if not self._is_blinded or files.contours.name not in error.message:
            return error
        return InputError(
            _("The contours of case {n} cannot be read: {name}.").format(n=files.number, name=files.contours.name),
            _("Score another case, and tell who made the study the name of this file."),
        )

    def _drop_all_but(self, token: str) -> None:
        """Nothing is cancelled: preparing takes about a second, and its files are removed when it is through."""
        for key in [key for key in self._prepared if key != token]:
            self._drop(key)

    def _drop(self, token: str) -> None:
        prepared = self._prepared.pop(token, None)
        if prepared is not None and prepared.is_through:
            shutil.rmtree(prepared.folder, ignore_errors=True)
