"""pyarrow, which docpre[batch] adds to the base install."""

from __future__ import annotations

try:
    import pyarrow
    import pyarrow.fs
    import pyarrow.ipc
    import pyarrow.parquet
except ModuleNotFoundError as error:
    from docpre.errors import ConfigError

    raise ConfigError(f"docpre batch needs {error.name}: pip install 'docpre[batch]'.") from error

__all__ = ["pyarrow"]
