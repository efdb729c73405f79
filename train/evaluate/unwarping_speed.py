"""``python -m train evaluate unwarping-speed``: what docpre's whole step takes, against the network's first answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from docpre.bench.machine import this_machine
from docpre.errors import ConfigError
from docpre.unwarping import TextImageUnwarping
from train.data.pages import Pages
from train.evaluate.predictions import model_name_and_dir
from train.evaluate.run_folder import write_json


def evaluate_unwarping_speed(
    data: Path,
    output: Path,
    model: str = "UVDoc",
    engine: str | None = None,
    precision: str = "fp32",
    most: int = 100,
    rounds: int = 4,
    progress: bool = True,
) -> str:
    """Time each page in the default step and with ``refine=False, leave_flat_pages=False``, one pass of the network.

    Pages are decoded already; the two take turns on each, and the best of the rounds counts.

    Args:
        data: a folder of photos or scans.
        output: where ``speed.json`` goes, with every page.
        model: name, or a directory with weights.
        engine, precision: see ``docpre.engines.RuntimeOptions``.
        most: at most so many pages, spread evenly.
        rounds: over all pages.
        progress: show a bar.

    Returns:
        A few lines to print.

    Raises:
        ConfigError: a count is below 1.
        EngineError, ModelError: the model can't run.
        InputError: there are no pages, or one can't be read.
    """
    if min(most, rounds) < 1:
        raise ConfigError("most and rounds are 1 or more.")
    machine, source = this_machine(), Pages(data)
    name, directory = model_name_and_dir(model)
    running: dict[str, Any] = {"engine": engine, "precision": precision}
    step = TextImageUnwarping(name, directory, **running)
    once = TextImageUnwarping(name, directory, leave_flat_pages=False, refine=False, **running)
    count = min(most, len(source))
    rows = []
    for number in tqdm(range(count), desc="pages", disable=not progress):
        index = number * len(source) // count
        page_bgr = np.ascontiguousarray(source.read(index)[..., ::-1])
        best = [np.inf, np.inf]
        (result,) = step.predict(page_bgr, num_workers=0)  # and warm
        for _ in range(rounds):
            for column, module in enumerate((step, once)):
                started = time.perf_counter()
                module.predict(page_bgr, num_workers=0)
                best[column] = min(best[column], 1000 * (time.perf_counter() - started))
        rows.append(
            {
                "document": source.documents[index],
                "step_ms": best[0],
                "one_pass_ms": best[1],
                "applied": result["unwarping"]["applied"],
                "reason": result["unwarping"]["reason"],
                "passes": result["unwarping"]["passes"],
            }
        )
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "speed.json", {"cpu": machine.cpu, "engine": step._unwarper.described(), "pages": rows})
    steps, ones = (np.array([row[key] for row in rows]) for key in ("step_ms", "one_pass_ms"))
    ratios = steps / ones
    lines = [f"{count} pages, {machine.cpu}, {machine.cores} cores"]
    lines += [machine.warning] if machine.warning else []
    lines += [
        f"the whole step  {np.median(steps):6.0f} ms (median), {steps.mean():6.0f} ms (mean)",
        f"one pass        {np.median(ones):6.0f} ms (median), {ones.mean():6.0f} ms (mean)",
        f"ratio a page    {np.median(ratios):.2f} (median), {ratios.min():.2f} to {ratios.max():.2f}; of all together "
        f"{steps.sum() / ones.sum():.2f}",
    ]
    return "\n".join(lines)
