"""Every text of the page, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from demo.limits import MAX_BATCH_FILES, MAX_BATCH_PAGES, MAX_BYTES, MAX_PIXELS

Language = Literal["en", "zh"]
Texts = Mapping[str, str]

_MEGABYTES, _MEGAPIXELS = MAX_BYTES // 1024**2, MAX_PIXELS // 1_000_000

_BOTH: Mapping[str, tuple[str, str]] = {
    "language": ("English", "中文"),
    "intro": (
        "Drop a photo or scan of a page. It comes back upright, flat and readable.",
        "放入一张页面的照片或扫描件，得到端正、平整、可读的页面。",
    ),
    # Tabs
    "tab_page": ("One page", "单页"),
    "tab_batch": ("Many files", "批量"),
    "tab_compare": ("Compare models", "比较模型"),
    # Input
    "drop": ("Photo, scan or PDF: drop, paste or choose", "照片、扫描件或 PDF：拖入、粘贴或选择"),
    "camera": ("Use the camera", "使用相机"),
    "take_picture": ("Take a picture of a page", "拍摄页面"),
    "examples": ("Or try one of these", "或试试这些例子"),
    "example_photo": ("On its side", "侧放"),
    "example_walk": ("Upside down", "上下颠倒"),
    "example_scan": ("Flat already", "本来就平整"),
    "example_report": ("PDF, 3 pages", "PDF，三页"),
    "which_page": ("Page", "页码"),
    "settings": ("Steps and models", "步骤与模型"),
    "turn": ("Turn upright", "转正"),
    "flatten": ("Flatten", "展平"),
    "read": ("Read the text", "识别文字"),
    "layout": ("Find blocks and reading order", "分析版面与阅读顺序"),
    "handwriting": ("Tell handwriting from print", "区分手写与印刷"),
    "cleaning": ("Turning and flattening run on", "转正与展平的引擎"),
    "reading": ("Reading runs on", "文字识别的引擎"),
    "first_use": ("made on first use, about a minute", "首次使用需约一分钟"),
    "orientation_model": ("Model that tells which way is up", "方向模型"),
    "unwarping_model": ("Model that flattens", "展平模型"),
    "kept": (
        "Files are deleted after an hour. Nothing is sent anywhere else.",
        "文件一小时后删除，不会发送到别处。",
    ),
    # Results
    "waiting": ("Your page will appear here.", "结果会显示在这里。"),
    "step_came": ("As it came", "原图"),
    "step_turned": ("Turned", "转正"),
    "step_flattened": ("Flattened", "展平"),
    "step_read": ("Read", "识别"),
    "step_done": ("done", "完成"),
    "step_now": ("at work", "进行中"),
    "step_off": ("off", "已关闭"),
    "step_next": ("to come", "等待"),
    "view_slider": ("Before and after", "前后对比"),
    "view_text": ("Text", "文字"),
    "view_markdown": ("Markdown", "Markdown"),
    "view_why": ("Why, and how fast", "原因与用时"),
    "view_json": ("JSON", "JSON"),
    "slider": ("Drag: left before, right after", "拖动滑块：左为处理前，右为处理后"),
    "markdown_raw": ("Markdown source", "Markdown 源码"),
    "json": ("All values; characters and grid are in the file below", "所有数值；单字与网格在下方文件中"),
    "files": ("Download: clean page, searchable PDF, JSON, Markdown", "下载：干净页面、可搜索 PDF、JSON、Markdown"),
    "grid_alt": ("The page as it came, with the predicted grid", "原图与预测网格"),
    "turned_alt": ("The page turned upright", "转正后的页面"),
    "flat_alt": ("The clean page", "干净的页面"),
    "read_alt": ("The clean page with what was found on it", "标出识别内容的页面"),
    # The text view
    "in_original": ("Where it was in the original", "在原图中的位置"),
    "in_clean": ("On the clean page", "在干净页面上"),
    "hover": ("Point at a line, here or in the table, to see it in both.", "指向任一行，可在两图中同时查看。"),
    "show_blocks": ("Blocks", "版块"),
    "show_lines": ("Lines", "文字行"),
    "show_order": ("Reading order", "阅读顺序"),
    "column_order": ("Order", "顺序"),
    "column_text": ("Text", "文字"),
    "column_sure": ("Sure", "置信度"),
    "column_kind": ("Written", "书写方式"),
    "column_place": ("In the original", "原图坐标"),
    "table_caption": ("Lines in reading order", "按阅读顺序排列的文字行"),
    "no_lines": ("No text was found on this page.", "此页没有找到文字。"),
    "not_read": ("Reading is off. Switch it on under “Steps and models”.", "文字识别已关闭，可在“步骤与模型”中打开。"),
    "kind_print": ("print", "印刷"),
    "kind_handwriting": ("handwriting", "手写"),
    "kind_text": ("text", "正文"),
    "kind_title": ("title", "标题"),
    "kind_table": ("table", "表格"),
    "kind_figure": ("figure", "图"),
    "kind_contents": ("contents", "目录"),
    "kind_formula": ("formula", "公式"),
    # Why
    "scores": ("Which way is it turned?", "页面朝向"),
    "degrees": ("{angle}° clockwise", "顺时针 {angle}°"),
    "upright": ("upright (0°)", "端正（0°）"),
    "was_turned": ("Turned back by {angle}°.", "已转回 {angle}°。"),
    "was_upright": ("It stood upright.", "页面本来就是端正的。"),
    "unsure": (
        "Not sure enough (under {bound}), so it was left as it was.",
        "把握不足（低于 {bound}），因此保持原样。",
    ),
    "is_off": ("This step is off.", "此步骤已关闭。"),
    "flatness": ("Was it flattened?", "是否展平"),
    "was_flattened": ("Flattened: {reason}.", "已展平：{reason}。"),
    "was_left": ("Left as it was: {reason}.", "保持原样：{reason}。"),
    "bend": ("bend {bend:.1f} % of the page", "弯曲 {bend:.1f} %"),
    "times": ("How long it took", "用时"),
    "column_step": ("Step", "步骤"),
    "column_ms": ("Milliseconds", "毫秒"),
    "column_engine": ("Model and engine", "模型与引擎"),
    "ms_loading": ("Opening the file", "读取文件"),
    "ms_orientation": ("Which way is up", "判断方向"),
    "ms_unwarping": ("How it is bent", "判断弯曲"),
    "ms_sampling": ("Taking the clean page from the photo", "从照片取样"),
    "ms_detection": ("Finding lines", "查找文字行"),
    "ms_recognition": ("Reading lines", "识别文字"),
    "ms_handwriting": ("Print or handwriting", "区分手写"),
    "ms_layout": ("Blocks and order", "版面与顺序"),
    "ms_total": ("Together", "合计"),
    # Reasons of docpre, which it gives in English
    "the page fills the picture and its rim is of one colour, as in a scan or a PDF": (
        "the page fills the picture and its rim is of one colour, as in a scan or a PDF",
        "页面占满画面且边缘颜色一致，像扫描件或 PDF",
    ),
    "the page fills the picture and the predicted warp is small": (
        "the page fills the picture and the predicted warp is small",
        "页面占满画面，且弯曲很小",
    ),
    "it is a PDF's own text and lines": ("it is a PDF's own text and lines", "这是 PDF 自带的文字和线条"),
    "no camera's noise is on it, and its lines are level": (
        "no camera's noise is on it, and its lines are level",
        "画面没有相机噪点，文字行也是水平的",
    ),
    "the predicted warp is too small to matter": ("the predicted warp is too small to matter", "弯曲小到可以忽略"),
    "the predicted warp is large": ("the predicted warp is large", "弯曲明显"),
    "there is background around the page": ("there is background around the page", "页面周围有背景"),
    "unwarping would make its lines less level": (
        "unwarping would make its lines less level",
        "展平反而会使文字行更歪",
    ),
    "its lines are far from level": ("its lines are far from level", "文字行明显不水平"),
    "the page is only a part of the picture": ("the page is only a part of the picture", "页面只占画面的一部分"),
    "flat pages are not to be left alone": ("flat pages are not to be left alone", "已设为平整页面也展平"),
    "it lies askew": ("it lies askew", "页面歪斜，已摆正"),
    # Batch
    "batch_drop": (
        f"Up to {MAX_BATCH_FILES} files, {MAX_BATCH_PAGES} pages each",
        f"最多 {MAX_BATCH_FILES} 个照片、扫描件或 PDF（每个最多前 {MAX_BATCH_PAGES} 页）",
    ),
    "batch_run": ("Clean up and read all", "全部处理"),
    "batch_file": ("File", "文件"),
    "batch_pages": ("Pages", "页数"),
    "batch_state": ("Result", "结果"),
    "batch_outcome": ("What became of each file", "每个文件的结果"),
    "batch_zip": ("All results in one zip", "全部结果（zip）"),
    "batch_progress": ("{done} of {all} files", "已完成 {done}/{all} 个文件"),
    "batch_none": ("Choose some files first.", "请先选择文件。"),
    "batch_many": (f"These are more than {MAX_BATCH_FILES} files.", f"文件超过 {MAX_BATCH_FILES} 个。"),
    "done": ("done", "完成"),
    # Compare
    "compare_drop": (
        "A photo, scan or PDF (first page)",
        "用于比较的页面：照片、扫描件或 PDF（第一页）",
    ),
    "compare_run": ("Compare", "比较"),
    "compare_first": ("First", "第一个"),
    "compare_second": ("Second", "第二个"),
    "compare_slider": ("Drag: left the first, right the second", "拖动滑块：左为第一个，右为第二个"),
    "compare_hint": (
        "Your own fine-tuned models appear in these lists when the page is started with `--models DIRECTORY`.",
        "用 `--models 目录` 启动，您自己微调的模型就会出现在列表中。",
    ),
    "compare_none": ("Choose a page first.", "请先选择页面。"),
    "compare_moved": (
        "Points of the page differ by {share:.2f} % of its diagonal (median), {most:.2f} % at most.",
        "两个结果中页面上的点相差对角线的 {share:.2f} %（中位数），最大 {most:.2f} %。",
    ),
    # Errors
    "error_limit": (
        f"This file is too large: at most {_MEGABYTES} MB and {_MEGAPIXELS} megapixels a page.",
        f"文件太大：最多 {_MEGABYTES} MB，每页最多 {_MEGAPIXELS} 百万像素。",
    ),
    "error_input": (
        "This file could not be opened as a picture or PDF. It may be damaged or of another kind. Please try another.",
        "无法将此文件作为图片或 PDF 打开，可能已损坏或格式不符。请换一个文件。",
    ),
    "error_engine": ("This engine can't run here. Please choose another.", "此引擎无法在这里运行，请换一个。"),
    "error_model": ("This model can't be loaded. Please choose another.", "此模型无法加载，请换一个。"),
    "error_config": ("This choice does not work. Please choose another.", "此选项不可用，请换一个。"),
    "error_other": ("Something went wrong here; it is not your file's fault.", "出了点问题，不是您的文件的错。"),
    "details": ("Details", "详情"),
}


def texts_in(language: Language) -> Texts:
    """All texts in one language, by name."""
    return {name: both[0 if language == "en" else 1] for name, both in _BOTH.items()}


def reason_in(texts: Texts, reason: str) -> str:
    """A reason that docpre gives for what it did to a page, in the page's language as far as it is known."""
    comma = "，" if texts["language"] != "English" else "; "
    return comma.join(texts.get(part, part) for part in reason.split("; "))
