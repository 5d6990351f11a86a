"""The past of one value in bounded memory: fine for the last minutes, coarse for the last months.

Every level keeps its latest points and hands the median of each four on to the next level, as the
remedian does (Rousseeuw and Bassett, J. Am. Stat. Assoc. 85, 1990): spikes do not get far, and a
month of windows every five seconds needs no more than 256 points.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

_LEVELS = 8
_POINTS = 32  # of each level
_MERGED = 4  # points of a level that make one of the next
_D2 = 1.128


@dataclass(slots=True)
class Level:
    """Points of one fineness, oldest first; ``waiting`` of the newest were not merged yet.

    ``lows`` and ``highs`` are how far the value went within a point, single windows aside.
    """

    times_ns: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    waiting: int = 0

    def push(self, at_ns: int, value: float, low: float, high: float) -> None:
        """Take the next point; the oldest goes when there are too many."""
        self.times_ns.append(at_ns)
        self.values.append(value)
        self.lows.append(low)
        self.highs.append(high)
        if len(self.values) > _POINTS:
            del self.times_ns[0], self.values[0], self.lows[0], self.highs[0]
        self.waiting += 1


@dataclass(slots=True)
class Trend:
    """All levels, the finest first, and since when."""

    levels: list[Level] = field(default_factory=list)
    began_ns: int = 0

    def push(self, at_ns: int, value: float) -> None:
        """Take the next point; one that is not newer than the last begins the trend anew."""
        if not self.levels or self.levels[0].times_ns[-1] >= at_ns:
            self.levels, self.began_ns = [], at_ns
        low = high = value
        for index in range(_LEVELS):
            if index == len(self.levels):
                self.levels.append(Level())
            level = self.levels[index]
            level.push(at_ns, value, low, high)
            if level.waiting < _MERGED:
                return
            level.waiting = 0
            latest = sorted(level.values[-_MERGED:])
            value = (latest[1] + latest[2]) / 2
            at_ns = sum(level.times_ns[-_MERGED:]) // _MERGED
            # A single window may be struck: what counts as seen begins with medians.
            low = min(level.lows[-_MERGED:]) if index else value
            high = max(level.highs[-_MERGED:]) if index else value

    @property
    def newest(self) -> float:
        """Return where the value is: the median of the latest points, of which there is one."""
        latest = sorted(self.levels[0].values[-_MERGED:])
        return latest[len(latest) // 2]

    @property
    def jitter(self) -> float:
        """Return the standard deviation of single points about their level.

        From the mean difference of neighbours, as a control chart of single values does (d2 of two
        is 1.128): drift hardly counts.
        """
        values = self.levels[0].values if self.levels else []
        moves = [abs(after - before) for before, after in pairwise(values)]
        return sum(moves) / len(moves) / _D2 if moves else 0.0

    def seen_before(self, end_ns: int) -> tuple[float, float] | None:
        """Return how low and how high the value went before ``end_ns``, as far as is known."""
        lows, highs = [], []
        for level in self.levels[1:]:
            for at_ns, low, high in zip(level.times_ns, level.lows, level.highs, strict=True):
                if at_ns < end_ns:
                    lows.append(low)
                    highs.append(high)
        return (min(lows), max(highs)) if lows else None

    def spans(self) -> Iterator[Level]:
        """Yield what is known of the past, the longest span first."""
        yield from reversed(self.levels)
