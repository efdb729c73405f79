"""Loads that are too heavy for a test: ``python -m tests.service.load [SECTION ...]`` prints a table for each.

The server is ``docpre serve`` in a process of its own. Rates are compared with the pipeline alone on the same files, in
turns with the service, because the machine may have other things to do.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from docpre import DocPreprocessor
from docpre.service.encoding import base64_text, png
from docpre.service.paddle_api import PATH
from tests.conftest import draw_page, photograph
from tests.service.bad_requests import BAD
from tests.service.bombs import BOMBS
from tests.service.conftest import CLEAN_UP, QUICK, Server, encoded, running_process, wait_until

CLIENTS = (1, 8, 32)
ROUNDS = 3


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(below for child in children for below in tree(int(child)))]


def memory_mb(pid: int) -> float:
    """Of a process and its descendants, shared pages counted once."""
    total = 0
    for each in tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def cpu_s(pid: int) -> float:
    """Processor time of a process and its descendants, those that have ended included."""
    ticks = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def timed(ask: Callable[[int], object], count: int, clients: int) -> tuple[float, list[float]]:
    """Seconds for all, and of each."""

    def one(number: int) -> float:
        started = time.perf_counter()
        ask(number)
        return time.perf_counter() - started

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        each = list(threads.map(one, range(count)))
    return time.perf_counter() - started, each


def overhead() -> None:
    """Pages a second of the service and of the pipeline alone."""
    photos = [encoded(photograph(draw_page(seed=seed)), "JPEG", quality=90) for seed in range(4)]
    pipeline = DocPreprocessor(device="cpu")
    with running_process(*CLEAN_UP) as (server, _, _):

        def alone(number: int) -> None:
            pipeline.predict(photos[number % 4])

        def alone_with_png(number: int) -> None:
            base64_text(png(pipeline.predict(photos[number % 4])[0].output_image))

        def served(number: int) -> None:
            assert requests.post(
                server.url + PATH, files={"file": photos[number % 4]}, data={"visualize": "false"}, timeout=300
            ).ok

        def served_with_pictures(number: int) -> None:
            assert requests.post(server.url + PATH, files={"file": photos[number % 4]}, timeout=300).ok

        ways = {
            "pipeline alone": alone,
            "alone, with PNG and Base64": alone_with_png,
            "service": served,
            "service, with visualize": served_with_pictures,
        }
        for clients in CLIENTS:
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            latencies: dict[str, list[float]] = {name: [] for name in ways}
            count = max(8, clients)
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    total, each = timed(way, count, min(clients, 4) if "alone" in name else clients)
                    seconds[name].append(total)
                    latencies[name] += each
            base = statistics.median(seconds["alone, with PNG and Base64"])
            for name in ways:
                p = statistics.quantiles(latencies[name], n=100)
                middle = statistics.median(seconds[name])
                print(
                    f"{clients:3d} clients  {name:28s} {count / middle:6.2f} pages/s  p50 {p[49]:6.2f} s  "
                    f"p95 {p[94]:6.2f} s  p99 {p[98]:6.2f} s  to alone with PNG {100 * (middle / base - 1):+5.0f} %",
                    flush=True,
                )


def saturation() -> None:
    """More clients than places: statuses, and memory."""
    _many_requests(32, "--max_waiting", "4", "--concurrency", "4")


def memory() -> None:
    """2,000 requests, all of which are served."""
    _many_requests(8)


def _many_requests(clients: int, *options: str) -> None:
    page = encoded(draw_page(440, 312, font_size=11), "JPEG")
    with running_process(*CLEAN_UP, *options) as (server, process, _):
        statuses: Counter[int] = Counter()

        def ask(_: int) -> None:
            answer = requests.post(
                server.url + PATH, files={"file": page}, data={"useDocUnwarping": "false"}, timeout=300
            )
            statuses[answer.status_code] += 1

        for part in range(8):
            total, _ = timed(ask, 250, clients)
            print(
                f"{250 * (part + 1):5d} requests by {clients} clients  {250 / total:6.1f} a second  {dict(statuses)}  "
                f"{memory_mb(process.pid):6.0f} MB",
                flush=True,
            )


def bad_requests() -> None:
    """1,000 bad requests of all kinds."""
    with running_process(*CLEAN_UP, "--max_body_bytes", "4000000", "--max_pixels", "4000000") as (server, process, _):
        before = memory_mb(process.pid)
        kinds = list(BAD.values())
        wrong: Counter[str] = Counter()

        def ask(number: int) -> None:
            bad = kinds[number % len(kinds)]
            answer = requests.request(
                bad.method, server.url + bad.path, data=bad.body(), headers=bad.headers, timeout=60
            )
            if answer.status_code != bad.status:
                wrong[f"{bad} -> {answer.status_code}"] += 1

        total, each = timed(ask, 1000, 8)
        p = statistics.quantiles(each, n=100)
        print(
            f"1000 requests of {len(kinds)} kinds in {total:.0f} s, p50 {p[49]:.3f} s, p99 {p[98]:.3f} s, "
            f"worst {max(each):.3f} s; {sum(wrong.values())} not as they should be {dict(wrong)}; "
            f"memory {before:.0f} -> {memory_mb(process.pid):.0f} MB"
        )


def bombs() -> None:
    """Each bomb: status, seconds, processor time, and memory above what the server had."""
    with running_process(*CLEAN_UP) as (server, process, _):
        server.infer(encoded(draw_page(200, 200)), **QUICK)
        for name, make in BOMBS.items():
            content, stop, peak = make(), threading.Event(), [0.0]
            before, cpu = memory_mb(process.pid), cpu_s(process.pid)

            def watch(stop: threading.Event = stop, peak: list[float] = peak) -> None:
                while not stop.is_set():
                    peak[0] = max(peak[0], memory_mb(process.pid))
                    time.sleep(0.01)

            watcher = threading.Thread(target=watch)
            watcher.start()
            started = time.perf_counter()
            answer = server.infer(content, **QUICK)
            seconds = time.perf_counter() - started
            stop.set()
            watcher.join()
            print(
                f"{name:34s} {len(content) / 1000:6.0f} kB  {answer.status_code}  {seconds:5.2f} s  processor "
                f"{cpu_s(process.pid) - cpu:5.2f} s  {peak[0] - before:+5.0f} MB",
                flush=True,
            )


def restarts() -> None:
    """Server processes are killed while 8 clients ask."""
    page = encoded(draw_page(440, 312, font_size=11), "JPEG")
    with running_process(*CLEAN_UP, "--workers", "2") as (server, process, _):
        statuses: Counter[str] = Counter()

        def ask(_: int) -> None:
            try:
                answer = requests.post(
                    server.url + PATH, files={"file": page}, data={"useDocUnwarping": "false"}, timeout=60
                )
                statuses[str(answer.status_code)] += 1
            except requests.ConnectionError:
                statuses["connection lost"] += 1
                time.sleep(0.2)

        def kill_some() -> None:
            for _ in range(3):
                time.sleep(4)
                servers = [
                    pid for pid in tree(process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
                ]
                os.kill(servers[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_some)
        killer.start()
        total, _ = timed(ask, 300, 8)
        killer.join()
        wait_until(lambda: answers(server, page))
        print(f"300 requests in {total:.0f} s, three server processes killed: {dict(statuses)}; it answers again")


def wrk() -> None:
    """wrk (Debian's package of that name) over loopback at 1, 8 and 32 connections, for 30 seconds each."""
    page = encoded(draw_page(440, 312, font_size=11), "JPEG")
    body = json.dumps({"file": base64_text(page), "useDocUnwarping": False, "visualize": False})
    with running_process(*CLEAN_UP) as (server, _, _), tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        script.write_text(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = [[{body}]]\n"
            "local threads = {}\n"
            "function setup(thread) table.insert(threads, thread) end\n"
            "function init(args) answered_200, answered_else = 0, 0 end\n"
            "function response(status)\n"
            "  if status == 200 then answered_200 = answered_200 + 1 else answered_else = answered_else + 1 end\n"
            "end\n"
            "function done()\n"
            "  for _, thread in ipairs(threads) do\n"
            '    print("answers with 200: " .. thread:get("answered_200") .. ", others: " .. '
            'thread:get("answered_else"))\n'
            "  end\n"
            "end\n"
        )
        for clients in CLIENTS:
            options = ["--threads", "1", "--connections", str(clients), "--duration", "30s", "--timeout", "60s"]
            command = ["wrk", *options, "--latency", "--script", str(script), server.url + PATH]
            print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, flush=True)


def answers(server: Server, page: bytes) -> bool:
    try:
        return server.infer(page, **QUICK).status_code == 200
    except requests.ConnectionError:
        return False


SECTIONS = {section.__name__: section for section in (overhead, saturation, memory, bad_requests, bombs, restarts, wrk)}


if __name__ == "__main__":
    cpu = subprocess.run(["uptime"], capture_output=True, text=True).stdout.strip()
    print(f"{os.cpu_count()} cores; {cpu}")
    for name in sys.argv[1:] or SECTIONS:
        print(f"\n{name}: {SECTIONS[name].__doc__}")
        SECTIONS[name]()
