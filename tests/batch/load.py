"""Figures that take too long for a test: ``python -m tests.batch.load [SECTION ...] [--pages N]`` prints a table each.

Pages are drawn once and linked under as many names as are asked for. Ways are measured in turns, as the machine may
have other things to do; then processor time (of the process and what it started) tells more than the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from docpre import DocPreprocessor
from docpre.batch.arrow import pyarrow
from docpre.batch.results_table import ResultsTable
from docpre.batch.run import on_this_machine, run_batch
from docpre.batch.settings import BatchSettings
from docpre.batch.sink import Sink
from docpre.batch.units import Unit
from docpre.batch.worker import PageWorker
from tests.batch.conftest import write_page
from tests.conftest import draw_page, photograph
from tests.service.conftest import CLEAN_UP, encoded, running_process
from tests.service.load import cpu_s, memory_mb, timed

ROOT = Path(__file__).parents[2]
DRAWN = 8
DEVICE = ("--device", "cpu")
QUICK = (*DEVICE, "--use_doc_unwarping", "False")


def photos(folder: Path, count: int) -> Path:
    """A folder of JPEGs of bent pages, 1.1 megapixels each."""
    return _linked(folder, count, [encoded(photograph(draw_page(seed=n)), "JPEG", quality=90) for n in range(DRAWN)])


def small_pages(folder: Path, count: int) -> Path:
    """A folder of small flat pages."""
    drawn = [write_page(folder.with_name("drawn") / f"{n}.jpg", n).read_bytes() for n in range(DRAWN)]
    return _linked(folder, count, drawn)


def _linked(folder: Path, count: int, contents: list[bytes]) -> Path:
    folder.mkdir()
    for number in range(count):
        path = folder / f"{number:06d}.jpg"
        if number < len(contents):
            path.write_bytes(contents[number])
        else:
            os.link(folder / f"{number % len(contents):06d}.jpg", path)
    return folder


def overhead(folder: Path, pages: int, rounds: int) -> None:
    """The batch and the bare pipeline that saves its pages, each in this process."""
    source = photos(folder / "photos", pages)
    pipeline = DocPreprocessor(device="cpu")

    def bare(number: int) -> None:
        for result in pipeline.predict_iter(str(source)):
            result.save_page(folder / f"bare-{number}")

    settings = BatchSettings(pipeline={"device": "cpu"})

    def batch(number: int) -> None:
        output = folder / f"batch-{number}"
        assert run_batch([str(source)], output, settings, on_this_machine(settings, output)).pages == pages

    _in_turns({"bare pipeline, pages saved": bare, "docpre batch": batch}, pages, rounds)


def workers(folder: Path, pages: int, rounds: int) -> None:
    """One Ray task at a time and two, of one core each."""
    source = photos(folder / "photos", pages)

    def run(tasks: int) -> Callable[[int], None]:
        def one(number: int) -> None:
            output = folder / f"ray-{tasks}-{number}"
            _batch(source, output, *DEVICE, "--ray_address", "local", "--ray_tasks", str(tasks))

        return one

    _in_turns({"1 task": run(1), "2 tasks": run(2)}, pages, rounds)
    print("The clock counts the start of the cluster and of the models, so take enough pages.")


def memory(folder: Path, pages: int, rounds: int) -> None:
    """Memory of a run over small pages, with all its processes, at eight moments."""
    source = small_pages(folder / "small", pages)
    for name, options in (("one machine", ()), ("Ray, local", ("--ray_address", "local"))):
        output = folder / name.replace(" ", "-")
        command = [
            sys.executable,
            "-m",
            "docpre",
            "batch",
            "-i",
            str(source),
            "--output",
            str(output),
            *QUICK,
            *options,
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen: list[tuple[int, float]] = []
        while process.poll() is None:
            done = sum(1 for _ in (output / "pages").glob("*/*"))
            if done >= (len(seen) + 1) * pages // 9:
                seen.append((done, memory_mb(process.pid)))
            time.sleep(0.2)
        print(f"{name:12s} " + "  ".join(f"{done}: {mb:.0f} MB" for done, mb in seen), flush=True)


def cost(folder: Path, pages: int, rounds: int) -> None:
    """Processor time of a page by step, on one thread, and what is read and written."""
    source = photos(folder / "photos", pages)
    steps = {
        "read, write and count": {"use_doc_orientation_classify": False, "use_doc_unwarping": False},
        "and the orientation": {"use_doc_unwarping": False},
        "and the unwarping": {},
    }
    before = 0.0
    for name, switches in steps.items():
        settings = BatchSettings(pipeline={"device": "cpu", "cpu_threads": 1, **switches})
        seconds = []
        for number in range(rounds):
            output = folder / f"{name}-{number}"
            work = on_this_machine(settings, output, num_workers=0)
            started = time.process_time()
            run_batch([str(source)], output, settings, work)
            seconds.append(time.process_time() - started)
        each = 1000 * statistics.median(seconds) / pages
        print(f"{name:24s} {each:7.1f} ms a page  {each - before:+7.1f} ms", flush=True)
        before = each
    table = (output / "results.parquet").stat().st_size
    written = sum(path.stat().st_size for path in (output / "pages").glob("*/*"))
    read = sum(path.stat().st_size for path in source.iterdir())
    print(
        f"a page: read {read / pages / 1000:.0f} kB, written {written / pages / 1000:.0f} kB, row {table / pages:.0f} B"
    )
    print(
        f"a million such pages: {before / 3.6:.0f} core-hours, {written / pages / 1000:.0f} GB of pages, "
        f"{table / pages / 1000:.1f} GB of results"
    )


def table(folder: Path, pages: int, rounds: int) -> None:
    """Processor time of the table of results alone, a thousand rows for each of the pages: what bounds one driver."""
    source = photos(folder / "photos", DRAWN)
    settings = BatchSettings(pipeline={"device": "cpu"}, layout="none")
    worker = PageWorker(settings, folder / "out")
    drawn = [worker.table(Unit(str(path))) for path in sorted(source.iterdir())]
    results = ResultsTable(folder / "out")
    sink = Sink(folder / "out", results, 1000)
    count = 1000 * pages
    started = time.process_time()
    for number in range(count):
        row = drawn[number % DRAWN]
        sink.add(row.set_column(0, "source", pyarrow.array([f"/pages/{number:09d}.jpg"])))
    sink.commit()
    added = time.process_time()
    results.merge()
    merged = time.process_time()
    assert results.finished().inputs == count
    known = time.process_time()
    times = {"added": added - started, "merged": merged - added, "looked through by the next run": known - merged}
    for name, seconds in times.items():
        print(f"{count} rows {name:32s} {1e6 * seconds / count:6.0f} us each")
    print(f"{results.path.stat().st_size / count:.0f} bytes a row; their unwarpings repeat, so that they pack too well")


def serving(folder: Path, pages: int, rounds: int) -> None:
    """Pages a second of one uvicorn process and of one Ray Serve replica."""
    photo = encoded(photograph(draw_page()), "JPEG", quality=90)
    options = folder / "one.yaml"
    options.write_text(f"num_replicas: 1\nray_actor_options: {{num_cpus: {os.cpu_count()}}}\n")
    with (
        running_process(*CLEAN_UP) as (uvicorn, uvicorn_process, _),
        running_process(*CLEAN_UP, "--ray", "--ray_config", str(options), start_s=300) as (ray, ray_process, _),
    ):
        for name, server, process in (("uvicorn", uvicorn, uvicorn_process), ("Ray Serve", ray, ray_process)) * rounds:

            def ask(_: int, server=server) -> None:  # type: ignore[no-untyped-def]
                assert server.infer(photo, visualize=False).ok

            before = cpu_s(process.pid)
            seconds, each = timed(ask, pages, 4)
            print(
                f"{name:10s} {pages / seconds:6.2f} pages/s  p50 {statistics.median(each):.2f} s  processor "
                f"{1000 * (cpu_s(process.pid) - before) / pages:6.0f} ms a page",
                flush=True,
            )


def _batch(source: Path, output: Path, *options: str) -> None:
    command = [sys.executable, "-m", "docpre", "batch", "-i", str(source), "--output", str(output), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _in_turns(ways: dict[str, Callable[[int], None]], pages: int, rounds: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            before, started = _processor_s(), time.perf_counter()
            way(number)
            seconds[name].append(time.perf_counter() - started)
            processor[name].append(_processor_s() - before)
    base = next(iter(ways))
    for name in ways:
        clock, cpu = statistics.median(seconds[name]), statistics.median(processor[name])
        rate, share = statistics.median(seconds[base]) / clock, cpu / statistics.median(processor[base])
        print(
            f"{name:28s} {pages / clock:7.2f} pages/s ({rate:.2f} of the first)  "
            f"processor {1000 * cpu / pages:7.1f} ms a page ({share:.3f} of the first)",
            flush=True,
        )


def _processor_s() -> float:
    """Of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


SECTIONS = {section.__name__: section for section in (overhead, workers, memory, cost, table, serving)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], default=list(SECTIONS))
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {chosen.pages} pages")
    for section in chosen.sections:
        print(f"\n{section}: {SECTIONS[section].__doc__}", flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            SECTIONS[section](Path(temporary), chosen.pages, chosen.rounds)
