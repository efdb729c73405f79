"""Runs notebooks and keeps their outputs in them: ``python notebooks/run.py [NAME.ipynb ...]``; without names, all.

What programs say on stderr (progress, hints) is left out, but for what `evaluate` says is missing.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbclient
import nbformat

FOLDER = Path(__file__).parent


def run(path: Path) -> None:
    """Run a notebook from top to bottom and write it back with its outputs."""
    started = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(FOLDER)}}
    nbclient.NotebookClient(notebook, timeout=1800, resources=resources, record_timing=False).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _joined([output for output in cell.outputs if not _is_chatter(output)])
    notebook.metadata["language_info"] = {
        "name": "python"
    }  # without the version, which changes from machine to machine
    nbformat.write(notebook, path)
    print(f"{path.name}: {time.perf_counter() - started:.0f} s, {path.stat().st_size / 1024:.0f} KB")


def _is_chatter(output: nbformat.NotebookNode) -> bool:
    return output.output_type == "stream" and output.name == "stderr" and not output.text.startswith("missing")


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs with what was printed in several pieces put together."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.name for path in FOLDER.glob("*.ipynb")):
        run(FOLDER / Path(name).name)
