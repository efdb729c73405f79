"""Who may import whom, and that the base install is enough for the base."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "docpre"
FORBIDDEN = {"train", "demo", "lightning", "timm", "albumentations", "datasets", "gradio"}
# Floors of the house: a module imports from lower floors only (and from its own package). The longest name counts.
FLOORS = {
    "docpre": 0,
    "docpre.errors": 0,
    "docpre.geometry": 0,
    "docpre.jpeg": 0,
    "docpre.shrinking": 0,
    "docpre.mupdf": 0,
    "docpre.loading": 1,
    "docpre.pdf_output": 1.5,
    "docpre.results": 1.7,
    "docpre.config": 1,
    "docpre.registry": 1,
    "docpre.grids": 0.5,
    "docpre.flatness": 1.5,
    "docpre.line_directions": 1.5,
    "docpre.straightening": 1.6,
    "docpre.refining": 1.7,
    "docpre.unwarping_options": 1.8,
    "docpre.folding": 1.5,
    "docpre.closer_look": 1.6,
    "docpre.light": 1.5,
    "docpre.network_input": 1.8,
    "docpre.calibration_pages": 1.8,
    "docpre.metrics": 1,
    "docpre.models": 2,
    "docpre.engines": 3,
    "docpre.engine_pool": 3.5,
    "docpre.overlap": 3.5,
    "docpre.ray_cluster": 3.5,
    "docpre.page_module": 3.7,
    "docpre.orientation": 4,
    "docpre.page_finding": 4,
    "docpre.rectifying": 4.1,
    "docpre.flat_lines": 4.15,
    "docpre.seen_page": 4.16,
    "docpre.unwarper": 4.17,
    "docpre.unwarping": 4.2,
    "docpre.pipeline": 5,
    "docpre.export": 5,
    "docpre.analysis": 6,
    "docpre.batch": 7,
    "docpre.service": 7,
    "docpre.bench": 7,
    "docpre.cli": 8,
    "docpre.__main__": 9,
}
# These need an extra; all others belong to the base install.
EXTRAS = (
    "docpre.models",
    "docpre.engines.openvino",
    "docpre.engines.torch",
    "docpre.export",
    "docpre.batch",
    "docpre.ray_cluster",
    "docpre.service",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_names(path: Path) -> set[str]:
    """Modules that a file names in its imports, wherever in the file they stand, but for type checking."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text("utf-8")))
    return names


def home(name: str) -> str:
    parts = name.split(".")
    while ".".join(parts) not in FLOORS:
        parts.pop()
    return ".".join(parts)


def test_every_module_has_a_floor():
    for name in MODULES:
        assert name == "docpre" or home(name) != "docpre", f"{name} has no floor"


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name):
    for other in imported_names(MODULES[name]):
        if other.split(".")[0] == "docpre" and home(other) != home(name):
            assert FLOORS[home(other)] < FLOORS[home(name)] or home(other) in ("docpre", "docpre.errors"), other


@pytest.mark.parametrize("name", MODULES)
def test_docpre_never_imports_what_is_for_training(name):
    assert not {other.split(".")[0] for other in imported_names(MODULES[name])} & FORBIDDEN


def test_the_base_install_imports_all_of_the_base(tmp_path):
    """In an environment with the base install alone (``make test`` makes it), and without the extras' packages."""
    python = os.environ.get("DOCPRE_BASE_PYTHON")
    if not python:
        pytest.skip("DOCPRE_BASE_PYTHON names no environment with the base install alone; `make test` sets it")
    names = [name for name in MODULES if not name.startswith(EXTRAS) and name != "docpre.__main__"]
    code = "import importlib, sys\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)
    code += (
        "\nfor name in ('torch', 'openvino', 'lightning', 'timm', 'onnx', 'numba', 'rapidfuzz', 'gradio', 'fastapi'):"
    )
    code += "\n    assert importlib.util.find_spec(name) is None, name + ' is not of the base'"
    subprocess.run([python, "-c", "import importlib.util\n" + code], check=True, cwd=tmp_path)
