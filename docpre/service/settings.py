"""What the service is told at its start. Server processes get it as JSON."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from docpre.config import PipelineConfig
from docpre.errors import ConfigError

_DEFAULT_PAGES = 10
#: The names of what can be served.
DOC_PREPROCESSOR, DOC_ANALYSIS = "doc_preprocessor", "doc_analysis"
_PIPELINES = (DOC_PREPROCESSOR, DOC_ANALYSIS)
_EXTRA = ("max_num_input_imgs", "client_id", "client_secret")
_PAIR_VARIABLES = ("DOCPRE_CLIENT_ID", "DOCPRE_CLIENT_SECRET")


@dataclass(frozen=True)
class ServiceSettings:
    """Limits and options of the service.

    Args:
        pipeline: arguments of ``DocPreprocessor``; those on running are the analysis' too.
        pipelines: what is served: ``doc_preprocessor``, ``doc_analysis`` or both.
        dpi: at which PDF pages are rendered.
        visualize: whether answers have the pictures to look at where the request does not say.
        max_pages: of one document; further pages are left out, as PaddleX does. None: no limit.
        max_body_bytes: of a request, and of what a URL gives.
        max_pixels: of one page, looked at before it is decoded.
        max_read_s: seconds of processor time that one page may take to be read, and 50 ms for each of its megapixels.
        max_request_s: seconds that a request may take, its body and its waiting included.
        max_waiting: requests that may wait when ``concurrency`` others are under way.
        concurrency: documents that are read and processed at the same time.
        network_threads: threads that run the pipeline.
        max_batch: pages that go through the networks together.
        max_redirects: of a URL.
        allow_urls: host names and networks (``10.0.0.0/8``) that URLs may name though they are not public.
        api_key_file: a file with a key a line; requests must carry one of them. None: no keys.
        client_id, client_secret: what a client of Baidu's interface gets its token for, and has to show it. None: that
            interface asks for no token.
    """

    pipeline: Mapping[str, Any] = field(default_factory=dict)
    pipelines: tuple[str, ...] = (DOC_PREPROCESSOR,)
    dpi: float = 200
    visualize: bool = True
    max_pages: int | None = _DEFAULT_PAGES
    max_body_bytes: int = 64 * 1024**2
    max_pixels: int = 8192 * 8192
    max_read_s: float = 0.5
    max_request_s: float = 60.0
    max_waiting: int = 32
    concurrency: int = field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    network_threads: int = 2
    max_batch: int = 8
    max_redirects: int = 3
    allow_urls: tuple[str, ...] = ()
    api_key_file: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("max_body_bytes", "max_pixels", "concurrency", "network_threads", "max_batch"):
            _check_whole(name, getattr(self, name), 1)
        for name in ("max_waiting", "max_redirects"):
            _check_whole(name, getattr(self, name), 0)
        if self.max_pages is not None:
            _check_whole("max_pages (Serving.extra.max_num_input_imgs)", self.max_pages, 1)
        for name in ("max_read_s", "max_request_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is a number of seconds above 0, not {getattr(self, name)!r}.")
        if not 1 <= self.dpi <= 2400:
            raise ConfigError(f"dpi is a number from 1 to 2400, not {self.dpi!r}.")
        for entry in self.allow_urls:
            _check_allowed(entry)
        if not self.pipelines or set(self.pipelines) - set(_PIPELINES):
            raise ConfigError(f"pipelines are {' and '.join(_PIPELINES)}, not {self.pipelines!r}.")
        self.api_keys()
        self.client_pair()

    def with_serving_section(self) -> ServiceSettings:
        """These settings with what the section ``Serving`` of the pipeline's configuration says.

        Raises:
            ConfigError: the section has unknown keys or wrong values.
        """
        source = self.pipeline.get("paddlex_config")
        serving = {} if source is None else dict(PipelineConfig.read(source).serving)
        visualize = serving.pop("visualize", self.visualize)
        extra = serving.pop("extra", None) or {}
        if serving or not isinstance(extra, Mapping) or set(extra) - set(_EXTRA):
            raise ConfigError(
                f"{source}: of the section Serving docpre knows visualize and, under extra, {', '.join(_EXTRA)}; "
                f"it has {sorted([*serving, *(extra if isinstance(extra, Mapping) else [extra])])}."
            )
        if not isinstance(visualize, bool):
            raise ConfigError(f"{source}: Serving.visualize is True or False, not {visualize!r}.")
        return replace(
            self,
            visualize=visualize,
            max_pages=extra.get("max_num_input_imgs", self.max_pages),
            client_id=extra.get("client_id", self.client_id),
            client_secret=extra.get("client_secret", self.client_secret),
        )

    def with_client_pair(self, environment: Mapping[str, str]) -> ServiceSettings:
        """These settings with the client's pair of an environment, if that has one.

        Args:
            environment: ``DOCPRE_CLIENT_ID`` and ``DOCPRE_CLIENT_SECRET`` are looked for.

        Raises:
            ConfigError: it has half of one.
        """
        client_id, client_secret = (environment.get(name) or None for name in _PAIR_VARIABLES)
        if client_id is None and client_secret is None:
            return self
        return replace(self, client_id=client_id, client_secret=client_secret)

    def client_pair(self) -> tuple[str, str] | None:
        """The client's id and secret; None where no token is asked for.

        Raises:
            ConfigError: there is half of them, or they are no texts.
        """
        if self.client_id is None and self.client_secret is None:
            return None
        for value in (self.client_id, self.client_secret):
            if not isinstance(value, str) or not value:
                raise ConfigError(
                    f"A client has a client_id and a client_secret, both texts: set {' and '.join(_PAIR_VARIABLES)}, "
                    "or both under Serving.extra of the pipeline's YAML, there in quotes."
                )
        assert self.client_id is not None
        assert self.client_secret is not None
        return self.client_id, self.client_secret

    def api_keys(self) -> tuple[bytes, ...]:
        """The keys; empty where none are asked for.

        Raises:
            ConfigError: the file can't be read or has no keys.
        """
        if self.api_key_file is None:
            return ()
        try:
            lines = Path(self.api_key_file).expanduser().read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"Can't read the API keys in {self.api_key_file}: {error}.") from error
        keys = tuple(line.strip().encode() for line in lines if line.strip() and not line.startswith("#"))
        if not keys:
            raise ConfigError(f"{self.api_key_file} has no API keys; write one a line.")
        return keys

    def to_json(self) -> str:
        """For ``from_json``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServiceSettings:
        """What ``to_json`` wrote."""
        content = json.loads(text)
        return cls(**content | {name: tuple(content[name]) for name in ("allow_urls", "pipelines")})


def _check_whole(name: str, value: Any, lowest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
        raise ConfigError(f"{name} is a whole number of at least {lowest}, not {value!r}.")


def _check_allowed(entry: str) -> None:
    if "/" not in entry:
        return
    try:
        ipaddress.ip_network(entry)
    except ValueError as error:
        raise ConfigError(
            f"allow_urls takes host names, addresses and networks such as 10.0.0.0/8: {error}."
        ) from error
