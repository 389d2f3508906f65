"""A phantom as a DICOM series: made by the worker, taken into Slicer's DICOM database, loaded."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError, ResourceError
from ..engine.worker.client import WorkerClient, worker_command, worker_environment
from ..engine.worker.protocol import MakePhantom
from .runtime_settings import RuntimeSettings
from .toolkit import read_setting, say_now, slicer, startup_environment, wait_cursor, write_setting
from .wording import error_text
from .worker_process import outside_slicer

SPACING_MM = (3.0, 1.5, 1.5)  # seconds to make, and still smooth to look at
TUMOUR_ML = 60.0


def load_new_phantom() -> list[Any]:
    """Make a phantom and load it through Slicer's DICOM database; returns the volume nodes.

    The files stay in Slicer's temporary folder, because the database refers to them.
    """
    try:
        with wait_cursor():
            say_now(_("Making a phantom, which takes some seconds …"))
            series = make_phantom_series(Path(tempfile.mkdtemp(prefix="phantom-", dir=slicer.app.temporaryPath)))
            say_now(_("Loading the phantom …"))
            nodes = load_series(series)
    except PediatricAbdomenSegError as error:
        say_now("")
        slicer.util.errorDisplay(error_text(error), windowTitle=_("Sample data"))
        return []
    say_now(_("The phantom is loaded."))
    return nodes


def make_phantom_series(folder: Path) -> Path:
    """Write the phantom as a DICOM series below ``folder`` and return the series' folder.

    Raises:
        ResourceError: no worker is set up, or it cannot be started.
    """
    interpreter = RuntimeSettings(read_setting, write_setting).interpreter
    if not interpreter:
        raise ResourceError(
            _("The phantom is made by the worker, and no worker is set up yet."),
            _("Name a Python on the page Runtime of Pediatric Abdomen Segmentation."),
        )
    command = [interpreter, "-I", *worker_command(interpreter)[1:]]
    environment = worker_environment(outside_slicer(startup_environment()))
    with WorkerClient(command, environment) as worker:
        request = MakePhantom("phantom", str(folder / "phantom"), tumour_ml=TUMOUR_ML, spacing_mm=SPACING_MM)
        return Path(worker.request(request)["ct_folder"])


def load_series(folder: Path) -> list[Any]:
    """Take a DICOM folder into Slicer's database and load its series; returns its volume nodes, at least one.

    Raises:
        ResourceError: the database is not open, or did not take the series.
    """
    from DICOMLib import DICOMUtils  # comes with Slicer's DICOM module

    DICOMUtils.importDicom(str(folder))
    try:
        node_ids = DICOMUtils.loadSeriesByUID([series_uid_of(folder)])
    except OSError:  # what it raises for a database that is not open
        node_ids = []
    if not node_ids:
        raise ResourceError(
            _("Slicer's DICOM database did not take the series."),
            _("Open the module DICOM, see that it has a database folder, and try again."),
        )
    return [slicer.mrmlScene.GetNodeByID(node_id) for node_id in node_ids]


def series_uid_of(folder: Path) -> str:
    """Series Instance UID of the first file of a folder that holds one series."""
    from pydicom import dcmread

    first = next(iter(sorted(folder.iterdir())))
    return str(dcmread(first, specific_tags=["SeriesInstanceUID"], stop_before_pixels=True).SeriesInstanceUID)
