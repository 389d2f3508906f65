"""``pedseg train-demo``: rebuild the bundled models from nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options, stray_prints_to_stderr

DESCRIPTION = """
Rebuilds the bundled demonstration models with nnU-Net's own planner and trainer: renders synthetic children of fixed
seeds, plans a network small enough for a CPU, trains it and writes a bundle. Nothing but this software is needed. A
GPU is used if there is one; on two CPU cores reckon with an hour for each. The same command trains an equivalent model,
not the same file: arithmetic differs between machines.
"""
ALL = "all"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    from ..training.recipes import RECIPES

    names = tuple(recipe.name for recipe in RECIPES)
    parser = commands.add_parser("train-demo", help="rebuild the bundled models from nothing", description=DESCRIPTION)
    parser.add_argument("--bundle", choices=(*names, ALL), default=ALL, help="which model (%(default)s)")
    parser.add_argument(
        "--work", metavar="DIR", type=Path, default=Path("train-demo-work"), help="nnU-Net's folders (%(default)s)"
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("models"), help="receives the bundles (%(default)s)"
    )
    parser.add_argument("--cases", metavar="N", type=int, help="number of phantoms (the recipe's)")
    parser.add_argument("--epochs", metavar="N", type=int, help="number of epochs (the recipe's)")
    parser.add_argument(
        "--time-budget-minutes",
        metavar="M",
        type=float,
        help="per model: vary the length of an epoch to fit (no limit)",
    )
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu (%(default)s)")
    parser.add_argument(
        "--continue", dest="resume", action="store_true", help="go on after an interruption with what is in --work"
    )
    add_common_options(parser, with_json=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Train the models asked for, one after another."""
    from ..training.demo_models import train_demo
    from ..training.recipes import RECIPES

    names = [recipe.name for recipe in RECIPES] if arguments.bundle == ALL else [arguments.bundle]
    with cancel_by_signal() as cancel:
        for name in names:
            with stray_prints_to_stderr():
                folder = train_demo(
                    name,
                    arguments.work,
                    arguments.output,
                    cases=arguments.cases,
                    epochs=arguments.epochs,
                    time_budget_minutes=arguments.time_budget_minutes,
                    device=arguments.device,
                    resume=arguments.resume,
                    on_progress=console.progress(label=name),
                    cancel=cancel,
                )
            console.say(f"{name}: {folder}")
    return 0
