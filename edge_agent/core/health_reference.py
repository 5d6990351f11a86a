"""How a machine sounds in health: what its noise has to be like before anyone may call it healthy.

A fault need not show lines or impacts: a spall on a ball that slides, or one heard from far away,
only makes some band louder.  Nothing in one block tells that from a machine which always sounds so.
What tells it is the machine's own noise in health, or that nothing rings at all: whatever rolls
badly excites the structure, and a structure that is excited has resonances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose

import numpy as np
from numpy.typing import NDArray

BAND_HZ = 500.0
TOLERANCE_DB = 3.0  # twice the power; health itself scatters by about 1 dB from block to block
_LEAST_BANDS = 8
_USABLE = 0.8  # of the Nyquist frequency: above lies the slope of the anti-alias filter
_HIGHEST_HZ = 10_000.0  # above, mountings differ more than machines
_SILENT_DB = -200.0
_SAME_WIDTH = 2e-3  # some sources measure their rate anew, and the rate sets the width of bands
_NEARLY = 0.02  # of a band: so near to a whole number of bands, a measured rate may be below it


@dataclass(frozen=True, slots=True)
class HealthReference:
    """The least and the greatest level of every band that one machine has shown in health.

    Levels are in dB above 1 g², of bands of ``width_hz`` from 0 Hz upwards, without tones.
    """

    width_hz: float
    least_db: tuple[float, ...]
    most_db: tuple[float, ...]

    def departure(self, levels: "NoiseLevels") -> "Departure | None":
        """Return the band that lies furthest outside of what health has shown.

        ``None`` where the block has not the bands of this reference, or neither has any, so that
        nothing can be said.
        """
        bands = len(self.least_db)
        if not (bands and levels.bands_db.size == bands and levels.has_width(self.width_hz)):
            return None
        over_db, under_db = levels.bands_db - self.most_db, levels.bands_db - self.least_db
        outside_db = np.where(over_db > 0, over_db, np.minimum(under_db, 0.0))
        band = int(np.argmax(np.abs(outside_db)))
        low_hz = band * self.width_hz
        return Departure(low_hz, low_hz + self.width_hz, float(outside_db[band]))


@dataclass(frozen=True, slots=True)
class Departure:
    """The band that departs most from health, and by how much: above 0 it is louder."""

    low_hz: float
    high_hz: float
    level_db: float

    @property
    def within(self) -> bool:
        """Whether all bands are what they are in health."""
        return abs(self.level_db) <= TOLERANCE_DB


@dataclass(frozen=True, slots=True, eq=False)
class NoiseLevels:
    """The levels of a block's noise, in dB above 1 g², of bands of ``width_hz``; shape ``(n,)``."""

    width_hz: float
    bands_db: NDArray[np.float64]

    def has_width(self, width_hz: float) -> bool:
        """Return whether its bands are as wide, but for a rate that was measured anew."""
        return isclose(self.width_hz, width_hz, rel_tol=_SAME_WIDTH)

    @property
    def even(self) -> bool:
        """Whether nothing rings: no band but the lowest, the shaft's, stands above another."""
        heard_db = self.bands_db[1:]
        return heard_db.size > 1 and bool(np.ptp(heard_db) <= TOLERANCE_DB)


def noise_levels(noise: NDArray[np.float64], size: int, rate_hz: float, g: float) -> NoiseLevels:
    """Return the levels of a block's noise.

    Args:
        noise: Power of the lines without tones, shape ``(lines,)``; their sum is a mean square.
        size: How many samples they were computed from.
        rate_hz: Samples per second.
        g: One unit of the samples in g.

    Returns:
        Bands of 500 Hz up to 10 kHz, or narrower ones where the sampling rate leaves less than
        eight of those.
    """
    usable_hz = min(_USABLE * rate_hz / 2, _HIGHEST_HZ)
    width_hz = min(BAND_HZ, usable_hz / _LEAST_BANDS)
    edges_hz = width_hz * np.arange(int(usable_hz / width_hz + _NEARLY) + 1)
    starts = np.rint(edges_hz * size / rate_hz).astype(np.int64)
    if np.diff(starts).min() < 1:
        return NoiseLevels(width_hz, np.empty(0))
    powers = np.add.reduceat(noise[: starts[-1]], starts[:-1]) * g**2
    return NoiseLevels(width_hz, 10 * np.log10(np.maximum(powers, 10 ** (_SILENT_DB / 10))))


def reference_of(blocks: Sequence[NoiseLevels]) -> HealthReference:
    """Return what blocks of one machine in health have shown; at least one, of one rate."""
    levels_db = np.array([block.bands_db for block in blocks])
    return HealthReference(
        blocks[0].width_hz,
        tuple(levels_db.min(axis=0).round(1).tolist()),
        tuple(levels_db.max(axis=0).round(1).tolist()),
    )
