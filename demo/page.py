"""The page in both languages: each is an address of its own, with a link to the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demo.batch_tab import BatchTab
from demo.compare_tab import CompareTab
from demo.limits import MAX_WAITING, PAGES_AT_ONCE
from demo.models import Models
from demo.page_tab import PageTab
from demo.texts import Language, texts_in

_FOLDER = Path(__file__).parent
_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei",
          "sans-serif"]  # fmt: skip
_MONOSPACE = ["ui-monospace", "Menlo", "Consolas", "monospace"]


def build(models: Models) -> gr.Blocks:
    """The page.

    Args:
        models: what it runs.
    """
    blocks = gr.Blocks(title="docpre", analytics_enabled=False, fill_width=True)
    with blocks:
        _contents("en", models)
    with blocks.route("中文", "/zh"):
        _contents("zh", models)
    blocks.queue(max_size=MAX_WAITING, default_concurrency_limit=PAGES_AT_ONCE)
    return blocks


def looks() -> dict[str, Any]:
    """Theme, style sheet and head, for ``gr.mount_gradio_app``."""
    # The theme's own fonts would be fetched from a server of Google's.
    theme = gr.themes.Soft(primary_hue="teal", neutral_hue="slate", font=_FONTS, font_mono=_MONOSPACE)
    return {"theme": theme, "css_paths": [_FOLDER / "page.css"], "head_paths": [_FOLDER / "head.html"]}


def _contents(language: Language, models: Models) -> None:
    texts = texts_in(language)
    gr.Navbar(main_page_name="English")
    gr.HTML(f"<header class=dp-head lang={language}><h1>docpre</h1><p>{texts['intro']}</p></header>")
    is_public = language == "en"
    with gr.Tabs(elem_classes="dp-tabs"):
        with gr.Tab(texts["tab_page"]):
            PageTab(texts, models, is_public)
        with gr.Tab(texts["tab_batch"]):
            BatchTab(texts, models, is_public)
        with gr.Tab(texts["tab_compare"]):
            CompareTab(texts, models, is_public)
