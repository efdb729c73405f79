"""Ray, which docpre[ray] adds, and the connection of this process to a cluster."""

from __future__ import annotations

import logging
import os
from typing import Any

from docpre.engines.base import available_cores
from docpre.errors import ConfigError, EngineError

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported

try:
    import ray
    import ray.exceptions
except ModuleNotFoundError as error:
    raise ConfigError(f"Ray is not here ({error.name}): pip install 'docpre[ray]'.") from error

__all__ = ["connect", "ray"]


def connect(address: str, least_cpus: int = 1) -> None:
    """Connect this process to a Ray cluster, unless it is connected.

    Args:
        address: ``local``: a cluster of this machine's cores, for this process alone; ``auto``: the one that this
            machine belongs to; or an address.
        least_cpus: that a cluster started for ``local`` has.

    Raises:
        EngineError: there is none.
    """
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        options |= {"num_cpus": max(available_cores(), least_cpus), "include_dashboard": False}
    try:
        ray.init(address, **options)
    except Exception as error:  # it raises bare ones too
        raise EngineError(
            f"There is no Ray cluster to be reached at {address!r} ({error}). Start one with `ray start --head`, or "
            "use `local`."
        ) from error
