"""What the service counts, for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

#: Where several server processes keep their counts (a name of prometheus_client's).
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Measures:
    """Counters, gauges and histograms of one server process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self.requests = Counter("docpre_requests", "Requests answered.", ("path", "status"), registry=registry)
        self.request_seconds = Histogram(
            "docpre_request_seconds",
            "From a request's head to its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.baidu_errors = Counter(
            "docpre_baidu_errors",
            "Requests answered with one of Baidu's error codes (and HTTP's 200).",
            ("path", "code"),
            registry=registry,
        )
        self.step_seconds = Histogram(
            "docpre_step_seconds", "Of each step of a page or document.", ("step",), buckets=_SECONDS, registry=registry
        )
        self.pages = Counter("docpre_pages", "Pages, by what became of them.", ("outcome",), registry=registry)
        self.batch_pages = Histogram(
            "docpre_batch_pages", "Pages that went through together.", buckets=(1, 2, 4, 8, 16, 32), registry=registry
        )
        self.under_way = Gauge(
            "docpre_requests_under_way", "Requests that have a place.", multiprocess_mode="livesum", registry=registry
        )
        self.waiting = Gauge(
            "docpre_pages_waiting", "Pages that wait for the networks.", multiprocess_mode="livesum", registry=registry
        )
        self.model = Gauge(
            "docpre_model_info",
            "1 for each model, with its engine.",
            ("step", "model", "engine", "precision", "device"),
            multiprocess_mode="livemax",
            registry=registry,
        )

    def text(self) -> bytes:
        """All measures in Prometheus' format, summed over the server's processes."""
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder is None:
            return generate_latest(self._registry)
        for file in Path(folder).glob("gauge_live*_*.db"):
            pid = file.stem.rsplit("_", 1)[1]
            if not Path("/proc", pid).exists():
                mark_process_dead(int(pid), folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)
        return generate_latest(registry)
