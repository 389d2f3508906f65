"""nnU-Net's own trainer for a short training: no mirroring, stronger spatial augmentation, bf16 on capable CPUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, partial

from .recipes import Schedule

# Beyond nnU-Net's own choice because children lie prone, supine and on the side [Ding-FL].
ROTATION_DEGREES = 30.0
ROTATION_PROBABILITY = 0.5
SCALING_RANGE = (0.7, 1.4)
SCALING_PROBABILITY = 0.5
# Adam converges within the few thousand iterations there is time for; nnU-Net's own SGD is made for 250,000.
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2


@cache
def phantom_trainer_class() -> type:
    """The subclass of nnunetv2's ``nnUNetTrainer`` that trains the bundled models.

    Make an instance as of any nnU-Net trainer, then call its ``configure(schedule, workers, on_iteration)``.
    The class is made inside a function because this module must be importable without torch.
    """
    import numpy as np
    import torch
    from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class PhantomTrainer(nnUNetTrainer):
        def configure(
            self,
            schedule: Schedule,
            workers: int,
            on_iteration: Callable[[float], None],
            class_weights: Sequence[float] | None = None,
        ) -> None:
            """Set the length of the training; to be called before anything else.

            Args:
                schedule: the length.
                workers: processes that augment in the background; 0 augments between two iterations.
                on_iteration: called with the finished share of the training, 0 to 1.
                class_weights: weight of each class, background first, in the cross-entropy; None weighs all alike.
            """
            self.schedule = schedule
            self.class_weights = class_weights
            self.workers = workers
            self.on_iteration = on_iteration
            self.num_epochs = schedule.epochs
            self.num_iterations_per_epoch = schedule.iterations_per_epoch
            self.num_val_iterations_per_epoch = schedule.validation_iterations
            self.initial_lr = LEARNING_RATE
            self.oversample_foreground_percent = schedule.foreground_share
            self.save_every = 1
            self.cpu_dtype = fast_cpu_dtype() if self.device.type == "cpu" else None

        def initialize(self):
            super().initialize()
            if self.cpu_dtype is not None:
                self.network.to(memory_format=torch.channels_last_3d)
                use_layout_preserving_norm(self.network)

        def _weigh_classes(self) -> None:
            if self.class_weights is not None:
                progress = self.current_epoch / self.num_epochs
                weights = faded_weights(self.class_weights, progress, self.schedule.full_weights_until)
                cross_entropy = (self.loss.loss if self.enable_deep_supervision else self.loss).ce
                cross_entropy.weight = torch.tensor(weights, dtype=torch.float32, device=self.device)

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.network.parameters(), self.initial_lr, weight_decay=WEIGHT_DECAY)
            return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs)

        def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self):
            _, dummy_2d, initial_patch_size, _ = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
            # Left and right organs are different labels, so a mirrored child would be a wrong child.
            self.inference_allowed_mirroring_axes = None
            angle = float(np.radians(ROTATION_DEGREES))
            return (-angle, angle), dummy_2d, initial_patch_size, None

        @staticmethod
        def get_training_transforms(patch_size, rotation_for_DA, *args, **kwargs):
            composed = nnUNetTrainer.get_training_transforms(patch_size, rotation_for_DA, *args, **kwargs)
            # Nearest-neighbour labels: interpolating each of 20 labels would cost more than the network's step.
            composed.transforms[0] = SpatialTransform(
                patch_size,
                patch_center_dist_from_border=0,
                random_crop=False,
                p_rotation=ROTATION_PROBABILITY,
                rotation=rotation_for_DA,
                p_scaling=SCALING_PROBABILITY,
                scaling=SCALING_RANGE,
                p_synchronize_scaling_across_axes=0.5,
                mode_seg="nearest",
                border_mode_seg="constant",
                padding_value_seg=-1,
            )
            return composed

        def get_dataloaders(self):
            # nnU-Net reads the number of workers from the environment and leaves them unseeded.
            os.environ["nnUNet_n_proc_DA"] = "0"
            train, validation = super().get_dataloaders()
            if self.workers == 0:
                return train, validation
            first_seed = self.schedule.seed + 1000 * self.current_epoch
            background = NonDetMultiThreadedAugmenter(
                train.data_loader,
                None,
                self.workers,
                num_cached=max(4, self.workers),
                seeds=[first_seed + worker for worker in range(self.workers)],
                pin_memory=self.device.type == "cuda",
                wait_time=0.002,
            )
            return background, validation

        def stop_workers(self) -> None:
            """End the background processes of a training that is broken off."""
            if isinstance(self.dataloader_train, NonDetMultiThreadedAugmenter):
                self.dataloader_train._finish()

        def plot_network_architecture(self) -> None:
            """Nothing: the drawing needs a package that is no dependency of nnunetv2."""

        def on_train_epoch_start(self) -> None:
            super().on_train_epoch_start()
            self._weigh_classes()
            self._iteration = 0
            self.num_iterations_per_epoch = iterations_within_budget(
                self.schedule,
                self.current_epoch,
                self.num_iterations_per_epoch,
                self.logger.get_value("epoch_start_timestamps", step=None),
                self.logger.get_value("epoch_end_timestamps", step=None),
            )

        def train_step(self, batch: dict) -> dict:
            result = super().train_step(batch) if self.cpu_dtype is None else self._cpu_train_step(batch)
            self._iteration += 1
            done_epochs = self.current_epoch + self._iteration / self.num_iterations_per_epoch
            self.on_iteration(done_epochs / self.num_epochs)
            return result

        def _cpu_train_step(self, batch: dict) -> dict:
            # nnU-Net's own step uses autocast on a GPU only.
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", self.cpu_dtype):
                outputs = self.network(batch["data"].contiguous(memory_format=torch.channels_last_3d))
            loss = self.loss([output.float() for output in outputs], batch["target"])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 12)
            self.optimizer.step()
            return {"loss": loss.detach().numpy()}

    return PhantomTrainer


def faded_weights(weights: Sequence[float], progress: float, full_until: float) -> list[float]:
    """Class weights at a share of the training, 0 to 1: in full until ``full_until``, then fading to none at the end.

    Weights make rare classes appear within few iterations, but a network that keeps them draws those classes too large.
    """
    left = 1.0 if progress <= full_until else (1.0 - progress) / (1.0 - full_until)
    return [weight**left for weight in weights]


def use_layout_preserving_norm(network) -> None:
    """Let every instance norm of a network compute the same numbers without copies between memory layouts.

    torch's instance norm on the CPU copies channels-last tensors to channels-first and back, which costs a quarter of
    a training step. A batch norm of one sample normalises over the same voxels and does not.

    Args:
        network: changed in place; its parameters and their names stay.
    """
    import torch

    def forward(norm, features):
        return torch.cat(
            [
                torch.batch_norm(sample, norm.weight, norm.bias, None, None, True, 0.0, norm.eps, False)
                for sample in features.split(1)
            ]
        )

    for module in network.modules():
        if isinstance(module, torch.nn.InstanceNorm3d):
            module.forward = partial(forward, module)


def fast_cpu_dtype():
    """``torch.bfloat16`` when this CPU computes in it faster than in float32, else None."""
    import torch

    # Without these instructions bf16 is emulated and far slower than float32.
    if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return None


def iterations_within_budget(
    schedule: Schedule, epoch: int, iterations: int, started_s: list[float], ended_s: list[float]
) -> int:
    """Iterations of the next epoch such that all epochs together keep the schedule's time budget.

    Args:
        schedule: its budget; without one the answer is ``iterations``.
        epoch: index of the epoch that starts now.
        iterations: iterations of the epoch before.
        started_s, ended_s: time stamps of the epochs so far; of an interrupted training too.

    Returns:
        At least 1.
    """
    durations_s = [end - start for start, end in zip(started_s, ended_s, strict=False)]
    if schedule.time_budget_minutes is None or not durations_s:
        return iterations
    left_s = schedule.time_budget_minutes * 60 - sum(durations_s)
    seconds_per_iteration = durations_s[-1] / iterations
    return max(1, round(left_s / (schedule.epochs - epoch) / seconds_per_iteration))
