"""The envelope spectrum: how strongly, and how often, impacts make a machine's structure ring.

Each impact of a spall rings a resonance whose frequency nobody knows beforehand.  The signal is cut
into overlapping bands; the envelope of each is taken by the Hilbert transform; and the spectra of
the envelopes' *logarithms* are averaged, a band counting more the more impulsive it is (spectral
kurtosis, J. Antoni: The spectral kurtosis, Mech. Syst. Signal Process. 20, 2006).  The logarithm
keeps one huge impact from burying a hundred regular ones, and gives Gaussian noise of any level the
same floor in every band (P. Borghesani, J. Antoni: CS2 analysis in presence of non-Gaussian
background noise, Mech. Syst. Signal Process. 90, 2017).
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_agent.core.residual import medians, square

_SOFTEN = 0.05  # of a band's mean power, below which the logarithm goes flat
_FLOOR_BLOCK = 24
_LEAST_WEIGHT = 0.3
_GREATEST_WEIGHT = 4.0
_EMPTY = 1e-5  # of the strongest band's power: a band above an anti-alias filter holds nothing
_MIN_BAND_LINES = 32
_LEAST_SLOPE = 1e-3
_THIN = 4  # every fourth sample gives the same median
_INNER = 3  # power of the window by which the middle of a block counts more than its ends
_FLOOR_FROM = 2
_HIGH, _HIGH_NORMAL = 0.8, 0.8416  # a quantile, and that of the standard normal distribution


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The envelope spectrum of a block.

    ``ratio`` is power above the local noise floor, shape ``(lines,)``, line k at ``k * step_hz``;
    without impacts it is about 1, averaged over ``averages`` independent bands.  ``kurtosis`` is
    the spectral kurtosis of the typical band, 0 for noise; ``band_hz`` the most impulsive band.
    """

    ratio: NDArray[np.float64]
    step_hz: float
    kurtosis: float
    band_hz: tuple[float, float]
    averages: float

    @property
    def highest_hz(self) -> float:
        """The frequency of the last line."""
        return (self.ratio.size - 1) * self.step_hz


def envelope_spectrum(
    lines: NDArray[np.complex128], step_hz: float, width_hz: float, highest_hz: float
) -> Envelope | None:
    """Return the averaged spectrum of the log envelopes of a block.

    Args:
        lines: As :func:`edge_agent.core.residual.without_tones` returns it; scale and offset of
            the samples do not matter.
        step_hz: From line to line.
        width_hz: Of a band; the envelope can vary at up to half of it.
        highest_hz: The last line that is wanted.

    Returns:
        ``None`` where a block is too short for that, or holds nothing that varies.
    """
    bands = max(1, round(2 * lines.size * step_hz / width_hz) - 1)
    size = _smooth_even(min(2 * (lines.size // (bands + 1)), lines.size - 1))
    if size < _MIN_BAND_LINES:
        return None
    starts = 1 + size // 2 * np.arange(bands)
    starts = starts[starts + size <= lines.size]
    slope = np.hanning(size + 1)[:-1]
    share = (slope**_INNER).astype(np.float32)
    share /= share.sum()
    power = _band_powers(lines, starts, slope)
    mean = power @ share
    if not mean.max() > 0:
        return None
    heard = mean > _EMPTY * mean.max()
    if not heard.all():
        power, starts, mean = power[heard], starts[heard], mean[heard]
    kurtosis = (np.square(power) @ share) / np.square(mean) - 2.0
    weights = np.clip(_LEAST_WEIGHT + kurtosis, _LEAST_WEIGHT, _GREATEST_WEIGHT)
    weights /= weights.sum()
    # Against the median, which one huge impact does not move.
    beats = power / medians(power[:, ::_THIN])[:, None]
    beats += np.float32(_SOFTEN)
    np.log(beats, out=beats)
    beats -= (beats @ share)[:, None]
    beats *= slope.astype(np.float32)
    count = min(int(highest_hz / step_hz) + 2, size // 2)
    spectrum = weights @ square(np.fft.rfft(beats, axis=1)[:, :count])
    trend = _trend(spectrum)
    averages = min(1.0 / float(weights @ weights), _averages_of(spectrum / trend))
    best = int(starts[np.argmax(kurtosis)])
    return Envelope(
        ratio=spectrum / _floor(trend, averages),
        step_hz=step_hz,
        kurtosis=float(np.median(kurtosis)),
        band_hz=(best * step_hz, (best + size) * step_hz),
        averages=averages,
    )


def _band_powers(
    lines: NDArray[np.complex128], starts: NDArray[np.int64], slope: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the squared envelopes of the bands from ``starts``, shape ``(bands, size)``.

    In single precision and scaled to the tallest line, for a level is asked for to 0.01 dB and
    half of the memory is most of the time.
    """
    tallest = max(float(np.abs(lines.real).max()), float(np.abs(lines.imag).max()))
    slope_of_one = slope / (tallest or 1.0)
    bands = np.empty((starts.size, slope.size), dtype=np.complex64)
    for band, start in zip(bands, starts.tolist(), strict=True):
        np.multiply(lines[start : start + slope.size], slope_of_one, out=band, casting="same_kind")
    # One-sided lines are the analytic signal; starting at the band's edge only shifts its phase.
    analytic = np.fft.ifft(bands, axis=1)
    power: NDArray[np.float32] = np.square(analytic.real)
    power += np.square(analytic.imag)
    # The block's window is divided out again but for its ends, which do not count anyway.
    power /= np.maximum(slope**2, _LEAST_SLOPE).astype(np.float32)
    return power


def chance_ratio(averages: float, lines: int) -> float:
    """Return the ratio that noise exceeds somewhere among ``lines`` once in a thousand blocks.

    A mean of m powers of noise is gamma distributed; its quantile by E. B. Wilson and
    M. M. Hilferty (The distribution of chi-square, PNAS 17, 1931), the normal quantile by the
    first terms of its tail expansion.
    """
    tail = 2 * log(1000.0 * max(lines, 1))
    normal = sqrt(tail - log(2 * np.pi * tail))
    part = 1 / (9 * averages)
    return float((1 - part + normal * sqrt(part)) ** 3)


def _averages_of(level: NDArray[np.float64]) -> float:
    """Return of how many independent powers lines around one level look like the mean.

    Impacts are heard in many bands at once, which then are not independent.  From the median and
    the 80th percentile, which the few lines of a fault do not lift, by Wilson and Hilferty.
    """
    ranked = np.sort(level[_FLOOR_FROM:])
    middle, high = np.interp((0.5, _HIGH), np.linspace(0.0, 1.0, ranked.size), ranked)
    if not middle > 0:
        return 1.0
    root = ((high / middle) ** (1 / 3) - 1) / _HIGH_NORMAL
    root *= 1 - root**2  # one step towards the solution of sqrt(u) / (1 - u) = root, u = 1 / 9m
    return float(max(1.0, 1 / (9 * max(root**2, 1e-3))))


def _floor(trend: NDArray[np.float64], averages: float) -> NDArray[np.float64]:
    """Return the mean level of the noise at each line, from its median."""
    # A mean of m powers of noise has a median a little below its mean (Wilson and Hilferty).
    return np.asarray(trend / (1 - 1 / (9 * averages)) ** 3)


def _trend(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median around each line, which a few tall lines do not lift."""
    block = min(_FLOOR_BLOCK, spectrum.size - 1)
    around = sliding_window_view(spectrum[1:], block)[:: _FLOOR_BLOCK // 2]
    levels = medians(around)
    middles = 1 + _FLOOR_BLOCK // 2 * np.arange(levels.size) + block / 2
    trend = np.interp(np.arange(spectrum.size), middles, levels)
    return np.asarray(np.maximum(trend, np.finfo(np.float64).tiny))


def _smooth_even(most: int) -> int:
    """Return the largest even number up to ``most`` without a prime factor above 5: a fast FFT."""
    for size in range(most - most % 2, 1, -2):
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
    return 0
