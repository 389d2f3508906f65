"""Rebuilds the bundled models from nothing: phantoms, nnU-Net's planner and trainer, bundle."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import Cancelled, UsageError
from ..phantom.make import make_phantom
from ..phantom.spec import Phantom, PhantomSpec
from ..progress import CancelToken, OnProgress, StageProgress, ignore_progress
from .dataset import write_dataset
from .driver import CONFIGURATION, PLANS_NAME, plan_and_preprocess, train
from .export import export_bundle
from .recipes import Recipe, recipe_by_name

# Expected share of time per stage, of a training on two CPU cores.
_STAGE_WEIGHTS = {"phantoms": 12.0, "planning": 2.0, "training": 85.0, "export": 1.0}


def train_demo(
    bundle: str,
    work: Path,
    output: Path,
    cases: int | None = None,
    epochs: int | None = None,
    time_budget_minutes: float | None = None,
    device: str = "auto",
    resume: bool = False,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
) -> Path:
    """Train one bundled model on phantoms and write its bundle.

    The seeds of the phantoms, of the initial weights and of the augmentation are fixed. Two machines still differ in
    the last bits of their arithmetic, so a rebuilt bundle performs alike but is not the same file.

    Args:
        bundle: name of a recipe.
        work: folder for nnU-Net's raw, preprocessed and results folders; a few hundred megabytes.
        output: folder that receives the bundle's folder.
        cases, epochs: instead of the recipe's; cases at least 2.
        time_budget_minutes: fit the training itself into about this time by varying the iterations of an epoch.
        device: "auto", "cuda", "mps" or "cpu".
        resume: go on after an interruption with what is in ``work``.
        on_progress, cancel: progress by stage, and the token that stops the run.

    Returns:
        The bundle's folder.

    Raises:
        UsageError: an unknown bundle or device, or too few cases or epochs.
        Cancelled: stopped; ``resume`` goes on from the last finished epoch.
    """
    recipe = changed_recipe(recipe_by_name(bundle), cases, epochs, time_budget_minutes)
    return train_recipe(
        recipe, work, output, device, resume, os.cpu_count() or 1, on_progress=on_progress, cancel=cancel
    )


def train_recipe(
    recipe: Recipe,
    work: Path,
    output: Path,
    device: str = "auto",
    resume: bool = False,
    processes: int = 1,
    render: Callable[[PhantomSpec], Phantom] = make_phantom,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
) -> Path:
    """Train any recipe; arguments as in `train_demo` and `write_dataset`."""
    work, output = Path(work).resolve(), Path(output)
    progress = StageProgress(_STAGE_WEIGHTS, on_progress, cancel)

    def report(stage: str) -> Callable[[float], None]:
        progress.report(stage)
        return partial(progress.report, stage)

    try:
        write_dataset(recipe, work, recipe.cases, processes, resume, report("phantoms"), render)
        report("planning")
        if not (resume and _is_preprocessed(work, recipe)):
            plan_and_preprocess(work, recipe.dataset_id, recipe.network, processes)
        results = train(work, recipe.dataset_name, recipe.schedule, device, resume, report("training"))
        report("export")
    except (Cancelled, RuntimeError) as error:
        # Ctrl-C reaches nnU-Net's own processes too; that they died then is what it complains about.
        if isinstance(error, RuntimeError) and not (cancel is not None and cancel.is_cancelled):
            raise
        raise Cancelled(f"Training cancelled; {work} keeps what is done.", "Go on with --continue.") from error
    return export_bundle(results, recipe, output, describe_training_data(recipe))


def describe_training_data(recipe: Recipe) -> str:
    """For the manifest: which phantoms, and the command that trains the model again."""
    last_seed = recipe.first_seed + recipe.cases - 1
    command = f"pedseg train-demo --bundle {recipe.name} --cases {recipe.cases} --epochs {recipe.schedule.epochs}"
    if recipe.schedule.time_budget_minutes is not None:
        command += f" --time-budget-minutes {recipe.schedule.time_budget_minutes:g}"
    phantoms = f"{recipe.cases} synthetic phantoms of ages 0 to 17 years, seeds {recipe.first_seed} to {last_seed}"
    return f"{phantoms} ({command})."


def changed_recipe(recipe: Recipe, cases: int | None, epochs: int | None, time_budget_minutes: float | None) -> Recipe:
    """The recipe with what the user asked for instead of its own numbers; None keeps them.

    Raises:
        UsageError: too few cases or epochs, or no time.
    """
    recipe = recipe if cases is None else replace(recipe, cases=cases)
    schedule = recipe.schedule if epochs is None else replace(recipe.schedule, epochs=epochs)
    if recipe.cases < 2:
        raise UsageError(f"{recipe.cases} cases are too few to train and validate on.", "Give --cases 2 or more.")
    if schedule.epochs < 1:
        raise UsageError(f"{schedule.epochs} epochs train nothing.", "Give --epochs 1 or more.")
    if time_budget_minutes is not None and not time_budget_minutes > 0:
        raise UsageError(f"{time_budget_minutes:g} minutes are no time budget.", "Give --time-budget-minutes above 0.")
    return replace(recipe, schedule=replace(schedule, time_budget_minutes=time_budget_minutes))


def _is_preprocessed(work: Path, recipe: Recipe) -> bool:
    """Whether every case of the data set is preprocessed; nnU-Net writes a case's ``.pkl`` last."""
    folder = work / "nnUNet_preprocessed" / recipe.dataset_name
    return len(list(folder.glob(f"{PLANS_NAME}_{CONFIGURATION}/*.pkl"))) == recipe.cases
