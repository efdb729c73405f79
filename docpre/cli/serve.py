"""``docpre serve``: the REST service."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from docpre.cli.pipeline_arguments import UNWARPING, add_light, add_unwarping
from docpre.cli.runtime_arguments import RUNTIME, add_runtime
from docpre.cli.subcommand import Subcommand
from docpre.cli.values import picked
from docpre.errors import ConfigError

_SERVING = (
    "dpi",
    "max_body_bytes",
    "max_pixels",
    "max_read_s",
    "max_request_s",
    "max_waiting",
    "network_threads",
    "max_batch",
    "max_redirects",
    "api_key_file",
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("serving")
    group.add_argument(
        "--pipeline",
        metavar="NAME",
        help="doc_preprocessor or doc_analysis: that one alone; or a PaddleX YAML of doc_preprocessor, by which pages "
        "are cleaned up (default: all that is installed)",
    )
    group.add_argument("--host", default="127.0.0.1", help="default: %(default)s; 0.0.0.0: all that reach this machine")
    group.add_argument("--port", type=int, default=8080, help="default: %(default)s")
    group.add_argument("--workers", type=int, default=1, help="processes, each with its models (default: %(default)s)")
    group.add_argument("--api_key_file", metavar="FILE", help="ask for one of its keys, a key a line (default: none)")
    group.add_argument(
        "--allow_urls",
        nargs="*",
        default=[],
        metavar="HOST",
        help="hosts and networks (10.0.0.0/8) that URLs may name though they are not public (default: none)",
    )
    group.add_argument("--ray", action="store_true", help="as a Ray Serve deployment (needs docpre[ray])")
    group.add_argument(
        "--ray_address", default="local", metavar="ADDRESS", help="local, auto or an address (default: %(default)s)"
    )
    group.add_argument(
        "--ray_config", type=Path, metavar="YAML", help="replicas and autoscaling; see configs/ray_serve.yaml"
    )
    group = parser.add_argument_group("limits of the service")
    group.add_argument("--dpi", type=float, default=200, help="resolution of PDF pages (default: %(default)s)")
    group.add_argument("--max_body_bytes", type=int, default=64 * 1024**2, help="a request (default: %(default)s)")
    group.add_argument("--max_pixels", type=int, default=8192 * 8192, help="a page (default: %(default)s)")
    group.add_argument(
        "--max_read_s", type=float, default=0.5, help="processor time to read a page (default: %(default)s)"
    )
    group.add_argument("--max_request_s", type=float, default=60.0, help="a request (default: %(default)s)")
    group.add_argument("--max_redirects", type=int, default=3, help="of a URL (default: %(default)s)")
    group.add_argument("--max_waiting", type=int, default=32, help="requests that may wait (default: %(default)s)")
    group.add_argument("--concurrency", type=int, help="documents at the same time (default: two a core)")
    group.add_argument("--network_threads", type=int, default=2, help="that run the models (default: %(default)s)")
    group.add_argument("--max_batch", type=int, default=8, help="pages through them together (default: %(default)s)")
    group = parser.add_argument_group("steps")
    add_unwarping(group)
    add_light(group)
    add_runtime(parser)


def _run(options: argparse.Namespace) -> int:
    try:
        from docpre.service.pipelines import installed_pipelines
        from docpre.service.server import run
        from docpre.service.settings import DOC_ANALYSIS, DOC_PREPROCESSOR, ServiceSettings
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("docpre"):
            raise
        raise ConfigError(f"docpre serve needs {error.name}: pip install 'docpre[serve]'.") from error

    pipeline = picked(options, ("even_light", *UNWARPING, *RUNTIME))
    pipelines = installed_pipelines()
    if options.pipeline in (DOC_PREPROCESSOR, DOC_ANALYSIS):
        pipelines = (options.pipeline,)
    elif options.pipeline is not None:
        if Path(options.pipeline).suffix.lower() not in (".yml", ".yaml"):
            raise ConfigError(
                f"--pipeline is {DOC_PREPROCESSOR}, a YAML of it, or {DOC_ANALYSIS}, not {options.pipeline!r}."
            )
        pipeline["paddlex_config"] = options.pipeline
    chosen = {"concurrency": options.concurrency} if options.concurrency is not None else {}
    settings = ServiceSettings(
        pipeline=pipeline,
        pipelines=pipelines,
        allow_urls=tuple(options.allow_urls),
        **picked(options, _SERVING),
        **chosen,
    )
    settings = settings.with_serving_section().with_client_pair(os.environ)
    log = logging.getLogger("docpre")
    if options.pipeline != DOC_PREPROCESSOR and DOC_ANALYSIS not in pipelines:
        log.info("doc_analysis is not served; it needs docpre[analysis]: pip install 'docpre[analysis]'.")
    if DOC_ANALYSIS in pipelines and settings.client_pair() is None:
        log.info("doc_analysis asks for no token; set DOCPRE_CLIENT_ID and DOCPRE_CLIENT_SECRET for it to do so.")
    if options.ray:
        from docpre.service.on_ray import read_options, run_on_ray

        if options.workers != 1:
            raise ConfigError("--workers is without effect under Ray; replicas are options of --ray_config.")
        run_on_ray(settings, options.host, options.port, options.ray_address, read_options(options.ray_config))
    else:
        run(settings, options.host, options.port, options.workers)
    return 0


SUBCOMMAND = Subcommand(
    "serve", "the REST service, with PaddleX's and Baidu's interfaces (needs docpre[serve])", _add_arguments, _run
)
