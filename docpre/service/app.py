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
from docpre.service import baidu_api
from docpre.service.baidu_api import baidu_router
from docpre.service.baidu_errors import BaiduError, Code
from docpre.service.baidu_tokens import TOKEN_PATH
from docpre.service.error_answers import error_answer, is_baidu_path
from docpre.service.gate import Gate
from docpre.service.measures import Measures
from docpre.service.paddle_api import PATH, paddle_router
from docpre.service.paddle_schemas import ErrorAnswer, StateAnswer
from docpre.service.pipelines import Pipelines, load_pipelines
from docpre.service.places import Places
from docpre.service.processing import Processing
from docpre.service.refusal import Refusal
from docpre.service.settings import DOC_ANALYSIS, DOC_PREPROCESSOR, ServiceSettings

#: Where a server process finds its settings, as JSON.
SETTINGS_VARIABLE = "DOCPRE_SERVICE_SETTINGS"
#: Without a key, for load balancers; they tell nothing but that the service is there.
_OPEN_PATHS = ("/health", "/ready")
_NO_ANALYSIS = (
    "this server does not serve doc_analysis. Install docpre[analysis], and start it without --pipeline, or with "
    "--pipeline doc_analysis."
)
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def app_from_environment() -> FastAPI:
    """The application with the settings that the process that started this one has left in the environment."""
    return create_app(ServiceSettings.from_json(os.environ[SETTINGS_VARIABLE]))


def create_app(settings: ServiceSettings, pipelines: Pipelines | None = None) -> FastAPI:
    """The service.

    Args:
        settings: limits and options.
        pipelines: as the settings describe them; None: they are made when the application starts.

    Raises:
        ConfigError: the settings are wrong.
    """
    measures = Measures()
    places = Places(settings.concurrency + settings.max_waiting, measures.under_way)
    started: list[Processing] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        started.append(Processing(settings, measures, pipelines or load_pipelines(settings)))
        yield
        started.pop().close()

    is_analysis_served = DOC_ANALYSIS in settings.pipelines
    posts = ([PATH] if DOC_PREPROCESSOR in settings.pipelines else []) + (
        [baidu_api.PATH] if is_analysis_served else []
    )
    # Clients of Baidu's interface can't send a key; where there is a pair, they show a token instead.
    has_tokens = is_analysis_served and settings.client_pair() is not None
    app = FastAPI(
        title="docpre",
        version=__version__,
        summary="Turns photographed, scanned, rotated or crumpled pages into upright, flat ones, and reads them.",
        lifespan=lifespan,
        middleware=[
            Middleware(
                Gate,
                max_body_bytes=settings.max_body_bytes,
                api_keys=settings.api_keys(),
                measures=measures,
                paths=("/health", "/ready", "/metrics", "/docs", "/openapi.json", TOKEN_PATH, PATH, baidu_api.PATH),
                open_paths=(*_OPEN_PATHS, TOKEN_PATH, baidu_api.PATH) if has_tokens else _OPEN_PATHS,
            )
        ],
    )
    if DOC_PREPROCESSOR in settings.pipelines:
        app.include_router(paddle_router(settings, places, lambda: started[0]))
    if is_analysis_served:
        app.include_router(baidu_router(settings, places, lambda: started[0]))

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
            return error_answer(request.scope, Refusal(503, "The models are not loaded."))
        return StateAnswer(log_id=log_id, error_msg="Ready")

    @app.get("/metrics", operation_id="metrics", summary="For Prometheus", response_class=Response)
    def metrics() -> Response:
        return Response(measures.text(), media_type=_METRICS_TYPE)

    def not_routed(request: Request, error: HTTPException) -> JSONResponse:
        """404 and 405, which starlette finds."""
        if request.url.path in (baidu_api.PATH, TOKEN_PATH) and not is_analysis_served:
            return _refused(request, BaiduError(Code.NOT_SUPPORTED, _NO_ANALYSIS))
        message = {
            404: f"There is nothing here. POST to {' or '.join(posts)}; the other paths are at /docs.",
            405: f"This path does not take {request.method[:20]}.",
        }.get(error.status_code, str(error.detail))
        # Baidu's answer to this has HTTP's status 200, in which there is nothing to allow.
        headers = None if is_baidu_path(request.url.path) else error.headers
        return _refused(request, Refusal(error.status_code, message, headers))

    for kind, answer in ((Refusal, _refused), (HTTPException, not_routed), (InputError, _input_refused)):
        app.add_exception_handler(kind, answer)  # type: ignore[arg-type]
    return app


def _refused(request: Request, error: Refusal) -> JSONResponse:
    return error_answer(request.scope, error)


def _input_refused(request: Request, error: InputError) -> JSONResponse:
    return _refused(request, Refusal(422, f"The file can't be processed: {error}"))
