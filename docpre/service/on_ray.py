"""The service as a Ray Serve deployment: the same application in every replica."""

from __future__ import annotations

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
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docpre.errors import ConfigError, EngineError
from docpre.ray_cluster import connect, ray
from docpre.service.app import create_app
from docpre.service.pipelines import load_pipelines
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
    """Serve until SIGTERM or SIGINT; requests under way are finished.

    Args:
        settings: limits and options of the service; each replica has its own places and its own measures.
        host, port: that Ray's proxy listens at, on the cluster's head node.
        address: see ``docpre.ray_cluster.connect``.
        options: of the deployment; see ``read_options``.

    Raises:
        ConfigError: an option is unknown or wrong.
        EngineError: there is no such cluster, Ray Serve runs there already, or the replicas don't start.
    """
    deployment, cores = _deployment(settings, options)
    connect(address, cores)
    if serve.status().proxies:
        raise EngineError(
            f"Ray Serve runs already on the cluster at {address!r}, with a host and a port of its own. "
            "`serve shutdown` ends it, with all that it serves."
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # not before, as Ray sets its own when it connects
    try:
        _start(deployment, host, port)
        logging.getLogger("docpre").info("Ray Serve listens at http://%s:%d", host, port)
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        _stop(address)


def _deployment(settings: ServiceSettings, options: Mapping[str, Any]) -> tuple[serve.Deployment, int]:
    """The deployment, and how many cores a replica has."""
    cores = max(1, math.ceil((options.get("ray_actor_options") or {}).get("num_cpus", 1)))
    pipeline = {**settings.pipeline, "cpu_threads": min(settings.pipeline.get("cpu_threads") or cores, cores)}
    content = replace(settings, pipeline=pipeline).to_json()

    def application() -> FastAPI:  # called in the replica. Only a plain function is; all else is taken for an ASGI app
        settings = ServiceSettings.from_json(content)
        app = create_app(settings, load_pipelines(settings))  # here, as Ray does not tell what fails at the app's start
        app.add_middleware(_WithoutRequestId)
        return app

    try:
        return serve.deployment(name=_NAME, **options)(serve.ingress(application)()), cores
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The options of the Ray Serve deployment are wrong: {error}") from error


def _start(deployment: serve.Deployment, host: str, port: int) -> None:
    """Deploy, and wait until there is a replica."""
    try:
        serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    except (RuntimeError, ray.exceptions.RayError) as error:
        cause = error.cause if isinstance(error, ray.exceptions.RayTaskError) else error  # without a remote traceback
        raise EngineError(f"Ray Serve does not start at {host}:{port}: {cause}") from error
    try:
        serve.run(deployment.bind(), name=_NAME, route_prefix="/")
    except (RuntimeError, ray.exceptions.RayError) as error:
        message = serve.status().applications[_NAME].deployments[_NAME].message  # a traceback
        raise EngineError(f"The replicas don't start: {message.strip().splitlines()[-1]}") from error


def _stop(address: str) -> None:
    """Take the service down, with Ray Serve, and a cluster that was started for it."""
    if serve.status().applications:
        serve.delete(_NAME)  # waits for requests under way
    if address != "local":
        serve.shutdown()
    ray.shutdown()


class _WithoutRequestId:
    """ASGI middleware that takes X-Request-Id from answers; Ray's proxy adds its own, which is the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                del MutableHeaders(scope=message)["X-Request-Id"]
            await send(message)

        await self._app(scope, receive, send_without)
