"""The web server: the page, and on request the REST service beside it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI, Request
from starlette.responses import Response

from demo.limits import KEPT_S, MAX_BYTES, SWEPT_EVERY_S
from demo.models import Models
from demo.page import build, looks
from demo.sweeping import swept

#: Where the service is mounted: its ``/document-preprocessing`` is then ``/api/document-preprocessing``.
SERVICE_PATH = "/api"
# The browser is told to ask no other server for anything, whatever a component may want.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'"
)


def create_app(models: Models, with_service: bool = False) -> FastAPI:
    """The application. The environment's GRADIO_TEMP_DIR says where visitors' files are; it is kept swept.

    Args:
        models: what it runs.
        with_service: whether the REST service is offered too.
    """
    service = _service(models) if with_service else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        models.analyzer(models.reading_engines[0])  # loaded before the first visitor comes
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(swept(Path(os.environ["GRADIO_TEMP_DIR"]), KEPT_S, SWEPT_EVERY_S))
            if service is not None:
                await stack.enter_async_context(service.router.lifespan_context(service))
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def keep_to_this_server(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        if not request.url.path.startswith(SERVICE_PATH):
            response.headers["Content-Security-Policy"] = _POLICY
        return response

    if service is not None:
        app.mount(SERVICE_PATH, service)
    return gr.mount_gradio_app(
        app,
        build(models),
        path="/",
        footer_links=["api", "settings"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=MAX_BYTES,
        show_error=False,
        **looks(),
    )


def _service(models: Models) -> FastAPI:
    from docpre.analysis.analyzer import DocAnalyzer
    from docpre.service.app import create_app as create_service
    from docpre.service.pipelines import Pipelines
    from docpre.service.settings import ServiceSettings

    preprocessor = models.default_preprocessor()
    pipelines = Pipelines(preprocessor, DocAnalyzer(preprocessor=preprocessor))
    return create_service(ServiceSettings(concurrency=2), pipelines)
