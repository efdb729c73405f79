"""The notebooks run, on tiny data, and are in the repository with what they gave."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
pytest.importorskip("lightning")

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
MOST_KB = 500
ABSOLUTE = re.compile(r"(?<![\w.])/(home|root|Users|tmp|mnt|work\w*)/\S*")


def test_there_are_four():
    assert [name[:2] for name in NOTEBOOKS] == ["01", "02", "03", "04"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_small_and_has_its_outputs(name):
    path = FOLDER / name
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < MOST_KB * 1024
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert any(kind.startswith("image/") for output in outputs for kind in output.get("data", {}))
    assert not any(output.output_type == "error" for output in outputs)
    texts = [output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs]
    found = [match.group() for text in texts for match in ABSOLUTE.finditer(text)]
    assert not found, "outputs name folders of one machine"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_on_tiny_data(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCPRE_NOTEBOOK_TINY", "1")
    monkeypatch.setenv("DOCPRE_NOTEBOOK_WORK", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("DOCUNET", raising=False)
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
