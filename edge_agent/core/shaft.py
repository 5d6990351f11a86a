"""The shaft's own lines: its speed, and what its multiples say about unbalance and the like.

An unbalance turns with the shaft and so shows once a turn; a bent or misaligned shaft is pushed
twice a turn; what is loose rattles: many multiples, and half ones.  Every machine shows some of
each, so whether they are a fault is left to the zone of severity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge_agent.core.residual import medians

_ORDERS = np.concatenate((np.arange(1.0, 11.0), (0.5, 1.5, 2.5, 3.5)))
_WHOLE, _HALF = slice(0, 10), slice(10, 14)
_SLIP = 0.01  # a nameplate's speed is not the shaft's
_REACH = 1  # lines beside the highest, over which a Hann window spreads a tone
_FLOOR_BLOCK = 32
_MOST_DB = 20.0
_LINE_DB = 10.0  # above the floor, from which an order counts as present

_SLOWEST_HZ, _FASTEST_HZ = 5.0, 120.0
_SPEED_WEIGHTS = np.array([1.0, 0.6, 0.4, 0.3])  # so that half the speed explains less
_LEAST_SPEED_DB = 5.0
_TIE = 0.97

_UNBALANCE_SHARE = 0.7  # of the velocity's power
_ORDERS_SHARE = 0.5
_MISALIGNED = 0.25  # power of 2x or 3x to that of 1x, in velocity: half the amplitude
_LOOSE_LINE = 0.04  # power to that of the strongest, in acceleration: a fifth of the amplitude
_LOOSE_WHOLE, _LOOSE_HALF = 5, 2


class ShaftFault(StrEnum):
    """What the pattern of a shaft's multiples points to."""

    UNBALANCE = "unbalance"
    MISALIGNMENT = "misalignment"
    LOOSENESS = "looseness"


@dataclass(frozen=True, slots=True, eq=False)
class ShaftOrders:
    """The multiples 1 to 10 of the shaft's speed, then 0.5, 1.5, 2.5 and 3.5.

    Arrays of shape ``(14,)``: where each was found, its power in the unit of the samples squared,
    its level above the local floor.  ``velocity_shares`` are parts of the velocity's power.
    """

    shaft_hz: float
    frequencies_hz: NDArray[np.float64]
    powers: NDArray[np.float64]
    levels_db: NDArray[np.float64]
    velocity_shares: NDArray[np.float64]

    def present(self) -> list[tuple[float, float, float]]:
        """Return order, frequency and level of those that stand out."""
        found = zip(_ORDERS, self.frequencies_hz, self.levels_db, strict=True)
        rows = [(float(o), float(f), float(level)) for o, f, level in found if level >= _LINE_DB]
        return sorted(rows)

    def pattern(self) -> ShaftFault | None:
        """Return the fault whose pattern the orders show, ``None`` when they do not lead."""
        there = self.levels_db >= _LINE_DB
        shares = np.where(there, self.velocity_shares, 0.0)
        if shares.sum() < _ORDERS_SHARE:
            return None
        strong = there & (self.powers >= _LOOSE_LINE * self.powers.max())
        # The multiples 3 to 10: the first two are everyone's.
        if strong[2:10].sum() >= _LOOSE_WHOLE or strong[_HALF].sum() >= _LOOSE_HALF:
            return ShaftFault.LOOSENESS
        first, second, third = shares[:3]
        if max(second, third) >= _MISALIGNED * first:
            return ShaftFault.MISALIGNMENT
        return ShaftFault.UNBALANCE if first >= _UNBALANCE_SHARE else None


def shaft_orders(
    spectrum: NDArray[np.float64], step_hz: float, shaft_hz: float, velocity_power: float
) -> ShaftOrders:
    """Return the shaft's orders in a power spectrum of acceleration.

    Args:
        spectrum: As :func:`edge_agent.core.vibration.power_spectrum` returns it.
        step_hz: From line to line.
        shaft_hz: The shaft's speed.
        velocity_power: Of the whole block, 10 to 1000 Hz; what the shares are parts of.
    """
    count = min(spectrum.size, int(11 * shaft_hz / step_hz) + _FLOOR_BLOCK)
    levels = _levels_db(spectrum[:count])
    places, powers = np.zeros(_ORDERS.size), np.zeros(_ORDERS.size)
    heights = np.zeros(_ORDERS.size)
    for index, order in enumerate(_ORDERS):
        expected = order * shaft_hz / step_hz
        first = int(expected * (1 - _SLIP))
        stop = int(expected * (1 + _SLIP)) + 2
        if first <= _REACH or stop + _REACH > count:
            places[index] = expected
            continue
        at = first + int(np.argmax(spectrum[first:stop]))
        places[index], heights[index] = at, levels[at]
        powers[index] = spectrum[at - _REACH : at + _REACH + 1].sum()
    found_hz = places * step_hz
    velocities = powers / np.square(2 * np.pi * np.maximum(found_hz, step_hz))
    shares = velocities / velocity_power if velocity_power > 0 else np.zeros(_ORDERS.size)
    return ShaftOrders(shaft_hz, found_hz, powers, heights, shares)


def estimate_shaft_hz(
    spectrum: NDArray[np.float64],
    step_hz: float,
    support_db: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> float | None:
    """Return the speed between 300 and 7200 rpm whose first four multiples stand out most.

    Args:
        spectrum: A power spectrum of acceleration.
        step_hz: From line to line.
        support_db: What else speaks for each of several speeds, such as the lines of a bearing.

    Returns:
        ``None`` when no multiples do.  A machine whose lines belong to the mains or to another
        shaft will be taken in by this: a speed that is known is always better.
    """
    count = min(spectrum.size, int(5 * _FASTEST_HZ / step_hz) + _FLOOR_BLOCK)
    levels = _levels_db(spectrum[:count]).clip(0.0, _MOST_DB)
    candidates = np.arange(_SLOWEST_HZ, _FASTEST_HZ, max(step_hz / 4, 0.02))
    places = np.outer(candidates, np.arange(1, _SPEED_WEIGHTS.size + 1)) / step_hz
    nearest = np.rint(places).astype(np.int64)
    inside = nearest < count
    scores = np.where(inside, levels[np.where(inside, nearest, 0)], 0.0) @ _SPEED_WEIGHTS
    scores /= _SPEED_WEIGHTS.sum()
    if support_db is not None:
        scores += support_db(candidates)
    if scores.max() < _LEAST_SPEED_DB:
        return None
    return float(candidates[np.argmax(scores >= _TIE * scores.max())])


def _levels_db(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each line's level above the median of the lines around it."""
    block = min(_FLOOR_BLOCK, spectrum.size)
    around = sliding_window_view(spectrum, block)[:: _FLOOR_BLOCK // 2]
    means = medians(around) / np.log(2)
    middles = _FLOOR_BLOCK // 2 * np.arange(means.size) + block / 2
    floor = np.interp(np.arange(spectrum.size), middles, means)
    tiny = max(float(spectrum.max()) * 1e-12, np.finfo(np.float64).tiny)
    return np.asarray(10 * np.log10(np.maximum(spectrum, tiny) / np.maximum(floor, tiny)))
