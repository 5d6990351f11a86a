"""How long until a rising (or falling) value reaches its next boundary, and between which bounds.

A straight line is fitted to a stretch of the past, of the value or of its logarithm, whichever
leaves less (compared after Box and Cox, J. R. Stat. Soc. B 26, 1964).  Damage does not follow a
line, though: it wanders about it, as a Wiener process with drift, the usual model of degradation
(Si, Wang, Hu and Zhou, Eur. J. Oper. Res. 213, 2011, section 3).  A few dozen points cannot tell
wandering from noise, so all that the line leaves is taken for wandering: a line through a random
walk leaves 1/15 of the variance that the walk gains over the stretch, and errs in its drift by 6/5
of that variance, over the square of the stretch.  The future is a band about the line that widens
accordingly; the boundary is reached between the time at which the band touches it first and the
time at which all of the band is beyond.  The latest half of the stretch has to say so as well, and
the interval is what both leave open: damage speeds up, and bearings smooth their own spalls.

Without such an interval nothing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COVERAGE = 0.9  # what the interval is meant to hold
LEAST_POINTS = 24

_BAND = 1.65  # standard deviations to either side: 0.9 of a Gaussian
_SIGNIFICANT = 3.0  # slope by its standard error, were all that is left wandering
_HORIZON = 4.0  # stretches, the whole or its latest half: nobody knows what comes after
_WIDEST = 5.0  # latest by earliest time: beyond it is no information
_STEPS = 256  # of the horizon
_WALK_BY_RESIDUE = 15.0
_DRIFT_BY_WALK = 1.2


@dataclass(frozen=True, slots=True)
class Interval:
    """Time from the newest point to the boundary, in the unit of the times given."""

    earliest: float
    latest: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, ``newest + slope * t`` with the time from the newest point, and what it leaves.

    ``variance`` is that of the residuals, ``span`` the length of the stretch.
    """

    newest: float
    slope: float
    variance: float
    span: float

    @property
    def wander(self) -> float:
        """Variance that the value gains in a unit of time beside its drift."""
        return _WALK_BY_RESIDUE * self.variance / self.span

    @property
    def slope_error(self) -> float:
        return sqrt(_DRIFT_BY_WALK * self.wander / self.span)

    def band(self, time: Floats, jitter: float = 0.0) -> Floats:
        """Return half the width of the band at ``time``, for windows that scatter by ``jitter``."""
        gained = self.wander * time + (self.slope_error * time) ** 2
        return _BAND * np.sqrt(self.variance + gained + jitter**2)


def time_to(
    times: Sequence[float], values: Sequence[float], boundary: float, jitter: float = 0.0
) -> Interval | None:
    """Return when the trend of ``values`` reaches ``boundary``, if the fit deserves to be told.

    Args:
        times: Shape ``(n,)``, increasing, any unit.
        values: Shape ``(n,)``, finite.
        boundary: Above the values if it is approached from below, or below.
        jitter: Standard deviation of a single window about its level: a window passes the boundary
            before the level does.

    Returns:
        ``None`` where there are too few points, the slope towards the boundary is not beyond doubt,
        the boundary is passed already, or the interval is too wide or too far ahead.
    """
    if len(values) < LEAST_POINTS:
        return None
    at = np.asarray(times, np.float64)
    shown = np.asarray(values, np.float64)
    at = at - at[-1]
    half = len(shown) // 2
    whole, latest = (
        _of_stretch(at[first:], shown[first:], boundary, jitter) for first in (0, half)
    )
    if whole is None or latest is None:
        return None
    both = Interval(min(whole.earliest, latest.earliest), max(whole.latest, latest.latest))
    return both if both.latest <= _WIDEST * max(both.earliest, -at[0] / _STEPS) else None


def _of_stretch(at: Floats, shown: Floats, boundary: float, jitter: float) -> Interval | None:
    plain = _fit(at, shown)
    if boundary <= 0 or shown.min() <= 0:
        return _reach(plain, boundary, jitter)
    # A line through logarithms is measured in the unit of the values at their geometric mean.
    logs = np.log(shown)
    curved, unit = _fit(at, logs), float(np.exp(logs.mean()))
    if unit**2 * curved.variance < plain.variance:
        return _reach(curved, log(boundary), jitter / unit)
    return _reach(plain, boundary, jitter)


def _fit(at: Floats, values: Floats) -> _Line:
    middle, level = float(at.mean()), float(values.mean())
    offsets = at - middle
    slope = float(offsets @ (values - level)) / float(offsets @ offsets)
    residuals = values - level - slope * offsets
    variance = float(residuals @ residuals) / (len(at) - 2)
    return _Line(level - slope * middle, slope, variance, float(-at[0]))


def _reach(line: _Line, boundary: float, jitter: float) -> Interval | None:
    sign = 1.0 if line.slope > 0 else -1.0
    doubtful = abs(line.slope) <= _SIGNIFICANT * line.slope_error
    if doubtful or sign * (boundary - line.newest) <= 0:
        return None
    ahead = np.linspace(0.0, _HORIZON * line.span, _STEPS + 1)
    beyond = sign * (line.newest + line.slope * ahead - boundary)
    touched = np.flatnonzero(beyond + line.band(ahead, jitter) >= 0)
    short = np.flatnonzero(beyond - line.band(ahead) < 0)
    if not touched.size or not short.size or short[-1] == _STEPS:
        return None
    return Interval(float(ahead[max(0, touched[0] - 1)]), float(ahead[short[-1] + 1]))
