"""A request that can't be answered: the HTTP status, and a sentence that says how to mend it."""

from __future__ import annotations

from collections.abc import Mapping

from docpre.errors import DocpreError


class Refusal(DocpreError):  # noqa: N818 - it is an answer, not a fault
    """Becomes an answer ``{logId, errorCode: status, errorMsg: message}``; see ``docpre.service.error_answers``.

    Args:
        status: of HTTP.
        message: what is wrong, and how to mend it.
        headers: of the answer, such as Retry-After.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
