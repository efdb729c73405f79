"""The configuration of the pipeline, read from and written to PaddleX's pipeline YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from docpre.errors import ConfigError

PIPELINE_NAME = "doc_preprocessor"
_MODULE_NAMES = {"DocOrientationClassify": "doc_text_orientation", "DocUnwarping": "image_unwarping"}
_TOP_KEYS = (
    "pipeline_name",
    "use_doc_orientation_classify",
    "use_doc_unwarping",
    "SubModules",
    "use_hpip",
    "hpi_config",
    "Serving",
)
_MODULE_KEYS = ("module_name", "model_name", "model_dir", "batch_size", "use_hpip", "hpi_config")


@dataclass(frozen=True)
class ModuleConfig:
    """Which model a step uses; None: the default one."""

    model_name: str | None = None
    model_dir: str | None = None


@dataclass(frozen=True)
class PipelineConfig:
    """What PaddleX's ``doc_preprocessor.yaml`` says.

    Args:
        use_doc_orientation_classify, use_doc_unwarping: which steps are on.
        orientation, unwarping: their models.
        enable_hpi: PaddleX's ``use_hpip``; None where the file has none.
        serving: the section ``Serving``, kept for the service.
        without_effect: keys that were understood and can have no effect here.
    """

    use_doc_orientation_classify: bool = True
    use_doc_unwarping: bool = True
    orientation: ModuleConfig = ModuleConfig()
    unwarping: ModuleConfig = ModuleConfig()
    enable_hpi: bool | None = None
    serving: Mapping[str, Any] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()

    @classmethod
    def read(cls, source: str | os.PathLike[str] | Mapping[str, Any]) -> PipelineConfig:
        """Read a PaddleX pipeline configuration.

        Args:
            source: path of a YAML file, or its content as a mapping.

        Raises:
            ConfigError: it can't be read, is of another pipeline, or has unknown keys or wrong values.
        """
        if isinstance(source, Mapping):
            return cls._parsed(source, "the configuration")
        if not isinstance(source, (str, os.PathLike)):
            raise ConfigError(f"paddlex_config is the path of a YAML file or a dict, not {type(source).__name__}.")
        path = Path(source).expanduser()
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"Can't read the configuration {path}: {error.strerror or error}.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not YAML: {error}") from error
        if not isinstance(content, Mapping):
            raise ConfigError(f"{path} holds no mapping of keys to values.")
        return cls._parsed(content, str(path))

    @classmethod
    def _parsed(cls, content: Mapping[str, Any], origin: str) -> PipelineConfig:
        _check_keys(content, _TOP_KEYS, origin)
        name = content.get("pipeline_name", PIPELINE_NAME)
        if name != PIPELINE_NAME:
            raise ConfigError(f"{origin} is of the pipeline {name!r}; docpre reads {PIPELINE_NAME!r}.")
        modules = content.get("SubModules") or {}
        if not isinstance(modules, Mapping):
            raise ConfigError(f"{origin}: SubModules is a mapping, not {modules!r}.")
        _check_keys(modules, tuple(_MODULE_NAMES), f"{origin}, SubModules")
        without_effect = ["hpi_config"] if content.get("hpi_config") else []
        for module, settings in modules.items():
            for key in ("batch_size", "use_hpip", "hpi_config"):
                if isinstance(settings, Mapping) and settings.get(key) not in (None, False, 1):
                    without_effect.append(f"SubModules.{module}.{key}")
        serving = content.get("Serving") or {}
        if not isinstance(serving, Mapping):
            raise ConfigError(f"{origin}: Serving is a mapping, not {serving!r}.")
        use_hpip = content.get("use_hpip")
        return cls(
            use_doc_orientation_classify=_flag(content, "use_doc_orientation_classify", origin),
            use_doc_unwarping=_flag(content, "use_doc_unwarping", origin),
            orientation=_module(modules, "DocOrientationClassify", origin),
            unwarping=_module(modules, "DocUnwarping", origin),
            enable_hpi=None if use_hpip is None else _flag(content, "use_hpip", origin),
            serving=serving,
            without_effect=tuple(without_effect),
        )

    def with_arguments(
        self,
        *,
        orientation: ModuleConfig,
        unwarping: ModuleConfig,
        use_doc_orientation_classify: bool | None,
        use_doc_unwarping: bool | None,
    ) -> PipelineConfig:
        """This configuration with a constructor's arguments in place of its own, where they are not None.

        Raises:
            ConfigError: a switch is neither a bool nor None.
        """
        own_orientation = check_switch("use_doc_orientation_classify", use_doc_orientation_classify)
        own_unwarping = check_switch("use_doc_unwarping", use_doc_unwarping)
        return replace(
            self,
            use_doc_orientation_classify=self.use_doc_orientation_classify
            if own_orientation is None
            else own_orientation,
            use_doc_unwarping=self.use_doc_unwarping if own_unwarping is None else own_unwarping,
            orientation=_overridden(self.orientation, orientation),
            unwarping=_overridden(self.unwarping, unwarping),
        )

    def to_dict(self) -> dict[str, Any]:
        """As PaddleX has it."""
        content: dict[str, Any] = {
            "pipeline_name": PIPELINE_NAME,
            "use_doc_orientation_classify": self.use_doc_orientation_classify,
            "use_doc_unwarping": self.use_doc_unwarping,
            "SubModules": {
                module: {
                    "module_name": _MODULE_NAMES[module],
                    "model_name": config.model_name,
                    "model_dir": config.model_dir,
                }
                for module, config in (("DocOrientationClassify", self.orientation), ("DocUnwarping", self.unwarping))
            },
        }
        if self.enable_hpi is not None:
            content["use_hpip"] = self.enable_hpi
        if self.serving:
            content["Serving"] = dict(self.serving)
        return content

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the YAML.

        Raises:
            ConfigError: the file can't be written.
        """
        try:
            Path(path).write_text(yaml.safe_dump(self.to_dict(), sort_keys=False), "utf-8")
        except OSError as error:
            raise ConfigError(f"Can't write the configuration {path}: {error.strerror or error}.") from error


def check_switch(name: str, value: Any) -> bool | None:
    """``value``, if it is True, False or None.

    Raises:
        ConfigError: it is not.
    """
    if value is not None and not isinstance(value, bool):
        raise ConfigError(f"{name} is True, False or None, not {value!r}.")
    return value


def _overridden(own: ModuleConfig, wished: ModuleConfig) -> ModuleConfig:
    if wished.model_name is not None and wished.model_name != own.model_name:
        return wished  # another model: the directory of the old one has nothing to do with it
    return ModuleConfig(wished.model_name or own.model_name, wished.model_dir or own.model_dir)


def _check_keys(content: Mapping[str, Any], known: tuple[str, ...], origin: str) -> None:
    if unknown := [str(key) for key in content if key not in known]:
        raise ConfigError(f"{origin} has unknown keys: {', '.join(unknown)}. Known are {', '.join(known)}.")


def _flag(content: Mapping[str, Any], key: str, origin: str) -> bool:
    value = content.get(key, True)
    if not isinstance(value, bool):
        raise ConfigError(f"{origin}: {key} is True or False, not {value!r}.")
    return value


def _module(modules: Mapping[str, Any], name: str, origin: str) -> ModuleConfig:
    settings = modules.get(name) or {}
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{origin}: SubModules.{name} is a mapping, not {settings!r}.")
    _check_keys(settings, _MODULE_KEYS, f"{origin}, SubModules.{name}")
    module_name = settings.get("module_name", _MODULE_NAMES[name])
    if module_name != _MODULE_NAMES[name]:
        raise ConfigError(f"{origin}: SubModules.{name} is the module {_MODULE_NAMES[name]!r}, not {module_name!r}.")
    for key in ("model_name", "model_dir"):
        if settings.get(key) is not None and not isinstance(settings[key], str):
            raise ConfigError(f"{origin}: SubModules.{name}.{key} is a text, not {settings[key]!r}.")
    return ModuleConfig(settings.get("model_name"), settings.get("model_dir"))
