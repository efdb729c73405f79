"""The folder of a run: its settings, and a line of JSON for each page that is done, so that a run can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from docpre.errors import ConfigError, InputError

SETTINGS_FILE, RESULTS_FILE = "settings.json", "results.jsonl"


class RunFolder:
    """A run's folder, held by one process at a time.

    Args:
        path: made if it is not there.
        settings: what determines the results, as plain values.

    Raises:
        ConfigError: the folder holds a run of other settings, or another process is at work in it.
        InputError: it can't be written to.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        from filelock import FileLock, Timeout

        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(str(path / ".lock"))
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError(f"{path}: another evaluation is at work in this folder; name another one.") from error
        except OSError as error:
            raise InputError(f"{path}: the folder can't be used ({error.strerror or error}).") from error
        try:
            self._check(settings)
            self.results = read_results(path)
            self._rewrite()  # drops a line that was cut off, and what was superseded
            self._file: TextIO = (path / RESULTS_FILE).open("a", encoding="utf-8")
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def is_done(self, name: str, stamps: Mapping[str, Any]) -> bool:
        """Whether a page has a result, made from files that have not changed since; failures are tried again."""
        result = self.results.get(name)
        return result is not None and not result.get("error") and result.get("files") == stamps

    def add(self, name: str, result: Mapping[str, Any]) -> None:
        """Keep a page's result; it is on the disk when this returns."""
        self.results[name] = dict(result)
        self._file.write(json.dumps({"name": name, **result}, ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _check(self, settings: Mapping[str, Any]) -> None:
        path = self.path / SETTINGS_FILE
        plain = json.loads(json.dumps(settings))
        if path.is_file():
            differing = differences(read_settings(self.path), plain)
            if differing:
                raise ConfigError(
                    f"{self.path} holds results of other settings: {'; '.join(differing)}. "
                    "Name another output folder, or delete this one."
                )
        else:
            write_json(path, plain)

    def _rewrite(self) -> None:
        path = self.path / RESULTS_FILE
        lines = [json.dumps({"name": name, **result}, ensure_ascii=False) for name, result in self.results.items()]
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        unfinished.replace(path)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of the run in a folder.

    Raises:
        InputError: there is no run, or its settings are damaged.
    """
    try:
        return dict(json.loads((path / SETTINGS_FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not the folder of an evaluation: {SETTINGS_FILE} can't be read.") from error


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """The results in a run's folder by page; of several of one page the last. A last line that was cut off is left."""
    results: dict[str, dict[str, Any]] = {}
    file = path / RESULTS_FILE
    if file.is_file():
        for line in file.read_text("utf-8", errors="replace").splitlines():
            try:
                result = json.loads(line)
                results[result.pop("name")] = result
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return results


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """How two nested values differ, in words."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in sorted({*old, *new}):
            found += differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
        return found
    return [] if old == new else [f"{where} was {old!r} and is {new!r}"]


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    unfinished.replace(path)


def file_stamps(paths: list[Path]) -> dict[str, list[int]]:
    """Size and time of change of files, which tell whether they are still the same."""
    return {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in paths}
