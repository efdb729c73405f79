"""Baidu's ``POST /rest/2.0/ocr/v1/doc_analysis`` and ``GET, POST /oauth/2.0/token``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from docpre.errors import DocpreError
from docpre.service.baidu_answers import doc_analysis_answer
from docpre.service.baidu_errors import BaiduError, Code
from docpre.service.baidu_request import FORM_TYPE, parsed, read_fields, read_sent_file
from docpre.service.baidu_schemas import (
    BaiduErrorAnswer,
    DocAnalysisAnswer,
    DocAnalysisRequest,
    TokenAnswer,
    TokenErrorAnswer,
)
from docpre.service.baidu_tokens import LIFE_S, TOKEN_PATH, Tokens
from docpre.service.places import HungUpError, Places, time_limit, while_connected
from docpre.service.processing import Processing
from docpre.service.reading import ReadPage
from docpre.service.refusal import Refusal
from docpre.service.settings import ServiceSettings

PATH = "/rest/2.0/ocr/v1/doc_analysis"
_SCOPE = "public brain_all_scope"
_LEAST_SIDE, _MOST_SIDE = 15, 8192
_WORDS_TYPES = {"print": "print", "handprint_mix": "handprint_mix", "handwring_only": "handwriting_only"}
_NO_PAIR = (
    "This server has no pair of client_id and client_secret. Set the environment variables DOCPRE_CLIENT_ID and "
    "DOCPRE_CLIENT_SECRET, or client_id and client_secret under Serving.extra of the pipeline's YAML."
)
_TOKEN_FIELDS = ("grant_type", "client_id", "client_secret")


def baidu_router(settings: ServiceSettings, places: Places, processing: Callable[[], Processing]) -> APIRouter:
    """The routes.

    Args:
        settings: limits, and the pair that clients have to know.
        places: for requests.
        processing: gives it once the service has started.
    """
    router = APIRouter()
    pair = settings.client_pair()
    tokens = None if pair is None else Tokens(*pair)

    @router.post(
        PATH,
        operation_id="docAnalysis",
        summary="Text, handwriting and layout of a page, as Baidu answers",
        response_class=Response,
        responses={
            200: {
                "model": DocAnalysisAnswer | BaiduErrorAnswer,
                "description": "What is on the page; or an error, with Baidu's code.",
            }
        },
        openapi_extra={
            "parameters": [
                _parameter("access_token", f"From {TOKEN_PATH}; only looked at where the server has a client's pair.")
            ],
            "requestBody": {
                "required": True,
                "content": {FORM_TYPE: {"schema": DocAnalysisRequest.model_json_schema()}},
            },
        },
    )
    async def doc_analysis(request: Request) -> Response:
        with ExitStack() as stack:
            async with time_limit(settings.max_request_s):
                try:
                    if tokens is not None:
                        _check_token(tokens, request)
                    stack.enter_context(places.place())
                except Refusal:
                    async for _ in request.stream():  # or clients that are still sending would miss the answer
                        pass
                    raise
                wish = parsed(await read_fields(request))
                try:
                    answer = await while_connected(request, _analysed(request, wish))
                except HungUpError:
                    return Response(status_code=499)
        return Response(await asyncio.to_thread(to_json, answer, exclude_none=True), media_type="application/json")

    async def _analysed(request: Request, wish: DocAnalysisRequest) -> DocAnalysisAnswer:
        work = processing()
        with work.step("fetch" if wish.url and not wish.image else "decode_body"):
            sent = await read_sent_file(wish, settings)
        total_pages, page = await _read(work, sent.content, sent.page)
        # The page is turned upright and flattened as the server is set to, so that it can be read; the answer's places
        # are those of the picture that was sent all the same.
        turning = True if wish.detect_direction == "true" else None
        clean = await _attempt(Code.DETECT, work.cleaned(page, (turning, None)))
        options = {
            "language_type": wish.language_type,
            "words_type": _WORDS_TYPES[wish.words_type],
            "layout_analysis": wish.layout_analysis == "true",
        }
        found = await _attempt(Code.RECOGNIZE, work.analysed(clean, options))
        log_id = int(request.scope["state"]["log_id"])
        return await work.encode(doc_analysis_answer, log_id, page, found, wish, total_pages)

    token_responses: dict[int | str, dict[str, Any]] = {
        200: {
            "model": TokenAnswer | TokenErrorAnswer | BaiduErrorAnswer,
            "description": "A token, or why there is none.",
        }
    }

    @router.get(
        TOKEN_PATH,
        operation_id="getToken",
        summary="A token for doc_analysis",
        response_class=Response,
        responses=token_responses,
        openapi_extra={"parameters": [_parameter(name) for name in _TOKEN_FIELDS]},
    )
    async def get_token(request: Request) -> Response:
        return _token_answer(request, tokens, dict(request.query_params))

    @router.post(
        TOKEN_PATH,
        operation_id="postToken",
        summary="A token for doc_analysis",
        response_class=Response,
        responses=token_responses,
        openapi_extra={
            "parameters": [_parameter(name) for name in _TOKEN_FIELDS],
            "requestBody": {"content": {FORM_TYPE: {"schema": _TOKEN_FORM}}},
        },
    )
    async def post_token(request: Request) -> Response:
        async with time_limit(settings.max_request_s):
            try:
                fields = await read_fields(request)
            except BaiduError as error:
                return _no_token(request, "invalid_request", str(error))
            return _token_answer(request, tokens, dict(request.query_params) | fields)

    return router


async def _read(work: Processing, content: bytes, index: int | None) -> tuple[int | None, ReadPage]:
    """How many pages a PDF has, and the page that is asked for; None and the picture."""
    try:
        async with work.opened(content, index is not None, index or 0) as (reader, total_pages):
            if index is not None and total_pages is not None and index >= total_pages:
                raise BaiduError(
                    Code.INVALID_PARAM, f"pdf_file_num is {index + 1}, but the PDF's pages are 1 to {total_pages}."
                )
            page = await work.read(reader)
    except BaiduError:
        raise
    except Refusal as error:
        raise BaiduError(Code.IMAGE_SIZE if error.status == 413 else Code.IMAGE_FORMAT, str(error)) from error
    if page is None or page.image is None:
        reason = "it has no pages" if page is None else page.error
        raise BaiduError(
            Code.IMAGE_SIZE if page is not None and page.is_limit else Code.IMAGE_FORMAT,
            f"The file can't be read: {reason}.".replace("..", "."),
        )
    height, width = page.image.shape[:2]
    if min(height, width) < _LEAST_SIDE or max(height, width) > _MOST_SIDE:
        raise BaiduError(
            Code.IMAGE_SIZE, f"sides have {_LEAST_SIDE} to {_MOST_SIDE} pixels; this page has {width}x{height}."
        )
    return total_pages, page


async def _attempt(code: Code, step: Any) -> Any:
    try:
        return await step
    except Refusal:
        raise
    except DocpreError as error:
        raise BaiduError(code, str(error)) from error


def _check_token(tokens: Tokens, request: Request) -> None:
    token = request.query_params.get("access_token")
    if token is None:
        raise BaiduError(
            Code.INVALID_PARAMETER, f"access_token is missing. Get one at {TOKEN_PATH}, and put it behind the path."
        )
    tokens.check(token)


def _token_answer(request: Request, tokens: Tokens | None, fields: dict[str, str]) -> Response:
    missing = [name for name in _TOKEN_FIELDS if not fields.get(name)]
    no_store = {"Cache-Control": "no-store"}
    if tokens is None:
        return _no_token(request, "invalid_client", _NO_PAIR)
    if missing:
        return _no_token(request, "invalid_request", f"{', '.join(missing)} are needed, in the URL or in a form.")
    if fields["grant_type"] != "client_credentials":
        return _no_token(request, "unsupported_grant_type", "grant_type is client_credentials.")
    knows_id, knows_secret = tokens.knows(fields["client_id"], fields["client_secret"])
    if not (knows_id and knows_secret):
        return _no_token(request, "invalid_client", "Client authentication failed" if knows_id else "unknown client id")
    answer = TokenAnswer(access_token=tokens.issue(), expires_in=LIFE_S, scope=_SCOPE)
    return JSONResponse(answer.model_dump(), headers=no_store)


def _no_token(request: Request, error: Any, description: str) -> Response:
    state = request.scope["state"]
    state["error_code"] = int(Code.INVALID_PARAMETER)
    answer = TokenErrorAnswer(
        log_id=int(state["log_id"]),
        error_code=Code.INVALID_PARAMETER,
        error_msg=str(BaiduError(Code.INVALID_PARAMETER, description)),
        error=error,
        error_description=description,
    )
    return JSONResponse(answer.model_dump())


def _parameter(name: str, description: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": description}


_TOKEN_FORM = {"type": "object", "properties": {name: {"type": "string"} for name in _TOKEN_FIELDS}}
