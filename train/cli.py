"""Lightning's command line for one task."""

from __future__ import annotations

import warnings

from lightning.pytorch.cli import LightningCLI

from train.data.module import OrientationData, PageFinderData, UnwarpingData
from train.orientation import Orientation
from train.page_finder import PageFinding
from train.unwarping import Unwarping

TASKS = {
    "orientation": (Orientation, OrientationData),
    "unwarping": (Unwarping, UnwarpingData),
    "page_finding": (PageFinding, PageFinderData),
}


class TrainCLI(LightningCLI):
    """Fit, validate and test; every option is in the YAML and on the command line."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        base = {"model", "dataloaders", "datamodule"}
        return {"fit": {*base, "train_dataloaders", "val_dataloaders"}, "validate": base, "test": base}


def command_line(task: str, arguments: list[str], run: bool = True) -> TrainCLI:
    """Read the command line of a task, make its model, data and trainer, and run what it asks for.

    Args:
        task: of ``TASKS``.
        arguments: ``fit``, ``validate`` or ``test`` and options; options alone without ``run``.
        run: False makes the objects and leaves them alone.
    """
    module, data = TASKS[task]
    # What is passed is the rest of this very command line, and other processes are started from the whole of it.
    warnings.filterwarnings("ignore", "LightningCLI's args parameter")
    return TrainCLI(
        module,
        data,
        args=arguments,
        run=run,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        save_config_kwargs={"overwrite": True},
        parser_kwargs={"prog": f"python -m train {task}"},
    )
