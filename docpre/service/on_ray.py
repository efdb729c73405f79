"""The service as a Ray Serve deployment: the same application in every replica."""

from __future__ import annotations

import functools
import logging
import math
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI

from docpre.errors import ConfigError, EngineError
from docpre.ray_cluster import connect, ray
from docpre.service.app import create_app
from docpre.service.settings import ServiceSettings

try:
    from ray import serve
except ModuleNotFoundError as error:
    raise ConfigError(f"Ray Serve needs {error.name}: pip install 'docpre[ray]'.") from error

_NAME = "docpre"
#: Options of the deployment where no file gives others; ``configs/ray_serve.yaml`` explains them.
DEFAULTS: Mapping[str, Any] = {
    "autoscaling_config": {
        "min_replicas": 1,
        "max_replicas": 4,
        "target_ongoing_requests": 4,
        "upscale_delay_s": 10,
        "downscale_delay_s": 300,
    },
    "max_ongoing_requests": 32,
    "max_queued_requests": 200,
    "ray_actor_options": {"num_cpus": 2, "num_gpus": 0},
    "graceful_shutdown_timeout_s": 65,
}


def read_options(path: Path | None) -> dict[str, Any]:
    """The options of the deployment: those of a YAML file, and the defaults where it says nothing.

    Raises:
        ConfigError: it can't be read.
    """
    if path is None:
        return dict(DEFAULTS)
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"Can't read the options of the deployment in {path}: {error}.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} has no options of a deployment; see configs/ray_serve.yaml.")
    options = dict(DEFAULTS) | content
    if "num_replicas" in content and "autoscaling_config" not in content:
        del options["autoscaling_config"]
    return options


def run_on_ray(settings: ServiceSettings, host: str, port: int, address: str, options: Mapping[str, Any]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: limits and options of the service; each replica has its own places and its own measures.
        host, port: that Ray's proxy listens at.
        address: see ``docpre.ray_cluster.connect``.
        options: of the deployment; see ``read_options``.

    Raises:
        ConfigError: an option is unknown or wrong.
        EngineError: there is no such cluster, or the replicas don't start.
    """
    stopped = threading.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: stopped.set())
    start(settings, host, port, address, options)
    logging.getLogger("docpre").info("Ray Serve listens at http://%s:%d", host, port)
    stopped.wait()
    stop(address)


def start(settings: ServiceSettings, host: str, port: int, address: str, options: Mapping[str, Any]) -> None:
    """Deploy the service, and wait until it answers; see ``run_on_ray``."""
    cpus = (options.get("ray_actor_options") or {}).get("num_cpus", 1)
    threads = max(1, math.ceil(cpus))
    pipeline = {**settings.pipeline, "cpu_threads": min(settings.pipeline.get("cpu_threads") or threads, threads)}
    build = functools.partial(_application, replace(settings, pipeline=pipeline).to_json())
    try:
        deployment = serve.deployment(serve.ingress(build)()).options(name=_NAME, **options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The options of the Ray Serve deployment are wrong: {error}") from error
    connect(address, threads)
    serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    try:
        serve.run(deployment.bind(), name=_NAME, route_prefix="/")
    except (RuntimeError, ray.exceptions.RayError) as error:
        raise EngineError(f"The replicas don't start: {error}") from error


def stop(address: str) -> None:
    """Take the service down: its deployment, and a cluster that was started for it."""
    if address == "local":
        serve.shutdown()
        ray.shutdown()
    else:
        serve.delete(_NAME)


def _application(settings: str) -> FastAPI:
    """The application, made in the replica."""
    return create_app(ServiceSettings.from_json(settings))
