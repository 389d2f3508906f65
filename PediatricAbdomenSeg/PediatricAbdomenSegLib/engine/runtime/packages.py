"""Which packages the worker needs beside Python itself, and which of them an interpreter has."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

from ..errors import ResourceError

_WORKER = (
    "numpy>=2.0",
    "SimpleITK>=2.3",
    "pydicom>=3.0",
    "scipy>=1.15",
    "Pillow>=10",
    "rt-utils>=1.2.7",
    "highdicom>=0.25",
    "pynetdicom>=3.0",
    "safetensors>=0.4",
    "torch>=2.6,<=2.13.0",
    "dynamic-network-architectures>=0.4",
)
_BEYOND = (
    *("statsmodels>=0.14.2", "krippendorff>=0.8", "openpyxl>=3.1"),  # the summary of a reader study
    *("pylibjpeg>=2.0", "pylibjpeg-libjpeg>=2.0", "pylibjpeg-openjpeg>=2.0"),  # compressed DICOM files
    "nnunetv2>=2.6,<3",  # training
)
REQUIREMENTS = (*_WORKER, *_BEYOND)
"""What pip is told to install, with the ranges of pyproject.toml: what an installed package brings along."""


def _name(requirement: str) -> str:
    return requirement.partition(">=")[0]


REQUIRED = tuple(_name(each) for each in _WORKER)
"""Distribution names; without any one of them a segmentation or an export fails somewhere on its way. What else is in
`REQUIREMENTS` is asked for where it is used, see `package_not_installed`: a worker without it still segments."""

# Modules that are called otherwise than the distribution they come in.
_DISTRIBUTIONS = {"PIL": "Pillow", "cv2": "opencv-python-headless", "sklearn": "scikit-learn"}


def install_command() -> str:
    """The command that sets an environment up or repairs it; quoted for the shells of Windows and Linux."""
    return "pip install " + " ".join(f'"{each}"' for each in REQUIREMENTS)


def installed_packages(version_of: Callable[[str], str] = metadata.version) -> dict[str, str]:
    """Version by distribution name of the `REQUIRED` packages this interpreter has; what it lacks is left out."""
    found = {}
    for name in REQUIRED:
        try:
            found[name] = version_of(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def missing_packages(installed: dict[str, str]) -> tuple[str, ...]:
    """The `REQUIRED` packages that ``installed`` lacks, in their order."""
    return tuple(name for name in REQUIRED if name not in installed)


def package_not_installed(error: BaseException) -> ResourceError | None:
    """What to tell the user when ``error`` is the import of a package that is not there; None for anything else.

    An environment made for an earlier version of this software lacks what has been added since.
    """
    module = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not module or module == __name__.partition(".")[0]:  # a module of ours that is missing is a defect
        return None
    name = _DISTRIBUTIONS.get(module, module.replace("_", "-"))
    requirement = next((each for each in REQUIREMENTS if _name(each) == name), name)
    return ResourceError(
        f"The package {name} is not installed in this Python environment, or cannot be found there.",
        f'Run `python -m pip install "{requirement}"` with the Python of this environment, or set it up again.',
    )
