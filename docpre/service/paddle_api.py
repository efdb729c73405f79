"""PaddleX's ``POST /document-preprocessing``."""

from __future__ import annotations

import asyncio
from typing import Any

import cv2
import numpy as np
from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import Response

from docpre.loading import ImageArray
from docpre.service.encoding import base64_text, jpeg, png
from docpre.service.negotiation import JSON, PDF, PNG, answer_kind
from docpre.service.paddle_schemas import (
    DocPreprocessingResult,
    ErrorAnswer,
    ImageInfo,
    InferAnswer,
    InferRequest,
    InferResult,
    PageInfo,
    PdfInfo,
    PrunedResult,
)
from docpre.service.places import HungUpError, Places, time_limit, while_connected
from docpre.service.processing import Document, ProcessedPage, Processing, refused
from docpre.service.refusal import Refusal
from docpre.service.request_body import read_file, read_request
from docpre.service.settings import ServiceSettings

PATH = "/document-preprocessing"
_REFUSALS = {
    400: "The body is not JSON, or not a form.",
    401: "The key is missing or wrong.",
    406: "None of the kinds of answer is accepted.",
    408: "The request took too long.",
    413: "The body or the file is beyond a limit.",
    415: "The body is of another kind.",
    422: "A field is wrong, or the file can't be read.",
    429: "Too many requests are waiting; Retry-After says how many seconds to wait.",
    500: "A fault of the server's.",
}
_FORM_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "A picture or PDF."},
        "fileType": {"type": "string", "enum": ["0", "1"]},
        **{
            name: {"type": "string", "enum": ["true", "false"]}
            for name in ("useDocOrientationClassify", "useDocUnwarping", "visualize", "transform")
        },
    },
}
_BINARY = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}


def paddle_router(settings: ServiceSettings, places: Places, processing: Any) -> APIRouter:
    """The route.

    Args:
        settings: limits.
        places: for requests.
        processing: () -> ``Processing``, once the service has started.
    """
    router = APIRouter()
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorAnswer, "description": text} for status, text in _REFUSALS.items()
    }
    responses[200] = {
        "model": InferAnswer,
        "description": "The pages; with Accept: image/png or application/pdf the clean page or pages alone.",
        "content": {PNG: _BINARY, PDF: _BINARY},
    }

    @router.post(
        PATH,
        operation_id="infer",
        summary="Turn pages upright and flatten them",
        response_class=Response,
        responses=responses,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {"schema": InferRequest.model_json_schema()},
                    "multipart/form-data": {"schema": _FORM_SCHEMA},
                },
            }
        },
    )
    async def infer(request: Request) -> Response:
        with places.place():
            async with time_limit(settings.max_request_s):
                kind = answer_kind(request.headers.get("accept"))
                wish, uploaded = await read_request(request)
                try:
                    return await while_connected(request, _answer(request, kind, wish, uploaded))
                except HungUpError:
                    return Response(status_code=499)

    async def _answer(request: Request, kind: str, wish: InferRequest, uploaded: bytes | None) -> Response:
        work: Processing = processing()
        with work.step("fetch" if "://" in wish.file[:10] else "decode_body"):
            content, is_pdf = await read_file(wish, uploaded, settings)
        switches = (wish.use_doc_orientation_classify, wish.use_doc_unwarping)
        async with work.document(content, is_pdf, switches) as document:
            if kind == PNG:
                return Response(await _png(work, document), media_type=PNG)
            if kind == PDF:
                return Response(await _pdf(document), media_type=PDF)
            visualize = settings.visualize if wish.visualize is None else wish.visualize
            log_id = request.scope["state"]["log_id"]
            return await _json(work, document, log_id, visualize, bool(wish.transform))

    return router


async def _json(work: Processing, document: Document, log_id: str, visualize: bool, transform: bool) -> Response:
    results, sizes = [], []
    failed: ProcessedPage | None = None
    async for page in document.pages:
        if page.result is None:
            failed = failed or page
        results.append(await _page_answer(work, page, visualize, transform))
        sizes.append((None, None) if page.read.image is None else page.read.image.shape[:2])
    if not results or (failed is not None and all(result.error for result in results)):
        raise refused(failed) if failed else Refusal(422, "The file has no pages.")
    info: ImageInfo | PdfInfo
    if document.total_pages is None:
        height, width = next(size for size in sizes if size[0] is not None)
        info = ImageInfo(width=width, height=height)
    else:
        pages = [PageInfo(width=width, height=height) for height, width in sizes]
        info = PdfInfo(num_pages=len(pages), total_pages=document.total_pages, pages=pages)
    answer = InferAnswer(log_id=log_id, result=InferResult(doc_preprocessing_results=results, data_info=info))
    return Response(await asyncio.to_thread(_as_json, answer), media_type=JSON)


def _as_json(answer: InferAnswer) -> bytes:
    return to_json(answer, by_alias=True, exclude_none=True)


async def _page_answer(
    work: Processing, page: ProcessedPage, visualize: bool, transform: bool
) -> DocPreprocessingResult:
    result, read = page.result, page.read
    if result is None:
        return DocPreprocessingResult(output_image=None, pruned_result=None, error=page.error)
    # Each at once in a thread of its own: they take about as long as one another.
    pictures = {"output_image": work.encode(lambda: base64_text(png(result.output_image)))}
    if visualize:
        pictures["doc_preprocessing_image"] = work.encode(lambda: base64_text(jpeg(result.side_by_side)))
        pictures["input_image"] = work.encode(lambda: base64_text(jpeg(result.input_image)))
    encoded = await asyncio.gather(*pictures.values())
    optional: dict[str, Any] = dict(zip(pictures, encoded, strict=True))
    if transform and read.transform is not None:
        optional["transform"] = read.transform.then(result.transform).to_json()
    if read.notes:
        optional["notes"] = list(read.notes)
    return DocPreprocessingResult(
        pruned_result=PrunedResult(model_settings=result["model_settings"], angle=result["angle"]), **optional
    )


async def _png(work: Processing, document: Document) -> bytes:
    """The clean page of a document of one page."""
    only: ProcessedPage | None = None
    async for page in document.pages:
        if only is not None:
            raise Refusal(422, "The file has several pages; a PNG has one. Accept application/pdf or application/json.")
        only = page
    if only is None or only.result is None:
        raise refused(only) if only else Refusal(422, "The file has no pages.")
    return await work.encode(png, only.result.output_image)


async def _pdf(document: Document) -> bytes:
    """The clean pages as a PDF. A page that was turned at most keeps its text and vectors, also one that failed."""
    failed, is_empty = None, True
    async for page in document.pages:
        result = page.result
        if result is None:
            failed = failed or page
        elif result.is_redrawn or document.total_pages is None:
            await document.reader.write_page(page.read, _rgb(result.output_image), 0)
            is_empty = False
            continue
        else:
            is_empty = False
        if document.total_pages is not None:
            await document.reader.write_page(page.read, None, 0 if result is None else max(result["angle"], 0))
    if is_empty:
        raise refused(failed) if failed else Refusal(422, "The file has no pages.")
    return bytes(await document.reader.finished_pdf())


def _rgb(image: ImageArray) -> ImageArray:
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
