"""Faults put into healthy series, so that a forecaster learns what not to follow.

A plain forecaster soon takes a fault for the new normal.  Shown a series with a fault in it and
asked for the *healthy* continuation, it learns to tell what machines do by themselves (wander,
cycle, change load) from what happens to them, and holds on to the normal for as long as it can.
"""

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]

_HEALTHY = 0.35  # of the series stay as they are
_MOST_FAULTS = 2
_FRAMES = (3.0, 250.0)  # how long a fault lasts
_SIZE = (1.5, 20.0)  # how far it goes, in reaches
_RISE = (0.3, 20.0)  # frames until a shift is complete, and gone again
_PERIOD = (2.5, 30.0)  # frames of an oscillation


def with_faults(rng: np.random.Generator, healthy: Singles, first: int) -> Singles:
    """Return a series as its sensor shows it while faults come and go.

    Args:
        rng: The only source of chance.
        healthy: Shape ``(n,)``, standardized; NaN where nothing was observed.
        first: The frame before which nothing is wrong: commissioning.
    """
    shown = healthy.astype(np.float64)
    if rng.random() < _HEALTHY:
        return healthy
    for _ in range(int(rng.integers(1, _MOST_FAULTS + 1))):
        begin = int(rng.integers(first, len(shown) - 3))
        end = min(len(shown), begin + int(_log_uniform(rng, *_FRAMES)))
        size = _log_uniform(rng, *_SIZE) * rng.choice([-1.0, 1.0])
        kind = int(rng.choice(len(_KINDS), p=list(_KINDS.values())))
        list(_KINDS)[kind](rng, shown, begin, end, size)
    return shown.astype(np.float32)


def _shift(
    rng: np.random.Generator, shown: NDArray[np.float64], begin: int, end: int, size: float
) -> None:
    """Move to another level, as a valve closes or a coupling slips, and come back as slowly."""
    rise = _log_uniform(rng, *_RISE)
    shown[begin:end] += size * (1.0 - np.exp(-np.arange(1, end - begin + 1) / rise))
    shown[end:] += size * np.exp(-np.arange(1, len(shown) - end + 1) / rise)


def _drift(
    _: np.random.Generator, shown: NDArray[np.float64], begin: int, end: int, size: float
) -> None:
    shown[begin:end] += size * np.linspace(0.0, 1.0, end - begin)


def _noise(
    rng: np.random.Generator, shown: NDArray[np.float64], begin: int, end: int, size: float
) -> None:
    shown[begin:end] += 0.5 * size * rng.normal(size=end - begin)


def _stuck(
    _: np.random.Generator, shown: NDArray[np.float64], begin: int, end: int, __: float
) -> None:
    shown[begin:end] = shown[begin]


def _spike(
    rng: np.random.Generator, shown: NDArray[np.float64], begin: int, _: int, size: float
) -> None:
    shown[begin : begin + int(rng.integers(1, 4))] += 1.5 * size


def _oscillation(
    rng: np.random.Generator, shown: NDArray[np.float64], begin: int, end: int, size: float
) -> None:
    turns = np.arange(end - begin) / _log_uniform(rng, *_PERIOD) + rng.random()
    shown[begin:end] += 0.5 * size * np.sin(2.0 * np.pi * turns)


_KINDS = {_shift: 0.4, _drift: 0.2, _noise: 0.12, _stuck: 0.1, _spike: 0.06, _oscillation: 0.12}


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
