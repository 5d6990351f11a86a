"""What is normal for an asset, fitted from the little that commissioning saw of it.

Process values are slow: the spread within an hour says little about how far the next hour will lie
from it.  So every signal is also judged *across* time: each quarter of commissioning is measured
against a normal learned from the other three, as the future will be measured against all four.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_VALUES = 20  # of one signal: fewer say nothing about its spread

_PARTS = 4
_SIGMA_PER_MAD = 1.4826  # both for a Gaussian
_SIGMAS_5_TO_95 = 3.2897
_ROUNDING = 1e-6  # of the value: measurements come as float32
_CONSTANT = 0.01  # of the value: how far a signal may move that never moved
_STRAY_QUANTILE = 0.95
_SIGMAS_AT_STRAY = 1.96  # of a Gaussian, both tails
_TAIL = 0.1  # the part of the scores whose excesses are fitted
_EXPECTED = 3.0  # limit of a score that is about 1.3 for Gaussian deviations
_LEAST_SHARE = 0.25  # of it: a machine that stood still has scores of 0 and no tail


@dataclass(frozen=True, slots=True)
class Normal:
    """Where a signal lies while its machine is healthy and how far it strays, in its own unit."""

    centre: float
    reach: float


def fit_normal(values: Floats) -> tuple[Normal, Floats]:
    """Return the normal of one signal, and its values as deviations across time.

    The reach is a robust standard deviation, widened where a quarter of the values lies further
    from the other three than such a deviation explains, as it does for a drifting temperature.
    It cannot be zero: a signal that never moved is allowed a hundredth of its value.

    Args:
        values: Shape ``(n,)`` in order of time; NaN where the signal was missing.  At least
            ``LEAST_VALUES`` are present.

    Returns:
        The normal, and deviations of shape ``(n,)`` in units of its reach, each from the centre of
        the other quarters; NaN where ``values`` is.
    """
    present = values[~np.isnan(values)]
    centre = float(np.median(present))
    spread = _spread(present, centre)
    across = np.empty_like(values)
    for part in np.array_split(np.arange(len(values)), _PARTS):
        others = np.delete(values, part)
        others = others[~np.isnan(others)]
        across[part] = values[part] - (np.median(others) if len(others) else centre)
    across /= spread
    strayed = float(np.nanquantile(np.abs(across), _STRAY_QUANTILE))
    widening = max(1.0, strayed / _SIGMAS_AT_STRAY)
    return Normal(centre, spread * widening), across / widening


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


def fit_threshold(scores: Floats, false_alarm_rate: float) -> float:
    """Return the limit that a healthy machine's score exceeds with about that probability.

    Peaks over threshold (Pickands 1975) with the shape of the generalized Pareto fixed at zero, an
    exponential tail: that is what maxima of Gaussian-like scores lead to, and a few hundred
    correlated scores cannot tell a shape.  They cannot tell much of a scale either, so the limit is
    drawn half-way, as a geometric mean, to the one that standardized machines have on the whole.

    Args:
        scores: Shape ``(n,)``, ``n >= 1``, finite, of a healthy machine.
        false_alarm_rate: Part of all windows, below 0.1.
    """
    start = float(np.quantile(scores, 1.0 - _TAIL))
    mean_excess = float(np.mean(scores[scores >= start])) - start
    seen = start + mean_excess * log(_TAIL / false_alarm_rate)
    return sqrt(max(seen, _LEAST_SHARE * _EXPECTED) * _EXPECTED)
