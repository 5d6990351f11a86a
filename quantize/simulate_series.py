"""Simulated process values: what a plant's slow channels look like while nothing is wrong.

The forecaster has to know how machines move before it has met one: first-order lags, load steps,
thermostats, shifts, coarse sensors, lost samples.  Real recordings with a permissive licence are
few, so most of what ships is learned here.  Time is counted in frames (one window each), levels in
arbitrary units: the device standardizes every channel before the model sees it.
"""

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

# Shares of series that are skewed, coarsely rounded, often holed.
_SKEWED = 0.33
_COARSE = 0.25
_HOLED = 0.2
_OUTAGE_RATE = 0.001  # per frame
_OUTAGE_FRAMES = 12


def simulate(rng: np.random.Generator, count: int, length: int) -> NDArray[np.float32]:
    """Return independent series of healthy process values.

    Each is a random mixture of wander, a random walk that reverts, a cycle, load steps, a duty
    cycle and noise, then possibly skewed (as an RMS or a spread is), rounded by its sensor and
    holed by its network.

    Args:
        rng: The only source of chance, so a seed reproduces the set.
        count: Number of series.
        length: Frames of each.

    Returns:
        Shape ``(count, length)``; NaN where a frame is missing.
    """
    parts = (
        _wander(rng, count, length, fastest=2.0, slowest=60.0),
        _wander(rng, count, length, fastest=200.0, slowest=4000.0),
        _cycle(rng, count, length),
        _load_steps(rng, count, length),
        _duty_cycle(rng, count, length),
    )
    mixed = np.zeros((count, length))
    for part in parts:
        mixed += _weights(rng, count, present=0.4) * part
    noise = 0.5 * _weights(rng, count, present=1.0) * _noise(rng, count, length)
    values = _skewed(rng, mixed + noise)
    values = _rounded(rng, values)
    return _holed(rng, values).astype(np.float32)


def _weights(rng: np.random.Generator, count: int, *, present: float) -> Series:
    """Return how much of a part each series has, shape ``(count, 1)``; often nothing."""
    amount = np.exp(rng.normal(0.0, 0.7, size=(count, 1)))
    return np.where(rng.random((count, 1)) < present, amount, 0.0)


def _log_uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Series:
    return np.exp(rng.uniform(np.log(low), np.log(high), size=(count, 1)))


def _lagged(drive: Series, time_constant: Series) -> Series:
    """Return ``drive`` through a first-order lag, as heat and pressure follow their causes."""
    gain = 1.0 - np.exp(-1.0 / time_constant[:, 0])
    response = np.empty_like(drive)
    level = drive[:, 0].copy()
    for frame in range(drive.shape[1]):
        level += gain * (drive[:, frame] - level)
        response[:, frame] = level
    return response


def _wander(
    rng: np.random.Generator, count: int, length: int, *, fastest: float, slowest: float
) -> Series:
    """Return Ornstein-Uhlenbeck noise of unit variance with time constants in that range."""
    time_constant = _log_uniform(rng, fastest, slowest, count)
    gain = 1.0 - np.exp(-1.0 / time_constant)
    drive = rng.normal(size=(count, length)) * np.sqrt((2.0 - gain) / gain)
    drive[:, :1] = rng.normal(size=(count, 1))  # starts in its stationary spread
    return _lagged(drive, time_constant)


def _cycle(rng: np.random.Generator, count: int, length: int) -> Series:
    """Return a shift, day or stroke cycle with one harmonic."""
    period = _log_uniform(rng, 6.0, 2000.0, count)
    phase = 2.0 * np.pi * (np.arange(length) / period + rng.random((count, 1)))
    harmonic = rng.uniform(0.0, 0.5, size=(count, 1))
    return np.sin(phase) + harmonic * np.sin(2.0 * phase + rng.uniform(0.0, 6.0, size=(count, 1)))


def _load_steps(rng: np.random.Generator, count: int, length: int) -> Series:
    """Return a few operating points, held for random times and approached with a lag."""
    changes = rng.random((count, length)) < 1.0 / _log_uniform(rng, 20.0, 600.0, count)
    points = rng.normal(size=(count, 4))
    chosen = rng.integers(0, 4, size=(count, length))
    # Every frame takes the draw made at the latest change.
    latest = np.maximum.accumulate(np.where(changes, np.arange(length), 0), axis=1)
    held = np.take_along_axis(chosen, latest, axis=1)
    return _lagged(np.take_along_axis(points, held, axis=1), _log_uniform(rng, 0.2, 40.0, count))


def _duty_cycle(rng: np.random.Generator, count: int, length: int) -> Series:
    """Return on and off in turn, as a compressor or a thermostat runs, with jitter and lag."""
    period = _log_uniform(rng, 4.0, 200.0, count)
    jitter = np.cumsum(rng.normal(0.0, 0.05, size=(count, length)), axis=1) / np.sqrt(period)
    turn = (np.arange(length) / period + rng.random((count, 1)) + jitter) % 1.0
    on = np.where(turn < rng.uniform(0.15, 0.85, size=(count, 1)), 1.0, -1.0)
    return _lagged(on, _log_uniform(rng, 0.2, 20.0, count))


def _noise(rng: np.random.Generator, count: int, length: int) -> Series:
    """Return noise whose strength wanders and which now and then is heavy-tailed."""
    loudness = np.exp(
        rng.uniform(0.0, 0.6, size=(count, 1))
        * _wander(rng, count, length, fastest=20.0, slowest=400.0)
    )
    outliers = rng.random((count, length)) < rng.choice([0.0, 0.01], size=(count, 1))
    return loudness * rng.normal(size=(count, length)) * np.where(outliers, 4.0, 1.0)


def _skewed(rng: np.random.Generator, values: Series) -> Series:
    """Return some of the series as the exponential of themselves: never negative, skewed."""
    skew = np.where(rng.random((len(values), 1)) < _SKEWED, rng.uniform(0.1, 0.6), 0.0)
    return np.where(skew > 0.0, np.exp(skew * np.clip(values, -5.0, 5.0)), values)


def _rounded(rng: np.random.Generator, values: Series) -> Series:
    """Return some of the series as a coarse sensor shows them."""
    spread = values.std(axis=1, keepdims=True)
    step = spread * rng.uniform(0.05, 1.5, size=(len(values), 1))
    coarse = rng.random((len(values), 1)) < _COARSE
    return np.where(coarse, np.round(values / step) * step, values)


def _holed(rng: np.random.Generator, values: Series) -> Series:
    """Return the series with single frames missing, and outages of a few frames in some."""
    rate = np.where(rng.random((len(values), 1)) < _HOLED, rng.uniform(0.0, 0.7), 0.002)
    missing = rng.random(values.shape) < rate
    begins = rng.random(values.shape) < _OUTAGE_RATE
    latest = np.maximum.accumulate(np.where(begins, np.arange(values.shape[1]), -1000), axis=1)
    missing |= np.arange(values.shape[1]) - latest < _OUTAGE_FRAMES
    return np.where(missing, np.nan, values)
