"""The configuration of the pipeline, read from and written to PaddleX's pipeline YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from docpre.errors import ConfigError

PIPELINE_NAME = "doc_preprocessor"
_MODULE_NAMES = {"DocOrientationClassify": "doc_text_orientation", "DocUnwarping": "image_unwarping"}
_TOP_KEYS = (
    "pipeline_name",
    "use_doc_orientation_classify",
    "use_doc_unwarping",
    "SubModules",
    "engine",
    "engine_config",
    "use_hpip",
    "hpi_config",
    "Serving",
)
_RUNNING_KEYS = ("engine", "engine_config", "use_hpip", "hpi_config")
_MODULE_KEYS = ("module_name", "model_name", "model_dir", "batch_size", *_RUNNING_KEYS)
# PaddleX's high-performance inference: its keys, and the settings of each of its backends.
_HPI_KEYS = ("auto_config", "backend", "backend_config", "auto_paddle2onnx", "hpi_info")
_BACKENDS = {
    "onnxruntime": ("cpu_num_threads",),
    "openvino": ("cpu_num_threads",),
    "tensorrt": ("precision", "use_dynamic_shapes", "dynamic_shapes"),
}
_ENGINES = (*_BACKENDS, "torch")
_FOREIGN_BACKENDS = {"paddle": "Paddle Inference", "om": "Huawei's offline models"}


@dataclass(frozen=True)
class RunningConfig:
    """How networks are to be run, as far as one level of the file says.

    Args:
        engine, engine_config: as PaddleOCR has them since 3.5; see ``docpre.engines.RuntimeOptions``.
        enable_hpi: PaddleX's ``use_hpip``.
        hpi_config: PaddleX's high-performance inference; it counts where ``use_hpip`` is on and no engine is named.
    """

    engine: str | None = None
    engine_config: Mapping[str, Any] | None = None
    enable_hpi: bool | None = None
    hpi_config: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys that are set, as PaddleX has them."""
        values = (self.engine, self.engine_config, self.enable_hpi, self.hpi_config)
        return {key: value for key, value in zip(_RUNNING_KEYS, values, strict=True) if value is not None}


@dataclass(frozen=True)
class ModuleConfig:
    """Which model a step uses, and how it is run; None: the default one."""

    model_name: str | None = None
    model_dir: str | None = None
    running: RunningConfig = RunningConfig()


@dataclass(frozen=True)
class StepRuntime:
    """How a step's network is run, all levels taken together.

    Args:
        arguments: of ``docpre.engines.RuntimeOptions``.
        without_effect: keys of the file that were understood and can have no effect here.
    """

    arguments: Mapping[str, Any]
    without_effect: tuple[str, ...] = ()


@dataclass(frozen=True)
class PipelineConfig:
    """What PaddleX's ``doc_preprocessor.yaml`` says.

    Args:
        use_doc_orientation_classify, use_doc_unwarping: which steps are on.
        orientation, unwarping: their models.
        running: how networks are run where a step says nothing else.
        serving: the section ``Serving``, kept for the service.
        without_effect: keys that were understood and can have no effect here.
    """

    use_doc_orientation_classify: bool = True
    use_doc_unwarping: bool = True
    orientation: ModuleConfig = ModuleConfig()
    unwarping: ModuleConfig = ModuleConfig()
    running: RunningConfig = RunningConfig()
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
        without_effect = [
            f"SubModules.{module}.batch_size"
            for module, settings in modules.items()
            if isinstance(settings, Mapping) and settings.get("batch_size") not in (None, 1)
        ]
        serving = content.get("Serving") or {}
        if not isinstance(serving, Mapping):
            raise ConfigError(f"{origin}: Serving is a mapping, not {serving!r}.")
        return cls(
            use_doc_orientation_classify=_flag(content, "use_doc_orientation_classify", origin),
            use_doc_unwarping=_flag(content, "use_doc_unwarping", origin),
            orientation=_module(modules, "DocOrientationClassify", origin),
            unwarping=_module(modules, "DocUnwarping", origin),
            running=_running(content, origin),
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

    def runtime(self, step: Literal["orientation", "unwarping"], arguments: Mapping[str, Any]) -> StepRuntime:
        """What the file and a constructor's arguments come down to for one step.

        As with PaddleX, an argument goes before the file and a step's own section before the top level; but for
        ``use_hpip``, where an argument stands for the top level. ``hpi_config`` counts where nothing else says how to
        run.

        Args:
            step: which one.
            arguments: of the constructor; None stands for one that was not given.

        Raises:
            ConfigError: ``hpi_config`` is wrong, or asks for a backend that docpre has not.
        """
        module = self.orientation if step == "orientation" else self.unwarping
        levels = (self.running, module.running)
        given = {key: value for key, value in arguments.items() if value is not None}
        chosen: dict[str, Any] = {}
        engine = None
        for level in levels:
            engine = level.engine or engine
            if level.engine_config:
                chosen["engine_config"] = _by_engine(level.engine_config, engine)
        if engine is not None:
            chosen["engine"] = engine
        hpi_levels = (self.running.enable_hpi, given.pop("enable_hpi", None), module.running.enable_hpi)
        enable_hpi = next((wish for wish in reversed(hpi_levels) if wish is not None), None)
        if enable_hpi is not None:
            chosen["enable_hpi"] = enable_hpi
        hpi_config = _merged_hpi(self.running.hpi_config, module.running.hpi_config)
        if not hpi_config:
            return StepRuntime(chosen | given)
        if not enable_hpi or "engine" in chosen | given:
            return StepRuntime(chosen | given, ("hpi_config",))
        from_hpi, without_effect = _from_hpi_config(hpi_config)
        return StepRuntime(chosen | from_hpi | given, without_effect)

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
                    **config.running.to_dict(),
                }
                for module, config in (("DocOrientationClassify", self.orientation), ("DocUnwarping", self.unwarping))
            },
        }
        content |= self.running.to_dict()
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
        return replace(wished, running=own.running)  # the directory of the old model has nothing to do with it
    return ModuleConfig(wished.model_name or own.model_name, wished.model_dir or own.model_dir, own.running)


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
    running = _running(settings, f"{origin}, SubModules.{name}")
    return ModuleConfig(settings.get("model_name"), settings.get("model_dir"), running)


def _running(content: Mapping[str, Any], origin: str) -> RunningConfig:
    engine = content.get("engine")
    if engine is not None and not isinstance(engine, str):
        raise ConfigError(f"{origin}: engine is a text, not {engine!r}.")
    for key in ("engine_config", "hpi_config"):
        if content.get(key) is not None and not isinstance(content[key], Mapping):
            raise ConfigError(f"{origin}: {key} is a mapping, not {content[key]!r}.")
    use_hpip = None if content.get("use_hpip") is None else _flag(content, "use_hpip", origin)
    hpi_config = content.get("hpi_config")
    if hpi_config is not None:
        _check_hpi(hpi_config, f"{origin}, hpi_config")
    return RunningConfig(engine, content.get("engine_config"), use_hpip, hpi_config)


def _check_hpi(content: Mapping[str, Any], origin: str) -> None:
    _check_keys(content, _HPI_KEYS, origin)
    for key in ("auto_config", "auto_paddle2onnx"):
        _flag(content, key, origin)
    backends = (*_BACKENDS, *_FOREIGN_BACKENDS)
    if content.get("backend") not in (None, *backends):
        raise ConfigError(f"{origin}: backend is one of {', '.join(backends)}, not {content['backend']!r}.")
    if not isinstance(content.get("backend_config") or {}, Mapping):
        raise ConfigError(f"{origin}: backend_config is a mapping, not {content['backend_config']!r}.")


def _by_engine(engine_config: Mapping[str, Any], engine: str | None) -> Mapping[str, Any]:
    """A flat ``engine_config`` under its engine's name, so that it can't be taken for another one's."""
    if engine is None or any(name in engine_config for name in _ENGINES):
        return engine_config
    return {engine: dict(engine_config)}


def _merged_hpi(top: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> dict[str, Any]:
    """The deeper level goes first; settings of another backend than the deeper level's are left behind."""
    merged = {**(top or {}), **(own or {})}
    if top and own and own.get("backend", top.get("backend")) == top.get("backend"):
        settings = {**(top.get("backend_config") or {}), **(own.get("backend_config") or {})}
        merged["backend_config"] = settings or None
    elif top and own and "backend_config" not in own:
        merged["backend_config"] = None
    return {key: value for key, value in merged.items() if value is not None}


def _from_hpi_config(content: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Arguments on running, and the keys that can have no effect here."""
    without_effect = [f"hpi_config.{key}" for key in ("auto_paddle2onnx", "hpi_info") if content.get(key)]
    backend, settings = content.get("backend"), dict(content.get("backend_config") or {})
    if backend in _FOREIGN_BACKENDS:
        raise ConfigError(
            f"hpi_config: docpre has not the backend {backend!r} ({_FOREIGN_BACKENDS[backend]}); "
            f"it has {', '.join(_BACKENDS)}, or leave the backend out."
        )
    if backend is None and not content.get("auto_config", True):
        raise ConfigError("hpi_config: with auto_config False a backend has to be named.")
    known = _BACKENDS[backend] if backend else tuple(dict.fromkeys(key for keys in _BACKENDS.values() for key in keys))
    _check_keys(settings, known, "hpi_config, backend_config")
    arguments: dict[str, Any] = {}
    if backend is not None:  # as with PaddleX, results stay what they are: a named backend runs in its own precision
        arguments |= {"engine": backend, "enable_hpi": False}
    if "cpu_num_threads" in settings:
        arguments["cpu_threads"] = settings["cpu_num_threads"]
    if backend != "tensorrt":
        without_effect += [f"hpi_config.backend_config.{key}" for key in settings if key != "cpu_num_threads"]
        return arguments, tuple(without_effect)
    precision = settings.get("precision", "fp32")
    if precision not in ("fp32", "fp16"):
        raise ConfigError(f"hpi_config, backend_config: precision is fp32 or fp16, not {precision!r}.")
    batches = _dynamic_batches(settings)
    return arguments | {"precision": precision, "engine_config": {"tensorrt": batches}}, tuple(without_effect)


def _dynamic_batches(settings: Mapping[str, Any]) -> dict[str, int]:
    """TensorRT's usual and largest batch from PaddleX's shapes; the pictures' size is the network's own."""
    if not _flag(settings, "use_dynamic_shapes", "hpi_config, backend_config"):
        return {"opt_batch": 1, "max_batch": 1}
    shapes = settings.get("dynamic_shapes")
    if shapes is None:
        return {}
    form = "{input: [smallest, usual, largest]} with shapes [N, 3, H, W] that differ in N alone"
    if not isinstance(shapes, Mapping) or len(shapes) != 1:
        raise ConfigError(f"hpi_config, backend_config: dynamic_shapes is {form}, not {shapes!r}.")
    (levels,) = shapes.values()
    is_shapes = isinstance(levels, (list, tuple)) and len(levels) == 3
    is_shapes = is_shapes and all(
        isinstance(shape, (list, tuple))
        and len(shape) == 4
        and all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in shape)
        for shape in levels
    )
    if not is_shapes or len({tuple(shape[1:]) for shape in levels}) > 1 or sorted(levels) != list(levels):
        raise ConfigError(f"hpi_config, backend_config: dynamic_shapes is {form}, not {shapes!r}.")
    return {"opt_batch": levels[1][0], "max_batch": levels[2][0]}
