"""The orientation corpus: its recipe, the checks of what is upright, its reader, and the comparison over it."""

from __future__ import annotations

import json
import random
import re
import struct
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymupdf
import pytest
import torch

from docpre.errors import ConfigError, InputError
from train.corpus.build import Folders, build, documents_of, save_jpeg
from train.corpus.drawing import Typefaces, drawn_entries, style_of, wanted_pages
from train.corpus.hands import written
from train.corpus.layouts import PRINTED, TRAINED, UNSEEN
from train.corpus.manifest import MANIFEST, SCANNED, WORDLESS, Entry, read_manifest, write_manifest
from train.corpus.packages import fetched, unpacked
from train.corpus.paper import is_legible, printed_by_till, scanned, shaken
from train.corpus.pdf_pages import upright_pages
from train.corpus.printed_pages import chosen_documents
from train.corpus.recipe import Html, read_recipe
from train.corpus.scanned import scanned_entries
from train.corpus.scripts import script_of
from train.corpus.sentences import languages
from train.corpus.signs import SIGNS
from train.corpus.wordless import blank_page
from train.corpus.writer import Writer
from train.data import Augment, Corpus, OrientationData
from train.data.source import NO_ANGLE
from train.evaluate.orientation_corpus import evaluate_corpus, reliability_plot, side_by_side
from train.evaluate.orientation_speed import evaluate_speed
from train.orientation import Orientation, targets

RECIPE = Path(__file__).parents[2] / "configs" / "orientation_corpus.yaml"


def test_recipe_names_a_licence_for_every_source():
    recipe = read_recipe(RECIPE)
    sources = (*recipe.pdfs, *recipe.html, *recipe.texts, *recipe.fonts, *recipe.pictures)
    assert len(sources) > 50
    assert all(source.licence for source in sources)
    assert len(recipe.packages()) == len(set(recipe.packages()))


def test_split_follows_the_document_alone_and_its_shares():
    recipe = read_recipe(RECIPE)
    splits = [recipe.split_of(f"document {number}") for number in range(3000)]
    for split, share in recipe.shares.items():
        assert splits.count(split) / 3000 == pytest.approx(share, abs=0.03)
    assert recipe.split_of("document 7", "test") == "test"
    assert splits == [recipe.split_of(f"document {number}") for number in range(3000)]


def test_a_recipe_with_an_unknown_field_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.read_text("utf-8") + "\ncolour: red\n", "utf-8")
    with pytest.raises(ConfigError, match="colour"):
        read_recipe(path)


@pytest.mark.parametrize(
    "font",
    [
        '{package: "@fontsource/rubik", licence: OFL-1.1, split: test}',
        '{package: "@fontsource/caveat", licence: OFL-1.1, split: train, is_handwriting: true}',
        '{package: "@fontsource/bangers", licence: OFL-1.1, split: train, is_display: true}',
        "{package: culmus, licence: GPL-2, split: train}",
    ],
)
def test_fonts_that_cannot_be_kept_to_training_are_refused(tmp_path, font):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.read_text("utf-8").replace("\nfonts:\n", f"\nfonts:\n  - {font}\n"), "utf-8")
    with pytest.raises(ConfigError, match="split of fonts is train"):
        read_recipe(path)


def test_a_package_that_is_not_there_is_named(tmp_path):
    (tmp_path / "empty_1_all.deb").write_bytes(b"no package")
    with pytest.raises(InputError, match="empty"):
        unpacked("empty", tmp_path, tmp_path / "out", ("*.pdf",))


def test_a_package_is_not_taken_for_one_whose_name_begins_with_its_own(tmp_path):
    for name in ("caveat-5.2.8", "caveat-brush-5.2.7"):
        (tmp_path / f"fontsource-{name}.tgz").write_bytes(b"")
    assert fetched("@fontsource/caveat", tmp_path).name == "fontsource-caveat-5.2.8.tgz"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The quick brown fox jumps", "Latin"),
        ("هذه صفحة من نص عربي طويل بما يكفي", "Arabic"),
        ("זהו עמוד של טקסט בעברית ארוך", "Hebrew"),
        ("这是一页足够长的中文文字内容示例", "Chinese"),
        ("これは日本語のページです。漢字とかな", "Japanese"),
        ("이것은 한국어로 쓴 페이지입니다", "Korean"),
        ("\\newcommand and \\begin: это страница русского текста с командами", "Cyrillic"),
        ("12 34", "Latin"),
    ],
)
def test_script_of(text, script):
    assert script_of(text) == script


def pdf_with_text(path, rotate):
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    for line in range(8):
        point = (40, 60 + 30 * line) if rotate == 0 else (60 + 30 * line, 350)
        page.insert_text(point, "words on a line of this page", rotate=rotate)
    document.save(path)


def test_only_pages_whose_text_runs_upright_are_taken(tmp_path):
    pdf_with_text(tmp_path / "upright.pdf", 0)
    pdf_with_text(tmp_path / "turned.pdf", 90)
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.7 nothing")
    (page,) = upright_pages(tmp_path / "upright.pdf", 3, 200, "Latin")
    assert page.image.shape == (200, 150, 3)
    assert (page.script, page.is_sparse) == ("Latin", True)
    assert not list(upright_pages(tmp_path / "turned.pdf", 3, 200, "Latin"))
    assert not list(upright_pages(tmp_path / "damaged.pdf", 3, 200, "Latin"))


def test_pdfs_of_one_tex_package_are_one_document(tmp_path):
    root = tmp_path / "usr/share/doc/texlive-doc"
    files = [root / "latex/foo/a.pdf", root / "latex/foo/examples/b.pdf", root / "latex/bar/c.pdf"]
    assert set(documents_of(files, tmp_path)) == {"latex/foo", "latex/bar"}
    assert len(documents_of([tmp_path / "x/a.pdf", tmp_path / "x/b.pdf"], tmp_path)) == 2


def mo_file(messages):
    """A catalogue in GNU gettext's binary format (its manual, "The Format of GNU MO Files")."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **messages}.items())
    table, strings, offset = [], b"", 28 + 16 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            data = pair[column].encode()
            table.append(struct.pack("<II", len(data), offset + len(strings)))
            strings += data + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return header + b"".join(table) + strings


def test_sentences_come_from_translations_without_their_markup(tmp_path):
    path = tmp_path / "locale/ru/LC_MESSAGES/program.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(mo_file({f"key {n}": f"<b>Сообщение</b> номер {n} из %d" for n in range(200)}))
    (path.parent / "damaged.mo").write_bytes(b"\xde\x12\x04\x95 broken")
    found = languages(tmp_path)
    assert list(found) == ["ru"]
    assert "Сообщение номер 7 из" in found["ru"]


@pytest.mark.parametrize("name", [*TRAINED, *UNSEEN, *SIGNS])
def test_layouts_are_seeded_and_escaped(name):
    layouts = {**TRAINED, **UNSEEN, **SIGNS}
    messages = ["a <b> & c", "another message of some length, which goes on", "short"]
    one, two = (layouts[name](Writer(random.Random(3), messages, "Latin")) for _ in range(2))
    assert one == two
    assert "<b> &" not in one.body
    assert min(one.size_wh) >= 20


def test_words_by_hand_stay_in_order_and_escaped():
    text = written(Writer(random.Random(3), [], "Latin"), "one &lt;two&gt; three")
    assert text.index("one") < text.index("&lt;two&gt;") < text.index("three")
    letters = written(Writer(random.Random(3), [], "Chinese"), "一二")
    assert letters.count("<span") == 2


def page_with_a_headline():
    page = np.full((160, 120, 3), 255, np.uint8)
    page[10:30, 10:110] = 0
    page[60:64, 10:100] = 60
    return page


@pytest.mark.parametrize("change", [shaken, printed_by_till, scanned])
def test_paper_is_seeded_and_stays_upright(change):
    page = page_with_a_headline()
    for seed in range(12):
        one, two = (change(page, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        assert one.dtype == np.uint8
        assert one.ndim == 3
    steady = shaken(page, np.random.default_rng(1))
    assert steady[:80].mean() < steady[80:].mean()


def test_what_a_till_prints_is_paler_and_rougher_ink_on_the_same_paper():
    page = page_with_a_headline()
    for seed in range(12):
        printed = printed_by_till(page, np.random.default_rng(seed))
        headline, paper = printed[10:30, 12:108].astype(float), printed[120:].astype(float)
        assert headline.mean() < paper.mean() - 60
        assert headline.std() > 2
        assert paper.min() > 200


def test_what_went_dark_is_told_from_what_can_still_be_read():
    page, lines = np.full((400, 300, 3), 255, np.uint8), np.random.default_rng(0)
    for top in range(30, 370, 16):
        page[top : top + 8, 30:270] = np.where(lines.random((8, 240, 1)) < 0.4, 0, 255)
    assert is_legible(page, page)
    assert is_legible((page * 0.4 + 50).astype(np.uint8), page)
    assert is_legible(np.pad(page, ((150, 150), (100, 100), (0, 0)), constant_values=255), page)
    assert not is_legible(page // 100, page)
    half_dark = page.copy()
    half_dark[90:] = 10
    assert not is_legible(half_dark, page)


def test_scans_keep_the_split_and_document_of_their_pages(tmp_path):
    recipe = replace(read_recipe(RECIPE), scanned={"train": 2, "val": 0, "test": 1})
    entries = []
    for number, split in enumerate(("train", "train", "train", "test")):
        save_jpeg(page_with_a_headline(), tmp_path / f"{number}.jpg")
        entries.append(Entry(f"{number}.jpg", split, "real", "books", "Latin", f"document {number}"))
    with ProcessPoolExecutor(1) as pool:
        found = scanned_entries(pool, recipe, Folders(tmp_path, tmp_path, tmp_path), entries)
    assert [entry.split for entry in found] == ["train", "train", "test"]
    assert {entry.kind for entry in found} == {SCANNED}
    splits = {entry.document: entry.split for entry in entries}
    assert all(splits[entry.document] == entry.split and (tmp_path / entry.file).is_file() for entry in found)


def test_pages_that_lie_sideways_are_left_out(tmp_path):
    recipe = read_recipe(RECIPE)
    none = {"train": 0, "val": 0, "test": 0}
    source = recipe.pdfs[0]
    recipe = replace(recipe, pdfs=(source,), html=(), drawn=none, scanned=none, photographed=none, wordless=none)
    names = [*recipe.left_out, "val/upright.jpg"]
    entries = [Entry(name, "val", "real", "books", "Arabic", name) for name in names]
    (tmp_path / "parts").mkdir()
    write_manifest(tmp_path / "parts" / f"{source.package}.csv", entries)
    assert len(names) == 3
    assert [entry.file for entry in build(recipe, Folders(tmp_path, tmp_path, tmp_path), 1)] == ["val/upright.jpg"]


def test_more_documents_to_train_on_leave_the_others_as_they_are(tmp_path):
    recipe = read_recipe(RECIPE)
    for number in range(60):
        (tmp_path / f"{number}.html").write_text("x" * 3000, "utf-8")
    few = Html(package="help", licence="MPL-2.0", files="*", documents=20)
    chosen = chosen_documents(recipe, few, tmp_path)
    more = chosen_documents(recipe, replace(few, more_to_train=10), tmp_path)
    assert len(chosen) == 20
    assert more[:20] == chosen
    assert len(set(more)) == 30
    assert {recipe.split_of(file.name) for file in more[20:]} == {"train"}


def test_more_pages_are_drawn_to_train_on_alone():
    recipe = replace(
        read_recipe(RECIPE),
        drawn={"train": 9, "val": 2, "test": 3},
        drawn_more={"Thai": 4},
        written_more={"Latin": 5},
        printed={"test": 2},
        printed_more={"Hebrew": 6},
        vertical={},
        vertical_more={},
        receipts_more={"Korean": 2},
        signs={"train": 3, "val": 1},
    )
    assert wanted_pages(recipe, "train", ["Greek"]) == [
        ("", "any", 9),
        ("Thai", "any", 4),
        ("Latin", "by hand", 5),
        ("Korean", "receipts", 2),
        ("Hebrew", "in print", 6),
        ("", "signs", 3),
    ]
    all_printed = replace(recipe, printed={"train": 1})
    assert wanted_pages(all_printed, "train", ["Greek", "Hebrew"])[4:] == [
        ("Greek", "in print", 1),
        ("Hebrew", "in print", 7),  # one task a script: pages are named and drawn by its number
        ("", "signs", 3),
    ]
    assert wanted_pages(recipe, "test", ["Greek"]) == [("", "any", 3), ("Greek", "in print", 2)]


def test_lines_run_down_the_page_where_a_script_is_written_so():
    recipe = replace(read_recipe(RECIPE), drawn={"train": 1, "test": 1}, drawn_more={}, written_more={}, printed={})
    recipe = replace(
        recipe,
        printed_more={},
        receipts_more={},
        signs={},
        vertical={"train": 0, "test": 2},
        vertical_more={"Chinese": 3},
    )
    assert wanted_pages(recipe, "train", ["Chinese", "Greek"])[1:] == [("Chinese", "vertical", 3)]
    assert wanted_pages(recipe, "test", ["Chinese", "Greek", "Japanese"])[1:] == [
        ("Chinese", "vertical", 2),
        ("Japanese", "vertical", 2),
    ]


def test_lines_that_run_down_the_page_are_refused_of_other_scripts(tmp_path):
    recipe = replace(read_recipe(RECIPE), fonts=(), texts=(), vertical_more={"Greek": 3})
    with pytest.raises(ConfigError, match="vertical_more: no lines run down the page in Greek"):
        drawn_entries(None, recipe, Folders(tmp_path, tmp_path, tmp_path), 1)


def test_receipts_are_refused_in_scripts_that_nothing_is_drawn_in(tmp_path):
    recipe = replace(read_recipe(RECIPE), fonts=(), texts=(), receipts_more={"Runic": 3})
    with pytest.raises(ConfigError, match="receipts_more: the corpus draws nothing in Runic"):
        drawn_entries(None, recipe, Folders(tmp_path, tmp_path, tmp_path), 1)


def test_kinds_of_unseen_pages_are_not_trained_on():
    assert not set(TRAINED) & set(UNSEEN)
    assert not set(PRINTED) & set(UNSEEN)


def test_print_to_train_on_alone_is_drawn_nowhere_else(tmp_path):
    faces = Typefaces({"Hebrew": ["David CLM"]}, {}, {"Hebrew": ["Rubik"]}, {}, {"Rubik": tmp_path / "index.css"})

    def families(split):
        draws = [style_of(random.Random(seed), "letters", "Hebrew", split, faces, 0) for seed in range(40)]
        assert all(sheets == ([tmp_path / "index.css"] if "Rubik" in css else []) for css, sheets in draws)
        return {name for name in ("David CLM", "Rubik") for css, _ in draws if name in css}

    assert families("train") == {"David CLM", "Rubik"}
    assert families("val") == families("test") == {"David CLM"}


def test_display_fonts_are_for_signs_and_those_of_the_test_are_not_trained_on(tmp_path):
    names = [f"Display {number}" for number in range(12)]
    sheets = {name: tmp_path / f"{name}.css" for name in names}
    faces = Typefaces({"Greek": ["Plain"]}, {}, {}, {"Greek": names}, sheets)

    def drawn(kind, split):
        draws = [style_of(random.Random(seed), kind, "Greek", split, faces, 0) for seed in range(200)]
        return {sheet.stem for _, links in draws for sheet in links}

    assert not drawn("letters", "train")
    assert drawn("logos", "train") == drawn("logos", "val")
    assert drawn("logos", "train") | drawn("logos", "test") == set(names)
    assert not drawn("logos", "train") & drawn("logos", "test")


@pytest.mark.parametrize("name", SIGNS)
def test_words_of_signs_have_letters_enough_to_tell_their_way_up(name):
    messages = ["1", "OX", "...", "Harbour", "Ferry", "Market", "Long lines of a sentence about the harbour"]
    for seed in range(30):
        writer = Writer(random.Random(seed), messages, "Latin")
        words = re.findall(r"<text[^>]*textLength[^>]*>([^<]+)<", SIGNS[name](writer).body)
        assert not {"1", "OX", "..."} & set(words)


def test_braces_in_words_are_kept():
    bodies = [SIGNS["logos"](Writer(random.Random(seed), ["Pier {n}", "{}"], "Latin")).body for seed in range(30)]
    assert all("Pier {n}" in body for body in bodies)


def test_letters_of_signs_fit_their_places():
    for seed in range(60):
        body = SIGNS["signs"](Writer(random.Random(seed), ["Harbour", "To the ferry"], "Latin")).body
        width = int(re.search(r'<svg width="(\d+)"', body)[1])
        lengths = [int(found) for found in re.findall(r'textLength="(\d+)"', body)]
        assert lengths
        assert all(0 < length <= width for length in lengths)


def test_blank_pages_are_seeded():
    one, two = (blank_page(np.random.default_rng(1), 120) for _ in range(2))
    assert one.dtype == np.uint8
    assert max(one.shape) == 120
    np.testing.assert_array_equal(one, two)


@pytest.fixture
def corpus_dir(tmp_path):
    """Twelve small pages of bars: nine with a way up (a head line), three without."""
    entries = []
    for number in range(12):
        is_blank = number % 4 == 3
        page = np.full((120, 90, 3), 255, np.uint8)
        if not is_blank:
            page[8:20, 8:82] = 0
            page[40 : 44 + number, 8:60] = 90
        path = Path("test", f"{number}.jpg")
        save_jpeg(page, tmp_path / path)
        kind, script = (WORDLESS, "none") if is_blank else ("real", "Greek" if number % 2 else "Latin")
        entries.append(Entry(str(path), "test", kind, "blank pages" if is_blank else "books", script, f"doc {number}"))
    write_manifest(tmp_path / MANIFEST, entries)
    return tmp_path


def test_the_reader_knows_pages_without_a_way_up(corpus_dir):
    corpus = Corpus(corpus_dir, "test")
    assert corpus.angles_cw_deg.count(NO_ANGLE) == 3
    assert corpus.read(0).shape == (120, 90, 3)
    greek = sum(entry.script == "Greek" for entry in corpus.entries)
    assert len(Corpus(corpus_dir, "test", ["real"], rare_scripts=3)) == 9 + 2 * greek
    assert len(Corpus(corpus_dir, "test", ["wordless"], rare_scripts=3, made=2)) == 6
    assert len(Corpus(corpus_dir, "test", most=5)) == 5
    assert read_manifest(corpus_dir / MANIFEST) == corpus.entries
    with pytest.raises(InputError, match=r"train\.corpus"):
        Corpus(corpus_dir / "test", "test")


def test_pages_without_a_way_up_are_taught_to_have_even_scores():
    shares = targets(torch.tensor([2, NO_ANGLE]), 4, 0.0)
    assert shares.tolist() == [[0, 0, 1, 0], [0.25, 0.25, 0.25, 0.25]]


def test_samples_of_pages_without_a_way_up(corpus_dir):
    corpus = Corpus(corpus_dir, "test")
    augment = Augment(tilt_deg=10, margin=0.2, invert=0.5, faint=0.5, tiny=0.5, zoom=0.5)
    module = Orientation(start="nothing", size_hw=(64, 64), resize_short=None, max_aspect=2.0)
    samples = OrientationData(train=corpus, val=corpus, augment=augment).samples("train", module.spec)
    labels = {index: samples[index, index]["label"] for index in range(len(corpus) * 4)}
    for index, label in labels.items():
        is_blank = corpus.angles_cw_deg[index // 4] == NO_ANGLE
        assert label == (NO_ANGLE if is_blank else index % 4)


def test_models_side_by_side(corpus_dir, tmp_path):
    corpus = Corpus(corpus_dir, "test")
    table = evaluate_corpus(corpus, ["PP-LCNet_x1_0_doc_ori"], tmp_path / "run", progress=False)
    assert "| all real | 9 |" in table
    assert "real, in Greek" in table
    folder = tmp_path / "run" / "PP-LCNet_x1_0_doc_ori"
    assert (folder / "summary.json").is_file()
    assert (folder / "reliability.png").is_file()
    assert evaluate_corpus(corpus, ["PP-LCNet_x1_0_doc_ori"], tmp_path / "run", progress=False) == table


def test_models_are_timed_side_by_side(corpus_dir, tmp_path):
    models = ["PP-LCNet_x1_0_doc_ori", "docpre_ori"]
    entries = [replace(entry, split="val") for entry in read_manifest(corpus_dir / MANIFEST)]
    write_manifest(corpus_dir / MANIFEST, entries)
    for data in (corpus_dir, corpus_dir / "test"):
        table = evaluate_speed(data, models, tmp_path / "speed", most=4, rounds=1, progress=False)
        assert table.startswith("4 pages")
        assert f"| {models[1]} | " in table
        found = json.loads((tmp_path / "speed" / "speed.json").read_text())
        assert found["pages"] == 4
        assert all(value > 0 for model in models for value in found["milliseconds"][model].values())
    with pytest.raises(ConfigError, match="1 or more"):
        evaluate_speed(corpus_dir, models, tmp_path / "speed", rounds=0)


def test_the_table_counts_turns_that_are_right():
    entries = [Entry(f"{n}.jpg", "test", "real", "books", "Latin", "d") for n in range(2)]
    results = {"a": {f"{n}.jpg": {"figures": {"top1": share}} for n, share in enumerate((1.0, 0.5))}}
    assert "| all real | 2 | 75.00 |" in side_by_side(entries, results)


def test_reliability_plot_marks_bins():
    plot = reliability_plot(np.array([0.95, 0.9, 0.4]), np.array([True, True, False]))
    assert (plot == (30, 80, 200)).all(2).any()
