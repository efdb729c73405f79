"""The application: routes, what starts and ends with it, and how errors are answered."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from docpre import __version__
from docpre.errors import InputError
from docpre.pipeline import DocPreprocessor
from docpre.service.gate import Gate, error_answer
from docpre.service.measures import Measures
from docpre.service.paddle_api import PATH, paddle_router
from docpre.service.paddle_schemas import ErrorAnswer, StateAnswer
from docpre.service.places import Places
from docpre.service.processing import Processing
from docpre.service.refusal import Refusal
from docpre.service.settings import ServiceSettings

#: Where a server process finds its settings, as JSON.
SETTINGS_VARIABLE = "DOCPRE_SERVICE_SETTINGS"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def app_from_environment() -> FastAPI:
    """The application with the settings that the process that started this one has left in the environment."""
    return create_app(ServiceSettings.from_json(os.environ[SETTINGS_VARIABLE]))


def create_app(settings: ServiceSettings, pipeline: DocPreprocessor | None = None) -> FastAPI:
    """The service.

    Args:
        settings: limits and options.
        pipeline: as the settings describe it; None: it is made when the application starts.

    Raises:
        ConfigError: the settings are wrong.
    """
    measures = Measures()
    places = Places(settings.concurrency + settings.max_waiting, measures.under_way)
    started: list[Processing] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        started.append(Processing(settings, measures, pipeline or DocPreprocessor(**settings.pipeline)))
        yield
        started.pop().close()

    app = FastAPI(
        title="docpre",
        version=__version__,
        summary="Turns photographed, scanned, rotated or crumpled pages into upright, flat ones.",
        lifespan=lifespan,
        middleware=[
            Middleware(
                Gate,
                max_body_bytes=settings.max_body_bytes,
                api_keys=settings.api_keys(),
                measures=measures,
                paths=("/health", "/ready", "/metrics", "/docs", "/openapi.json", PATH),
            )
        ],
    )
    app.include_router(paddle_router(settings, places, lambda: started[0]))

    @app.get("/health", operation_id="checkHealth", summary="The process is alive")
    async def health(request: Request) -> StateAnswer:
        return StateAnswer(log_id=request.scope["state"]["log_id"], error_msg="Healthy")

    @app.get(
        "/ready",
        operation_id="checkReady",
        summary="The models are loaded",
        response_model=StateAnswer,
        responses={503: {"model": ErrorAnswer, "description": "Not yet, or not any more."}},
    )
    async def ready(request: Request) -> Any:
        log_id = request.scope["state"]["log_id"]
        if not started:
            return error_answer(log_id, Refusal(503, "The models are not loaded."))
        return StateAnswer(log_id=log_id, error_msg="Ready")

    @app.get("/metrics", operation_id="metrics", summary="For Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(measures.text(), media_type=_METRICS_TYPE)

    for kind, answer in ((Refusal, _refused), (HTTPException, _not_routed), (InputError, _input_refused)):
        app.add_exception_handler(kind, answer)  # type: ignore[arg-type]
    return app


def _refused(request: Request, error: Refusal) -> JSONResponse:
    return error_answer(request.scope["state"]["log_id"], error)


def _input_refused(request: Request, error: InputError) -> JSONResponse:
    return _refused(request, Refusal(422, f"The file can't be processed: {error}"))


def _not_routed(request: Request, error: HTTPException) -> JSONResponse:
    """404 and 405, which starlette finds."""
    message = {
        404: f"There is nothing here. POST to {PATH}; the other paths are at /docs.",
        405: f"This path does not take {request.method[:20]}.",
    }.get(error.status_code, str(error.detail))
    return _refused(request, Refusal(error.status_code, message, error.headers))
