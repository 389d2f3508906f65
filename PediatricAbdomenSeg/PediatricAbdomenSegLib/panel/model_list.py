"""The models the panel offers, read once and again on request."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from slicer.i18n import tr as _

from ..engine.errors import ModelError, PediatricAbdomenSegError, ResourceError, UsageError
from ..engine.models.store import Bundle, ListedBundle, list_bundles, open_bundle, user_models_folder, verify_bundle
from ..scene.parameters import DEFAULTS, model_problem
from .model_archive import unpack_bundle


@dataclass(frozen=True)
class ModelProblem:
    """Why the chosen model cannot be used, or should be looked at first.

    Attributes:
        message, hint: as in `PediatricAbdomenSegError`.
        blocking: whether a run is out of the question.
    """

    message: str
    hint: str
    blocking: bool


class ModelList:
    """Bundles on the search path.

    Args:
        find_all: lists them; handed in by tests.
        own_folder: where models go that the user adds.
    """

    def __init__(
        self,
        find_all: Callable[[], tuple[ListedBundle, ...]] = list_bundles,
        own_folder: Callable[[], Path] = user_models_folder,
    ) -> None:
        self._find_all = find_all
        self._own_folder = own_folder
        self.listed: tuple[ListedBundle, ...] = ()
        self.reload()

    def reload(self) -> None:
        """Look at the disk again."""
        self.listed = self._find_all()

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """Those whose manifest can be read."""
        return tuple(listed.bundle for listed in self.listed if listed.bundle is not None)

    def find(self, name: str) -> Bundle | None:
        """The bundle of that name; None when it is not on this computer."""
        return next((bundle for bundle in self.bundles if bundle.manifest.name == name), None)

    def is_own(self, listed: ListedBundle) -> bool:
        """Whether the user added it, so that it may be removed here."""
        return self._own_folder().resolve() in listed.folder.resolve().parents

    def add(self, folder: Path) -> Bundle:
        """Copy a verified bundle into the user's models folder.

        Raises:
            ModelError: no bundle, or one that was altered. UsageError: the name is taken. ResourceError: cannot write.
        """
        bundle = open_bundle(folder)
        verify_bundle(bundle)
        target = self._own_folder() / bundle.manifest.name
        if target.exists():
            raise UsageError(
                _('There already is a model "{name}" in {folder}.').format(name=bundle.manifest.name, folder=target),
                _("Remove it first, or give the new one another name."),
            )
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, partial)
            partial.rename(target)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise ResourceError(
                _("The model cannot be copied to {folder}: {reason}.").format(folder=target, reason=error.strerror),
                _("Free space on the disk or check your permissions."),
            ) from error
        self.reload()
        return open_bundle(target)

    def add_archive(self, archive: Path) -> Bundle:
        """Add the bundle in a ZIP file. Errors as `add` and `unpack_bundle`."""
        with tempfile.TemporaryDirectory(prefix="model-") as folder:
            return self.add(unpack_bundle(archive, Path(folder)))

    def remove(self, listed: ListedBundle) -> None:
        """Delete a model the user added.

        Raises:
            UsageError: it came with the extension. ResourceError: it cannot be deleted.
        """
        if not self.is_own(listed):
            raise UsageError(
                _('"{name}" lies in {folder}, not among the models you have added.').format(
                    name=listed.name, folder=listed.folder
                ),
                _("Only models added here can be removed here."),
            )
        try:
            shutil.rmtree(listed.folder)
        except OSError as error:
            raise ResourceError(
                _("{folder} cannot be deleted: {reason}.").format(folder=listed.folder, reason=error.strerror),
                _("Check your permissions."),
            ) from error
        self.reload()


def checksum_problem(bundle: Bundle) -> PediatricAbdomenSegError | None:
    """What is wrong with a bundle's files; None when each is what the manifest says."""
    try:
        verify_bundle(bundle)
    except ModelError as error:
        return error
    return None


def choice_problem(models: ModelList, name: str, sha256: str) -> ModelProblem | None:
    """What is odd about the model a scene asks for.

    Args:
        models: those of this computer.
        name: of the model.
        sha256: of the bundle when it was chosen; empty when it never was.
    """
    missing = model_problem(replace(DEFAULTS, model=name), [bundle.manifest.name for bundle in models.bundles])
    if missing is not None:
        return ModelProblem(missing.message, missing.hint, blocking=True)
    bundle = models.find(name)
    if sha256 and bundle.sha256 != sha256:
        return ModelProblem(
            _('The model "{name}" is not the one this scene was made with.').format(name=name),
            _("Results will differ from earlier ones."),
            blocking=False,
        )
    return None
