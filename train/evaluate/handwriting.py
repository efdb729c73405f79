"""``python -m train evaluate handwriting``: lines by hand and in print told apart, on folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from docpre.analysis.analyzer import DocAnalyzer
from docpre.analysis.elements import WordsType
from docpre.errors import InputError


@dataclass(frozen=True)
class SeenLine:
    """A line (or a piece of one) as it was taken, and how its picture's folder says that it was written."""

    picture: str
    text: str
    is_by_hand: bool
    taken_for_hand: bool


def main(by_hand: Sequence[str], printed: Sequence[str], output: Path, every: int) -> int:
    """Read pictures, print the accuracy of both kinds and the balanced one, and write ``handwriting.json``.

    Args:
        by_hand: pictures or folders of pictures with nothing but handwriting.
        printed: with nothing but print.
        output: a folder.
        every: of each folder's pictures, by name, the first of every so many.

    Raises:
        InputError: there is nothing to read.
    """
    analyzer = DocAnalyzer(
        words_type="handprint_mix",
        layout_analysis=False,
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        device="cpu",
    )
    lines: list[SeenLine] = []
    for is_by_hand, sources in ((True, by_hand), (False, printed)):
        for source in sources:
            path = Path(source)
            pictures = sorted(path.glob("*.jpg")) + sorted(path.glob("*.png")) if path.is_dir() else [path]
            own: list[SeenLine] = []
            for result in analyzer.predict_iter([str(picture) for picture in pictures[::every]]):
                if result.error is not None:
                    raise result.error
                for line in result.lines:
                    taken = line.words_type is WordsType.HANDWRITING
                    own.append(SeenLine(str(result["input_path"]), line.text, is_by_hand, taken))
            print(f"{source}: {len(pictures[::every])} pictures, {_share(own)}", flush=True)
            lines += own
    both = [[line for line in lines if line.is_by_hand == kind] for kind in (True, False)]
    if not all(both):
        raise InputError("There are no lines of one kind to be told apart.")
    accuracies = [sum(line.taken_for_hand == line.is_by_hand for line in own) / len(own) for own in both]
    print(f"by hand: {_share(both[0])}; printed: {_share(both[1])}; balanced accuracy {sum(accuracies) / 2:.4f}")
    output.mkdir(parents=True, exist_ok=True)
    content = json.dumps([asdict(line) for line in lines], indent=1, ensure_ascii=False)
    (output / "handwriting.json").write_text(content, "utf-8")
    return 0


def _share(lines: Sequence[SeenLine]) -> str:
    right = sum(line.taken_for_hand == line.is_by_hand for line in lines)
    return f"{right} of {len(lines)} lines right"
