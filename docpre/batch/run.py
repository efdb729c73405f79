"""A batch from its start to its end: what is left to do is done, and added to the table of results."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
from tqdm import tqdm

from docpre.batch.finished import Finished
from docpre.batch.places import Place, find_places
from docpre.batch.results_table import ResultsTable
from docpre.batch.settings import BatchSettings
from docpre.batch.sink import Sink
from docpre.batch.units import unfinished, units
from docpre.batch.worker import UNFINISHED_FOLDER, PageWorker, limits_of, raise_fatal
from docpre.engines.base import available_cores
from docpre.errors import ConfigError, OutputError
from docpre.overlap import in_order

_SETTINGS_FILE = "batch.json"
_LOCK_FILE = ".lock"

#: Gives what workers give, of the places, without what is finished. The function writes all that was taken so far and
#: tells what is finished by then.
Work = Callable[[list[Place], Finished, Callable[[], Finished]], Generator[Any, None, None]]


@dataclass
class Summary:
    """What a run did.

    Args:
        pages: that were done now, those with errors included.
        errors: of them.
        inputs_before: inputs that earlier runs had done.
        is_stopped: whether it was interrupted.
        results: the table; its parts are not merged where the run was stopped.
    """

    results: Path
    pages: int = 0
    errors: int = 0
    inputs_before: int = 0
    is_stopped: bool = False


def run_batch(
    inputs: Sequence[str],
    folder: Path,
    settings: BatchSettings,
    work: Work,
    *,
    column: str | None = None,
    shard_pages: int = 1000,
    retry_errors: bool = False,
) -> Summary:
    """Do what is left to do of a batch.

    SIGINT and SIGTERM end the run after the pages under way; a second one ends it at once. Either way, and also after
    a crash, the same call goes on with the rest.

    Args:
        inputs, column: see ``docpre.batch.places.find_places``.
        folder: for pages and results. One run at a time works in it.
        settings: what is done; the same as when the folder was begun.
        work: ``on_this_machine`` or ``docpre.batch.on_ray.on_ray``.
        shard_pages: of a tar shard.
        retry_errors: do pages again that failed.

    Raises:
        ConfigError: an option is wrong, the folder was begun with other settings, or another run works in it.
        InputError: an input is not there, or a table can't be read.
        EngineError, ModelError: the pipeline can't run.
        OutputError: results can't be written.
    """
    if shard_pages < 1:
        raise ConfigError(f"shard_pages is a whole number of at least 1, not {shard_pages!r}.")
    with _alone_in(folder):
        _check_settings(folder, settings)
        places = find_places(inputs, column)
        table = ResultsTable(folder)
        finished = table.finished(retry_errors)
        sink = Sink(folder, table, shard_pages)
        summary = Summary(table.path, inputs_before=finished.inputs)

        def written() -> Finished:
            sink.commit()
            return table.finished()

        left = unfinished(places, finished)
        try:
            with (
                _Progress(places, finished) as progress,
                closing(work(left, finished, written)) as done,
                _stop_signals() as is_stopping,
            ):
                for taken in done:
                    raise_fatal(taken)
                    sink.add(taken)
                    failed = len(taken) - taken["error"].null_count
                    summary.pages += len(taken)
                    summary.errors += failed
                    progress.update(len(taken), failed, sum(taken["inputs_done"].to_pylist()))
                    if is_stopping():
                        summary.is_stopped = True
                        break
        finally:
            sink.commit()
        if not summary.is_stopped:
            table.merge()
    return summary


def on_this_machine(settings: BatchSettings, folder: Path, num_workers: int | None = None) -> Work:
    """Threads of this process, as the pipeline has them: files are read while others are worked on and written.

    Args:
        settings: what is done.
        folder: of the batch.
        num_workers: threads; None: one for each core.

    Raises:
        ConfigError, EngineError, ModelError: the pipeline can't run here.
    """
    worker = PageWorker(settings, folder)
    worker.start()
    max_pages = limits_of(settings).max_pages

    def work(places: list[Place], finished: Finished, _: Callable[[], Finished]) -> Generator[Any, None, None]:
        work_left = (unit for place in places for unit in units(place, finished, max_pages))
        yield from in_order(worker.table, work_left, available_cores() if num_workers is None else num_workers)

    return work


class _Progress:
    """A bar over the inputs, with pages a second, errors and the time that is left; a line a minute in a log."""

    def __init__(self, places: list[Place], finished: Finished) -> None:
        counts = [place.inputs for place in places]
        total = None if None in counts else sum(count for count in counts if count is not None)
        initial = 0 if total is None else min(finished.inputs, total)
        self._bar = tqdm(total=total, initial=initial, unit="input", dynamic_ncols=True)
        if not self._bar.fp.isatty():
            self._bar.mininterval = 60
        self._pages = self._errors = 0

    def __enter__(self) -> _Progress:
        return self

    def update(self, pages: int, errors: int, inputs: int) -> None:
        """Count what was done."""
        self._pages += pages
        self._errors += errors
        seconds = self._bar.format_dict["elapsed"]
        rate = f"{self._pages / seconds:.1f}" if seconds else "?"
        self._bar.set_postfix_str(f"{self._pages} pages, {rate} a second, {self._errors} errors", refresh=False)
        self._bar.update(inputs)

    def __exit__(self, *_: Any) -> None:
        self._bar.close()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other runs out of it."""
    lock = filelock.FileLock(folder / _LOCK_FILE, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        (folder / UNFINISHED_FOLDER).mkdir(exist_ok=True)
    except filelock.Timeout:
        raise ConfigError(f"Another run works in {folder}; wait for its end, or choose another folder.") from None
    except OSError as error:
        raise OutputError(f"{folder} can't be written: {error}.") from error
    try:
        yield
    finally:
        shutil.rmtree(folder / UNFINISHED_FOLDER, ignore_errors=True)
        lock.release()


def _check_settings(folder: Path, settings: BatchSettings) -> None:
    """Remember the settings of a new folder, and refuse others in an old one."""
    path = folder / _SETTINGS_FILE
    content = json.loads(json.dumps(settings.to_json()))
    if path.is_file():
        before = json.loads(path.read_text("utf-8"))
        flat, flat_before = _flat(content), _flat(before)
        changed = sorted(name for name in flat.keys() | flat_before if flat.get(name) != flat_before.get(name))
        if changed:
            told = ", ".join(f"{name} was {flat_before.get(name)!r}, now {flat.get(name)!r}" for name in changed)
            raise ConfigError(f"{folder} was begun with other settings ({told}); choose another folder for these.")
    else:
        path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def _flat(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for key, values in content.items()
        for name, value in (values.items() if isinstance(values, dict) else [(key, values)])
    }


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """SIGINT and SIGTERM are asked about here, once; a second one has its usual effect."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def stop(*_: Any) -> None:
        came.set()
        tqdm.write("docpre: stopping after the pages under way")
        for kind in kinds:
            signal.signal(kind, before[kind])

    for kind in kinds:
        signal.signal(kind, stop)
    try:
        yield came.is_set
    finally:
        for kind in kinds:
            signal.signal(kind, before[kind])
