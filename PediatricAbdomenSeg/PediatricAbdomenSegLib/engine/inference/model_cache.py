"""Networks that stay in memory between patients."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ..errors import ModelError
from ..models.nnunet_folder import NetworkPlan, available_configurations, find_weights, read_network_plan
from ..models.store import Bundle, verify_bundle
from ..models.weights_file import read_weights_metadata
from ..progress import Check, never_stop
from .network import Network, load_network

PREFERRED_CONFIGURATIONS = ("3d_fullres", "3d_lowres", "2d")


@dataclass(frozen=True)
class LoadedModel:
    """The networks of one configuration of a bundle, on a device.

    Attributes:
        plan: what they were built from.
        folds: names of the folds, in the order of ``networks``.
        networks: one per fold.
        mirror_axes: which the checkpoints allow.
    """

    plan: NetworkPlan
    folds: tuple[str, ...]
    networks: tuple[Network, ...]
    mirror_axes: tuple[int, ...]


class ModelCache:
    """Keeps the models used last, the newest `capacity` of them.

    Args:
        capacity: models kept; at least 1.
    """

    def __init__(self, capacity: int = 3) -> None:
        self._capacity = max(1, capacity)
        self._models: OrderedDict[tuple, LoadedModel] = OrderedDict()

    def load(
        self,
        bundle: Bundle,
        configuration: str,
        folds: tuple[str, ...] | None,
        device: str,
        dtype: str,
        check: Check = never_stop,
    ) -> LoadedModel:
        """The model from memory, or from disk after its files were compared with the manifest.

        Args:
            check: called between pieces of the files.

        Raises:
            ModelError: a file is altered or missing, or the weights do not fit the plan.
        """
        key = (bundle.sha256, str(bundle.folder), configuration, folds, device, dtype)
        if key not in self._models:
            verify_bundle(bundle, check)
            self._models[key] = _load(bundle, configuration, folds, device, dtype)
            while len(self._models) > self._capacity:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def forget(self, device: str) -> None:
        """Drop every model on a device, to free its memory."""
        for key in [key for key in self._models if key[4] == device]:
            del self._models[key]


def choose_configuration(bundle: Bundle, wanted: str | None) -> str:
    """The configuration asked for, else the finest 3-D one that has weights.

    Raises:
        ModelError: it has no weights; the message lists those that have.
    """
    there = available_configurations(bundle.folder)
    if wanted is None:
        known = [name for name in PREFERRED_CONFIGURATIONS if name in there]
        return known[0] if known else there[0]
    if wanted not in there:
        raise ModelError(
            f'Model "{bundle.manifest.name}" has no weights for configuration {wanted}, only for {", ".join(there)}.',
            "Choose one of these.",
        )
    return wanted


def _load(bundle: Bundle, configuration: str, folds: tuple[str, ...] | None, device: str, dtype: str) -> LoadedModel:
    plan = read_network_plan(bundle.folder, configuration)
    weights = find_weights(bundle.folder, configuration, folds)
    # As in nnU-Net the first fold decides; folds of one training allow the same axes.
    mirror_axes = read_weights_metadata(next(iter(weights.values()))).mirror_axes
    networks = tuple(load_network(plan, path, device, dtype) for path in weights.values())
    return LoadedModel(plan, tuple(weights), networks, tuple(axis for axis in mirror_axes if axis < plan.dimensions))
