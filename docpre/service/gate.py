"""What every request passes: its number, the key, the limit on its body, the count, the log, and the last catch."""

from __future__ import annotations

import hmac
import logging
import re
import time
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docpre.service.error_answers import error_answer, new_log_id
from docpre.service.measures import Measures
from docpre.service.refusal import Refusal

_LOG = logging.getLogger("docpre.service")
_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_CLIENT_CLOSED_REQUEST = 499  # nginx's, for the count and the log: nobody reads this answer


class Gate:
    """ASGI middleware around the whole application.

    Args:
        app: the application; ``scope["state"]["log_id"]`` tells it the request's number.
        max_body_bytes: of a request.
        api_keys: one of them must be in ``Authorization: Bearer``; empty: no keys.
        measures: where requests are counted.
        paths: that are counted by name; all others are one.
        open_paths: for which no key is asked.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body_bytes: int,
        api_keys: Sequence[bytes],
        measures: Measures,
        paths: Sequence[str],
        open_paths: Sequence[str],
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._api_keys = api_keys
        self._measures = measures
        self._paths = paths
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        log_id = new_log_id(scope["path"])
        wished = headers.get("x-request-id", "")
        request_id = wished if _REQUEST_ID.fullmatch(wished) else log_id
        scope.setdefault("state", {})["log_id"] = log_id
        status = _CLIENT_CLOSED_REQUEST

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                answer["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            self._check(scope, headers)
            await self._app(scope, _limited(receive, self._max_body_bytes), send_marked)
        except Refusal as error:
            await error_answer(scope, error)(scope, receive, send_marked)
        except Exception:
            _LOG.exception("request %s (log %s) failed", request_id, log_id)
            if status == _CLIENT_CLOSED_REQUEST:  # the answer has not begun
                await error_answer(scope, Refusal(500, "Internal server error"))(scope, receive, send_marked)
        finally:
            seconds = time.perf_counter() - started
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._measures.requests.labels(path, str(status)).inc()
            self._measures.request_seconds.labels(path).observe(seconds)
            outcome = str(status)
            if (code := scope["state"].get("error_code")) is not None:
                self._measures.baidu_errors.labels(path, str(code)).inc()
                outcome = f"{status} (error {code})"
            # The path as it was asked for may hold anything, so what is logged is a known one.
            _LOG.info(
                "%s %s %s in %.3f s, request %s, log %s", scope["method"], path, outcome, seconds, request_id, log_id
            )

    def _check(self, scope: Scope, headers: Headers) -> None:
        if (
            self._api_keys
            and scope["path"] not in self._open_paths
            and not self._has_key(headers.get("authorization", ""))
        ):
            raise Refusal(
                401, "A key is needed: send the header Authorization: Bearer KEY.", {"WWW-Authenticate": "Bearer"}
            )
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._max_body_bytes:
            raise _too_large(self._max_body_bytes)

    def _has_key(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        given = key.strip().encode("latin-1")  # the bytes as they were sent
        # All are compared, so that the time tells nothing of which one came close.
        matches = [hmac.compare_digest(given, known) for known in self._api_keys]
        return scheme.lower() == "bearer" and any(matches)


def _limited(receive: Receive, max_bytes: int) -> Receive:
    count = 0

    async def receive_limited() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > max_bytes:
            raise _too_large(max_bytes)
        return message

    return receive_limited


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(413, f"The request is over the limit of {max_bytes:,} bytes. Send a smaller file, or its URL.")
