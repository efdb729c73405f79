"""Starting the service: uvicorn in this process, or as the supervisor of several."""

from __future__ import annotations

import logging
import os
import tempfile

import python_multipart  # noqa: F401 - starlette asks for it no sooner than a form comes
import uvicorn

from docpre.errors import ConfigError
from docpre.service.app import SETTINGS_VARIABLE, create_app
from docpre.service.measures import FOLDER_VARIABLE
from docpre.service.pipelines import load_pipelines
from docpre.service.settings import ServiceSettings

# What a request may still take after its time is over: to be told so.
_GRACE_S = 5
_LOG_CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {name: {"handlers": ["stderr"], "level": "INFO", "propagate": False} for name in ("uvicorn", "docpre")},
}


def run(settings: ServiceSettings, host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished.

    Args:
        settings: limits and options.
        host, port: to listen at.
        workers: server processes; uvicorn starts them again when they die.

    Raises:
        ConfigError: there are to be no workers, or the port is none; or an option of a pipeline is wrong.
        EngineError, ModelError: a pipeline can't run here.
    """
    if workers < 1 or not 0 <= port < 65536:
        raise ConfigError(f"workers is at least 1, and port lies from 0 to 65535; they are {workers} and {port}.")
    # Also with several processes, which load their own: what is wrong with it is said here, once.
    pipelines = load_pipelines(settings)
    if workers > 1:
        pipelines.close()
    logging.captureWarnings(True)
    os.environ[SETTINGS_VARIABLE] = settings.to_json()
    with tempfile.TemporaryDirectory(prefix="docpre-metrics-") as folder:
        if workers > 1:
            os.environ[FOLDER_VARIABLE] = folder
        uvicorn.run(
            "docpre.service.app:app_from_environment" if workers > 1 else create_app(settings, pipelines),
            factory=workers > 1,
            host=host,
            port=port,
            workers=workers,
            # Java's client offers an upgrade to HTTP/2 in its first request. h11 passes over that; httptools, which
            # uvicorn would take where it is installed, loses the request's body.
            http="h11",
            access_log=False,  # the gate's log has no query strings, and the request's number
            log_config=_LOG_CONFIG,
            server_header=False,
            timeout_graceful_shutdown=int(settings.max_request_s) + _GRACE_S,
        )
