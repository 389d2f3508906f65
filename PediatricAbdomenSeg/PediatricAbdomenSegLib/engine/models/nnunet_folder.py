"""nnU-Net's ``plans.json`` and ``dataset.json`` beside the weights: what network to build and how to feed it.

Nothing here imports nnU-Net or resolves a class by its dotted name: plans come from strangers, and nnU-Net hands such
names to ``pydoc.locate``. Only what is on the allow-lists below passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from ..json_fields import JsonFields, read_json_fields
from .architecture import Architecture, read_architecture
from .weights_file import WEIGHTS_NAME, read_weights_metadata

NORMALIZATION_SCHEMES = ("CTNormalization", "ZScoreNormalization", "RescaleTo01Normalization", "NoNormalization")
RESAMPLING_FUNCTIONS = ("resample_data_or_seg_to_shape",)

_OTHER_MODEL = "Choose another model or configuration."


@dataclass(frozen=True)
class IntensityProperties:
    """Intensities of the training set's foreground, in the image's units (HU for CT)."""

    mean: float
    std: float
    percentile_00_5: float
    percentile_99_5: float


@dataclass(frozen=True)
class ChannelNormalization:
    """How one input channel is normalised.

    Attributes:
        scheme: one of `NORMALIZATION_SCHEMES`, with nnU-Net's meaning.
        use_mask: statistics from the non-zero region only, zero outside.
        intensities: needed by CTNormalization; None when the plans have none.
    """

    scheme: str
    use_mask: bool
    intensities: IntensityProperties | None


@dataclass(frozen=True)
class Resampling:
    """nnU-Net's resampling of an array: spline orders, and whether the coarse axis is resampled separately.

    Attributes:
        order: spline order in plane, or of all axes at once.
        order_z: spline order along the coarse axis when it is resampled separately.
        force_separate_z: None: nnU-Net's rule (anisotropy above 3) decides.
    """

    order: int
    order_z: int
    force_separate_z: bool | None


@dataclass(frozen=True)
class NetworkPlan:
    """One configuration of an nnU-Net model, all that inference needs of it. Axes as after `transpose_forward`.

    Attributes:
        configuration: its name, for example "3d_fullres".
        architecture: the network; ``architecture.dimensions`` is 2 or 3.
        patch_size: voxels of the network's input, ``dimensions`` values.
        spacing_mm: voxel spacing it was trained on, ``dimensions`` values (a 2-D one keeps the images' own slices).
        normalization: one per input channel.
        transpose_forward: order of the image's ``(z, y, x)`` axes in the network; `transpose_backward` undoes it.
        transpose_backward: see above.
        data_resampling: for the image.
        probabilities_resampling: for the network's output.
        class_names: names in ``dataset.json`` by label value, background first.
    """

    configuration: str
    architecture: Architecture
    patch_size: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    normalization: tuple[ChannelNormalization, ...]
    transpose_forward: tuple[int, int, int]
    transpose_backward: tuple[int, int, int]
    data_resampling: Resampling
    probabilities_resampling: Resampling
    class_names: tuple[str, ...]

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return self.architecture.dimensions

    @property
    def num_classes(self) -> int:
        """Output channels, background included."""
        return len(self.class_names)

    @property
    def num_channels(self) -> int:
        """Input channels."""
        return len(self.normalization)


def read_network_plan(folder: Path, configuration: str) -> NetworkPlan:
    """Read one configuration out of ``plans.json`` (nnU-Net ≥ 2.4 or the older v2.2 layout) and ``dataset.json``.

    Raises:
        ModelError: the configuration does not exist, is a cascade, or the files are broken or ask for something that
            is not on the allow-lists.
    """
    plans = read_json_fields(Path(folder) / "plans.json")
    dataset = read_json_fields(Path(folder) / "dataset.json")
    settings = _configuration(plans, configuration)
    if settings.values.get("previous_stage") is not None:
        raise ModelError(
            f"plans.json: configuration {configuration} is a cascade and is not supported.",
            "Choose 2d, 3d_lowres or 3d_fullres.",
        )
    patch_size = settings.integers("patch_size", lowest=1)
    architecture = read_architecture(settings, len(patch_size))
    plan = NetworkPlan(
        configuration=configuration,
        architecture=architecture,
        patch_size=patch_size,
        spacing_mm=settings.numbers("spacing"),
        normalization=_normalization(plans, settings),
        transpose_forward=_permutation(plans, "transpose_forward"),
        transpose_backward=_permutation(plans, "transpose_backward"),
        data_resampling=_resampling(settings, "resampling_fn_data"),
        probabilities_resampling=_resampling(settings, "resampling_fn_probabilities"),
        class_names=_class_names(dataset),
    )
    _check_consistency(settings, dataset, plan)
    return plan


def read_class_names(folder: Path) -> tuple[str, ...]:
    """Names in ``dataset.json`` by label value, background first.

    Raises:
        ModelError: the file is broken, labels have gaps, or they are regions of several labels.
    """
    return _class_names(read_json_fields(Path(folder) / "dataset.json"))


def available_configurations(folder: Path) -> tuple[str, ...]:
    """Configurations that have weights in the bundle's folder, sorted by name.

    Raises:
        ModelError: no weights at all, or a weights file's header is unreadable.
    """
    return tuple(sorted({configuration for configuration, _, _ in _weights(Path(folder))}))


def find_weights(folder: Path, configuration: str, folds: tuple[str, ...] | None = None) -> dict[str, Path]:
    """Weights of one configuration by fold ("0", "1", …, "all"), in the order asked for or sorted.

    Args:
        folder: the bundle's. Weights lie in ``fold_N/`` or ``<configuration>/fold_N/``.
        configuration: as in ``plans.json`` and in the weights' header.
        folds: None: all there are.

    Raises:
        ModelError: there are none, or a fold asked for is missing; the message lists those there are.
    """
    found = {fold: path for name, fold, path in _weights(Path(folder)) if name == configuration}
    if not found:
        there = ", ".join(available_configurations(folder))
        raise ModelError(f"The model has no weights for configuration {configuration}, only for {there}.", _OTHER_MODEL)
    for fold in folds or ():
        if fold not in found:
            raise ModelError(
                f"The model has no fold {fold} for {configuration}, only {', '.join(found)}.", "Choose one of these."
            )
    return {fold: found[fold] for fold in (folds or found)}


def _weights(folder: Path) -> list[tuple[str, str, Path]]:
    found = []
    for pattern in (f"fold_*/{WEIGHTS_NAME}", f"*/fold_*/{WEIGHTS_NAME}"):
        for path in sorted(folder.glob(pattern)):
            configuration = read_weights_metadata(path).configuration
            directory = path.parent.parent
            if directory != folder and directory.name != configuration:
                raise ModelError(
                    f"{path.relative_to(folder).as_posix()} holds weights for {configuration}, not {directory.name}.",
                    "Install the model again from where it came from.",
                )
            found.append((configuration, path.parent.name.removeprefix("fold_"), path))
    if not found:
        raise ModelError(f"There is no fold_N/{WEIGHTS_NAME} in {folder}.", "Install the model again.")
    return found


def _configuration(plans: JsonFields, name: str) -> JsonFields:
    """The settings of a configuration with those it inherits, as nnU-Net resolves ``inherits_from``."""
    configurations = plans.object("configurations")
    if name not in configurations.values:
        there = ", ".join(configurations.values)
        raise ModelError(f"plans.json has no configuration {name}, only {there}.", _OTHER_MODEL)
    chain, current = [name], configurations.object(name)
    layers = [current]
    while "inherits_from" in current.values:
        parent = current.text("inherits_from")
        if parent in chain:
            raise current.fail('"inherits_from"', f"goes round in a circle: {' → '.join([*chain, parent])}")
        chain.append(parent)
        current = configurations.object(parent)
        layers.append(current)
    merged: dict = {}
    for layer in reversed(layers):
        merged.update(layer.values)
    return JsonFields(merged, f"plans.json: configurations: {name}")


def _normalization(plans: JsonFields, settings: JsonFields) -> tuple[ChannelNormalization, ...]:
    schemes = settings.texts("normalization_schemes")
    masks = settings.value("use_mask_for_norm")
    if not isinstance(masks, list) or len(masks) != len(schemes) or not all(isinstance(mask, bool) for mask in masks):
        raise settings.fail('"use_mask_for_norm"', "must hold true or false for each normalization scheme")
    key = "foreground_intensity_properties_per_channel"
    if key not in plans.values:  # plans before v2.1
        key = "foreground_intensity_properties_by_modality"
    channels = plans.object(key)
    normalization = []
    for index, scheme in enumerate(schemes):
        if scheme not in NORMALIZATION_SCHEMES:
            choices = ", ".join(NORMALIZATION_SCHEMES)
            raise settings.fail('"normalization_schemes"', f'has "{scheme}", but only {choices} are supported')
        needed = scheme == "CTNormalization"
        intensities = _intensities(channels.object(str(index))) if needed or str(index) in channels.values else None
        normalization.append(ChannelNormalization(scheme, masks[index], intensities))
    return tuple(normalization)


def _intensities(channel: JsonFields) -> IntensityProperties:
    keys = ("mean", "std", "percentile_00_5", "percentile_99_5")
    return IntensityProperties(*(channel.number(key) for key in keys))


def _permutation(plans: JsonFields, key: str) -> tuple[int, int, int]:
    axes = plans.integers(key, lowest=0)
    if sorted(axes) != [0, 1, 2]:
        raise plans.fail(f'"{key}"', f"must hold 0, 1 and 2 once each, not {list(axes)}")
    return axes[0], axes[1], axes[2]


def _resampling(settings: JsonFields, key: str) -> Resampling:
    settings.choice(key, RESAMPLING_FUNCTIONS)
    arguments = settings.object(f"{key}_kwargs")
    separate = arguments.value("force_separate_z")
    if separate is not None:
        separate = arguments.flag("force_separate_z")
    return Resampling(arguments.integer("order", lowest=0), arguments.integer("order_z", lowest=0), separate)


def _class_names(dataset: JsonFields) -> tuple[str, ...]:
    labels = dataset.object("labels")
    names: dict[int, str] = {}
    for name, value in labels.values.items():
        if isinstance(value, list):
            raise labels.fail(f'"{name}"', "is a region of several labels; models trained on regions are not supported")
        if name != "ignore":  # nnU-Net's label for voxels left out of training; the network has no channel for it
            names[labels.integer(name, lowest=0)] = name
    count = len([name for name in labels.values if name != "ignore"])
    if sorted(names) != list(range(count)) or names.get(0) != "background" or count < 2:
        raise dataset.fail('"labels"', "must be background = 0 and further labels 1, 2, 3 … without a gap")
    return tuple(names[value] for value in range(count))


def _check_consistency(settings: JsonFields, dataset: JsonFields, plan: NetworkPlan) -> None:
    if len(plan.spacing_mm) != plan.dimensions or min(plan.spacing_mm) <= 0:
        raise settings.fail('"spacing"', f"must hold {plan.dimensions} positive values, not {list(plan.spacing_mm)}")
    for axis, size in enumerate(plan.patch_size):
        factor = math.prod(stride[axis] for stride in plan.architecture.strides)
        if size % factor:
            raise settings.fail('"patch_size"', f"{list(plan.patch_size)}: axis {axis} is not a multiple of {factor}")
    if any(plan.transpose_forward[plan.transpose_backward[axis]] != axis for axis in range(3)):
        raise settings.fail('"transpose_backward"', "does not undo transpose_forward")
    channels = dataset.object("channel_names" if "channel_names" in dataset.values else "modality").values
    if len(channels) != 1 or plan.num_channels != 1:
        raise ModelError(
            f"The model takes {max(len(channels), plan.num_channels)} input channels; only one image is given.",
            "Choose a model for a single CT or MR image.",
        )
