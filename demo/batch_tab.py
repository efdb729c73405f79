"""The tab for many files: a table that grows, and a zip at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from demo.downloads import batch
from demo.failures import asked_for
from demo.limits import MAX_BATCH_FILES
from demo.models import Models
from demo.page_tab import FILE_TYPES
from demo.settings_panel import SettingsPanel
from demo.steps import Choices
from demo.texts import Texts


class BatchTab:
    """Many files in, one zip out.

    Args:
        texts: of the page.
        models: what runs.
        is_public: whether the tab's function is offered by name to programs.
    """

    def __init__(self, texts: Texts, models: Models, is_public: bool) -> None:
        self._texts, self._models = texts, models
        with gr.Row(elem_classes="dp-columns"):
            with gr.Column(scale=2, min_width=280):
                files = gr.Files(
                    label=texts["batch_drop"], file_types=FILE_TYPES, height=220, elem_classes="dp-batch-drop"
                )
                self._error = gr.HTML(elem_classes="dp-error")
                run = gr.Button(texts["batch_run"], variant="primary")
                self._settings = SettingsPanel(texts, models)
            with gr.Column(scale=5, min_width=300):
                self._said = gr.HTML()
                self._outcomes = gr.Dataframe(
                    headers=[texts["batch_file"], texts["batch_pages"], texts["batch_state"]],
                    datatype=["str", "number", "str"],
                    label=texts["batch_outcome"],
                    interactive=False,
                    wrap=True,
                    elem_classes="dp-outcomes",
                )
                self._zip = gr.File(label=texts["batch_zip"], interactive=False, elem_classes="dp-zip")
        run.click(
            self._run,
            [files, *self._settings.components],
            [self._error, self._said, self._outcomes, self._zip],
            concurrency_id="batch",
            concurrency_limit=1,
            show_progress="minimal",
            api_name="batch" if is_public else None,
            api_visibility="public" if is_public else "private",
        )

    def _run(
        self,
        files: list[str] | None,
        turn: bool,
        flatten: bool,
        read: bool,
        layout: bool,
        handwriting: bool,
        cleaning: str,
        reading: str,
        orientation: str,
        unwarping: str,
    ) -> Iterator[dict[Any, Any]]:
        """All files, one after the other."""
        if not files or len(files) > MAX_BATCH_FILES:
            said = self._texts["batch_many" if files else "batch_none"]
            yield {self._error: asked_for(said), self._said: "", self._outcomes: [], self._zip: None}
            return
        choices = Choices(turn, flatten, read, layout, handwriting, cleaning, reading, orientation, unwarping)
        yield {self._error: "", self._said: self._progress(0, len(files)), self._outcomes: [], self._zip: None}
        rows = []
        with tempfile.TemporaryDirectory() as folder:  # what is shown is copied from here
            target = Path(folder) / "docpre.zip"
            for outcome in batch(self._texts, [Path(file) for file in files], choices, self._models, target):
                rows.append([outcome.name, outcome.pages, outcome.said])
                yield {self._said: self._progress(len(rows), len(files)), self._outcomes: rows}
            yield {self._zip: str(target)}

    def _progress(self, done: int, count: int) -> str:
        said = self._texts["batch_progress"].format(done=done, all=count)
        return f'<p class="dp-note" role="status"><progress max="{count}" value="{done}"></progress> {said}</p>'
