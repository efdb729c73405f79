"""``docpre models``: the models, where their weights are, and fetching them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from docpre.cli.subcommand import Subcommand


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pull", metavar="NAME", help="fetch a model's weights now; `all` for all")


def _run(options: argparse.Namespace) -> int:
    from docpre.engines.fastest import records
    from docpre.registry import DEFAULT_MODEL, MODELS, at_hand, find_model, find_weights

    if options.pull:
        names = list(MODELS) if options.pull == "all" else [options.pull]
        for name in names:
            spec = MODELS.get(name) or find_model("orientation", name)
            weights = find_weights(spec, suffixes=(".onnx", ".npz"))
            print(f"{name}: {weights.path} (from the {weights.origin})")
        return 0
    for spec in MODELS.values():
        default = ", the default" if DEFAULT_MODEL[spec.task] == spec.name else ""
        print(f"{spec.name} ({spec.task}{default})")
        print(f"  from     {spec.source}")
        for artefact in spec.artefacts:
            found = at_hand(spec, artefact, [])
            where = str(found.path) if found else f"not fetched yet; `docpre models --pull {spec.name}`"
            print(f"  weights  {artefact.filename}, {artefact.licence}: {where}")
            if artefact.package:
                print(f"           in the package {artefact.package.name}=={artefact.package.version}")
            for url in artefact.urls:
                print(f"           at {url.url}")
            print(f"           sha256 {artefact.sha256}")
        height, width = (side or "any" for side in spec.size_hw)
        print(f"  input    {height}x{width} (height x width), {spec.channel_order}")
        print(f"  figures  {spec.figures}")
        for record in records(spec.name):
            print(f"  hpi      {_described_choice(record)}")
    return 0


def _described_choice(record: Mapping[str, Any]) -> str:
    """What enable_hpi took on this machine, from what and how fast."""
    chosen, asked = record["chosen"], record["asked"]
    parts = []
    for entry in record["candidates"]:
        outcome = f"{entry['median_ms']} ms" if "median_ms" in entry else f"refused ({entry['refused']})"
        parts.append(f"{entry['engine']} {entry['precision']} {outcome}")
    where = f"{asked['device']}, {asked['threads']} threads"
    return f"{chosen['engine']} in {chosen['precision']} ({where}): {'; '.join(parts)}"


SUBCOMMAND = Subcommand("models", "list the models, or fetch their weights", _add_arguments, _run)
