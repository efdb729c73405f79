"""Timing several contestants in turns, so that whatever disturbs the machine disturbs all alike."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Run = Callable[[], Any]
# Before each measurement: threads of the contestant before may still wait in a loop for more to do.
_PAUSE_S = 0.03


@dataclass
class Timing:
    """What was measured of one contestant.

    Args:
        seconds: of each round.
        cpu_seconds: what all its threads took of the CPU in each round; other processes disturb this less.
        failure: why it dropped out, if it did.
    """

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def median_ms(self) -> float | None:
        """None if nothing was measured."""
        return 1000 * statistics.median(self.seconds) if self.seconds else None

    @property
    def median_cpu_ms(self) -> float | None:
        """None if nothing was measured."""
        return 1000 * statistics.median(self.cpu_seconds) if self.cpu_seconds else None

    @property
    def spread_percent(self) -> float | None:
        """Half the distance between the quartiles, of the median; None with fewer than four rounds."""
        if len(self.seconds) < 4:
            return None
        low, middle, high = statistics.quantiles(self.seconds, n=4)
        return 100 * (high - low) / 2 / middle


def take_turns(
    contestants: Mapping[str, Run],
    repeats: int,
    timings: dict[str, Timing],
    clock: Callable[[], float] = time.perf_counter,
    seed: int = 0,
) -> None:
    """Run each contestant once unmeasured, then ``repeats`` rounds of all of them, each round in another order.

    Args:
        contestants: name -> what is measured. One that raises drops out.
        repeats: rounds.
        timings: filled as it goes, so that what was measured outlasts an interruption.
        clock: seconds.
        seed: of the orders.
    """
    names = list(contestants)
    for name in names:
        timings[name] = Timing()
    for name in names:
        _timed(contestants[name], timings[name], clock, counts=False)
    order = random.Random(seed)
    for _ in range(repeats):
        running: Sequence[str] = [name for name in names if timings[name].failure is None]
        for name in order.sample(running, len(running)):
            _timed(contestants[name], timings[name], clock, counts=True)


def _timed(run: Run, timing: Timing, clock: Callable[[], float], *, counts: bool) -> None:
    time.sleep(_PAUSE_S)
    started, cpu_started = clock(), time.process_time()
    try:
        run()
    except Exception as error:  # a peer may fail in any way; the others go on
        timing.failure = f"{type(error).__name__}: {error}"
        return
    if counts:
        timing.seconds.append(clock() - started)
        timing.cpu_seconds.append(time.process_time() - cpu_started)
