"""nnU-Net's own planner under tight limits: a network that a laptop without GPU runs in seconds."""

from __future__ import annotations

from .recipes import NetworkSize


def limited_planner(dataset_id: int, network: NetworkSize):
    """An nnU-Net experiment planner whose patches and channels stay within ``network``.

    Topology, strides, normalisation and resampling are planned by nnunetv2 as for any data set; only the limits
    that stand for "how large is the GPU" are others. No lowres cascade is planned.

    Args:
        dataset_id: number of a data set whose fingerprint was extracted.
        network: the limits.

    Returns:
        A subclass instance of nnunetv2's ``ExperimentPlanner``; call its ``plan_experiment()``.
    """
    import numpy as np
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

    class LimitedPlanner(ExperimentPlanner):
        def __init__(self) -> None:
            super().__init__(dataset_id, overwrite_target_spacing=list(network.spacing_mm), suppress_transpose=True)
            self.UNet_base_num_features = network.base_features
            self.UNet_max_features_3d = self.UNet_max_features_2d = network.max_features
            self.UNet_blocks_per_stage_encoder = (network.full_resolution_convolutions, *[2] * 9)
            self.lowres_creation_threshold = 0.0

        def get_plans_for_configuration(
            self, spacing, median_shape, data_identifier, approximate_n_voxels_dataset, _cache
        ):
            # The planner starts from the median image and shrinks the patch until it fits the GPU it is told of;
            # starting from a smaller image gives the same well-formed patches without a GPU to speak of.
            limited = np.minimum(median_shape, network.patch_limit[-len(median_shape) :])
            plan = super().get_plans_for_configuration(
                spacing, limited, data_identifier, approximate_n_voxels_dataset, _cache
            )
            decoder = plan["architecture"]["arch_kwargs"]["n_conv_per_stage_decoder"]
            plan["architecture"]["arch_kwargs"]["n_conv_per_stage_decoder"] = (
                *decoder[:-1],
                network.full_resolution_convolutions,
            )
            return plan | {"median_image_size_in_voxels": median_shape, "batch_size": network.batch_size}

    return LimitedPlanner()
