"""``engine_config``: what a user may set of each engine, checked before anything starts.

Its two forms and the names for ONNX Runtime are PaddleOCR's (3.5 and later): flat, ``{"compile": True}``, for the
engine that is asked for, or by engine, ``{"torch": {"compile": True}}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from docpre.errors import ConfigError

Config = TypeVar("Config", bound="EngineConfig")
ProviderOptions = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

GRAPH_LEVELS = ("disable_all", "basic", "extended", "layout", "all")


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def _whole(lowest: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise ValueError(f"a whole number of at least {lowest}")
        return value

    return check


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value.lower()

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _graph_level(value: Any) -> str:
    """``all``, and ONNX Runtime's own ``ORT_ENABLE_ALL``."""
    name = value.lower().removeprefix("ort_").removeprefix("enable_") if isinstance(value, str) else None
    return _one_of(*GRAPH_LEVELS)(name)


def _providers(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        raise ValueError("a list of names such as CUDAExecutionProvider")
    return tuple(value)


def _provider_options(value: Any) -> ProviderOptions:
    if not isinstance(value, Mapping) or not all(isinstance(options, Mapping) for options in value.values()):
        raise ValueError("a mapping of a provider's name to a mapping of its options")
    return tuple(
        (str(provider), tuple((str(key), _as_onnxruntime_writes(option)) for key, option in options.items()))
        for provider, options in value.items()
    )


def _as_onnxruntime_writes(option: Any) -> str:
    return str(int(option)) if isinstance(option, bool) else str(option)


def _setting(check: Callable[[Any], Any], default: Any = None) -> Any:
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True)
class EngineConfig:
    """Base of the engines' settings: frozen and hashable, so that options can be compared and kept as keys."""

    @classmethod
    def parsed(cls: type[Config], content: Any, origin: str) -> Config:
        """Settings from a user's mapping; None stands for an engine's default.

        Raises:
            ConfigError: a key is unknown or a value wrong.
        """
        if not isinstance(content, Mapping):
            raise ConfigError(f"{origin} is a mapping of settings to values, not {content!r}.")
        checks = {setting.name: setting.metadata["check"] for setting in fields(cls)}
        if unknown := [str(key) for key in content if key not in checks]:
            raise ConfigError(f"{origin} has no {', '.join(unknown)}. It has {', '.join(checks)}.")
        values = {}
        for key, value in content.items():
            if value is None:
                continue
            try:
                values[key] = checks[key](value)
            except ValueError as error:
                raise ConfigError(f"{origin}: {key} is {error}, not {value!r}.") from None
        return cls(**values)


@dataclass(frozen=True)
class OnnxRuntimeConfig(EngineConfig):
    """ONNX Runtime's settings.

    Args:
        providers: execution providers, the best first, in place of the device's own.
        provider_options: provider -> its options, beside docpre's own.
        graph_optimization_level: how much the graph is rewritten when it is loaded.
        intra_op_num_threads: threads of one operator; None: as ``cpu_threads`` says.
        inter_op_num_threads: operators at a time where ``execution_mode`` is ``parallel``; None: ONNX Runtime's.
        execution_mode: ``sequential`` or ``parallel``.
        enable_mem_pattern, enable_cpu_mem_arena: keep and reuse memory from run to run.
        log_severity_level: from 0, all, to 4, fatal errors alone.
    """

    providers: tuple[str, ...] = _setting(_providers, ())
    provider_options: ProviderOptions = _setting(_provider_options, ())  # noqa: RUF009
    graph_optimization_level: str = _setting(_graph_level, "all")
    intra_op_num_threads: int | None = _setting(_whole(1))
    inter_op_num_threads: int | None = _setting(_whole(1))
    execution_mode: str = _setting(_one_of("sequential", "parallel"), "sequential")
    enable_mem_pattern: bool = _setting(_switch, True)
    enable_cpu_mem_arena: bool = _setting(_switch, True)
    log_severity_level: int = _setting(_whole(0), 3)


@dataclass(frozen=True)
class OpenVinoConfig(EngineConfig):
    """OpenVINO's settings.

    Args:
        num_streams: pictures that are worked on at the same time; None: as ``performance_hint`` has it.
        inference_num_threads: None: as ``cpu_threads`` says.
        performance_hint: ``latency`` for one page at a time, ``throughput`` for many threads that share a pipeline.
        cache_dir: where compiled networks are kept for a faster start; None: nowhere.
    """

    num_streams: int | None = _setting(_whole(1))
    inference_num_threads: int | None = _setting(_whole(1))
    performance_hint: str = _setting(_one_of("latency", "throughput"), "latency")
    cache_dir: str | None = _setting(_text)


@dataclass(frozen=True)
class TorchConfig(EngineConfig):
    """torch's settings.

    Args:
        compile: ``torch.compile`` the network when it is loaded.
        compile_mode: ``torch.compile``'s mode.
        channels_last: keep pictures with their channels side by side; None: where it was measured to pay.
        tf32: let an NVIDIA GPU round fp32 factors to 10 bits of mantissa.
    """

    compile: bool = _setting(_switch, False)
    compile_mode: str = _setting(
        _one_of("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"), "default"
    )
    channels_last: bool | None = _setting(_switch)
    tf32: bool = _setting(_switch, False)


@dataclass(frozen=True)
class TensorRtConfig(EngineConfig):
    """TensorRT's settings, for its own engine and, but for the batches, for ONNX Runtime's provider.

    Args:
        max_batch: the most pictures in one run; larger batches are cut. Any number up to it will do.
        opt_batch: the number of pictures that the engine is tuned for.
        workspace_mib: the most scratch memory that a layer may take; None: all that the GPU has.
        builder_optimization_level: from 0, fastest to build, to 5, fastest to run.
        timing_cache: keep the measurements of a build, so that the next build is faster.
        cache_dir: where built engines are kept; None: ``tensorrt`` in docpre's cache.
        tf32: let the GPU round fp32 factors to 10 bits of mantissa.
    """

    max_batch: int = _setting(_whole(1), 8)
    opt_batch: int = _setting(_whole(1), 1)
    workspace_mib: int | None = _setting(_whole(1))
    builder_optimization_level: int = _setting(_whole(0), 3)
    timing_cache: bool = _setting(_switch, True)
    cache_dir: str | None = _setting(_text)
    tf32: bool = _setting(_switch, False)

    def __post_init__(self) -> None:
        if self.opt_batch > self.max_batch:
            raise ConfigError(f"opt_batch, {self.opt_batch}, is more than max_batch, {self.max_batch}.")


@dataclass(frozen=True)
class EngineConfigs:
    """The settings of every engine."""

    onnxruntime: OnnxRuntimeConfig = OnnxRuntimeConfig()
    openvino: OpenVinoConfig = OpenVinoConfig()
    torch: TorchConfig = TorchConfig()
    tensorrt: TensorRtConfig = TensorRtConfig()

    @classmethod
    def parsed(cls, content: Any, engine: str | None) -> EngineConfigs:
        """A user's ``engine_config``.

        Args:
            content: flat, for ``engine``, or by engine; None: nothing is set.
            engine: the engine that is asked for, if one is.

        Raises:
            ConfigError: it is neither, mixes both, or something in it is unknown or wrong.
        """
        if isinstance(content, cls):
            return content
        if content is None:
            return cls()
        if not isinstance(content, Mapping):
            raise ConfigError(f"engine_config is a mapping of settings to values, not {content!r}.")
        kinds: dict[str, type[EngineConfig]] = {
            "onnxruntime": OnnxRuntimeConfig,
            "openvino": OpenVinoConfig,
            "torch": TorchConfig,
            "tensorrt": TensorRtConfig,
        }
        if content and all(key in kinds for key in content):
            return cls(
                **{name: kinds[name].parsed(part, f"engine_config of {name}") for name, part in content.items()}  # type: ignore[arg-type]
            )
        if mixed := [key for key in content if key in kinds]:
            raise ConfigError(
                f"engine_config has settings beside {mixed[0]!r}: it is flat, for one engine, or by engine, not both."
            )
        if engine is None and content:
            raise ConfigError(
                "engine_config needs engine=..., or to be written by engine, as in {'onnxruntime': {...}}; "
                f"engines are {', '.join(kinds)}."
            )
        if engine is None:
            return cls()
        return cls(**{engine: kinds[engine].parsed(content, f"engine_config of {engine}")})  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """What differs from the defaults, by engine; ``parsed`` reads it again."""
        content = {}
        for engine in fields(self):
            own, default = getattr(self, engine.name), engine.default
            changed = {key: value for key, value in asdict(own).items() if value != getattr(default, key)}
            if "provider_options" in changed:
                changed["provider_options"] = {name: dict(options) for name, options in changed["provider_options"]}
            if "providers" in changed:
                changed["providers"] = list(changed["providers"])
            if changed:
                content[engine.name] = changed
        return content
