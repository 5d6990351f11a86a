"""What the sensor model sees of a window: named signals, computed alike on device and in workshop.

A channel ``c`` of process values gives ``c``, its mean, and ``c:spread``, its standard deviation,
both in the unit of the channel.  A channel of sample blocks gives the signals of a vibration, taken
from the samples less their mean, so that a sensor's bias does not show:

    c:rms, c:peak       ln of the root mean square and of the largest magnitude
    c:crest_factor      ln of peak / rms; 0 for a constant window
    c:kurtosis          ln of (excess kurtosis + 3); 1.1 for noise and for a constant window
    c:velocity_rms      ln of the RMS of the integral over time, 10 to 1000 Hz
    c:band_0 .. band_3  ln of the RMS between 0, 1/8, 1/4, 1/2 and 1 of the Nyquist frequency
    c                   the mean, sampled below 200 Hz: such blocks may well hold a temperature

Magnitudes of a vibration grow by factors as damage develops, so they are natural logarithms: a
forecaster of standardized values then sees the same step for the same ratio.  None falls below
ln 1e-12, which is what a dead sensor shows.
"""

from enum import StrEnum
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.records import NS_PER_S, Frame, Window
from edge_agent.core.vibration import (
    MIN_VIBRATION_HZ,
    band_powers,
    checked,
    crest_factor,
    excess_kurtosis,
    peak,
    power_spectrum,
    rms,
    velocity_power,
    velocity_samples,
)

MIN_SPREAD_SAMPLES = 4
MIN_WAVEFORM_SAMPLES = 64  # fewer say nothing about the shape of a vibration
FLOOR = 1e-12


class SignalKind(StrEnum):
    """What a signal is of its channel; the value is the part of its name behind the colon."""

    MEAN = "mean"  # the one kind that is not part of the name
    SPREAD = "spread"
    RMS = "rms"
    PEAK = "peak"
    CREST_FACTOR = "crest_factor"
    KURTOSIS = "kurtosis"
    VELOCITY_RMS = "velocity_rms"
    BAND_0 = "band_0"
    BAND_1 = "band_1"
    BAND_2 = "band_2"
    BAND_3 = "band_3"


_SUFFIXED = {kind.value: kind for kind in SignalKind if kind is not SignalKind.MEAN}
_BANDS = (SignalKind.BAND_0, SignalKind.BAND_1, SignalKind.BAND_2, SignalKind.BAND_3)


def extract(frame: Frame) -> dict[str, float]:
    """Return the signals of ``frame`` by name, as this module's description lists them.

    A signal that the samples cannot carry is missing rather than guessed: the spread of fewer than
    4 values, the shape of fewer than 64 waveform samples, bands without a contiguous run of 64
    samples and the velocity without one of 0.2 s (two periods of 10 Hz).

    Raises:
        ValueError: A sample is not finite: the decoder rejects those, so this is our bug.
    """
    signals = {}
    for channel, window in frame.windows.items():
        rate_hz = window.rate_hz
        kinds = _process_value(window) if rate_hz is None else _waveform(window, rate_hz)
        for kind, value in kinds.items():
            signals[_name(channel, kind)] = value
    return signals


def channel_of(signal: str) -> str:
    """Return the channel that ``signal``, a name from :func:`extract`, is about.

    The one channel that would be mistaken is one whose own name ends in the colon and suffix of a
    kind, such as a process value ``motor:rms``: it is taken for a signal of ``motor``.
    """
    channel, _, suffix = signal.rpartition(":")
    return channel if channel and suffix in _SUFFIXED else signal


def kind_of(signal: str) -> SignalKind:
    """Return what ``signal``, a name from :func:`extract`, is of its channel."""
    channel, _, suffix = signal.rpartition(":")
    return _SUFFIXED.get(suffix, SignalKind.MEAN) if channel else SignalKind.MEAN


def _process_value(window: Window) -> dict[SignalKind, float]:
    values = checked(window.values, 1)
    signals = {SignalKind.MEAN: float(values.mean())}
    if values.size >= MIN_SPREAD_SAMPLES:
        # Exactly 0 for a constant: rounding in the mean must not look like noise.
        constant = values.max() == values.min()
        signals[SignalKind.SPREAD] = 0.0 if constant else float(values.std())
    return signals


def _waveform(window: Window, rate_hz: float) -> dict[SignalKind, float]:
    values = checked(window.values, 1)
    mean = float(values.mean())
    signals = {SignalKind.MEAN: mean} if rate_hz < MIN_VIBRATION_HZ else {}
    if values.size < MIN_WAVEFORM_SAMPLES:
        return signals
    centred = np.zeros_like(values) if values.max() == values.min() else values - mean
    signals[SignalKind.RMS] = _ln(rms(centred))
    signals[SignalKind.PEAK] = _ln(peak(centred))
    signals[SignalKind.CREST_FACTOR] = log(max(crest_factor(centred), 1.0))
    signals[SignalKind.KURTOSIS] = log(max(excess_kurtosis(centred) + 3.0, 1.0))
    return signals | _spectral(_runs(window, centred, rate_hz), rate_hz)


def _spectral(runs: list[NDArray[np.float64]], rate_hz: float) -> dict[SignalKind, float]:
    """Return the signals that need an even grid: powers of the runs, weighted by their length."""
    bands, band_samples = np.zeros(len(_BANDS)), 0
    velocity, velocity_length = 0.0, 0
    for run in runs:
        if run.size < MIN_WAVEFORM_SAMPLES:
            continue
        spectrum = power_spectrum(run)
        bands += run.size * np.array(band_powers(spectrum, run.size))
        band_samples += run.size
        if rate_hz >= MIN_VIBRATION_HZ and run.size >= velocity_samples(rate_hz):
            velocity += run.size * velocity_power(spectrum, run.size, rate_hz)
            velocity_length += run.size
    signals = {}
    if velocity_length:
        signals[SignalKind.VELOCITY_RMS] = _ln(sqrt(velocity / velocity_length))
    if band_samples:
        for kind, power in zip(_BANDS, (bands / band_samples).tolist(), strict=True):
            signals[kind] = _ln(sqrt(power))
    return signals


def _runs(window: Window, values: NDArray[np.float64], rate_hz: float) -> list[NDArray[np.float64]]:
    """Return ``values`` in pieces without a gap, the longest power of two within a second.

    Samples more than 1.5 periods apart have a gap between them.  A second resolves what a spectrum
    is asked for here, and its transform stays in the processor's cache.
    """
    gaps = np.flatnonzero(np.diff(window.at_ns) > 1.5 * NS_PER_S / rate_hz) + 1
    longest = 1 << (max(int(rate_hz), MIN_WAVEFORM_SAMPLES).bit_length() - 1)
    return [
        run[first : first + longest]
        for run in np.split(values, gaps)
        for first in range(0, run.size, longest)
    ]


def _ln(magnitude: float) -> float:
    return log(max(magnitude, FLOOR))


def _name(channel: str, kind: SignalKind) -> str:
    return channel if kind is SignalKind.MEAN else f"{channel}:{kind}"
