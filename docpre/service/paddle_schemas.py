"""Requests and answers of PaddleX's ``/document-preprocessing``, and what docpre adds to them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from docpre.service.refusal import Refusal

# A page of 48x64 pixels with seven lines, so that the example can be tried out.
_PAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAADAAAABAAQAAAAB0W8nrAAAAI0lEQVR42mP8z8DAwMDAxEAixfCHgYGBoR7KY/w/qm9g9AEA"
    "xOISwLxRZC4AAAAASUVORK5CYII="
)
_EXAMPLE: JsonDict = {
    "file": _PAGE,
    "fileType": 1,
    "useDocUnwarping": True,
    "visualize": False,
}


class _CamelModel(BaseModel):
    # What is not in the schema is a client's slip of the pen, and is said to be one.
    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class InferRequest(_CamelModel):
    """What is to be done with which file."""

    model_config = ConfigDict(validate_by_name=False, json_schema_extra={"example": _EXAMPLE})

    file: str = Field(min_length=1, description="A picture or PDF as Base64, or its http(s) URL.")
    file_type: Literal[0, 1] | None = Field(
        default=None, description="0: PDF, 1: picture; null: from the content, then from the URL's name."
    )
    use_doc_orientation_classify: bool | None = Field(
        default=None, description="Undo quarter turns; null: as the server does."
    )
    use_doc_unwarping: bool | None = Field(default=None, description="Flatten bent pages; null: as the server does.")
    visualize: bool | None = Field(
        default=None, description="Add docPreprocessingImage and inputImage; null: as the server does, which is true."
    )
    transform: bool | None = Field(
        default=None, description="docpre's own: add to each page where its points lie in the file that was sent."
    )


class PrunedResult(BaseModel):
    """What was done with a page."""

    model_config = ConfigDict(protected_namespaces=())

    model_settings: dict[str, bool]
    angle: int = Field(description="How far the page was turned clockwise; -1 when the step is off.")


class DocPreprocessingResult(_CamelModel):
    """A page."""

    output_image: str | None = Field(
        default=None, description="The clean page, PNG as Base64; null if the page failed."
    )
    pruned_result: PrunedResult | None = None
    doc_preprocessing_image: str | None = Field(
        default=None, description="Before and after side by side, JPEG as Base64."
    )
    input_image: str | None = Field(default=None, description="The page as it came, JPEG as Base64.")
    transform: dict[str, Any] | None = Field(default=None, description="If asked for; see docpre.Transform.from_json.")
    notes: list[str] | None = Field(default=None, description="What is to be known of how the page was read.")
    error: str | None = Field(
        default=None, description="Why this page failed; the document's other pages are unharmed."
    )


class ImageInfo(BaseModel):
    """Of a picture; of its first page if it has several."""

    width: int
    height: int
    type: Literal["image"] = "image"


class PageInfo(BaseModel):
    """Of a page of a PDF, as rendered; null if it failed."""

    width: int | None = None
    height: int | None = None


class PdfInfo(_CamelModel):
    """Of a PDF."""

    num_pages: int = Field(description="That were processed.")
    total_pages: int = Field(description="That the PDF has; docpre's own.")
    pages: list[PageInfo]
    type: Literal["pdf"] = "pdf"


class InferResult(_CamelModel):
    """All pages."""

    doc_preprocessing_results: list[DocPreprocessingResult]
    data_info: ImageInfo | PdfInfo


class InferAnswer(_CamelModel):
    """The answer to a request that succeeded."""

    log_id: str
    error_code: Literal[0] = 0
    error_msg: str = "Success"
    result: InferResult


class ErrorAnswer(_CamelModel):
    """The answer to a request that failed; errorCode is the HTTP status."""

    log_id: str
    error_code: int
    error_msg: str


class StateAnswer(_CamelModel):
    """The answer of /health and /ready."""

    log_id: str
    error_code: Literal[0] = 0
    error_msg: str


def parsed_json(body: bytes | bytearray) -> InferRequest:
    """A request's body.

    Raises:
        Refusal: 400 where it is not JSON, 422 where it is not such a request.
    """
    try:
        return InferRequest.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None  # its cause has the body in it


def parsed_form(fields: dict[str, Any]) -> InferRequest:
    """The fields of a form; ``file`` as Base64 or a URL.

    Raises:
        Refusal: 422 where they are not such a request.
    """
    try:
        return InferRequest.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> Refusal:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return Refusal(400, f"The body is not JSON ({faults[0]['msg'].removeprefix('Invalid JSON: ')[:200]}).")
    sentences = []
    for fault in faults[:5]:
        name = ".".join(str(part) for part in fault["loc"])[:100] or "the body"
        message = "there is no such field" if fault["type"] == "extra_forbidden" else fault["msg"]
        sentences.append(f"{name}: {message}")
    known = ", ".join(field.alias or name for name, field in InferRequest.model_fields.items())
    return Refusal(422, f"{'; '.join(sentences)}. Fields are {known}.")
