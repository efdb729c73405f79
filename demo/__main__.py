"""``python -m demo``: the web page, on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve until stopped; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="docpre's web page, on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen at (default: %(default)s)")
    parser.add_argument(
        "--models", type=Path, nargs="+", default=[], metavar="DIRECTORY",
        help="your own models, or directories of them, to choose from and compare",
    )  # fmt: skip
    parser.add_argument("--service", action="store_true", help="offer the REST service too, at /api")
    chosen = parser.parse_args(arguments)
    # Before gradio is imported: no telemetry, and files in a folder that goes with the process.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    with tempfile.TemporaryDirectory(prefix="docpre-demo-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        try:
            import uvicorn

            from demo.server import create_app
        except ModuleNotFoundError as error:
            print(f"{error.name} is missing: pip install '.[demo]'", file=sys.stderr)
            return 1
        from demo.models import Models
        from docpre.errors import DocpreError

        try:
            app = create_app(Models(chosen.models), chosen.service)
        except DocpreError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"docpre: http://{chosen.host}:{chosen.port}", flush=True)
        uvicorn.run(app, host=chosen.host, port=chosen.port, log_level="warning", timeout_graceful_shutdown=5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
