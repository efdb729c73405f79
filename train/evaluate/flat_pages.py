"""``python -m train evaluate flat-pages``: how many pages that are flat already come back as they were."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from docpre.engine_pool import EnginePool
from docpre.engines import RuntimeOptions
from docpre.unwarper import Unwarper, Unwarping
from train.corpus.paper import as_scanned
from train.data.source import PageSource
from train.evaluate.environment import environment
from train.evaluate.orientation import INTERRUPTED
from train.evaluate.predictions import model_name_and_dir, model_record
from train.evaluate.resumed import resumed
from train.evaluate.run_folder import write_json

UNCHANGED, TURNED, BENT = "unchanged", "turned level", "bent"


def evaluate_flat_pages(
    source: PageSource,
    indices: Sequence[int],
    output: Path,
    model: str = "UVDoc",
    scan_seed: int | None = None,
    engine: str | None = None,
    precision: str = "fp32",
    workers: int = 1,
    progress: bool = True,
) -> int:
    """Unwarp pages with docpre's defaults, print what became of them, and write ``summary.json``.

    Args:
        source: upright pages without a bend.
        indices: which of them.
        output: the run's folder; a run that was stopped goes on.
        model: name, or a directory with weights.
        scan_seed: pages are first made what a scanner with a feeder gives, from this seed; None: as they are.
        engine, precision: see ``docpre.engines.RuntimeOptions``.
        workers: pages at a time.
        progress: show a bar.

    Returns:
        0, 1 if a page failed, 130 if the run was interrupted.

    Raises:
        ConfigError: the folder holds results of other settings.
        EngineError, ModelError: the model can't run.
    """
    name, directory = model_name_and_dir(model)
    running = RuntimeOptions(engine=engine, precision=precision, cpu_threads=1)
    pool = EnginePool("unwarping", name, directory, running)
    unwarper = Unwarper(pool)
    settings = {"data": source.describe(), "model": model_record(pool), "precision": precision, "scan_seed": scan_seed}

    def unwarp(index: int) -> dict[str, Any]:
        image = source.read(index)
        if scan_seed is not None:
            image = as_scanned(image, np.random.default_rng([scan_seed, index]), glass_share=0)
        (plan,) = unwarper.plan([image])
        return {"document": source.documents[index], "outcome": outcome_of(plan), **plan.values()}

    items = {str(index): index for index in indices}
    good, failed, is_whole = resumed(output, settings, items, unwarp, workers, progress)
    counts = {
        outcome: sum(page["outcome"] == outcome for page in good.values()) for outcome in (UNCHANGED, TURNED, BENT)
    }
    write_json(
        output / "summary.json",
        {"counts": counts, "failed": failed, "settings": settings, "environment": environment()},
    )
    print(table(good, counts))
    for name, error in failed.items():
        print(f"failed: {name}: {error}", file=sys.stderr)
    if not is_whole:
        return INTERRUPTED
    return 1 if failed else 0


def outcome_of(plan: Unwarping) -> str:
    """What becomes of a page. One that is unchanged is so bit for bit: nothing is sampled."""
    if plan.is_applied:
        return BENT
    return TURNED if plan.transform.steps else UNCHANGED


def table(pages: Mapping[str, Mapping[str, Any]], counts: Mapping[str, int]) -> str:
    """Counts and shares, and each page that was bent, with the reason."""
    lines = [
        f"{outcome:14}{count:6}  {100 * count / max(len(pages), 1):6.2f} % of {len(pages)}"
        for outcome, count in counts.items()
    ]
    for number, page in pages.items():
        if page["outcome"] == BENT:
            bend = "" if page["bend_percent"] is None else f", by {page['bend_percent']} %"
            lines.append(f"bent: {page['document']} ({number}): {page['reason']}{bend}")
    return "\n".join(lines)
