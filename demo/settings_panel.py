"""The switches for steps, engines and models, which all tabs of a page share."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.models import Models, engine_label
from demo.texts import Texts


class SettingsPanel:
    """The switches, in a part of the page that is closed at first.

    Args:
        texts: of the page.
        models: what can be chosen.
    """

    def __init__(self, texts: Texts, models: Models) -> None:
        def engines(names: list[str]) -> list[tuple[str, str]]:
            note = f" ({texts['first_use']})"
            return [(engine_label(name) + (note if name.endswith("int8") else ""), name) for name in names]

        with gr.Accordion(texts["settings"], open=False, elem_classes="dp-settings"):
            self._components = [
                gr.Checkbox(True, label=texts["turn"]),
                gr.Checkbox(True, label=texts["flatten"]),
                gr.Checkbox(True, label=texts["read"]),
                gr.Checkbox(True, label=texts["layout"]),
                gr.Checkbox(False, label=texts["handwriting"]),
                gr.Dropdown(engines(models.engines), label=texts["cleaning"], filterable=False),
                gr.Dropdown(engines(models.reading_engines), label=texts["reading"], filterable=False),
                gr.Dropdown(list(models.orientation), label=texts["orientation_model"], filterable=False),
                gr.Dropdown(list(models.unwarping), label=texts["unwarping_model"], filterable=False),
            ]

    @property
    def components(self) -> list[Any]:
        """In the order of the fields of ``demo.steps.Choices``."""
        return list(self._components)
