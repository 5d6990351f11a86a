"""The time of day that never jumps, and how far the wall clock has moved since."""

import time
from collections.abc import Callable


class Clock:
    """UTC anchored once, carried forward by the monotonic clock.

    NTP, an operator or a battery-less board may step the wall clock at any moment.  Timers and
    windows that lived on it would fire at once or never, so the agent reads it a single time and
    only *reports* later steps, which the pipeline shows as a loss of time quality.

    Args:
        wall_ns: Reads the wall clock, UTC in nanoseconds.
        monotonic_ns: Reads a clock that only moves forward, in nanoseconds from anywhere.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._anchor_ns = wall_ns() - monotonic_ns()

    def now_ns(self) -> int:
        """Return UTC as it was at the start plus the time that has really passed since."""
        return self._anchor_ns + self._monotonic_ns()

    def monotonic_ns(self) -> int:
        """Return the monotonic clock itself, for timers."""
        return self._monotonic_ns()

    def offset_ns(self) -> int:
        """Return how far the wall clock is now ahead of ``now_ns``: negative after a step back.

        A healthy NTP client slews by at most 500 ppm, so a few milliseconds an hour are drift;
        whole seconds are a step.
        """
        return self._wall_ns() - self.now_ns()
