"""The lines of a part in an envelope spectrum: its harmonics and side bands, above the floor.

A computed frequency is not met exactly: rolling elements slip by 1 or 2 %, and a plate's speed is
not the shaft's.  One common deviation is looked for, for all harmonics of a part together.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.envelope import Envelope

_SLIPS = np.linspace(0.0, 1.0, 25)  # of the way from the least slip to the greatest
_MOST_DB = 20.0  # of one harmonic: a single towering line is no family
_SIDE_BAND_ORDERS = (-2, -1, 1, 2)
_FIRST_LINE = 2  # below are offset and drift


class Part(StrEnum):
    """What a line is a multiple of; the value is its usual name."""

    OUTER = "BPFO"
    INNER = "BPFI"
    BALL = "2xBSF"
    CAGE = "FTF"
    SHAFT = "shaft"


@dataclass(frozen=True, slots=True)
class SideBand:
    """A line beside a line; ``order`` counts in multiples of what modulates it."""

    order: int
    frequency_hz: float
    level_db: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line that was found, with where it was expected without any slip."""

    name: str
    harmonic: float  # a whole number but for the half orders of a loose shaft
    frequency_hz: float
    expected_hz: float
    level_db: float
    sidebands: tuple[SideBand, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """The lines to look for: ``harmonics`` of ``base_hz``, off by a ``slip`` in this range."""

    part: Part
    base_hz: float
    harmonics: int
    slip: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comb:
    """A family as it was found.

    ``score_db`` is the mean level of its harmonics above the floor at the ``slip`` (relative
    deviation) that fits best, each at least 0 and at most 20 dB.
    """

    family: Family
    slip: float
    score_db: float

    @property
    def base_hz(self) -> float:
        """The frequency at which the first harmonic was found."""
        return self.family.base_hz * (1 + self.slip)


def fit_comb(envelope: Envelope, family: Family) -> Comb | None:
    """Return how well ``family`` shows in ``envelope``; harmonics beyond its end do not count.

    Returns:
        ``None`` when not even the first harmonic lies inside the spectrum.
    """
    highest = int(envelope.highest_hz / (family.base_hz * (1 + family.slip[1])))
    count = min(family.harmonics, highest)
    if count < 1 or family.base_hz < _FIRST_LINE * envelope.step_hz:
        return None
    orders = np.arange(1, count + 1) * family.base_hz
    least, most = family.slip
    slips = least + (most - least) * _SLIPS
    levels = level_db(envelope, np.outer(1 + slips, orders))
    scores = levels.clip(0.0, _MOST_DB).mean(axis=1)
    best = int(np.argmax(scores))
    return Comb(family, float(slips[best]), float(scores[best]))


def lines_of(
    envelope: Envelope, comb: Comb, harmonics: int, least_db: float, side_hz: float = 0.0
) -> tuple[Line, ...]:
    """Return the harmonics of ``comb`` that stand at least ``least_db`` above the floor.

    Args:
        envelope: Where the comb was found.
        comb: What was found.
        harmonics: How many to look at.
        least_db: What counts as a line, and as a side band.
        side_hz: What modulates the part, for side bands; 0 for none.
    """
    found = []
    for harmonic in range(1, harmonics + 1):
        expected_hz = harmonic * comb.family.base_hz
        at_hz, height_db = _peak(envelope, harmonic * comb.base_hz)
        if height_db < least_db or at_hz > envelope.highest_hz:
            continue
        sides = []
        for order in _SIDE_BAND_ORDERS if side_hz else ():
            side_at_hz, side_db = _peak(envelope, at_hz + order * side_hz)
            if side_db >= least_db:
                sides.append(SideBand(order, side_at_hz, side_db))
        line = Line(comb.family.part.value, harmonic, at_hz, expected_hz, height_db, tuple(sides))
        found.append(line)
    return tuple(found)


def level_db(envelope: Envelope, at_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the level above the floor at ``at_hz``, of the higher of the two lines around it.

    Beyond the spectrum's ends it is 0 dB, which is the floor itself.
    """
    # Far more frequencies are asked for than there are lines, so each line is worked out once.
    ratio = np.maximum(envelope.ratio[:-1], envelope.ratio[1:])
    levels = 10 * np.log10(np.maximum(ratio, 1e-3))
    levels[:_FIRST_LINE] = 0.0
    place = (at_hz / envelope.step_hz).astype(np.int64)
    inside = (place >= 0) & (place < levels.size)
    return np.where(inside, levels[np.where(inside, place, 0)], 0.0)


def _peak(envelope: Envelope, near_hz: float) -> tuple[float, float]:
    """Return frequency and level of the higher of the two lines around ``near_hz``."""
    place = int(near_hz / envelope.step_hz)
    if not _FIRST_LINE <= place < envelope.ratio.size - 1:
        return near_hz, 0.0
    best = place + int(np.argmax(envelope.ratio[place : place + 2]))
    return best * envelope.step_hz, float(10 * np.log10(max(envelope.ratio[best], 1e-3)))
