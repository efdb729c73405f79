"""How a refusal is answered: in Baidu's form on the paths of its interface, in PaddleX's on all others."""

from __future__ import annotations

import uuid

from starlette.responses import JSONResponse
from starlette.types import Scope

from docpre.service.baidu_errors import as_baidu_error
from docpre.service.refusal import Refusal

_BAIDU_PATHS = ("/rest/2.0/", "/oauth/2.0/")


def is_baidu_path(path: str) -> bool:
    """Whether a path belongs to Baidu's interface."""
    return path.startswith(_BAIDU_PATHS)


def new_log_id(path: str) -> str:
    """The number of a request: a UUID for PaddleX's interface, a whole number for Baidu's."""
    number = uuid.uuid4()
    # Baidu's are unsigned 64-bit integers; those of 63 bits fit into signed ones too.
    return str(number.int >> 65) if is_baidu_path(path) else str(number)


def error_answer(scope: Scope, error: Refusal) -> JSONResponse:
    """A refusal as the interface answers to which the request's path belongs."""
    log_id = scope["state"]["log_id"]
    if not is_baidu_path(scope["path"]):
        content = {"logId": log_id, "errorCode": error.status, "errorMsg": str(error)}
        return JSONResponse(content, error.status, error.headers)
    refusal = as_baidu_error(error)
    scope["state"]["error_code"] = int(refusal.code)
    content = {"log_id": int(log_id), "error_code": int(refusal.code), "error_msg": str(refusal)}
    return JSONResponse(content, refusal.status, refusal.headers)
