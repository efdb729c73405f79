"""What was done to a page, why, and how long it took, as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from demo.models import MIN_SCORE
from demo.steps import Choices, Progress
from demo.texts import Texts, reason_in
from docpre.results import DocPreprocessorResult, Result

_STEPS = ("came", "turned", "flattened", "read")
# Milliseconds of a step -> which of the result's engines ran it.
_ENGINE_OF = {
    "orientation": "orientation",
    "unwarping": "unwarping",
    "detection": "text_detection",
    "recognition": "text_recognition",
    "layout": "layout",
}


def step_list(texts: Texts, progress: Progress | None, choices: Choices) -> str:
    """How far a page has come; read out as it changes."""
    off = {"turned": not choices.turn, "flattened": not choices.flatten, "read": not choices.read}
    done = [progress is not None and getattr(progress, name) is not None for name in _STEPS]
    items, is_first_to_come = [], True
    for name, is_done in zip(_STEPS, done, strict=True):
        state = "off" if off.get(name) else "done" if is_done else "now" if is_first_to_come else "next"
        if state == "now":
            is_first_to_come = False
        items.append(
            f'<li class="{state}"><span>{escape(texts[f"step_{name}"])}</span>'
            f"<small>{escape(texts[f'step_{state}'])}</small></li>"
        )
    return f'<ol class="dp-steps" role="status" aria-live="polite">{"".join(items)}</ol>'


def scores(texts: Texts, result: DocPreprocessorResult) -> str:
    """The four orientation scores as bars, and what was made of them."""
    orientation = result.orientation
    title = f"<h3>{escape(texts['scores'])}</h3>"
    if "scores" not in orientation:
        return f"{title}<p>{escape(texts['is_off'])}</p>"
    angle = orientation["label"]
    if not orientation["applied"]:
        said = texts["unsure"].format(bound=f"{MIN_SCORE:.0%}")
    elif angle == "0":
        said = texts["was_upright"]
    else:
        said = texts["was_turned"].format(angle=angle)
    bars = "".join(
        f"<tr{' class=best' if label == angle else ''}><th scope=row>"
        f"{escape(texts['upright'] if label == '0' else texts['degrees'].format(angle=label))}</th>"
        f'<td><meter min="0" max="1" value="{score:.4f}">{score:.1%}</meter></td><td>{score:.1%}</td></tr>'
        for label, score in orientation["scores"].items()
    )
    return f"{title}<p><strong>{escape(said)}</strong></p><table class=dp-bars>{bars}</table>"


def flatness(texts: Texts, result: DocPreprocessorResult) -> str:
    """Whether the page was flattened, and why."""
    unwarping = result.unwarping
    title = f"<h3>{escape(texts['flatness'])}</h3>"
    if "bend_percent" not in unwarping:
        return f"{title}<p>{escape(texts['is_off'])}</p>"
    said = texts["was_flattened" if unwarping["applied"] else "was_left"]
    strong = f"<strong>{escape(said.format(reason=reason_in(texts, unwarping['reason'])))}</strong>"
    bend = unwarping["bend_percent"]
    warp = "" if bend is None else f" ({escape(texts['bend'].format(bend=bend))})"
    return f"{title}<p>{strong}{warp}</p>"


def times(texts: Texts, result: Result) -> str:
    """A table of the time that each step took, and of what ran it."""
    elapsed: Mapping[str, float] = result["elapsed_ms"]
    engines = result["engines"]
    rows = []
    for name, ms in [*elapsed.items(), ("total", sum(elapsed.values()))]:
        engine = engines.get(_ENGINE_OF.get(name, ""))
        ran = " · ".join(engine[part] for part in ("model", "engine", "precision") if part in engine) if engine else ""
        rows.append(
            f"<tr><th scope=row>{escape(texts[f'ms_{name}'])}</th><td class=number>{ms:,.0f}</td>"
            f"<td>{escape(ran)}</td></tr>"
        )
    heads = "".join(f"<th scope=col>{escape(texts[f'column_{name}'])}</th>" for name in ("step", "ms", "engine"))
    return (
        f"<h3>{escape(texts['times'])}</h3><table class=dp-times><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def why(texts: Texts, progress: Progress) -> str:
    """All of that."""
    result = progress.flattened or progress.turned or progress.came
    last = progress.read or result
    return (
        f'<div class="dp-why"><section>{scores(texts, result)}{flatness(texts, result)}</section>'
        f"<section>{times(texts, last)}</section></div>"
    )
