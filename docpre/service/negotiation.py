"""Which kind of answer a request's header Accept asks for."""

from __future__ import annotations

from docpre.service.refusal import Refusal

JSON, PNG, PDF = "application/json", "image/png", "application/pdf"
KINDS = (JSON, PNG, PDF)


def answer_kind(accept: str | None) -> str:
    """The kind that the client likes best (RFC 9110, 12.5.1); JSON where it likes several alike, or doesn't say.

    Raises:
        Refusal: 406 where it takes none of them.
    """
    if accept is None or not accept.strip():
        return JSON
    wishes = [_wish(part) for part in accept.split(",") if part.strip()]
    liked = {kind: _quality(kind, wishes) for kind in KINDS}
    best = max(KINDS, key=lambda kind: liked[kind])  # the first of equals
    if liked[best] <= 0:
        raise Refusal(406, f"Accept is one of {', '.join(KINDS)}, not {accept[:100]!r}.")
    return best


def _wish(part: str) -> tuple[str, float]:
    media, *parameters = (text.strip().lower() for text in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media, 0.0
    return ("*/*" if media == "*" else media), 1.0  # Java's default has a lone star


def _quality(kind: str, wishes: list[tuple[str, float]]) -> float:
    """By the most exact of the ranges that fit."""
    for wanted in (kind, kind.split("/")[0] + "/*", "*/*"):
        qualities = [quality for media, quality in wishes if media == wanted]
        if qualities:
            return max(qualities)
    return 0.0
