"""What has to be measured in a process of its own: start-up, peak memory, and pages a second on so many cores.

Each function starts this module as a program (``python -m docpre.bench.processes NAME ...``) and reads the JSON that
it writes.
"""

from __future__ import annotations

import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docpre.errors import DocpreError

_TIMEOUT_S = 3600
_SAMPLES = 10  # of memory, over a document


def import_seconds(repeats: int) -> dict[str, float]:
    """Medians of fresh processes: ``import docpre``, and NumPy and the interpreter alone to compare with.

    Returns:
        ``docpre`` and ``numpy``: seconds of the import statement; ``python``: seconds of a process that does nothing.
    """
    code = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"
    seconds: dict[str, list[float]] = {"docpre": [], "numpy": [], "python": []}
    for _ in range(repeats):
        for name in ("docpre", "numpy"):
            output = subprocess.run(
                [sys.executable, "-c", code.format(name)], capture_output=True, text=True, check=True
            )
            seconds[name].append(float(output.stdout))
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        seconds["python"].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def first_page_seconds(photo: Path, arguments: Mapping[str, Any], repeats: int) -> float:
    """Median time from starting a process until it has the first page's result and has ended."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        _child("first_page", str(photo), json.dumps(dict(arguments)))
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def page_memory(photo: Path, arguments: Mapping[str, Any]) -> dict[str, float]:
    """Peak memory of one page, in MiB.

    Returns:
        ``loaded``: with the models, after a small page. ``peak``: while the photo was processed. ``decoded``: the
        photo's pixels. ``multiple``: the peak beyond ``loaded``, as a multiple of ``decoded``.
    """
    return _child("page_memory", str(photo), json.dumps(dict(arguments)))


def document_speed(document: Path, arguments: Mapping[str, Any], workers: int, cores: int | None) -> dict[str, Any]:
    """Pages a second through a document.

    Args:
        document: a PDF.
        arguments: of ``DocPreprocessor``.
        workers: ``num_workers`` of ``predict_iter``.
        cores: the process may use so many; None: all.

    Returns:
        ``pages``, ``seconds``, ``pages_per_second``, and ``memory_mib``: the process's memory over the document.
    """
    return _child("document_speed", str(document), json.dumps(dict(arguments)), str(workers), str(cores or 0))


def write_document(path: Path, pages: int, seed: int = 0) -> None:
    """A PDF of A4 pages of text, as a program writes it."""
    import pymupdf

    from docpre.bench.photo import words

    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page(width=595, height=842)
        page.insert_textbox((60, 60, 535, 782), " ".join(words(600, seed + number)), fontsize=11)
    document.save(path)


def draw_document(path: Path, pages: int, seed: int = 0) -> None:
    """A PDF of photographed A4 pages at 200 dpi, every tenth of them turned by a quarter."""
    import pymupdf

    from docpre.bench.photo import as_jpeg, draw_photo

    document = pymupdf.open()
    photos = [as_jpeg(draw_photo((2339, 1654), seed + number)) for number in range(min(pages, 4))]
    for number in range(pages):
        page = document.new_page(width=595, height=842)
        page.insert_image(page.rect, stream=photos[number % len(photos)], rotate=90 * (number % 10 == 9))
    document.save(path)


def _child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "docpre.bench.processes", *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise DocpreError(f"{arguments[0]} took longer than {_TIMEOUT_S} s.") from error
    if result.returncode:
        raise DocpreError(f"{arguments[0]} failed: {result.stderr.strip().splitlines()[-1:]}")
    return dict(json.loads(result.stdout.splitlines()[-1]))


def _first_page(photo: str, arguments: str) -> dict[str, Any]:
    from docpre import DocPreprocessor

    (result,) = DocPreprocessor(**json.loads(arguments)).predict(photo)
    return {"angle": result["angle"]}


def _page_memory(photo: str, arguments: str) -> dict[str, Any]:
    import numpy as np
    from PIL import Image

    from docpre import DocPreprocessor

    with Image.open(photo) as image:
        decoded = image.width * image.height * 3 / 2**20
    processor = DocPreprocessor(**json.loads(arguments))
    processor.predict(np.full((320, 240, 3), 255, np.uint8))
    loaded = _memory_mib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    processor.predict(photo)
    peak = _memory_mib("VmHWM")
    return {"loaded": loaded, "peak": peak, "decoded": decoded, "multiple": (peak - loaded) / decoded}


def _document_speed(document: str, arguments: str, workers: str, cores: str) -> dict[str, Any]:
    from docpre import DocPreprocessor

    if int(cores):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    processor = DocPreprocessor(**json.loads(arguments))
    reading: dict[str, Any] = {}
    if "num_workers" in inspect.signature(processor.predict_iter).parameters:
        reading["num_workers"] = int(workers)
    memory, pages = [], 0
    started = time.perf_counter()
    for result in processor.predict_iter(document, dpi=200, **reading):
        if result.error is not None:
            raise result.error
        pages += 1
        memory.append(_memory_mib("VmRSS"))
    seconds = time.perf_counter() - started
    step = max(1, len(memory) // _SAMPLES)
    return {
        "pages": pages,
        "seconds": seconds,
        "pages_per_second": pages / seconds,
        "has_workers": bool(reading),
        "memory_mib": [round(value) for value in memory[::step]],
    }


def _memory_mib(name: str) -> float:
    """``VmRSS``, memory in use, or ``VmHWM``, its peak. Linux alone tells."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise DocpreError(f"This system does not tell {name}.")


def _main(arguments: Sequence[str]) -> None:
    functions: dict[str, Callable[..., dict[str, Any]]] = {
        "first_page": _first_page,
        "page_memory": _page_memory,
        "document_speed": _document_speed,
    }
    sys.stdout.write(json.dumps(functions[arguments[0]](*arguments[1:])) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
