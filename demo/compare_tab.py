"""The tab that runs two pairs of models on one page and shows the results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from demo import report
from demo.drawing import pair, with_grid
from demo.failures import alert, asked_for
from demo.limits import READING
from demo.models import Models, engine_label
from demo.page_tab import FILE_TYPES
from demo.texts import Texts
from docpre.errors import DocpreError
from docpre.results import DocPreprocessorResult

_SIDE, _GRID_SIDE = 1200, 800
_NODES = 25  # of a grid over the page, at which the results are compared


class CompareTab:
    """Two pairs of models on the same page.

    Args:
        texts: of the page.
        models: what can be compared.
        is_public: whether the tab's function is offered by name to programs.
    """

    def __init__(self, texts: Texts, models: Models, is_public: bool) -> None:
        self._texts, self._models = texts, models
        with gr.Row(elem_classes="dp-columns"):
            with gr.Column(scale=2, min_width=280):
                file = gr.File(label=texts["compare_drop"], file_types=FILE_TYPES, height=170)
                self._error = gr.HTML(elem_classes="dp-error")
                first, second = self._side("compare_first", 0), self._side("compare_second", 1)
                run = gr.Button(texts["compare_run"], variant="primary")
                gr.Markdown(texts["compare_hint"], elem_classes="dp-note")
            with gr.Column(scale=5, min_width=300):
                self._slider = gr.ImageSlider(
                    label=texts["compare_slider"], format="jpeg", max_height=640, interactive=False,
                    buttons=["fullscreen"],
                )  # fmt: skip
                self._moved = gr.HTML()
                with gr.Row():
                    self._grids, self._whys = [], []
                    for name in ("compare_first", "compare_second"):
                        with gr.Column(min_width=280):
                            self._grids.append(
                                gr.Image(
                                    label=texts[name],
                                    alt_text=texts["grid_alt"],
                                    format="jpeg",
                                    interactive=False,
                                    height=320,
                                    buttons=["fullscreen"],
                                )
                            )
                            self._whys.append(gr.HTML())
        run.click(
            self._run,
            [file, *first, *second],
            [self._error, self._slider, self._moved, *self._grids, *self._whys],
            concurrency_id="page",
            api_name="compare" if is_public else None,
            api_visibility="public" if is_public else "private",
        )

    def _side(self, name: str, place: int) -> list[Any]:
        """Which models and engine run on one side; the second side begins with others where there are any."""
        texts, models = self._texts, self._models

        def other(choices: list[str]) -> str:
            return choices[min(place, len(choices) - 1)]

        with gr.Group():
            gr.HTML(f"<h3>{texts[name]}</h3>", padding=True)
            orientation, unwarping = list(models.orientation), list(models.unwarping)
            engines = [(engine_label(engine), engine) for engine in models.engines]
            return [
                gr.Dropdown(engines, label=texts["cleaning"], filterable=False),
                gr.Dropdown(orientation, value=other(orientation), label=texts["orientation_model"], filterable=False),
                gr.Dropdown(unwarping, value=other(unwarping), label=texts["unwarping_model"], filterable=False),
            ]

    def _run(
        self,
        path: str | None,
        first_engine: str,
        first_orientation: str,
        first_unwarping: str,
        second_engine: str,
        second_orientation: str,
        second_unwarping: str,
    ) -> dict[Any, Any]:
        """The page by both."""
        first = first_engine, first_orientation, first_unwarping
        second = second_engine, second_orientation, second_unwarping
        nothing = dict.fromkeys([self._slider, *self._grids]) | dict.fromkeys([self._moved, *self._whys], "")
        if path is None:
            return nothing | {self._error: asked_for(self._texts["compare_none"])}
        try:
            came = self._result(path, first, False)
            results = [self._result(path, side, True) for side in (first, second)]
        except DocpreError as error:
            return nothing | {self._error: alert(self._texts, error, Path(path))}
        slider = pair(results[0].output_image, results[1].output_image, _SIDE)
        shown: dict[Any, Any] = {self._error: "", self._slider: slider, self._moved: self._difference(*results)}
        for grid, why, result in zip(self._grids, self._whys, results, strict=True):
            shown[grid] = with_grid(came, result, _GRID_SIDE)
            parts = (part(self._texts, result) for part in (report.scores, report.flatness, report.times))
            shown[why] = f'<div class="dp-why"><section>{"".join(parts)}</section></div>'
        return shown

    def _result(self, path: str, side: tuple[str, ...], is_on: bool) -> DocPreprocessorResult:
        preprocessor = self._models.preprocessor(*side)
        switches: dict[str, Any] = {"use_doc_orientation_classify": is_on, "use_doc_unwarping": is_on}
        return preprocessor.predict(path, pages="1", num_workers=0, on_error="raise", **switches, **READING)[0]

    def _difference(self, first: DocPreprocessorResult, second: DocPreprocessorResult) -> str:
        """How far apart points of the clean page lie in the original, by the two results."""
        shares = np.stack(np.meshgrid(np.linspace(0, 1, _NODES), np.linspace(0, 1, _NODES)), -1)
        places = [
            result.transform.to_original(shares * (np.array(result.transform.output_size_hw[::-1]) - 1))
            for result in (first, second)
        ]
        diagonal = float(np.hypot(*first.transform.original_size_hw))
        apart = 100 * np.linalg.norm(places[0] - places[1], axis=-1) / diagonal
        said = self._texts["compare_moved"].format(share=float(np.median(apart)), most=float(apart.max()))
        return f'<p class="dp-note" role="status">{said}</p>'
