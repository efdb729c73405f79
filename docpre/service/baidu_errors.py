"""Baidu's error codes for character recognition, and which of them docpre's refusals become.

Codes and messages are those of Baidu's documentation (https://ai.baidu.com/ai-doc/OCR/dkibizxnx).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from docpre.service.refusal import Refusal
from docpre.service.safe_fetch import UrlFault, UrlRefusal


class Code(IntEnum):
    """The codes that docpre answers with. It has no quotas, so 4, 17 and 19 never come."""

    UNKNOWN_METHOD = 3
    TOO_MANY_REQUESTS = 18
    INVALID_PARAMETER = 100
    TOKEN_INVALID = 110
    TOKEN_EXPIRED = 111
    INVALID_PARAM = 216100
    NOT_ENOUGH_PARAM = 216101
    NOT_SUPPORTED = 216102
    PARAM_TOO_LONG = 216103
    EMPTY_IMAGE = 216200
    IMAGE_FORMAT = 216201
    IMAGE_SIZE = 216202
    RECOGNIZE = 216630
    DETECT = 216634
    INTERNAL = 282000
    URL_UNKNOWN = 282110
    URL_FORMAT = 282111
    URL_TIMEOUT = 282112
    URL_ANSWER = 282113
    URL_LENGTH = 282114
    IMAGE_RECOGNIZE = 282810


_MESSAGES: Mapping[Code, str] = {
    Code.UNKNOWN_METHOD: "Unsupported openapi method",
    Code.TOO_MANY_REQUESTS: "Open api qps request limit reached",
    Code.INVALID_PARAMETER: "Invalid parameter",
    Code.TOKEN_INVALID: "Access token invalid or no longer valid",
    Code.TOKEN_EXPIRED: "Access token expired",
    Code.INVALID_PARAM: "invalid param",
    Code.NOT_ENOUGH_PARAM: "not enough param",
    Code.NOT_SUPPORTED: "service not support",
    Code.PARAM_TOO_LONG: "param too long",
    Code.EMPTY_IMAGE: "empty image",
    Code.IMAGE_FORMAT: "image format error",
    Code.IMAGE_SIZE: "image size error",
    Code.RECOGNIZE: "recognize error",
    Code.DETECT: "detect error",
    Code.INTERNAL: "internal error",
    Code.URL_UNKNOWN: "urls not exit",  # as Baidu spells it
    Code.URL_FORMAT: "url format illegal",
    Code.URL_TIMEOUT: "url download timeout",
    Code.URL_ANSWER: "url response invalid",
    Code.URL_LENGTH: "url size error",
    Code.IMAGE_RECOGNIZE: "image recognize error",
}
_BY_STATUS: Mapping[int, Code] = {
    401: Code.TOKEN_INVALID,
    404: Code.UNKNOWN_METHOD,
    405: Code.UNKNOWN_METHOD,
    408: Code.IMAGE_RECOGNIZE,
    413: Code.IMAGE_SIZE,
    429: Code.TOO_MANY_REQUESTS,
    500: Code.INTERNAL,
}
_BY_URL_FAULT: Mapping[UrlFault, Code] = {
    UrlFault.MALFORMED: Code.URL_FORMAT,
    UrlFault.FORBIDDEN: Code.URL_FORMAT,
    UrlFault.UNKNOWN: Code.URL_UNKNOWN,
    UrlFault.TIMEOUT: Code.URL_TIMEOUT,
    UrlFault.BAD_ANSWER: Code.URL_ANSWER,
    UrlFault.TOO_LARGE: Code.IMAGE_SIZE,
}


class BaiduError(Refusal):
    """Becomes an answer ``{log_id, error_code, error_msg}``, with HTTP's status 200 as Baidu has it.

    Args:
        code: Baidu's.
        detail: what is wrong, and how to mend it; it comes behind Baidu's own message.
        headers: of the answer.
    """

    def __init__(self, code: Code, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(200, f"{_MESSAGES[code]}: {detail}", headers)
        self.code = code


def as_baidu_error(error: Refusal) -> BaiduError:
    """A refusal of the service's other parts with Baidu's code."""
    if isinstance(error, BaiduError):
        return error
    if isinstance(error, UrlRefusal):
        return BaiduError(_BY_URL_FAULT[error.fault], str(error))
    return BaiduError(_BY_STATUS.get(error.status, Code.INVALID_PARAM), str(error), error.headers)
