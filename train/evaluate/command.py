"""The command line of ``python -m train evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from docpre.cli import boolean
from docpre.engines.base import ENGINES, available_cores
from docpre.errors import ConfigError, EngineError
from docpre.refining import LEVEL_DEG
from train.evaluate.page import EvaluationSet, pictures_by_stem, with_predictions

if TYPE_CHECKING:
    from train.evaluate.text_reading import Tesseract


def main(arguments: list[str]) -> int:
    """Run a command.

    Args:
        arguments: the set or ``orientation`` or ``compare``, and its options.

    Returns:
        The exit status: 0, 1 if pages failed, 130 if it was interrupted.

    Raises:
        DocpreError: nothing could be done.
    """
    parser = build_parser()
    options, others = parser.parse_known_args(arguments)
    if others and options.run is not _run_orientation:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.others = others
    return int(options.run(options))


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    parser = argparse.ArgumentParser(prog="python -m train evaluate", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text, layout in (
        ("docunet", "the DocUNet benchmark", "crop/K_I copy.png (photos), scan/K.png (flat); K = 1..65, I = 1, 2"),
        (
            "uvdoc-benchmark",
            "the benchmark of UVDoc",
            "img/, texture_sample/, warped_textures/ID.png; ID = 00001..00050",
        ),
        ("dir300", "DIR300", "dist/N.png (photos), gt/N.png (flat); N = 1..300"),
        (
            "pairs",
            "any pages",
            "folders photo, prediction, reference, text, grid with files of one name, or a CSV list",
        ),
    ):
        command = commands.add_parser(
            name,
            help=f"unwarping on {text}",
            description=f"Unwarping on {text}: {layout}. What is missing is named, the rest is done; "
            "the same command goes on where it stopped.",
        )
        _add_set(command, name, layout)
        _add_predictions(command, name)
        _add_metrics(command, name)
        _add_run(command)
        command.set_defaults(run=_run_set, set=name)

    command = commands.add_parser(
        "orientation",
        help="orientation, on pages of any reader of training",
        description="Orientation on pages of any reader of training, each in its four turns: either --data READER with "
        "its options (--data Pages --data.path DIR), or --config FILE of a training run with a --part of it, and any "
        "other options of training.",
    )
    command.add_argument("--model", default="PP-LCNet_x1_0_doc_ori", metavar="NAME|DIR", help="default: %(default)s")
    command.add_argument(
        "--part", choices=("train", "val", "test"), default="val", help="of a training run (default: %(default)s)"
    )
    command.add_argument("--engine", choices=ENGINES, help="default: onnxruntime")
    command.add_argument("--device", help="cpu, gpu, gpu:0, ... (default: GPU 0 if it can be used, else the CPU)")
    _add_run(command)
    command.set_defaults(run=_run_orientation)

    command = commands.add_parser(
        "orientation-corpus",
        help="orientation models side by side on the project's own held-out pages",
        description="Models side by side on a split of the corpus that python -m train.corpus build makes: Top-1 by "
        "subset and script, calibration, abstaining, and a sheet of the last model's errors.",
    )
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the corpus")
    command.add_argument("--split", choices=("val", "test"), default="test", help="default: %(default)s")
    command.add_argument(
        "--models", nargs="+", default=["PP-LCNet_x1_0_doc_ori", "docpre_ori"], metavar="NAME|DIR", help="%(default)s"
    )
    command.add_argument("--tesseract_pages", type=int, default=0, help="measure Tesseract's OSD on so many pages (0)")
    _add_run(command)
    command.set_defaults(run=_run_corpus)

    command = commands.add_parser(
        "orientation-speed",
        help="milliseconds a page that orientation models take, side by side",
        description="Milliseconds a decoded page, upright and turned, in the default engine: pages of a folder or, "
        "where it is the corpus's, the real ones of validation. Models take turns on each page.",
    )
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="upright pages, or the corpus")
    command.add_argument(
        "--models", nargs="+", default=["PP-LCNet_x1_0_doc_ori", "docpre_ori"], metavar="NAME|DIR", help="%(default)s"
    )
    command.add_argument("--most", type=int, default=300, help="at most so many pages, spread evenly (%(default)s)")
    command.add_argument("--rounds", type=int, default=3, help="of which the best counts (%(default)s)")
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="where speed.json goes")
    command.add_argument("--progress", type=boolean, default=True, metavar="BOOL", help="show a bar (True)")
    command.set_defaults(run=_run_orientation_speed)

    command = commands.add_parser(
        "flat-pages",
        help="how many pages that are flat come back as they were",
        description="What unwarping does to pages that need none: nothing, turn them level, or bend them.",
    )
    command.add_argument("--data", type=Path, required=True, metavar="PATH", help="pictures and PDFs, or a folder")
    command.add_argument("--dpi", type=float, default=200, help="at which PDFs are rendered (%(default)s)")
    command.add_argument("--most", type=_count, help="so many pages, by chance (all)")
    command.add_argument("--seed", type=int, default=0, help="of that choice, and of scans (%(default)s)")
    command.add_argument(
        "--as_scans", type=boolean, default=False, metavar="BOOL", help="with a scanner's grain, light and blur (False)"
    )
    command.add_argument("--model", default="UVDoc", metavar="NAME|DIR", help="default: %(default)s")
    command.add_argument("--engine", choices=ENGINES, help="default: onnxruntime")
    command.add_argument("--precision", default="fp32", help="fp32, bf16 or int8, as the engine can (%(default)s)")
    _add_run(command)
    command.set_defaults(run=_run_flat_pages)

    command = commands.add_parser(
        "unwarping-speed",
        help="how long the whole unwarping step takes, against one pass of the network",
        description="Milliseconds a decoded page of docpre's whole unwarping step (finding the page, refining, leaving "
        "flat pages) and of the network's first answer alone, in turns.",
    )
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="photos or scans")
    command.add_argument("--model", default="UVDoc", metavar="NAME|DIR", help="default: %(default)s")
    command.add_argument("--engine", choices=ENGINES, help="default: onnxruntime")
    command.add_argument("--precision", default="fp32", help="fp32, bf16 or int8, as the engine can (%(default)s)")
    command.add_argument("--most", type=_count, default=100, help="at most so many pages, spread evenly (%(default)s)")
    command.add_argument("--rounds", type=_count, default=4, help="of which the best counts (%(default)s)")
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="where speed.json goes")
    command.add_argument("--progress", type=boolean, default=True, metavar="BOOL", help="show a bar (True)")
    command.set_defaults(run=_run_unwarping_speed)

    command = commands.add_parser(
        "turned-photos",
        help="whether real photos, each in several turns, come out upright and readable",
        description="Real photos, of which there is no truth, in several turns on a ground: whether they come out as "
        "the photo that is not turned does, what PP-OCRv6 reads of them, and how level its lines lie.",
    )
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="photos")
    command.add_argument("--turns", type=_count, default=12, help="evenly around the circle (%(default)s)")
    command.add_argument(
        "--ground",
        choices=("brown", "grey", "copies", "stretched"),
        default="brown",
        help="around a photo that was turned: an even one, mirrored copies, or its rim drawn out (%(default)s)",
    )
    command.add_argument("--long_side", type=_count, default=1600, help="of photos, in pixels, at most (%(default)s)")
    command.add_argument("--words", type=boolean, default=True, metavar="BOOL", help="read them (True)")
    command.add_argument("--model", default="UVDoc", metavar="NAME|DIR", help="default: %(default)s")
    _add_unwarping(command)
    _add_word_engine(command)
    _add_run(command)
    command.set_defaults(run=_run_turned_photos)

    command = commands.add_parser(
        "reading",
        help="character recall and precision on rendered pages with their text as truth",
        description="Character recall and precision (same character, within a line's height), agreement on spaces, "
        "and of the order of lines (Kendall's tau), on pages of PDFs out of packages.",
    )
    command.add_argument("--config", type=Path, default=Path("configs/reading_pages.yaml"), help="%(default)s")
    command.add_argument("--fetched", type=Path, help="where packages are kept (OUTPUT/fetched)")
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for all that is made")
    command.add_argument("--reader", choices=("docpre", "rapidocr"), default="docpre", help="default: %(default)s")
    command.add_argument("--layout", type=boolean, default=True, metavar="BOOL", help="docpre's order (%(default)s)")
    command.add_argument("--kinds", nargs="*", default=(), help="of pages (default: all)")
    command.set_defaults(run=_run_reading)

    command = commands.add_parser("handwriting", help="lines by hand and in print told apart, on folders of pictures")
    command.add_argument("--by_hand", nargs="+", required=True, metavar="PATH", help="pictures or folders, all by hand")
    command.add_argument("--printed", nargs="+", required=True, metavar="PATH", help="pictures or folders, all printed")
    command.add_argument("--every", type=int, default=1, help="of a folder's pictures, one of so many (%(default)s)")
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="where handwriting.json goes")
    command.set_defaults(run=_run_handwriting)

    command = commands.add_parser(
        "reading-speed",
        help="seconds a page by step, beside rapidocr and rapid_layout",
        description="Seconds a page by step, beside rapidocr and rapid_layout with their defaults, called in turn.",
    )
    command.add_argument("--config", type=Path, default=Path("configs/reading_pages.yaml"), help="%(default)s")
    command.add_argument("--fetched", type=Path, help="where packages are kept (OUTPUT/fetched)")
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder for what is unpacked")
    command.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    command.add_argument("--most_pages", type=int, default=15, help="default: %(default)s")
    command.set_defaults(run=_run_reading_speed)

    command = commands.add_parser("compare", help="two runs on the same pages, with bootstrap intervals")
    command.add_argument("a", type=Path, metavar="A", help="folder of a run")
    command.add_argument("b", type=Path, metavar="B", help="folder of another run")
    command.add_argument("--resamples", type=int, default=10_000, help="default: %(default)s")
    command.add_argument("--confidence", type=float, default=0.95, help="of the intervals (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    command.add_argument("--output", type=Path, metavar="FILE", help="also write the table here, as JSON")
    command.add_argument(
        "--by_kind", type=boolean, default=False, metavar="BOOL", help="each kind too: a name up to its last _ (False)"
    )
    command.add_argument("--sheets", type=Path, metavar="DIR", help="draw each photo beside what A and B made of it")
    command.set_defaults(run=_run_compare)
    return parser


def _add_set(command: argparse.ArgumentParser, name: str, layout: str) -> None:
    group = command.add_argument_group("data")
    group.add_argument("--data", type=Path, required=True, metavar="DIR", help=layout)
    if name == "docunet":
        group.add_argument("--photos", choices=("crop", "original"), default="crop", help="default: %(default)s")
        group.add_argument(
            "--upside_down",
            nargs="*",
            metavar="K_I",
            help="photos to turn by half first; without names those that are known, 64_1 and 64_2 "
            "(default: none, as most papers have it)",
        )
    if name == "uvdoc-benchmark":
        group.add_argument(
            "--drawn_from",
            choices=("texture", "photo"),
            default="texture",
            help="what a model's map is applied to: the bent page without light, as in UVDoc's figures, or the photo "
            "(default: %(default)s)",
        )
    if name in ("docunet", "pairs"):
        group.add_argument(
            "--texts", type=Path, metavar="FILE", help="true texts: JSON of name to text, or a folder of NAME.txt"
        )
    group.add_argument("--only", nargs="+", default=[], metavar="PAGE", help="these pages alone")


def _add_predictions(command: argparse.ArgumentParser, name: str) -> None:
    group = command.add_argument_group("what is evaluated: one of the two")
    one = group.add_mutually_exclusive_group(required=name != "pairs")
    one.add_argument("--model", metavar="NAME|DIR", help="an unwarping model of docpre, or a directory with one")
    one.add_argument("--predictions", type=Path, metavar="DIR", help="flattened pages, named as pages are (64_1.png)")
    group.add_argument(
        "--use_orientation", type=boolean, default=False, metavar="BOOL", help="turn photos upright first (False)"
    )
    group.add_argument("--output_size", choices=("page", "input"), default="page", help="default: %(default)s")
    group.add_argument(
        "--interpolation", choices=("nearest", "linear", "cubic"), default="cubic", help="default: %(default)s"
    )
    group.add_argument("--level_deg", type=float, default=LEVEL_DEG, help="so level is enough (2)")
    _add_unwarping(group)
    group.add_argument("--device", help="cpu, gpu, gpu:0, ... (default: GPU 0 if it can be used, else the CPU)")
    group.add_argument(
        "--save_predictions", type=boolean, default=False, metavar="BOOL", help="keep flattened pages (False)"
    )


def _add_unwarping(group: argparse._ActionsContainer) -> None:
    """How docpre unwarps, and what runs it."""
    for name in ("refine", "leave_flat_pages"):
        group.add_argument(
            f"--{name}", type=boolean, default=True, metavar="BOOL", help="as docpre does (True; PaddleOCR: False)"
        )
    group.add_argument("--engine", choices=ENGINES, help="default: onnxruntime")
    group.add_argument("--precision", help="fp32, bf16 or int8, as the engine can (fp32)")


def _add_word_engine(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--word_engine",
        choices=("onnxruntime", "openvino"),
        default="onnxruntime",
        help="runs PP-OCRv6; OpenVINO is quicker and reads a few words otherwise (default: %(default)s)",
    )


def _add_metrics(command: argparse.ArgumentParser, name: str) -> None:
    settings = {"docunet": ["uvdoc", "doctr"], "uvdoc-benchmark": ["uvdoc"], "dir300": ["plain"], "pairs": ["plain"]}
    defaults = {"docunet": "both", "uvdoc-benchmark": "uvdoc", "dir300": "none", "pairs": "plain where texts are given"}
    group = command.add_argument_group("metrics")
    group.add_argument(
        "--ocr",
        nargs="+",
        choices=(*settings[name], "none"),
        help=f"settings that CER and ED are measured under, by Tesseract (default: {defaults[name]})",
    )
    group.add_argument("--language", default="eng", help="of Tesseract's data (default: %(default)s)")
    group.add_argument(
        "--word_f1", type=boolean, default=False, metavar="BOOL", help="also compare words read by PP-OCRv6 (False)"
    )
    _add_word_engine(group)
    group.add_argument(
        "--gradient_border",
        choices=("zero", "replicate"),
        default="zero",
        help="of AD's weights: Octave's, or MATLAB's (default: %(default)s)",
    )


def _add_run(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("run")
    group.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the run")
    group.add_argument("--workers", type=_count, default=available_cores(), help="pages at a time (all cores)")
    group.add_argument("--progress", type=boolean, default=True, metavar="BOOL", help="show a bar (True)")


def _run_set(options: argparse.Namespace) -> int:
    from train.evaluate.measuring import Measuring
    from train.evaluate.predictions import ModelOptions, ModelPredictions, StoredPredictions
    from train.evaluate.text_reading import PaddleWords
    from train.evaluate.unwarping import evaluate

    chosen, set_options = _chosen_set(options)
    if options.predictions is not None:
        stored = pictures_by_stem(options.predictions)
        if not stored:
            raise ConfigError(f"{options.predictions}: there is no such folder, or no picture in it.")
        chosen = EvaluationSet(chosen.name, with_predictions(chosen.pages, stored), chosen.places)
        chosen.places["prediction"] = f"{options.predictions}/PAGE.png"
    predictor: ModelPredictions | StoredPredictions
    if options.model is not None:
        names = (
            "model",
            "use_orientation",
            "leave_flat_pages",
            "output_size",
            "interpolation",
            "refine",
            "level_deg",
            "engine",
            "precision",
            "device",
        )
        threads = max(1, available_cores() // options.workers)
        predictor = ModelPredictions(ModelOptions(**{name: getattr(options, name) for name in names}, threads=threads))
    else:
        predictor = StoredPredictions(options.predictions or options.data)
    measuring = Measuring(
        predictor,
        options.gradient_border,
        _tesseract(options.language) if any(page.ocr for page in chosen.pages) else None,
        PaddleWords(options.word_engine) if options.word_f1 else None,
        saved_predictions=options.output / "predictions" if options.save_predictions else None,
    )
    return evaluate(
        chosen, measuring, options.output, set_options, options.workers, options.only, progress=options.progress
    )


def _tesseract(language: str) -> Tesseract:
    from train.evaluate.text_reading import Tesseract

    try:
        return Tesseract(language)
    except EngineError as error:
        raise EngineError(f"{error} Or leave CER and ED out: --ocr none") from error


def _chosen_set(options: argparse.Namespace) -> tuple[EvaluationSet, dict[str, object]]:
    """The set that the options name, and how it was chosen, as plain values."""
    kept: dict[str, object] = {"data": str(options.data.resolve())}
    ocr = None if options.ocr is None else [setting for setting in options.ocr if setting != "none"]
    texts = getattr(options, "texts", None)
    if texts is not None:
        kept["texts"] = str(texts.resolve())
    if options.set == "docunet":
        from train.evaluate.docunet import KNOWN_UPSIDE_DOWN, docunet

        asked = options.upside_down
        upside_down = [] if asked is None else asked or list(KNOWN_UPSIDE_DOWN)
        kept |= {"photos": options.photos, "upside_down": sorted(upside_down)}
        ocr = ["uvdoc", "doctr"] if ocr is None else ocr
        chosen = docunet(options.data, options.photos, ocr, upside_down, texts)
    elif options.set == "uvdoc-benchmark":
        from train.evaluate.uvdoc_benchmark import uvdoc_benchmark

        kept["drawn_from"] = options.drawn_from
        ocr = ["uvdoc"] if ocr is None else ocr
        chosen = uvdoc_benchmark(options.data, options.drawn_from, ocr)
    elif options.set == "dir300":
        from train.evaluate.dir300 import dir300

        chosen = dir300(options.data, ocr or ())
    else:
        from train.evaluate.pairs import pairs

        chosen = pairs(options.data, ocr, texts)
    return chosen, {**kept, "ocr": ocr}


def _run_orientation(options: argparse.Namespace) -> int:
    from train.evaluate.orientation import evaluate_orientation, source_of, training_part

    is_of_training = any(other.partition("=")[0] == "--config" for other in options.others)
    is_of_reader = any(other.partition("=")[0] == "--data" for other in options.others)
    if is_of_training == is_of_reader:
        raise ConfigError("Pages come from --data READER with its options, or from --config FILE: one of the two.")
    source, indices = training_part(options.others, options.part) if is_of_training else source_of(options.others)
    return evaluate_orientation(
        source,
        indices,
        options.output,
        options.model,
        options.workers,
        options.engine,
        options.device,
        options.progress,
    )


def _run_corpus(options: argparse.Namespace) -> int:
    from train.data.corpus import Corpus
    from train.evaluate.orientation_corpus import evaluate_corpus

    corpus = Corpus(options.data, options.split)
    table = evaluate_corpus(
        corpus, options.models, options.output, options.workers, options.tesseract_pages, options.progress
    )
    print(table)
    print(f"\ntable.md, and of each model its summary, are in {options.output}")
    return 0


def _run_orientation_speed(options: argparse.Namespace) -> int:
    from train.evaluate.orientation_speed import evaluate_speed

    print(evaluate_speed(options.data, options.models, options.output, options.most, options.rounds, options.progress))
    return 0


def _run_unwarping_speed(options: argparse.Namespace) -> int:
    from train.evaluate.unwarping_speed import evaluate_unwarping_speed

    running = (options.model, options.engine, options.precision)
    print(
        evaluate_unwarping_speed(options.data, options.output, *running, options.most, options.rounds, options.progress)
    )
    return 0


def _run_flat_pages(options: argparse.Namespace) -> int:
    import random

    from train.data.pages import Pages
    from train.evaluate.flat_pages import evaluate_flat_pages

    pages = Pages(options.data, options.dpi)
    count = len(pages.documents)
    most = min(options.most or count, count)
    return evaluate_flat_pages(
        pages,
        sorted(random.Random(options.seed).sample(range(count), most)),
        options.output,
        options.model,
        options.seed if options.as_scans else None,
        options.engine,
        options.precision,
        options.workers,
        options.progress,
    )


def _run_turned_photos(options: argparse.Namespace) -> int:
    from train.evaluate.predictions import ModelOptions, ModelPredictions
    from train.evaluate.text_reading import PaddleWords
    from train.evaluate.turned_photos import TurnedPhotos, evaluate_turned_photos

    turning = TurnedPhotos(options.turns, options.ground, options.long_side)
    names = ("model", "refine", "leave_flat_pages", "engine", "precision")
    threads = max(1, available_cores() // options.workers)
    running = ModelOptions(**{name: getattr(options, name) for name in names}, use_orientation=True, threads=threads)
    words = PaddleWords(options.word_engine) if options.words else None
    predictor = ModelPredictions(running)
    return evaluate_turned_photos(
        options.data, options.output, predictor, turning, words, options.workers, options.progress
    )


def _run_reading(options: argparse.Namespace) -> int:
    from train.evaluate.reading import main as evaluate_reading

    fetched = options.fetched or options.output / "fetched"
    return evaluate_reading(options.config, fetched, options.output, options.reader, options.layout, options.kinds)


def _run_handwriting(options: argparse.Namespace) -> int:
    from train.evaluate.handwriting import main as evaluate_handwriting

    return evaluate_handwriting(options.by_hand, options.printed, options.output, options.every)


def _run_reading_speed(options: argparse.Namespace) -> int:
    from train.evaluate.reading_speed import main as evaluate_speed

    fetched = options.fetched or options.output / "fetched"
    return evaluate_speed(options.config, fetched, options.output, options.rounds, options.most_pages)


def _run_compare(options: argparse.Namespace) -> int:
    from train.evaluate.comparison import compare_runs

    return compare_runs(
        options.a,
        options.b,
        options.resamples,
        options.confidence,
        options.seed,
        options.output,
        options.by_kind,
        options.sheets,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1, not {text!r}")
    return int(text)
