"""The tab for one page: what goes in on the left, what comes out on the right, step by step."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from demo import report
from demo.downloads import page_files
from demo.drawing import pair, preview, with_grid, with_lines
from demo.explorer import explorer, message
from demo.failures import alert
from demo.models import Models
from demo.settings_panel import SettingsPanel
from demo.steps import Choices, Progress, steps
from demo.texts import Texts
from docpre.errors import DocpreError
from docpre.loading import count_pages

_LOG = logging.getLogger("docpre")
_FOLDER = Path(__file__).parent
_EXAMPLES = (
    ("example_photo", _FOLDER / "photo.jpg"),
    ("example_walk", _FOLDER / "examples" / "upside_down.jpg"),
    ("example_scan", _FOLDER / "examples" / "flat_scan.jpg"),
    ("example_report", _FOLDER / "examples" / "three_pages.pdf"),
)
_STRIP_SIDE, _SLIDER_SIDE = 720, 1500
_TRANSFORM_STEPS = "steps"
# On a phone the results are below all that goes in.
_TO_RESULTS = "() => { if (innerWidth < 700) document.querySelector('.dp-progress').scrollIntoView(); }"
FILE_TYPES = ["image", ".pdf"]


class PageTab:
    """One page, from the file to all that was found on it.

    Args:
        texts: of the page.
        models: what runs.
        is_public: whether the tab's function is offered by name to programs.
    """

    def __init__(self, texts: Texts, models: Models, is_public: bool) -> None:
        self._texts, self._models = texts, models
        with gr.Row(elem_classes="dp-columns"):
            with gr.Column(scale=2, min_width=280, elem_classes="dp-input"):
                self.file = gr.File(
                    label=texts["drop"], file_types=FILE_TYPES, height=170, elem_classes=["dp-drop", "dp-paste"]
                )
                self._error = gr.HTML(elem_classes="dp-error")
                self._number = gr.Dropdown([1], value=1, label=texts["which_page"], visible=False, elem_classes="dp-no")
                gr.HTML(f"<p class=dp-note>{texts['examples']}</p>")
                examples = gr.Gallery(
                    _thumbnails(texts),
                    label=texts["examples"],
                    show_label=False,
                    columns=2,
                    height=290,
                    allow_preview=False,
                    interactive=False,
                    object_fit="cover",
                    buttons=[],
                    elem_classes="dp-examples",
                )
                with gr.Accordion(texts["camera"], open=False):
                    camera = gr.Image(
                        sources=["webcam"], type="filepath", label=texts["take_picture"], format="jpeg", buttons=[]
                    )
                self.settings = SettingsPanel(texts, models)
                gr.HTML(f"<p class=dp-note>{texts['kept']}</p>")
            with gr.Column(scale=5, min_width=300, elem_classes="dp-output"):
                self._draw_results()
        inputs = [self.file, self._number, *self.settings.components]
        outputs = [
            self._steps, self._error, self._results, *self._strip, self._slider,
            self._explorer, self._markdown, self._raw, self._why, self._json, self._files,
        ]  # fmt: skip
        run: dict[str, Any] = {
            "inputs": inputs,
            "outputs": outputs,
            "concurrency_id": "page",
            "show_progress": "minimal",
            "show_progress_on": self._steps,
            "trigger_mode": "always_last",
        }
        gr.on([self.file.upload, examples.select], None, js=_TO_RESULTS, api_visibility="private")
        arrived = gr.on([self.file.upload], self._counted, self.file, self._number, api_visibility="private")
        arrived.then(self._run, **run, api_visibility="private")
        chosen = examples.select(self._example, None, [self.file, self._number], api_visibility="private")
        chosen.then(self._run, **run, api_visibility="private")
        taken = camera.input(lambda path: path, camera, self.file, api_visibility="private")
        taken.then(self._counted, self.file, self._number, api_visibility="private").then(
            self._run, **run, api_visibility="private"
        )
        gr.on(
            [self._number.input, *(component.input for component in self.settings.components)],
            self._run,
            **run,
            api_name="page" if is_public else None,
            api_visibility="public" if is_public else "private",
        )

    def _draw_results(self) -> None:
        texts = self._texts
        self._steps = gr.HTML(_waiting(texts), elem_classes="dp-progress")
        with gr.Column(visible=False, elem_classes="dp-results") as self._results:
            self._draw_views()

    def _draw_views(self) -> None:
        texts = self._texts
        with gr.Row(elem_classes="dp-strip"):
            self._strip = [
                gr.Image(
                    label=f"{number} · {texts[f'step_{name}']}",
                    alt_text=texts[alt],
                    format="jpeg",
                    height=250,
                    min_width=140,
                    interactive=False,
                    buttons=["fullscreen"],
                )
                for number, (name, alt) in enumerate(
                    (("came", "grid_alt"), ("turned", "turned_alt"), ("flattened", "flat_alt"), ("read", "read_alt")), 1
                )
            ]
        with gr.Tabs():
            with gr.Tab(texts["view_slider"], render_children=True):
                self._slider = gr.ImageSlider(
                    label=texts["slider"], format="jpeg", max_height=720, interactive=False, buttons=["fullscreen"],
                    elem_classes="dp-slider",
                )  # fmt: skip
            with gr.Tab(texts["view_text"], render_children=True):
                self._explorer = gr.HTML(
                    js_on_load=(_FOLDER / "explorer.js").read_text("utf-8"), elem_classes="dp-text"
                )
            with gr.Tab(texts["view_markdown"], render_children=True):
                self._markdown = gr.Markdown(
                    container=True, elem_classes="dp-markdown", latex_delimiters=[], buttons=["copy"]
                )
                with gr.Accordion(texts["markdown_raw"], open=False):
                    self._raw = gr.Code(language="markdown", interactive=False, show_label=False, max_lines=30)
            with gr.Tab(texts["view_why"], render_children=True):
                self._why = gr.HTML()
            with gr.Tab(texts["view_json"], render_children=True):
                self._json = gr.JSON(label=texts["json"], max_height=600)
        self._files = gr.Files(label=texts["files"], interactive=False, height=190, elem_classes="dp-files")

    def _counted(self, path: str | None) -> Any:
        """The list of pages that can be chosen; it is shown where there are several."""
        count = 1 if path is None else count_pages(path) or 1
        return gr.Dropdown(list(range(1, count + 1)), value=1, visible=count > 1)

    def _example(self, event: gr.SelectData) -> tuple[str, Any]:
        path = str(_EXAMPLES[int(event.index)][1])
        return path, self._counted(path)

    def _run(
        self,
        path: str | None,
        page: int,
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
        """Every step of a page, shown as it is done."""
        if path is None:
            return
        choices = Choices(turn, flatten, read, layout, handwriting, cleaning, reading, orientation, unwarping)
        progress = None
        yield self._empty() | {
            self._steps: report.step_list(self._texts, None, choices),
            self._results: gr.Column(visible=True),
        }
        try:
            for progress in steps(Path(path), page, choices, self._models):
                yield {self._steps: report.step_list(self._texts, progress, choices)} | self._shown(progress)
        except DocpreError as error:
            yield self._failed(error, path)
            return
        except Exception:
            _LOG.exception("a page failed")
            yield self._failed(DocpreError(), path)
            return
        if progress is not None:
            whole = self._whole(progress)
            yield whole
            with tempfile.TemporaryDirectory() as folder:  # what is shown is copied from here
                # All again, for programs: they are given what comes last.
                yield whole | {self._files: page_files(progress, Path(path).name, Path(folder))}

    def _empty(self) -> dict[Any, Any]:
        results = [*self._strip, self._slider, self._json, self._files]
        return dict.fromkeys(results) | {
            self._error: "", self._explorer: "", self._markdown: "", self._raw: "", self._why: ""
        }  # fmt: skip

    def _failed(self, error: DocpreError, path: str) -> dict[Any, Any]:
        return self._empty() | {
            self._error: alert(self._texts, error, Path(path)),
            self._steps: _waiting(self._texts),
            self._results: gr.Column(visible=False),
        }

    def _shown(self, progress: Progress) -> dict[Any, Any]:
        """What the last step that was done has to show."""
        came, turned, flattened, read = self._strip
        if progress.read is not None:
            return {
                read: with_lines(progress.read, _STRIP_SIDE),
                self._explorer: explorer(self._texts, progress.came, progress.read),
            }
        if progress.flattened is not None:
            before, after = pair((progress.turned or progress.came).output_image, progress.flattened.output_image,
                                 _SLIDER_SIDE)  # fmt: skip
            return {
                came: with_grid(progress.came, progress.flattened, _STRIP_SIDE),
                flattened: preview(progress.flattened.output_image, _STRIP_SIDE),
                self._slider: (before, after),
                self._why: report.why(self._texts, progress),
            }
        if progress.turned is not None:
            return {turned: preview(progress.turned.output_image, _STRIP_SIDE)}
        return {came: preview(progress.came.output_image, _STRIP_SIDE)}

    def _whole(self, progress: Progress) -> dict[Any, Any]:
        """What is only known at the end."""
        result = progress.read or progress.flattened or progress.turned or progress.came
        values = dict(result.json["res"])
        values["input_path"] = Path(str(values["input_path"])).name
        values["transform"] = {key: value for key, value in values["transform"].items() if key != _TRANSFORM_STEPS}
        if progress.read is not None:
            values["lines"] = [{k: v for k, v in line.items() if k != "chars"} for line in values["lines"]]
        markdown = progress.read.markdown if progress.read is not None else None
        shown = {self._json: values, self._why: report.why(self._texts, progress)}
        if markdown is None:
            note = message(self._texts["not_read"])
            return shown | {self._explorer: note, self._markdown: self._texts["not_read"], self._raw: ""}
        return shown | {self._markdown: markdown or self._texts["no_lines"], self._raw: markdown}


def _waiting(texts: Texts) -> str:
    return f'<p class="dp-note dp-waiting">{texts["waiting"]}</p>'


def _thumbnails(texts: Texts) -> list[tuple[str, str]]:
    pictures = [path if path.suffix == ".jpg" else path.with_suffix(".jpg") for _, path in _EXAMPLES]
    return [(str(picture), texts[name]) for picture, (name, _) in zip(pictures, _EXAMPLES, strict=True)]
