"""What a channel's raw values do while its sensor is sound: how far, how fast, how often the same.

The scorer learns where a machine's signals lie.  A sensor is judged by something else: which steps
from one sample to the next occur at all, how long a value repeats, whether extremes pile up.  All
of it is learned during commissioning, sample by sample, in a dozen numbers per channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from edge_agent.core.quantities import Nature

LEAST_SAMPLES = 30  # fewer say nothing about what never occurs
_MARGIN = 0.5  # of the learned width: the band is that much wider on either side
_RESOLUTION = 1e-6  # of the value: measurements come as float32
_LEAST_STEP = 0.02  # of the learned width
_SWING = 1.5  # what a handful of samples may span, by the widest span that was seen
_STEPS = 10.0  # steps from here on are impossible for what has inertia, as heat has
_IMPULSIVE_STEPS = 30.0  # a vibration, a current or a flow can be struck
_ODD_STEPS = 3.0  # and steps from here on are worth a second look
_EARLY = 3.0  # times that, while little has been seen
_MOST_MISSED = 10.0  # samples in a gap that make the next step wider
_PIECEWISE = 5  # repeats: a channel that pauses longer by itself is a coarse or a slow one
_COARSE = 1 / 3  # of the samples of a coarse channel are new values at least; of a slow one fewer
# Repeats until a value is stuck.  Where long runs are rare exponentially and ``r`` was the longest
# of ``n``, one of ``4 r`` comes once in the fourth power of ``n``: in a million commissionings of
# a hundred runs.  What is added is for those whose longest run says little, being short.
_PATIENCE, _PATIENCE_PER_REPEAT = 10, 4
SPELL = 40  # samples of which an extreme is one, and among which its repeats are counted
LEAST_SPELLS = 5  # until it is known how often an extreme comes back
_RAIL_HITS = 4  # of an extreme, beyond those that an honest channel has
_ZERO_SHARE = 0.01  # of the lowest value: the band of what is never zero leaves zero out


@dataclass(slots=True)
class Rail:
    """An extreme of the present spell, and how often it has been met exactly since."""

    value: float = 0.0
    hits: int = 0


@dataclass(slots=True)
class Habit:
    """What one channel does by itself; ``low`` to ``high`` is where it has been.

    ``step`` is the largest from sample to sample, ``swing`` the widest span of a chunk, ``repeats``
    the longest run of one value less the first (``run`` the present one), ``changes`` the samples
    unlike the one before, ``hits`` the most repeats of an extreme in one of ``spells`` spells (they
    are counted as far as :data:`LEAST_SPELLS`) and ``spacing_ns`` the usual time between samples.
    """

    began_ns: int
    samples: int = 0
    low: float = inf
    high: float = -inf
    step: float = 0.0
    swing: float = 0.0
    run: int = 0
    repeats: int = 0
    changes: int = 0
    hits: int = 0
    spells: int = 0
    spacing_ns: float = 0.0
    learned: bool = False
    # What follows from the above, once it is learned.
    band_low: float = -inf
    band_high: float = inf
    widest_swing: float = inf

    def learn(self, last: float | None, values: Sequence[float], passed_ns: int) -> None:
        """Take sound samples, ``last`` the one before, if any, and the time from that to theirs."""
        previous = last
        for value in values:
            if previous is not None:
                self.step = max(self.step, abs(value - previous))
                if value == previous:
                    self.run += 1
                    self.repeats = max(self.repeats, self.run)
                else:
                    self.run = 0
                    self.changes += 1
            previous = value
        low, high = min(values), max(values)
        self.low, self.high = min(self.low, low), max(self.high, high)
        if last is not None:
            self.swing = max(self.swing, max(high, last) - min(low, last))
            self.spacing_ns += (passed_ns / len(values) - self.spacing_ns) * (
                len(values) / (self.samples + len(values))
            )
        self.samples += len(values)

    def settle(self, at_ns: int, commissioning_ns: int) -> None:
        """Conclude once commissioning is over and enough has been seen."""
        if at_ns <= self.began_ns + commissioning_ns or self.samples < LEAST_SAMPLES:
            return
        self.learned = True
        self.band_low = self.low - _MARGIN * self.width
        self.band_high = self.high + _MARGIN * self.width
        if self.low > 0:
            self.band_low = max(self.band_low, _ZERO_SHARE * self.low)
        if self.high < 0:
            self.band_high = min(self.band_high, _ZERO_SHARE * self.high)
        self.widest_swing = max(_SWING * self.swing, self.resolution)

    @property
    def width(self) -> float:
        """How far the channel has moved in all; never 0."""
        return max(self.high - self.low, self.resolution)

    @property
    def resolution(self) -> float:
        """What is nothing beside the values themselves."""
        return _RESOLUTION * max(abs(self.low), abs(self.high)) or _RESOLUTION

    @property
    def is_fine(self) -> bool:
        """Whether the channel has values enough for each to be met by chance only."""
        return self.high - self.low > self.resolution and self.repeats <= _PIECEWISE

    @property
    def varies(self) -> bool:
        """Whether one value again and again would be unlike the channel.

        A coarse one stays for a few samples by chance; a slow one, as a setpoint, for as long as
        somebody wants.
        """
        return self.is_fine or self.changes >= _COARSE * self.samples > 0

    @property
    def patience(self) -> int:
        """How many repeats of one value are too many, where the channel :attr:`varies`."""
        return _PATIENCE + _PATIENCE_PER_REPEAT * self.repeats

    @property
    def most_hits(self) -> int:
        """How often an extreme may come back."""
        return _RAIL_HITS + _PATIENCE_PER_REPEAT * self.hits

    def holds(self, value: float, margin: float = _MARGIN) -> bool:
        """Return whether ``value`` lies where the channel has been, give or take."""
        reach = margin * self.width
        return self.low - reach <= value <= self.high + reach

    def widest_step(self, nature: Nature, passed_ns: int) -> float:
        """Return the step that is still possible after so much time; endless while unknown."""
        return self._steps(_STEPS if nature.inert else _IMPULSIVE_STEPS, passed_ns)

    def odd_step(self, passed_ns: int) -> float:
        """Return the step from which a sample deserves a second look."""
        return self._steps(_ODD_STEPS, passed_ns)

    def _steps(self, factor: float, passed_ns: int) -> float:
        if self.samples < LEAST_SAMPLES:
            return inf
        if not self.learned:
            factor *= _EARLY
        missed = passed_ns / self.spacing_ns - 1.0 if self.spacing_ns else 0.0
        step = max(self.step, _LEAST_STEP * self.width)
        return factor * step * (1.0 + min(max(0.0, missed), _MOST_MISSED))
