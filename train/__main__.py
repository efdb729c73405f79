"""``python -m train``: fit, validate and test a network, check its data, calibrate, export and evaluate it."""

from __future__ import annotations

import sys

from docpre.errors import DocpreError

USAGE = """usage: python -m train COMMAND ...

  orientation fit|validate|test --config configs/orientation.yaml
  unwarping fit|validate|test --config configs/unwarping.yaml
  page_finding fit|validate|test --config configs/page_finding.yaml
  page_photos --pages DIR --output DIR               draw the small photos that the page finder learns from
  taught_photos --pages DIR --output DIR             draw photos with a teacher's grids, for a light unwarping model
  synthetic_pairs --pages DIR --output DIR           draw photos of pages, of each kind, to evaluate models on
  data check orientation|unwarping --config FILE     read all the data that a configuration names
  handwriting --output DIR                           train the classifier of handwriting, on drawn lines
  blend --ckpt FILE --share S --output CKPT          move orientation weights a part of the way to others
  calibrate --ckpt FILE --data DIR --output CKPT     make an orientation model's scores true, on the corpus
  export --ckpt FILE --output DIR                    make a model directory that docpre takes
  evaluate docunet|uvdoc-benchmark|dir300|pairs      measure unwarping
  evaluate turned-photos                             measure unwarping on real photos, without truth
  evaluate flat-pages                                what unwarping does to pages that need none
  evaluate unwarping-speed                           how long it takes, against one pass of the network
  evaluate orientation                               measure orientation
  evaluate orientation-corpus                        orientation models side by side on the project's own pages
  evaluate orientation-speed                         how long they take
  evaluate handwriting                               measure the telling of handwriting from print
  evaluate reading                                   measure the reading of rendered pages
  evaluate reading-speed                             how long that takes, by step, beside other packages
  evaluate compare A B                               compare two runs on the same pages

--help after any of them says more; a run is resumed by fit --ckpt_path last."""


def main(arguments: list[str]) -> int:
    """Run a command.

    Returns:
        The exit status: 0, 1 for a failure that docpre names, 2 for a wrong command line.
    """
    command = arguments[0] if arguments else ""
    try:
        if command in ("orientation", "unwarping", "page_finding"):
            from train.cli import command_line

            command_line(command, arguments[1:])
        elif arguments[:2] == ["data", "check"]:
            from train.data.check import main as check

            return check(arguments[2:])
        elif command == "export":
            from train.export import main as export

            export(arguments[1:])
        elif command == "page_photos":
            from train.page_photos import main as page_photos

            page_photos(arguments[1:])
        elif command == "taught_photos":
            from train.taught_photos import main as taught_photos

            taught_photos(arguments[1:])
        elif command == "synthetic_pairs":
            from train.synthetic_pairs import main as synthetic_pairs

            synthetic_pairs(arguments[1:])
        elif command == "handwriting":
            from train.handwriting import main as handwriting

            handwriting(arguments[1:])
        elif command == "blend":
            from train.blend import main as blend

            blend(arguments[1:])
        elif command == "calibrate":
            from train.calibration import main as calibrate

            calibrate(arguments[1:])
        elif command == "evaluate":
            from train.evaluate.command import main as evaluate

            return evaluate(arguments[1:])
        else:
            asked = command in ("-h", "--help")
            print(USAGE, file=sys.stdout if asked else sys.stderr)
            return 0 if asked else 2
    except DocpreError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
