"""The measures of a vibration, each with its formula; numpy only, accumulated in float64."""

from itertools import pairwise
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32] | NDArray[np.float64]

MIN_VIBRATION_HZ = 200.0
VELOCITY_BAND_HZ = (10.0, 1000.0)
BAND_EDGES = (0.0, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the Nyquist frequency
MIN_SHAPE_SAMPLES = 4
MIN_SPECTRUM_SAMPLES = 16  # the least that puts a spectral line into each band


def rms(samples: Samples) -> float:
    """Return the root mean square, the magnitude that carries the energy of a vibration.

    Args:
        samples: Shape ``(n,)``, ``n >= 1``, any unit; the result has the same.

    Raises:
        ValueError: Not 1-D, too short or not finite: our bug.
    """
    values = checked(samples, 1)
    return sqrt(values @ values / values.size)


def peak(samples: Samples) -> float:
    """Return the largest magnitude.

    Args:
        samples: Shape ``(n,)``, ``n >= 1``, any unit; the result has the same.

    Raises:
        ValueError: Not 1-D, too short or not finite: our bug.
    """
    values = checked(samples, 1)
    return max(float(values.max()), -float(values.min()))


def crest_factor(samples: Samples) -> float:
    """Return peak / RMS: how far single strikes stand out.  A change of scale does not alter it.

    Args:
        samples: Shape ``(n,)``, ``n >= 1``, any unit; the result has none.

    Returns:
        At least 1: 1.41 for a sine, 3 to 5 for noise.  0.0 when all samples are 0.

    Raises:
        ValueError: Not 1-D, too short or not finite: our bug.
    """
    magnitude = peak(samples)
    # Relative to the peak, so that the squares of very small samples do not vanish.
    return 1.0 / rms(checked(samples, 1) / magnitude) if magnitude else 0.0


def excess_kurtosis(samples: Samples) -> float:
    """Return how much heavier than Gaussian the tails are: m4 / m2**2 - 3 of the central moments.

    A spalled bearing strikes once per pass and leaves rare, tall peaks, which the fourth moment
    shows while the RMS is still flat.  The estimate is the plain one (g2, biased): at thousands of
    samples the correction is lost in the noise.  Neither scale nor offset alters it.

    Args:
        samples: Shape ``(n,)``, ``n >= 4``, any unit; the result has none.

    Returns:
        About 0 for Gaussian noise, -1.5 for a pure sine; 0.0 for a constant window.

    Raises:
        ValueError: Not 1-D, too short or not finite: our bug.
    """
    values = checked(samples, MIN_SHAPE_SAMPLES)
    low, high = values.min(), values.max()
    if low == high:
        return 0.0
    mean = values.mean()
    centred = values - mean
    centred /= max(high - mean, mean - low)  # so that the squares of tiny samples do not vanish
    squares = np.square(centred, out=centred)
    return float(squares @ squares * squares.size / squares.sum() ** 2) - 3.0


def velocity_rms(samples: Samples, rate_hz: float) -> float:
    """Return the RMS of the integral of ``samples`` over time, between 10 and 1000 Hz.

    Of an acceleration that is the vibration velocity by which ISO 20816-1 judges machines; the band
    ends at the Nyquist frequency where that is lower.  The integral is taken on the Hann-windowed
    spectrum, where a line of amplitude a at frequency f becomes a / (2 pi f); the window keeps slow
    drift, which the division would magnify, out of the band.

    Args:
        samples: Shape ``(n,)``, evenly spaced without a gap, at least 0.2 s of them.
        rate_hz: Samples per second, at least 200.

    Returns:
        In the unit of the samples times a second: times 1000 it is mm/s for m/s^2, times 9806.65
        it is mm/s for g.  An offset does not alter it.

    Raises:
        ValueError: Not 1-D, too short, too slow or not finite: our bug.
    """
    if rate_hz < MIN_VIBRATION_HZ:
        raise ValueError(f"{rate_hz} Hz cannot show a vibration of 10 Hz and more")
    values = checked(samples, velocity_samples(rate_hz))
    return sqrt(velocity_power(power_spectrum(values), values.size, rate_hz))


def band_rms(samples: Samples) -> tuple[float, ...]:
    """Return the RMS in each of the four bands between the five ``BAND_EDGES``.

    A band holds the lines from its lower edge to below the upper one, the last band that as well.

    Args:
        samples: Shape ``(n,)``, ``n >= 16``, evenly spaced without a gap; their unit is the
            result's.  An offset does not alter it.

    Raises:
        ValueError: Not 1-D, too short or not finite: our bug.
    """
    values = checked(samples, MIN_SPECTRUM_SAMPLES)
    return tuple(sqrt(power) for power in band_powers(power_spectrum(values), values.size))


def velocity_samples(rate_hz: float) -> int:
    """Return how many samples a velocity takes at least: two periods of its lowest frequency."""
    return ceil(2 * rate_hz / VELOCITY_BAND_HZ[0])


def power_spectrum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the one-sided power spectrum of ``values`` less their mean, Hann-windowed.

    Scaled so that its sum is the mean square (F. J. Harris, On the use of windows for harmonic
    analysis, Proc. IEEE 66, 1978: the periodic Hann window has a mean square of 3/8, and windowing
    with it is a sum of three neighbouring lines, which costs no cosine per sample).

    Args:
        values: Shape ``(n,)``, ``n >= 16``.

    Returns:
        Shape ``(n // 2 + 1,)``; line k stands for the frequency k / n of the sampling rate.
    """
    return power_of(windowed_lines(values), values.size)


def windowed_lines(values: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the one-sided spectrum of ``values`` less their mean, Hann-windowed.

    Args:
        values: Shape ``(n,)``, ``n >= 16``.

    Returns:
        Shape ``(n // 2 + 1,)``, in the scale of :func:`numpy.fft.rfft`.
    """
    lines = np.fft.rfft(values - values.mean())
    quarter = 0.25 * lines
    windowed: NDArray[np.complex128] = 0.5 * lines
    windowed[1:] -= quarter[:-1]
    windowed[:-1] -= quarter[1:]
    # One line more on either side: the spectrum of a real signal goes on mirrored, conjugated.
    windowed[0] -= np.conj(quarter[1])
    windowed[-1] -= np.conj(quarter[-2] if values.size % 2 == 0 else quarter[-1])
    return windowed


def power_of(windowed: NDArray[np.complex128], size: int) -> NDArray[np.float64]:
    """Return :func:`power_spectrum` from the windowed spectrum of ``size`` samples."""
    power: NDArray[np.float64] = np.square(windowed.real) + np.square(windowed.imag)
    power *= 16.0 / 3.0 / size**2  # 2 for one side, 8/3 for the window
    power[0] /= 2
    if size % 2 == 0:
        power[-1] /= 2
    return power


def velocity_power(spectrum: NDArray[np.float64], size: int, rate_hz: float) -> float:
    """Return the square of :func:`velocity_rms`, from the spectrum of ``size`` samples."""
    lowest_hz, highest_hz = VELOCITY_BAND_HZ
    step_hz = rate_hz / size
    first, stop = ceil(lowest_hz / step_hz), int(highest_hz / step_hz) + 1
    inside = spectrum[first:stop]
    angular = 2 * np.pi * step_hz * np.arange(first, first + inside.size)
    return float(np.sum(inside / np.square(angular)))


def band_powers(spectrum: NDArray[np.float64], size: int) -> list[float]:
    """Return the squares of :func:`band_rms`, from the spectrum of ``size`` samples."""
    edges = [ceil(edge * size / 2) for edge in BAND_EDGES]
    edges[-1] = spectrum.size
    return [float(spectrum[first:stop].sum()) for first, stop in pairwise(edges)]


def checked(samples: Samples, least: int) -> NDArray[np.float64]:
    """Return ``samples`` as float64.

    Raises:
        ValueError: Not 1-D, fewer than ``least`` or not finite: the decoder rejects such samples
            and :func:`edge_agent.core.features.extract` leaves out short ones, so this is our bug.
    """
    if samples.ndim != 1 or samples.size < least:
        raise ValueError(f"expected at least {least} samples in a row, not shape {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("samples must be finite")
    return samples.astype(np.float64, copy=False)
