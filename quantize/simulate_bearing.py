"""Simulated acceleration of machines with one fault of the bearing, or none.

Every block is another machine: other bearing, speed, structure, tones and noise, so that what is
learned from them is the physics all machines share and no machine in particular.  The model is the
usual one (P. D. McFadden, J. D. Smith: Model for the vibration produced by a single point defect
in a rolling element bearing, J. Sound Vib. 96, 1984; J. Antoni, R. B. Randall: Differential
diagnosis of gear and bearing faults, J. Vib. Acoust. 124, 2002): impulses whose intervals scatter,
weighed by the load where the spall passes, ring the modes of a structure.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import COMMON, Bearing
from edge_agent.core.diagnosis import Machine, Verdict

Samples = NDArray[np.float64]

_COMMON_SHARE = 0.4
_ERRATIC = 0.4  # of the spalls on elements: the spin axis wanders, and most passes miss the race
_PLATE_ERROR = 0.005
_MIN_TURNS = 8.0
_STRENGTH = (-0.6, 1.5)  # of what strikes, in tenfolds of the power of the noise
_RMS_G = 0.02  # low enough for zone A, whatever the spectrum


@dataclass(frozen=True, slots=True)
class Block:
    """One block, what is known of its machine, and what is wrong with it."""

    samples: Samples
    rate_hz: float
    machine: Machine
    truth: Verdict


@dataclass(frozen=True, slots=True)
class _Rig:
    """A machine at one speed, and the block that is recorded of it."""

    bearing: Bearing
    shaft_hz: float
    rate_hz: float
    size: int

    @property
    def seconds(self) -> float:
        return self.size / self.rate_hz


def simulate_block(rng: np.random.Generator, truth: Verdict) -> Block:
    """Return a block with this fault: of a part of the bearing, none, or one of something else.

    Args:
        rng: The only source of chance, so a seed reproduces the block.
        truth: ``UNKNOWN`` stands for strikes that are not the bearing's: in another rhythm, once a
            turn, or in none.
    """
    rig = _rig(rng)
    response = _response(rng, rig)
    signal = _background(rng, rig, response)
    if truth is not Verdict.HEALTHY:
        impulses = _IMPULSES[truth](rng, rig)
        struck = _through(impulses, response)
        power = float(np.mean(struck**2))
        wanted = 10 ** rng.uniform(*_STRENGTH) * float(np.mean(signal**2))
        signal = signal + struck * np.sqrt(wanted / max(power, 1e-30))
    signal = signal + _tones(rng, rig) * np.sqrt(np.mean(signal**2))
    plate_rpm = 60 * rig.shaft_hz * (1 + rng.uniform(-_PLATE_ERROR, _PLATE_ERROR))
    return Block(
        samples=_RMS_G * signal / signal.std(),
        rate_hz=rig.rate_hz,
        machine=Machine(plate_rpm, rig.bearing),
        truth=truth,
    )


def _rig(rng: np.random.Generator) -> _Rig:
    if rng.random() < _COMMON_SHARE:
        bearing = COMMON[str(rng.choice(sorted(COMMON)))]
    else:
        bearing = Bearing.of_geometry(
            int(rng.integers(7, 19)), rng.uniform(0.12, 0.28), 1.0, rng.choice((0.0, 15.0, 30.0))
        )
    shaft_hz = float(np.exp(rng.uniform(np.log(12.0), np.log(60.0))))
    rate_hz = float(rng.choice((10_000.0, 12_000.0, 20_000.0, 25_600.0, 48_000.0)))
    seconds = max(float(rng.choice((0.5, 1.0, 2.0))), _MIN_TURNS / shaft_hz)
    return _Rig(bearing, shaft_hz, rate_hz, round(seconds * rate_hz))


def _response(rng: np.random.Generator, rig: _Rig) -> Samples:
    """Return how the structure answers one impulse: a few decaying modes."""
    at_s = np.arange(min(rig.size, round(0.03 * rig.rate_hz))) / rig.rate_hz
    highest_hz = 0.45 * rig.rate_hz
    response = np.zeros(at_s.size)
    for _ in range(rng.integers(1, 5)):
        mode_hz = float(np.exp(rng.uniform(np.log(900.0), np.log(highest_hz))))
        decay = 2 * np.pi * mode_hz * rng.uniform(0.015, 0.08)
        ringing = np.exp(-decay * at_s) * np.sin(2 * np.pi * mode_hz * at_s)
        response += rng.uniform(0.1, 1.0) * ringing / np.linalg.norm(ringing)
    return response


def _through(force: Samples, response: Samples) -> Samples:
    size = force.size + response.size
    lines = np.fft.rfft(force, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(lines, size)[: force.size])


def _background(rng: np.random.Generator, rig: _Rig, response: Samples) -> Samples:
    """Return noise: of the sensor, and of flow and rolling through the structure."""
    white = rng.standard_normal(rig.size)
    rolling = _through(rng.standard_normal(rig.size), response)
    at_s = np.arange(rig.size) / rig.rate_hz
    turn = 2 * np.pi * rig.shaft_hz * at_s
    depth = rng.uniform(0.0, 0.3) * (rng.random() < 0.5)  # noqa: PLR2004
    rolling *= 1 + depth * np.cos(turn * rng.integers(1, 4) + rng.uniform(0, 2 * np.pi))
    share = rng.uniform(0.0, 1.0) ** 2
    return np.asarray(white * np.sqrt(1 - share) + rolling / rolling.std() * np.sqrt(share))


def _tones(rng: np.random.Generator, rig: _Rig) -> Samples:
    """Return lines of shaft, mains and gears, in multiples of the noise's RMS."""
    at_s = np.arange(rig.size) / rig.rate_hz
    tones_hz = [rig.shaft_hz * order for order in range(1, 1 + rng.integers(1, 8))]
    if rng.random() < 0.4:  # noqa: PLR2004
        tones_hz += [50.0 * order for order in (1, 2, 4, 6)]
    if rng.random() < 0.5:  # noqa: PLR2004
        mesh = rng.integers(12, 60) * rig.shaft_hz
        tones_hz += [mesh, mesh - rig.shaft_hz, mesh + rig.shaft_hz, 2 * mesh]
    strength = 10 ** rng.uniform(-1.5, 0.4)
    signal = np.zeros(rig.size)
    for tone_hz in tones_hz:
        if tone_hz < 0.45 * rig.rate_hz:
            phase = rng.uniform(0, 2 * np.pi)
            signal += rng.exponential(strength) * np.sin(2 * np.pi * tone_hz * at_s + phase)
    return signal


def _struck(
    rng: np.random.Generator,
    rig: _Rig,
    strikes_hz: float,
    strength: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Samples:
    """Return impulses whose intervals scatter; ``strength`` takes the times in seconds."""
    scatter = rng.uniform(0.003, 0.02)
    count = int(1.1 * rig.seconds * strikes_hz) + 8
    intervals = (1 + scatter * rng.standard_normal(count)) / strikes_hz
    at_s = np.cumsum(intervals) - rng.uniform(0, 2) / strikes_hz
    weights = strength(at_s) * (1 + 0.2 * rng.standard_normal(count))
    places = np.rint(at_s * rig.rate_hz).astype(np.int64)
    inside = (places >= 0) & (places < rig.size)
    impulses = np.zeros(rig.size)
    np.add.at(impulses, places[inside], weights[inside])
    return impulses


def _slipping(rng: np.random.Generator, rig: _Rig, factor: float) -> float:
    return float(factor * rig.shaft_hz * (1 + rng.uniform(-0.012, 0.005)))


def _outer(rng: np.random.Generator, rig: _Rig) -> Samples:
    depth = rng.uniform(0.0, 0.5) * (rng.random() < 0.5)  # noqa: PLR2004
    turn = 2 * np.pi * rig.shaft_hz

    def strength(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1 + depth * np.cos(turn * at_s))

    return _struck(rng, rig, _slipping(rng, rig, rig.bearing.outer), strength)


def _inner(rng: np.random.Generator, rig: _Rig) -> Samples:
    return _struck(rng, rig, _slipping(rng, rig, rig.bearing.inner), _load_zone(rng, rig.shaft_hz))


def _ball(rng: np.random.Generator, rig: _Rig) -> Samples:
    strikes_hz = _slipping(rng, rig, rig.bearing.ball)
    loaded = _load_zone(rng, rig.bearing.cage * rig.shaft_hz)
    other_race = rng.uniform(0.3, 1.0)
    missed = rng.uniform(0.3, 0.7) if rng.random() < _ERRATIC else 0.0

    def strength(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        races = np.where(np.arange(at_s.size) % 2, 1.0, other_race)
        return loaded(at_s) * races * (rng.random(at_s.size) >= missed)

    return _struck(rng, rig, strikes_hz, strength)


def _cage(rng: np.random.Generator, rig: _Rig) -> Samples:
    return _struck(rng, rig, _slipping(rng, rig, rig.bearing.cage), np.ones_like)


def _load_zone(
    rng: np.random.Generator, passes_hz: float
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the load on a spall that passes through the loaded zone (Stribeck's equation)."""
    extent = rng.uniform(0.4, 2.0)  # epsilon: 0.5 is half of the circumference
    phase = rng.uniform(0, 2 * np.pi)

    def strength(at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        angle = 2 * np.pi * passes_hz * at_s + phase
        loaded = np.maximum(0.0, 1 - (1 - np.cos(angle)) / (2 * extent))
        return np.asarray(loaded**1.5)

    return strength


def _stranger(rng: np.random.Generator, rig: _Rig) -> Samples:
    """Return impulses that are not the bearing's."""
    kind = rng.integers(3)
    if kind == 0:  # something loose, once a turn
        return _struck(rng, rig, rig.shaft_hz * rng.integers(1, 3), np.ones_like)
    if kind == 1:  # in no rhythm, as cavitation or debris
        impulses = np.zeros(rig.size)
        count = rng.integers(5, 200)
        impulses[rng.integers(0, rig.size, count)] = rng.exponential(1.0, count)
        return impulses
    while True:  # in the rhythm of something else
        order = rng.uniform(1.2, 9.0)
        factors = (rig.bearing.outer, rig.bearing.inner, rig.bearing.ball)
        near = [abs(order / (h * f) - 1) for f in factors for h in (0.5, 1, 2)]
        if min(near) > 0.04 and abs(order - round(order)) > 0.05:  # noqa: PLR2004
            return _struck(rng, rig, order * rig.shaft_hz, np.ones_like)


_IMPULSES: dict[Verdict, Callable[[np.random.Generator, _Rig], Samples]] = {
    Verdict.OUTER_RACE: _outer,
    Verdict.INNER_RACE: _inner,
    Verdict.BALL: _ball,
    Verdict.CAGE: _cage,
    Verdict.UNKNOWN: _stranger,
}
