"""What is normal for a signal, and how much a deviation from it can mean.

Process values are slow: a temperature that was watched for an hour may have shown no more than one
swing, however many windows the hour had.  So every normal comes with its *degrees of freedom*: how
many independent values it was learned from, fewer the longer the signal remembers.  A deviation of
five reaches proves a fault where the reach is known from fifty independent values, and little where
it is known from two; Student's t-distribution says how much, and :func:`evidence` puts it back on
the scale of Gaussian standard deviations, the same for all signals.
"""

from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Places = NDArray[np.intp]

LEAST_VALUES = 20  # of one signal: fewer say nothing about its spread
POWER = 3.0  # of the mean over signals: one loud signal counts among many quiet ones

_SIGMA_PER_MAD = 1.4826  # both for a Gaussian
_SIGMAS_5_TO_95 = 3.2897
# Of the robust spread, against a Gaussian's standard deviation.  Theory says about 0.6, no discount
# is 1.0; 0.7 is an empirical compromise, chosen on SKAB to keep its false alarms below 16 %.
_EFFICIENCY = 0.7
_ROUNDING = 1e-6  # of the value: measurements come as float32
_CONSTANT = 0.01  # of the value: how far a signal may move that never moved
_LEAST_PAIRS = 5  # of values a window apart; fewer show no memory
_LONGEST = 0.999  # correlation a window apart: a memory of a thousand windows
_TAIL = 0.1  # the part of the scores whose excesses are fitted
_HALF_SAY = 20.0  # independent excesses, for as much say as what is expected
_LEAST_SHARE = 0.25  # of the expected limit: a machine that stood still has no tail


@dataclass(frozen=True, slots=True)
class Normal:
    """Where a signal lies while its machine is healthy and how far it strays, in its own unit.

    ``freedom`` is that of the t-distribution which a later deviation, in reaches, follows: 1 for a
    signal that wandered all through commissioning, hundreds for one that is noise.
    """

    centre: float
    reach: float
    freedom: float


def predecessors(starts_ns: Times, ends_ns: Times) -> Places:
    """Return, by frame, the place of the one a window earlier, -1 where there is none.

    Args:
        starts_ns: Shape ``(n,)``, rising.
        ends_ns: Likewise; all frames have one length.
    """
    before = np.searchsorted(ends_ns, starts_ns, side="right") - 1
    length_ns = ends_ns[0] - starts_ns[0]
    near = (before >= 0) & (starts_ns - ends_ns[before] < length_ns)
    return np.where(near, before, -1)


def fit_normal(values: Floats, before: Places, share: float = 1.0, thinning: float = 1.0) -> Normal:
    """Return the normal of one signal.

    The memory of a signal is read as that of a first-order autoregressive process; its correlation
    gives the number of values that are independent, for the mean and for the variance (Bartlett
    1935).  Tails as heavy as the values
    show (excess kurtosis 6 / (freedom - 4)) lower the freedom, too.

    Args:
        values: Shape ``(n,)`` in order of time; NaN where the signal was missing.  At least
            ``LEAST_VALUES`` are present.
        before: From :func:`predecessors`.
        share: How many windows that do not overlap there are for each of the frames, up to 1.
        thinning: How many frames there were for each that was kept; what lies between them adds to
            what a slow signal has shown, and nothing to what a fast one has.
    """
    seen = ~np.isnan(values)
    present = values[seen]
    centre = float(np.median(present))
    spread = _spread(present, centre)
    variance = float(present.var())
    if variance <= 0.0:
        return Normal(centre, spread, max(len(present) * share - 1.0, 1.0))
    windows = len(present) * share
    memory = _memory(values, before, variance)
    of_mean = windows * thinning * (1.0 - memory) / (1.0 + memory)
    of_variance = windows * thinning * (1.0 - memory**2) / (1.0 + memory**2)
    # What is above a standard error of the excess: every finite sample has some by chance.
    tails = float(np.mean((present - centre) ** 4)) / variance**2 - 3.0 - sqrt(24.0 / windows)
    freedom = _EFFICIENCY * min(of_variance, windows) - 1.0
    if tails > 0.0:
        freedom = min(freedom, 4.0 + 6.0 / tails)
    return Normal(
        centre, spread * sqrt(1.0 + 1.0 / max(min(of_mean, windows), 1.0)), max(freedom, 1.0)
    )


def evidence(deviations: Floats, freedom: Floats) -> Floats:
    """Return deviations as if they were Gaussian, with their signs.

    A value of the t-distribution and the result have the same tail probability (Wallace 1959,
    within 2 % from three degrees of freedom on, 7 % at one), so signals that are known well and
    badly can be compared.  It grows with the root of the logarithm: no single deviation is endless.

    Args:
        deviations: In reaches, any shape ending in ``(signals,)``; NaN stays NaN.
        freedom: Shape ``(signals,)``.
    """
    scale = np.sqrt(freedom) * (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
    magnitude: Floats = scale * np.sqrt(np.log1p(deviations * deviations / freedom))
    return np.copysign(magnitude, deviations)


def bounded(values: Floats, most: float) -> Floats:
    """Return values within ±``most``; NaN stays NaN.  For few values twice as fast as np.clip."""
    return np.minimum(np.maximum(values, -most), most)


def expected_threshold(count: float, false_alarm_rate: float) -> float:
    """Return the limit of the power mean of ``count`` independent standard Gaussian values.

    The mean of cubes (mean 1.596, variance 12.45) is taken as a gamma variable, whose cube root is
    nearly Gaussian (Wilson and Hilferty 1931); the power mean is that cube root.

    Args:
        count: Of values, counted by weight; need not be whole.
        false_alarm_rate: Part of all windows.
    """
    shape = count * 1.596**2 / 12.45
    sigmas = NormalDist().inv_cdf(1.0 - false_alarm_rate)
    root = 1.0 - 1.0 / (9.0 * shape) + sigmas / (3.0 * sqrt(shape))
    return float(np.cbrt(1.596)) * root


def independent(scores: Floats, before: Places, share: float = 1.0) -> float:
    """Return how many of the scores ``(n,)`` are independent; arguments as :func:`fit_normal`."""
    variance = float(scores.var())
    memory = _memory(scores, before, variance) if variance > 0.0 else 0.0
    return max(len(scores) * share * (1.0 - memory) / (1.0 + memory), 1.0)


def fit_threshold(scores: Floats, count: float, expected: float, false_alarm_rate: float) -> float:
    """Return the limit that a healthy machine's score exceeds with about that probability.

    Peaks over threshold (Pickands 1975) with the shape of the generalized Pareto fixed at zero, an
    exponential tail: that is what maxima of Gaussian-like scores lead to, and a few hundred
    correlated scores cannot tell a shape.  They cannot tell much of a scale either: the limit is
    drawn, as a geometric mean, to the one that is expected of Gaussian signals, and the machine's
    own has half the say once it rests on twenty independent excesses.

    Args:
        scores: Shape ``(n,)``, ``n >= 1``, finite, of a healthy machine.
        count: How many of them are independent; see :func:`independent`.
        expected: From :func:`expected_threshold`.
        false_alarm_rate: Part of all windows, below 0.1.
    """
    start = float(np.quantile(scores, 1.0 - _TAIL))
    mean_excess = float(np.mean(scores[scores >= start])) - start
    seen = start + mean_excess * log(_TAIL / false_alarm_rate)
    say = count * _TAIL / (count * _TAIL + _HALF_SAY)
    return float(expected * (max(seen, _LEAST_SHARE * expected) / expected) ** say)


def _memory(values: Floats, before: Places, variance: float) -> float:
    """Return the correlation of a signal with itself a window earlier, from 0 to ``_LONGEST``.

    It is read from the mean square of successive differences (von Neumann 1941), which a trend does
    not blind.
    """
    seen = ~np.isnan(values)
    pairs = seen & (before >= 0)
    pairs[pairs] &= seen[before[pairs]]
    if np.count_nonzero(pairs) < _LEAST_PAIRS:
        return 0.0
    squares = (values[pairs] - values[before[pairs]]) ** 2
    return min(max(1.0 - float(np.mean(squares)) / (2.0 * variance), 0.0), _LONGEST)


def _spread(present: Floats, centre: float) -> float:
    """Return a standard deviation that outliers, two levels or coarse rounding do not break.

    The median absolute deviation is blind where most values are equal, the quantiles where nine in
    ten are, so the plain deviation stands in; whatever remains is rounding, or nothing at all.
    """
    least = _ROUNDING * abs(centre)
    low, high = np.quantile(present, (0.05, 0.95))
    robust = max(
        _SIGMA_PER_MAD * float(np.median(np.abs(present - centre))),
        float(high - low) / _SIGMAS_5_TO_95,
    )
    for spread in (robust, float(present.std())):
        if spread > least:
            return spread
    return _CONSTANT * abs(centre) or 1.0
