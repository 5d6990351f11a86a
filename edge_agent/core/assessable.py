"""Whether a block of vibration can say anything, and if not, why: before anything is judged."""

from math import isfinite

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearing_fault import frequencies_hz
from edge_agent.core.bearings import Bearing
from edge_agent.core.diagnosis import Machine
from edge_agent.core.spectral_lines import Part
from edge_agent.core.vibration import MIN_VIBRATION_HZ

_MAX_RATE_HZ = 10e6
_MAX_SPEED_RPM = 1e6
_MAX_VALUE = 1e9
_MIN_SAMPLES = 256
_MIN_TURNS = 5.0


def flaw_of(samples: NDArray[np.floating], rate_hz: float, machine: Machine) -> str | None:
    """Return why nothing can be said, before anything is computed."""
    if not (isfinite(rate_hz) and 0 < rate_hz <= _MAX_RATE_HZ):
        return f"a sampling rate of {rate_hz:g} Hz makes no sense"
    if rate_hz < MIN_VIBRATION_HZ:
        return f"{rate_hz:g} Hz is too slow for vibration: at least {MIN_VIBRATION_HZ:g} Hz"
    speed = machine.speed_rpm
    if speed is not None and not (isfinite(speed) and 0 < speed <= _MAX_SPEED_RPM):
        return f"a speed of {speed:g} rpm makes no sense: the machine stands still or it is wrong"
    if samples.ndim != 1 or samples.size < _MIN_SAMPLES:
        return f"{samples.size} samples are too few: at least {_MIN_SAMPLES} in a row"
    if not np.isfinite(samples).all():
        count = int(samples.size - np.isfinite(samples).sum())
        return f"{count} of {samples.size} samples are no finite numbers"
    low, high = float(samples.min()), float(samples.max())
    if max(-low, high) > _MAX_VALUE:
        return f"samples up to {max(-low, high):.3g} are no acceleration"
    if low == high:
        return f"all samples are {low:g}: the sensor is dead or disconnected"
    return None


def shortfall(size: int, rate_hz: float, shaft_hz: float, bearing: Bearing | None) -> str | None:
    """Return why nothing can be said at this speed."""
    if shaft_hz >= rate_hz / 2:
        return f"the shaft's {shaft_hz:.4g} Hz are beyond the Nyquist frequency {rate_hz / 2:g} Hz"
    turns = size / rate_hz * shaft_hz
    if turns < _MIN_TURNS:
        return (
            f"the block covers {turns:.1f} turns of the shaft: at least {_MIN_TURNS:g} are needed"
        )
    if bearing is not None:
        lowest_hz = min(
            base_hz
            for part, base_hz in frequencies_hz(bearing, shaft_hz).items()
            if part is not Part.CAGE
        )
        if lowest_hz >= rate_hz / 2:
            return (
                f"no line of the bearing lies below the Nyquist frequency {rate_hz / 2:g} Hz:"
                f" the first would be at {lowest_hz:.4g} Hz"
            )
    return None
