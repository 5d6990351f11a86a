"""Vibration of a rotating machine, in g, with or without a spalled outer race.

A block is a pure function of the machine, the second it covers and a seed; blocks of successive
seconds join without a step, because phases follow from the time and ring-downs cross the border.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RING_DOWN = 8.0  # time constants after which an impact has died away below 0.04 %


@dataclass(frozen=True, slots=True)
class Bearing:
    """A rolling bearing's geometry; the contact angle of a deep-groove bearing is 0."""

    balls: int
    ball_mm: float
    pitch_mm: float

    def outer_race_hz(self, shaft_hz: float) -> float:
        """Return the ball pass frequency of the outer race: ``n/2 · f · (1 - d/D)``."""
        return self.balls / 2 * shaft_hz * (1 - self.ball_mm / self.pitch_mm)


BEARING_6205 = Bearing(balls=9, ball_mm=7.94, pitch_mm=39.04)


@dataclass(frozen=True, slots=True)
class Vibration:
    """What an accelerometer on a bearing housing sees; amplitudes are peak values in g.

    ``harmonics_g`` are the first multiples of the shaft speed (unbalance, then alignment),
    ``mesh_g`` the gear mesh with its side bands one shaft frequency away, ``impact_g`` one ball
    passing a fully developed spall, which rings at ``resonance_hz`` with ``damping``.
    """

    rate_hz: int
    shaft_hz: float
    teeth: int
    harmonics_g: tuple[float, ...] = (0.30, 0.12, 0.05)
    mesh_g: float = 0.15
    noise_g: float = 0.10
    bearing: Bearing = BEARING_6205
    impact_g: float = 4.0
    resonance_hz: float = 2200.0
    damping: float = 0.05

    def block(
        self, second: int, severity: Callable[[float], float], seed: tuple[int, ...]
    ) -> NDArray[np.float32]:
        """Return the samples from ``second`` to ``second + 1``.

        Args:
            second: Whole seconds since the plant started, not negative.
            severity: How far an outer-race spall has developed at a time in seconds, 0 to 1.
            seed: Words for the random generator; the same words give the same block.

        Returns:
            Shape ``(rate_hz,)``, in g.
        """
        at_s = second + np.arange(self.rate_hz) / self.rate_hz
        noise = np.random.default_rng((*seed, second, 0)).normal(0.0, self.noise_g, self.rate_hz)
        signal = self._rotation(at_s) + self._mesh(at_s) + noise
        for earlier in (second - 1, second):
            self._strike(signal, at_s, self._impacts(earlier, severity, seed))
        return signal.astype(np.float32)

    def _rotation(self, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        orders = np.arange(1, len(self.harmonics_g) + 1)[:, None]
        waves = np.sin(2 * np.pi * self.shaft_hz * orders * at_s + orders)
        return np.asarray(np.array(self.harmonics_g) @ waves)

    def _mesh(self, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        turn = 2 * np.pi * self.shaft_hz * at_s
        return self.mesh_g * (1 + 0.3 * np.sin(turn)) * np.sin(self.teeth * turn)

    def _impacts(
        self, second: int, severity: Callable[[float], float], seed: tuple[int, ...]
    ) -> NDArray[np.float64]:
        """Return times and amplitudes of the balls that pass the spall in one second, ``(2, n)``.

        Balls slip: each comes up to about 1 % of a period early or late, which is what tells a
        bearing from gears.
        """
        rate_hz = self.bearing.outer_race_hz(self.shaft_hz)
        numbers = np.arange(np.ceil(second * rate_hz), np.ceil((second + 1) * rate_hz))
        amplitudes = np.array([self.impact_g * severity(number / rate_hz) for number in numbers])
        if not amplitudes.any():
            return np.empty((2, 0))
        random = np.random.default_rng((*seed, max(second, 0), 1))
        slip = random.normal(0.0, 0.005, numbers.size)
        strength = random.normal(1.0, 0.1, numbers.size)
        return np.stack([(numbers + slip) / rate_hz, amplitudes * strength])

    def _strike(
        self,
        signal: NDArray[np.float64],
        at_s: NDArray[np.float64],
        impacts: NDArray[np.float64],
    ) -> None:
        """Add the ring-down of every impact to ``signal``, in place."""
        decay = 2 * np.pi * self.resonance_hz * self.damping
        tail = int(_RING_DOWN / decay * self.rate_hz)
        for struck_s, amplitude_g in impacts.T:
            first = int(np.ceil((struck_s - at_s[0]) * self.rate_hz))
            hit = slice(max(first, 0), max(first + tail, 0))
            age_s = at_s[hit] - struck_s
            ringing = np.exp(-decay * age_s) * np.sin(2 * np.pi * self.resonance_hz * age_s)
            signal[hit] += amplitude_g * ringing
