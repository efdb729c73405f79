"""Figures that take too long for a test: ``python -m tests.batch.load SECTION ... [--pages N]`` prints a table each.

Pages are drawn once and linked under as many names as are asked for. Ways are measured in turns, as the machine may
have other things to do; then processor time (of the process and what it started) tells more than the clock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from ray.cluster_utils import Cluster

from docpre import DocPreprocessor
from docpre.batch.arrow import pyarrow
from docpre.batch.on_ray import RayOptions, on_ray
from docpre.batch.results_table import ResultsTable
from docpre.batch.run import on_this_machine, run_batch
from docpre.batch.settings import BatchSettings
from docpre.batch.sink import Sink
from docpre.batch.units import Unit
from docpre.batch.worker import PageWorker
from docpre.engines.onnxruntime import OnnxRuntimeEngine
from docpre.ray_cluster import ray
from docpre.service.paddle_api import PATH
from tests.batch.conftest import write_page
from tests.conftest import draw_page, photograph
from tests.service.conftest import CLEAN_UP, Server, encoded, running_process
from tests.service.load import cpu_s, memory_mb, timed

ROOT = Path(__file__).parents[2]
DRAWN = 8
QUICK = ("--device", "cpu", "--use_doc_unwarping", "False")
CHEAP: dict[str, Any] = {"device": "cpu", "use_doc_unwarping": False}
COUNTS = (1, 2)


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
    """The batch and the bare pipeline that saves its pages, each in this process, with the orientation alone.

    The unwarping would hide what the batch adds: it takes a hundred times as long.
    """
    pipeline = DocPreprocessor(**CHEAP)
    for kind, draw in (("photos of 1.1 megapixels", photos), ("pages of 0.04 megapixels", small_pages)):
        source = draw(folder / kind, pages)

        def bare(number: int, source: Path = source, kind: str = kind) -> None:
            for result in pipeline.predict_iter(str(source)):
                result.save_page(folder / f"{kind}-bare-{number}")

        def batch(number: int, source: Path = source, kind: str = kind) -> None:
            output = folder / f"{kind}-batch-{number}"
            settings = BatchSettings(pipeline=CHEAP)
            assert run_batch([str(source)], output, settings, on_this_machine(settings, output)).pages == pages

        print(kind)
        _in_turns({"bare pipeline, pages saved": bare, "docpre batch": batch}, pages, rounds)


def workers(folder: Path, pages: int, rounds: int, plot: Path | None = None) -> None:
    """One Ray task at a time and two, of one core each; and as many processes with the bare pipeline, for comparison.

    Processes are started before the clock is; those of Ray load their models in each run.
    """
    source = photos(folder / "photos", pages)
    files = [str(path) for path in sorted(source.iterdir())]
    settings = BatchSettings(pipeline={"device": "cpu", "cpu_threads": 1})

    def on_ray_tasks(count: int) -> Callable[[int], None]:
        def one(number: int) -> None:
            output = folder / f"ray-{count}-{number}"
            work = on_ray(settings, output, RayOptions(most_tasks=count))
            inputs = files[: 4 * count] if number < 0 else files
            assert run_batch(inputs, output, settings, work).pages == len(inputs)

        return one

    def bare_processes(count: int) -> Callable[[int], None]:
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _load_bare)
        parts = [(files[start::count], folder / f"bare-{count}-{start}") for start in range(count)]
        list(pool.map(_run_bare, [(files[:1], folder / "warm")] * count))
        return lambda _: [*pool.map(_run_bare, parts)] and None

    ways = {f"bare, {count}": bare_processes(count) for count in COUNTS}
    ways |= {f"Ray, {count}": on_ray_tasks(count) for count in COUNTS}
    for count in COUNTS:
        ways[f"Ray, {count}"](-1)
    seconds = _in_turns(ways, pages, rounds)
    rates = {
        kind: {count: [pages / each for each in seconds[f"{kind}, {count}"]] for count in COUNTS}
        for kind in ("bare", "Ray")
    }
    for kind, by_count in rates.items():
        gain = statistics.median(by_count[2]) / statistics.median(by_count[1])
        print(f"{kind}: two are {gain:.2f} times one")
    if plot is not None:
        _draw(rates, plot)


def _load_bare() -> None:
    global _bare
    _bare = DocPreprocessor(device="cpu", cpu_threads=1)


def _run_bare(part: tuple[list[str], Path]) -> None:
    paths, output = part
    for result in _bare.predict_iter(paths, num_workers=0):
        result.save_page(output)


def _draw(rates: dict[str, dict[int, list[float]]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), dpi=150)
    for kind, name, color in (
        ("bare", "processes with the bare pipeline", "0.45"),
        ("Ray", "docpre batch on Ray", "C0"),
    ):
        by_count = rates[kind]
        middle = [statistics.median(each) for each in by_count.values()]
        below, above = (
            [abs(end(each) - m) for each, m in zip(by_count.values(), middle, strict=True)] for end in (min, max)
        )
        axes.errorbar(list(by_count), middle, yerr=[below, above], marker="o", capsize=4, color=color, label=name)
        axes.plot([0, max(by_count)], [0, middle[0] * max(by_count)], ":", color=color, linewidth=1)
    axes.set(xlabel="workers, of one core each", ylabel="pages a second", xlim=(0, None), ylim=(0, None))
    axes.set_xticks([0, *COUNTS])
    axes.set_title(f"1.1-megapixel photos, {os.cpu_count()} cores; dotted: in proportion to one", fontsize=9)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)


def memory(folder: Path, pages: int, rounds: int) -> None:
    """Memory of a run over small pages on one machine, each tenth of the way."""
    _memory(folder, pages)


def memory_on_ray(folder: Path, pages: int, rounds: int) -> None:
    """Memory of such a run on Ray, with all of Ray's processes and its object store."""
    _memory(folder, pages, "--ray_address", "local")


def _memory(folder: Path, pages: int, *options: str) -> None:
    source, output = small_pages(folder / "small", pages), folder / "out"
    command = [sys.executable, "-m", "docpre", "batch", "-i", str(source), "--output", str(output), *QUICK, *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started, seen = time.perf_counter(), 0
    while process.poll() is None:
        done = sum(len(os.listdir(each)) for each in (output / "pages").glob("*"))
        if done >= (seen + 1) * pages // 10:
            seen = 10 * done // pages
            mb, seconds = memory_mb(process.pid), time.perf_counter() - started
            print(f"{done:6d} pages  {mb:6.0f} MB  {seconds:5.0f} s", flush=True)
        time.sleep(1)
    assert process.returncode == 0, process.returncode


def kill(folder: Path, pages: int, rounds: int) -> None:
    """A cluster of two nodes, one core each; one is killed in the middle of a run. What the loss costs.

    Lost time: what the run takes from then on, beyond what one node alone takes for the pages that were missing.
    """
    source = small_pages(folder / "small", pages)
    settings = BatchSettings(pipeline={**CHEAP, "cpu_threads": 1})
    options: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 1024**2}
    cluster = Cluster(initialize_head=True, head_node_args={**options, "include_dashboard": False})
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")

    def run(name: str, tasks: int | None) -> float:
        output = folder / name
        work = on_ray(settings, output, RayOptions(cluster.address, most_tasks=tasks))
        started = time.perf_counter()
        summary = run_batch([str(source)], output, settings, work)
        assert (summary.pages, summary.errors) == (pages, 0)
        sources = pyarrow.parquet.read_table(output / "results.parquet", columns=["source"])["source"].to_pylist()
        assert len(set(sources)) == len(sources) == pages
        return time.perf_counter() - started

    for number in range(rounds):
        node = cluster.add_node(**options)
        cluster.wait_for_nodes()
        run(f"warm-{number}", None)
        both, one = run(f"both-{number}", None), run(f"one-{number}", 1)
        killed: list[float] = []

        def kill_one(number: int = number, node: Any = node, killed: list[float] = killed) -> None:
            started = time.perf_counter()
            while (done := sum(1 for _ in (folder / f"killed-{number}" / "pages").glob("*/*"))) < pages / 3:
                time.sleep(0.1)
            killed.extend((time.perf_counter() - started, done))
            cluster.remove_node(node, allow_graceful=False)

        killer = threading.Thread(target=kill_one)
        killer.start()
        total = run(f"killed-{number}", None)
        killer.join()
        after, done = killed
        lost = total - after - (pages - done) / pages * one
        print(
            f"{pages} pages by two nodes {both:.1f} s, by one {one:.1f} s; one killed at {after:.1f} s, after "
            f"{done:.0f} pages: {total:.1f} s, of which {lost:.1f} s are lost; no page missing, none twice",
            flush=True,
        )
    ray.shutdown()
    cluster.shutdown()


def cost(folder: Path, pages: int, rounds: int) -> None:
    """Processor time of a page by step, on one thread, what is read and written, and what many pages take."""
    source = photos(folder / "photos", pages)
    steps: dict[str, dict[str, Any]] = {
        "read, write and count": {"use_doc_orientation_classify": False, "use_doc_unwarping": False},
        "and the orientation": {"use_doc_unwarping": False},
        "and the unwarping, one pass": {"refine": False},
        "and the refining": {},
    }
    before = 0.0
    networks: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OnnxRuntimeEngine, "_run", _counted(OnnxRuntimeEngine._run, networks))
        for name, switches in steps.items():
            settings = BatchSettings(pipeline={"device": "cpu", "cpu_threads": 1, **switches})
            seconds, within = [], []
            for number in range(rounds):
                output = folder / f"{name}-{number}"
                work = on_this_machine(settings, output, num_workers=0)
                run_batch([str(next(source.iterdir()))], folder / f"{name}-warm-{number}", settings, work)
                networks.clear()
                started = time.process_time()
                run_batch([str(source)], output, settings, work)
                seconds.append(time.process_time() - started)
                within.append(sum(networks))
            each, network = (1000 * statistics.median(values) / pages for values in (seconds, within))
            print(
                f"{name:28s} {each:7.1f} ms a page  {each - before:+7.1f} ms; networks {network:6.1f} ms "
                f"in {len(networks) / pages:.1f} calls",
                flush=True,
            )
            before = each
    row = (output / "results.parquet").stat().st_size / pages
    written = sum(path.stat().st_size for path in (output / "pages").glob("*/*")) / pages
    read = sum(path.stat().st_size for path in source.iterdir()) / pages
    print(f"a page: read {read / 1e3:.0f} kB, written {written / 1e3:.0f} kB, row {row / 1e3:.1f} kB")
    for count in (1e6, 1e9):
        print(
            f"{count:,.0f} such pages: {before * count / 3.6e6:,.0f} core-hours, {network * count / 3.6e6:,.0f} of "
            f"them in networks; {read * count / 1e12:,.1f} TB read, {written * count / 1e12:,.1f} TB of pages, "
            f"{row * count / 1e12:,.2f} TB of results"
        )


def _counted(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed_run(*arguments: Any) -> Any:
        started = time.thread_time()
        try:
            return function(*arguments)
        finally:
            seconds.append(time.thread_time() - started)

    return timed_run


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
        running_process(*CLEAN_UP, "--ray", "--ray_config", str(options), start_s=300) as (on_serve, serve_process, _),
    ):
        rates: dict[str, list[float]] = {"uvicorn": [], "Ray Serve": []}
        for server in (uvicorn, on_serve):
            server.infer(photo, visualize=False)
        for name, server, process in (
            ("uvicorn", uvicorn, uvicorn_process),
            ("Ray Serve", on_serve, serve_process),
        ) * rounds:

            def ask(_: int, server: Server = server) -> None:
                answer = requests.post(
                    server.url + PATH, files={"file": photo}, data={"visualize": "false"}, timeout=300
                )
                assert answer.ok

            before = cpu_s(process.pid)
            seconds, each = timed(ask, pages, 4)
            rates[name].append(pages / seconds)
            print(
                f"{name:10s} {pages / seconds:6.2f} pages/s  p50 {statistics.median(each):.2f} s  processor "
                f"{1000 * (cpu_s(process.pid) - before) / pages:6.0f} ms a page",
                flush=True,
            )
    ratios = [there / here for here, there in zip(*rates.values(), strict=True)]
    print(f"Ray Serve is {statistics.median(ratios):.3f} of uvicorn (median of {[round(each, 3) for each in ratios]})")


def _in_turns(ways: dict[str, Callable[[int], None]], pages: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, by round."""
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
        slower, dearer = (_ratio(each[name], each[base]) for each in (seconds, processor))
        print(
            f"{name:28s} {pages / clock:7.2f} pages/s (time {slower} of the first)  "
            f"processor {1000 * cpu / pages:7.1f} ms a page ({dearer} of the first)",
            flush=True,
        )
    return seconds


def _ratio(these: list[float], those: list[float]) -> str:
    """The median of the rounds' ratios, and their range."""
    ratios = sorted(this / that for this, that in zip(these, those, strict=True))
    return f"{statistics.median(ratios):.3f} [{ratios[0]:.3f}, {ratios[-1]:.3f}]"


def _processor_s() -> float:
    """Of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


SECTIONS = {
    section.__name__: section for section in (overhead, workers, memory, memory_on_ray, kill, cost, table, serving)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="+", choices=list(SECTIONS))
    parser.add_argument("--pages", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path, metavar="PNG", help="of `workers`: pages a second against workers")
    chosen = parser.parse_args()
    # For Ray's processes, which have niceness 15 unless they are told otherwise.
    os.environ |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", "RAY_worker_niceness": "0"}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {chosen.pages} pages, {chosen.rounds} rounds")
    for section in chosen.sections:
        options = {"plot": chosen.plot} if section == "workers" else {}
        print(f"\n{section}: {SECTIONS[section].__doc__}", flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            SECTIONS[section](Path(temporary), chosen.pages, chosen.rounds, **options)
