"""The noise of a machine: its vibration without the tones of shaft, gears and mains.

Whatever strikes or rubs rings the structure, and its ringing is noise about a resonance.  So two
things are told from the noise alone: how much of all vibration rings in one place, and the shape
of the spectrum, which is much the same whenever the same thing excites the same structure.
"""

import numpy as np
from numpy.typing import NDArray

_TONE_BLOCK = 32
_TONE_LIMIT = 6.0  # times the median power around: noise exceeds it in 1 line of 60
_RINGING_FROM_HZ = 500.0  # below are the shaft's own lines
_RINGING_WIDTH_HZ = 1000.0
SIGNATURE_BANDS = 10
SIGNATURE_WIDTH_HZ = 500.0
_LEAST_SHARE = 1e-5


def without_tones(lines: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return a spectrum whose lone, tall lines are cut down to what noise would show.

    Tones of shaft and gears beat with each other, and the beats would pass for impacts.

    Args:
        lines: As :func:`edge_agent.core.vibration.windowed_lines` returns it.
    """
    power = square(lines)
    blocks = lines.size // _TONE_BLOCK
    if blocks < 2:  # noqa: PLR2004
        return lines
    around = medians(power[: blocks * _TONE_BLOCK].reshape(blocks, -1))
    middles = _TONE_BLOCK * (np.arange(blocks) + 0.5)
    limit = _TONE_LIMIT * np.interp(np.arange(lines.size), middles, around)
    over = power > limit
    limited = lines.copy()
    limited[over] *= np.sqrt(limit[over] / power[over])
    return limited


def concentration(noise: NDArray[np.float64], total: NDArray[np.float64], step_hz: float) -> float:
    """Return how many times more noise the loudest kilohertz holds than if all were spread evenly.

    Below 1 tones or slow vibration lead; noise of one level gives 1; a structure that is struck or
    rubbed rings, which gives more.

    Args:
        noise: Power of the lines without tones, shape ``(lines,)``.
        total: The same with tones.
        step_hz: From line to line.
    """
    width = int(_RINGING_WIDTH_HZ / step_hz)
    sums = np.cumsum(noise[int(_RINGING_FROM_HZ / step_hz) :])
    all_of_it = float(total.sum())
    if not all_of_it > 0 or not 0 < width < sums.size:
        return 0.0
    loudest = float((sums[width:] - sums[:-width]).max())
    return loudest / all_of_it * total.size / width


def signature(noise: NDArray[np.float64], step_hz: float) -> NDArray[np.float64] | None:
    """Return the shape of the noise's spectrum: ln of the shares of ten bands of 500 Hz.

    Args:
        noise: Power of the lines without tones, shape ``(lines,)``.
        step_hz: From line to line.

    Returns:
        Shape ``(10,)``; neither scale nor offset of the samples matters.  ``None`` where the
        spectrum ends below 5 kHz or holds nothing.
    """
    edges = np.rint(np.arange(SIGNATURE_BANDS + 1) * SIGNATURE_WIDTH_HZ / step_hz).astype(np.int64)
    if edges[-1] > noise.size or np.diff(edges).min() < 1:
        return None
    powers = np.add.reduceat(noise[: edges[-1]], edges[:-1])
    if not powers.sum() > 0:
        return None
    shares: NDArray[np.float64] = np.maximum(powers / powers.sum(), _LEAST_SHARE)
    return np.log(shares)


def square(lines: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """Return the squared magnitudes."""
    return np.asarray(np.square(lines.real) + np.square(lines.imag))


def medians(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the median of each row, shape ``(rows,)``.

    :func:`numpy.median` looks for NaN and axes first, which for short rows is most of its work.
    """
    half = rows.shape[1] // 2
    parted = np.partition(rows, (half - 1, half), axis=1)
    if rows.shape[1] % 2:
        return np.asarray(parted[:, half])
    return np.asarray(0.5 * (parted[:, half - 1] + parted[:, half]))
