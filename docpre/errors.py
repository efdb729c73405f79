"""docpre's own errors. Foreign exceptions are translated into these once, where they enter."""

from __future__ import annotations


class DocpreError(Exception):
    """Base of every error that docpre raises on purpose. Its message names what failed, why, and the mend."""


class InputError(DocpreError, ValueError):
    """An input can't be processed: missing, unreadable, of a wrong type or shape, or beyond a limit."""


class LimitError(InputError):
    """An input is beyond a limit on bytes, pixels or pages."""


class ConfigError(DocpreError, ValueError):
    """An argument, an option or a configuration file is wrong."""


class ModelError(DocpreError, RuntimeError):
    """Weights are missing, damaged, or not those of the network that they are meant for."""


class EngineError(DocpreError, RuntimeError):
    """An inference engine or device that was asked for can't run here."""


class OutputError(DocpreError, RuntimeError):
    """Results can't be written."""
