"""Pages measured in threads, each kept in the run's folder as it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from train.evaluate.in_parallel import in_parallel
from train.evaluate.run_folder import RunFolder

Item = TypeVar("Item")
Result = dict[str, Any]


def resumed(
    output: Path,
    settings: Mapping[str, Any],
    items: Mapping[str, Item],
    work: Callable[[Item], Result],
    workers: int,
    progress: bool,
) -> tuple[dict[str, Result], dict[str, str], bool]:
    """Do what a run has not done yet; failures are tried again.

    Args:
        output: the run's folder.
        settings: what determines the results, as plain values.
        items: by name, in the order in which they are begun.
        work: from an item to its result, as plain values; called in a thread.
        workers: items at a time.
        progress: show a bar.

    Returns:
        Results by name, failures in words by name, and whether all items were done; Ctrl-C leaves some out.

    Raises:
        ConfigError, InputError: see ``RunFolder``.
    """
    with RunFolder(output, settings) as folder:

        def keep(item: tuple[str, Item], outcome: Result | str) -> None:
            result = {"error": outcome} if isinstance(outcome, str) else outcome
            folder.add(item[0], {**result, "files": {}})

        rest = [(name, item) for name, item in items.items() if not folder.is_done(name, {})]
        is_whole = in_parallel(rest, lambda item: work(item[1]), keep, workers, progress=progress)
        found = {name: folder.results[name] for name in items if name in folder.results}
    failed = {name: str(result["error"]) for name, result in found.items() if result.get("error")}
    return {name: result for name, result in found.items() if name not in failed}, failed, is_whole
