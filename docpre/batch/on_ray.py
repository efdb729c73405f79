"""The work of a batch as tasks of a Ray cluster.

Ray Data streams it: tasks look into the places, and tasks with the models work on the units. They are tasks and not a
pool of actors, since an actor that dies with its node waits, with its work, for room to be started again, while a task
goes to another node; a process keeps its models from task to task. What Ray gives up, because the process died each
time, is done again page by page, each a task of its own; a page whose process dies even so is a row with an error.
"""

from __future__ import annotations

import functools
import itertools
import json
import logging
import math
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from docpre.batch.arrow import pyarrow
from docpre.batch.finished import Finished
from docpre.batch.places import Place
from docpre.batch.rows import error_row, work_table
from docpre.batch.run import Work
from docpre.batch.settings import BatchSettings
from docpre.batch.units import Unit, unfinished, units
from docpre.batch.worker import PageWorker, limits_of
from docpre.errors import ConfigError, EngineError
from docpre.overlap import in_order
from docpre.ray_cluster import connect, ray

#: Places of a task: at most so many, and of those that are left one slot's share in so many parts, so that tasks get
#: shorter and the last ones end together (guided self-scheduling, Polychronopoulos and Kuck, 1987).
_MOST_PLACES_TOGETHER = 16
_PARTS_OF_A_SHARE = 3
#: Tasks with the models for each that looks into places. That one takes no core of theirs: it mostly waits for disks.
_SLOTS_OF_A_LOOK = 8
_RETRIES = 1
_BLOCK_BYTES = 32 * 1024**2  # of files' contents on their way from tars and tables, and into tars
_ALONE_AT_A_TIME = 256


@dataclass(frozen=True)
class RayOptions:
    """Where and how wide.

    Args:
        address: see ``docpre.ray_cluster.connect``.
        cpus: cores, and threads, of each task that works on pages.
        gpus: of each such task, which may be a part of one.
        most_tasks: such tasks at a time; None: as many as there is room for.
    """

    address: str = "local"
    cpus: int = 1
    gpus: float = 0.0
    most_tasks: int | None = None

    def __post_init__(self) -> None:
        if self.cpus < 1 or self.gpus < 0 or (self.most_tasks is not None and self.most_tasks < 1):
            raise ConfigError(
                "ray_cpus and ray_tasks are whole numbers of at least 1 and ray_gpus is at least 0, not "
                f"{self.cpus}, {self.most_tasks} and {self.gpus}."
            )

    def slots(self) -> int:
        """Such tasks that the cluster, as it is now, has room for at a time; at least 1."""
        total = ray.cluster_resources()
        room = total.get("CPU", 0) // self.cpus
        if self.gpus:
            room = min(room, total.get("GPU", 0) // self.gpus)
        return max(int(min(room, self.most_tasks or room)), 1)


def on_ray(settings: BatchSettings, folder: Path, options: RayOptions) -> Work:
    """Connect to a cluster (or start one), unless this process has done so already.

    Args:
        settings: what is done.
        folder: of the batch; all nodes must see it under this path, and the input too.
        options: where and how wide.

    Raises:
        EngineError: there is no such cluster, or it has too little for a single task.
    """
    connect(options.address, options.cpus)
    total = ray.cluster_resources()
    if total.get("CPU", 0) < options.cpus or total.get("GPU", 0) < options.gpus:
        raise EngineError(
            f"A task is to have {options.cpus} cores and {options.gpus:g} GPUs, and the whole cluster at "
            f"{options.address} has {total.get('CPU', 0):g} and {total.get('GPU', 0):g}."
        )
    settings = _with_threads(settings, options.cpus)
    recipe = json.dumps(asdict(settings)), str(folder.resolve())

    def work(places: list[Place], finished: Finished, written: Callable[[], Finished]) -> Generator[Any, None, None]:
        max_pages = limits_of(settings).max_pages
        if places:
            yield from _streamed(places, finished, recipe, max_pages, options)
            finished = written()
            left = (
                unit for place in unfinished(places, finished) for unit in units(place, finished, max_pages, together=1)
            )
            yield from _alone(left, recipe, options)

    return work


def _with_threads(settings: BatchSettings, cpus: int) -> BatchSettings:
    """The settings with no more threads for a network than a task has cores."""
    threads = min(settings.pipeline.get("cpu_threads") or cpus, cpus)
    return BatchSettings(
        {**settings.pipeline, "cpu_threads": threads}, settings.reading, settings.layout, settings.page_format
    )


def _streamed(
    places: list[Place],
    finished: Finished,
    recipe: tuple[str, str],
    max_pages: int | None,
    options: RayOptions,
) -> Iterator[Any]:
    """What Ray Data gets done, in the order of the places."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = _BLOCK_BYTES
    context.max_errored_blocks = -1  # what is lost with a process is done again, alone
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    finished_ref = ray.put(finished)

    def looked_into(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for unit in units(Place(**row), ray.get(finished_ref), max_pages):
            yield asdict(unit)

    def worked_on(batch: Any) -> Iterator[Any]:
        yield from in_order(_worker(*recipe).table, map(_unit, batch.to_pylist()), options.cpus)

    slots = options.slots()
    rows = ray.data.from_arrow(
        [pyarrow.Table.from_pylist([asdict(place) for place in some]) for some in shared_out(places, slots)]
    )
    with warnings.catch_warnings():
        # Ray Data tries a task for ever unless it is told otherwise, and up to Ray 2.63 there is no other way to.
        warnings.filterwarnings("ignore", message=".ray_remote_args. is deprecated")
        tables = rows.flat_map(
            looked_into,
            compute=ray.data.TaskPoolStrategy(max(slots // _SLOTS_OF_A_LOOK, 1)),
            num_cpus=0,
            max_retries=_RETRIES,
        ).map_batches(
            worked_on,
            batch_size=None,
            batch_format="pyarrow",
            compute=ray.data.TaskPoolStrategy(options.most_tasks),
            num_cpus=options.cpus,
            num_gpus=options.gpus or None,
            max_calls=0,  # a process keeps its models from task to task, on a GPU too
            max_retries=_RETRIES,
        )
    try:
        yield from tables.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1)
    except ray.exceptions.RayError as error:  # a block that was lost with its node; what it held is done again
        logging.getLogger("docpre").warning("Ray gave up some work, which is done again: %s", _first_line(error))


def shared_out(places: list[Place], slots: int) -> Iterator[list[Place]]:
    """The places of one task after another, in order, for so many tasks at a time."""
    first = 0
    while first < len(places):
        share = math.ceil((len(places) - first) / (slots * _PARTS_OF_A_SHARE))
        together = min(share, _MOST_PLACES_TOGETHER)
        yield places[first : first + together]
        first += together


def _alone(left: Iterable[Unit], recipe: tuple[str, str], options: RayOptions) -> Iterator[Any]:
    """Units one by one, each in a task of its own."""
    task = ray.remote(num_cpus=options.cpus, num_gpus=options.gpus, max_retries=_RETRIES, max_calls=0)(_done)
    left = iter(left)
    while some := list(itertools.islice(left, _ALONE_AT_A_TIME)):
        for unit, done in [(unit, task.remote(recipe, unit)) for unit in some]:
            try:
                yield ray.get(done)
            except ray.exceptions.RayTaskError:
                raise  # the task did end: by a fault of ours
            except ray.exceptions.RayError as error:
                yield _lost(unit, error)


def _done(recipe: tuple[str, str], unit: Unit) -> Any:
    return _worker(*recipe).table(unit)


def _lost(unit: Unit, error: Exception) -> Any:
    text = f"{unit.source}: the process that worked on it died, each of {_RETRIES + 1} times ({_first_line(error)})"
    rows = [error_row(unit.source, None, page, unit.page_count or 1, text) for page in unit.pages or (None,)]
    return work_table(rows, unit.inputs_done)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _unit(row: dict[str, Any]) -> Unit:
    pages = row.pop("pages")
    return Unit(**row, pages=None if pages is None else tuple(pages))


@functools.cache
def _worker(settings: str, folder: str) -> PageWorker:
    """This process' worker; its models stay from task to task."""
    return PageWorker(BatchSettings(**json.loads(settings)), Path(folder))
