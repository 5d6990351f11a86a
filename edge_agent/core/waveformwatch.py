"""The watch over the sensor of one channel of sample blocks, window by window."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.channelwatch import Mood
from edge_agent.core.sensorfault import FaultKind, Finding, SensorFault

LEAST_WINDOWS = 10  # to learn from
_RECOVERY = 3  # windows of good behaviour until a sensor is believed again
_LEAST_PILE = 8  # samples at one extreme
_PILE_RATIO = 4.0  # to the level next to it: a rounded sine has 2.4, noise less than 1
_LOST_SHARE = 0.1  # of zeros, more than there ever were
_FACTORS = (1000.0, 100.0)


@dataclass(slots=True)
class WaveformState:
    """Everything that is remembered of a channel of sample blocks.

    ``narrow`` and ``wide`` are the least and the largest span of a sound window, ``piles`` the most
    samples at an extreme and ``zeros`` the largest share of zeros in one.
    """

    began_ns: int
    windows: int = 0
    narrow: float = inf
    wide: float = 0.0
    piles: int = 0
    zeros: float = 0.0
    learned: bool = False
    fault: SensorFault | None = None
    bad_ns: int = 0


class WaveformWatch:
    """Tells faults of one channel's sensor from whole windows.

    A vibration that grows a hundredfold is the machine's; only what is cut off, dead, holed or
    a whole unit larger from one window to the next is the sensor's.
    """

    __slots__ = ("channel", "claim", "mood", "state")

    inert = False

    def __init__(self, channel: str, state: WaveformState) -> None:
        self.channel = channel
        self.state = state
        self.mood = Mood.UNKNOWN
        self.claim: tuple[Finding, int] | None = None

    @property
    def fault(self) -> SensorFault | None:
        """What is wrong with the sensor."""
        return self.state.fault

    @property
    def masked(self) -> bool:
        """Whether the channel says nothing about its machine at present."""
        return self.state.fault is not None

    @property
    def moves(self) -> bool:
        """Whether the channel has ever moved, so that its mood means something."""
        return self.state.wide > 0

    def take(self, values: NDArray[np.float32], end_ns: int, length_ns: int) -> None:
        """Take the samples of the window that ends at ``end_ns``; a claim may come of it."""
        state = self.state
        low, high = float(values.min()), float(values.max())
        pile = _pile(values, low, high)
        zeros = float(np.count_nonzero(values == 0.0)) / values.size
        self.claim = None
        finding = self._finding(low, high, pile, zeros) if state.learned else None
        self.mood = Mood.UNKNOWN if not state.learned else self._mood(high - low)
        if finding is None:
            if state.fault is not None and end_ns - state.bad_ns >= _RECOVERY * length_ns:
                state.fault = None
        elif state.fault is not None:
            state.bad_ns = end_ns
        else:
            self.claim = (finding, end_ns)
        if not state.learned:
            state.windows += 1
            state.narrow, state.wide = min(state.narrow, high - low), max(state.wide, high - low)
            state.piles, state.zeros = max(state.piles, pile), max(state.zeros, zeros)

    def settle(self, *, company: bool) -> None:
        """Make the claim a fault, if the neighbours allow it."""
        if self.claim is None:
            return
        finding, at_ns = self.claim
        self.claim = None
        if company or not finding.needs_company:
            kind, value, text = finding.kind, finding.value, finding.text
            self.state.fault = SensorFault(self.channel, kind, at_ns, value, text)
            self.state.bad_ns = at_ns

    def _mood(self, span: float) -> Mood:
        if span == 0:
            return Mood.STILL
        return Mood.CALM if self.state.narrow / 2 <= span <= 2 * self.state.wide else Mood.AWAY

    def _finding(self, low: float, high: float, pile: int, zeros: float) -> Finding | None:
        state, span = self.state, high - low
        if span == 0:
            if state.narrow == 0:
                return None
            kind = FaultKind.DROPOUT if low == 0 else FaultKind.STUCK
            return Finding(kind, low, f"repeats {low:g} where it used to vary", needs_company=True)
        for factor in _FACTORS:
            if (
                state.narrow * factor / 2 <= span <= state.wide * factor * 2
                and span > 2 * state.wide
            ):
                text = f"spans {span:g}: {factor:g} times the usual values"
                return Finding(FaultKind.WRONG_UNIT, span, text)
        if pile >= _LEAST_PILE + 2 * state.piles:
            extreme = high if abs(high) >= abs(low) else low
            text = f"is cut off at {extreme:g}: {pile} samples lie there"
            return Finding(FaultKind.SATURATION, extreme, text)
        if zeros > state.zeros + _LOST_SHARE and span >= state.narrow / 2:
            text = f"is zero for {100 * zeros:.0f} % of the time"
            return Finding(FaultKind.DROPOUT, 0.0, text)
        return None


def _pile(values: NDArray[np.float32], low: float, high: float) -> int:
    """Return how many samples lie at an extreme, if that is more than its neighbourhood explains.

    Samples of a coarse converter share few levels, so a pile is measured by the next level.
    """
    most = 0
    for extreme, beside in ((high, values.__lt__), (low, values.__gt__)):
        here = int(np.count_nonzero(values == np.float32(extreme)))
        if here < _LEAST_PILE or low == high:
            continue
        others = values[beside(np.float32(extreme))]
        following = others.max() if extreme == high else others.min()
        if here >= _PILE_RATIO * int(np.count_nonzero(values == following)):
            most = max(most, here)
    return most
