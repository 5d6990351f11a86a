"""A small plant that never was: four machines, what they publish, and when they go wrong.

Pure and deterministic: the same seed, epoch and tick give the same bytes, in any order of asking.
"""

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.core.records import NS_PER_S, Severity
from edge_agent.demo import gateways
from edge_agent.demo.episodes import STORY, Episode, Fault
from edge_agent.demo.gateways import Dialect
from edge_agent.demo.waveform import Vibration

TICKS_PER_S = 5

_LOAD_PERIOD_S = 5.0  # short enough for commissioning to see it again and again
_ROUTINE_EVERY_S = 4
_COMPLAINS_AFTER_S = 1
_COMPLAINS_EVERY_S = 2


@dataclass(frozen=True, slots=True)
class Signal:
    """A process value: a base, a swing with the load, noise, and what the asset's fault adds.

    ``lag_s`` is the time constant with which it follows load and fault.  A real motor takes many
    minutes to heat up; the demo has none to spare.
    """

    base: float
    swing: float
    noise: float
    fault: float = 0.0
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Belt:
    """A position in mm that runs from 0 to ``length_mm`` and starts over."""

    length_mm: float
    speed_mm_s: float


@dataclass(frozen=True, slots=True)
class Asset:
    """One machine: what is measured on it, and the log lines of an ordinary day."""

    area: str
    name: str
    dialect: Dialect
    signals: Mapping[str, Signal]
    routine: tuple[str, ...]
    vibration: Vibration | None = None
    belt: Belt | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for the broker."""

    topic: str
    payload: bytes


ASSETS = (
    Asset(
        "press",
        "press-1",
        Dialect.COMPACT,
        {
            "temperature": Signal(52.0, 1.5, 0.4, lag_s=3.0),
            "current": Signal(18.0, 2.0, 0.3),
        },
        ("cycle {n} complete, 412 parts", "recipe R-17 loaded", "operator login shift B"),
        vibration=Vibration(rate_hz=6400, shaft_hz=24.5, teeth=23),
    ),
    Asset(
        "utilities",
        "pump-2",
        Dialect.JSON,
        {
            "temperature": Signal(55.0, 1.5, 0.4, fault=45.0, lag_s=3.0),
            "pressure": Signal(6.2, 0.2, 0.04),
            "flow": Signal(118.0, 4.0, 0.8),
        },
        ("pump duty cycle {n} finished", "setpoint 6.2 bar confirmed", "filter check passed"),
        vibration=Vibration(rate_hz=3200, shaft_hz=48.6, teeth=7, resonance_hz=1150.0),
    ),
    Asset(
        "utilities",
        "fan-3",
        Dialect.DRIVE,
        {
            "current": Signal(9.5, 0.8, 0.15, fault=8.0, lag_s=0.3),
            "speed": Signal(1470.0, 6.0, 1.5),
        },
        ("drive status {n} ok", "speed reference accepted", "damper position reached"),
    ),
    Asset(
        "packing",
        "conveyor-4",
        Dialect.COMPACT,
        {
            "speed": Signal(0.50, 0.0, 0.004, fault=-0.50),  # derived from the encoder
            "current": Signal(3.1, 0.3, 0.06, lag_s=0.3),
        },
        ("carton {n} passed gate", "belt tracking ok", "batch change complete"),
        belt=Belt(length_mm=2500.0, speed_mm_s=500.0),
    ),
)

# What the controllers write while a fault lasts (the last line again and again), and once when it
# is over.  A bearing says nothing: no PLC knows about it, which is why vibration is measured.
_COMPLAINTS: Mapping[Fault, tuple[tuple[Severity, str], ...]] = {
    Fault.OVERHEATING: (
        (Severity.WARNING, "motor winding temperature {value:.0f} degC above warning level"),
        (Severity.ERROR, "motor overtemperature {value:.0f} degC, thermal protection active"),
    ),
    Fault.ENCODER_LOSS: (
        (Severity.ERROR, "encoder signal lost on axis 2, position not valid"),
        (Severity.ERROR, "position sensor fault: no encoder pulses on axis 2"),
    ),
    Fault.OVER_CURRENT: (
        (Severity.ERROR, "drive overcurrent: output current {value:.1f} A above limit"),
        (Severity.ERROR, "overcurrent fault: motor phase current {value:.1f} A too high"),
    ),
}
_COMPLAINS_ABOUT = {Fault.OVERHEATING: "temperature", Fault.OVER_CURRENT: "current"}
_ALL_CLEAR: Mapping[Fault, str] = {
    Fault.OVERHEATING: "cooling restored, motor temperature returning to normal",
    Fault.ENCODER_LOSS: "encoder replaced, axis 2 referenced",
    Fault.OVER_CURRENT: "fan wheel cleaned, drive current normal",
}


@dataclass(frozen=True, slots=True)
class Plant:
    """All machines, and the faults they are going to have.

    ``epoch_ns`` is the UTC time of tick 0, which timestamps in payloads count from; ``story`` holds
    at most one episode per asset.
    """

    epoch_ns: int
    seed: int = 1
    story: tuple[Episode, ...] = STORY

    def publications(self, tick: int) -> Iterator[Publication]:
        """Yield what the gateways publish at ``tick``, which is ``tick / TICKS_PER_S`` seconds in.

        A waveform goes out at the end of the second that it covers, as an acquisition card does it.
        """
        at_ns = self.epoch_ns + tick * NS_PER_S // TICKS_PER_S
        for asset in ASSETS:
            prefix = f"plant/{asset.area}/{asset.name}"
            for channel, value in self._values(asset, tick):
                payload = gateways.reading(asset.dialect, at_ns, value)
                yield Publication(f"{prefix}/{channel}", payload)
            if tick % TICKS_PER_S:
                continue
            second = tick // TICKS_PER_S
            if asset.vibration is not None and second > 0:
                payload = self._waveform(asset, asset.vibration, second - 1)
                yield Publication(f"{prefix}/vibration", payload)
            for level, text in self._lines(asset, second):
                payload = gateways.log_line(asset.dialect, at_ns, asset.name, level, text)
                yield Publication(f"{prefix}/log", payload)

    def value(self, asset: Asset, channel: str, tick: int) -> float:
        """Return a process value: load and fault through the lag of the signal, plus noise.

        The load is a sine, so the lag's part of it is the textbook gain and phase.
        """
        signal = asset.signals[channel]
        at_s = tick / TICKS_PER_S
        omega = 2 * math.pi / _LOAD_PERIOD_S
        gain = 1 / math.hypot(1.0, omega * signal.lag_s)
        load = gain * math.sin(omega * at_s - math.atan(omega * signal.lag_s))
        episode = self._episode(asset)
        fault = episode.response(at_s, signal.lag_s) if episode is not None else 0.0
        noise = np.random.default_rng((*self._words(asset, channel), tick)).normal()
        return signal.base + signal.swing * load + signal.fault * fault + signal.noise * noise

    def _values(self, asset: Asset, tick: int) -> Iterator[tuple[str, float]]:
        for channel in asset.signals:
            yield channel, self.value(asset, channel, tick)
        if asset.belt is not None:
            yield "position", self._position(asset, asset.belt, tick / TICKS_PER_S)

    def _position(self, asset: Asset, belt: Belt, at_s: float) -> float:
        """Return where the encoder says the belt is: without a signal, where it was last."""
        episode = self._episode(asset)
        if episode is not None and episode.lasts_at(at_s):
            at_s = episode.injected_s
        return at_s * belt.speed_mm_s % belt.length_mm

    def _waveform(self, asset: Asset, vibration: Vibration, second: int) -> bytes:
        episode = self._episode(asset)
        spalled = episode is not None and episode.fault is Fault.OUTER_RACE
        severity = episode.severity if episode is not None and spalled else _sound
        samples = vibration.block(second, severity, self._words(asset, "vibration"))
        start_ns = self.epoch_ns + second * NS_PER_S
        return gateways.waveform(asset.dialect, start_ns, vibration.rate_hz, samples)

    def _lines(self, asset: Asset, second: int) -> Iterator[tuple[Severity, str]]:
        offset = ASSETS.index(asset)  # not every machine in the same second
        number, beat = divmod(second + offset, _ROUTINE_EVERY_S)
        if beat == 0:
            text = asset.routine[number % len(asset.routine)]
            yield Severity.INFO, text.format(n=1000 + number)
        episode = self._episode(asset)
        if episode is not None and episode.fault in _COMPLAINTS:
            yield from self._complaints(asset, episode, second)

    def _complaints(
        self, asset: Asset, episode: Episode, second: int
    ) -> Iterator[tuple[Severity, str]]:
        if second == math.ceil(episode.repaired_s):
            yield Severity.INFO, _ALL_CLEAR[episode.fault]
        age_s = second - math.ceil(episode.injected_s) - _COMPLAINS_AFTER_S
        if not episode.lasts_at(second) or age_s < 0 or age_s % _COMPLAINS_EVERY_S:
            return
        complaints = _COMPLAINTS[episode.fault]
        level, text = complaints[min(age_s // _COMPLAINS_EVERY_S, len(complaints) - 1)]
        channel = _COMPLAINS_ABOUT.get(episode.fault)
        value = self.value(asset, channel, second * TICKS_PER_S) if channel is not None else 0.0
        yield level, text.format(value=value)

    def _episode(self, asset: Asset) -> Episode | None:
        return next((episode for episode in self.story if episode.asset == asset.name), None)

    def _words(self, asset: Asset, stream: str) -> tuple[int, int]:
        # crc32, because hash() of a string differs from one run of Python to the next
        return self.seed, zlib.crc32(f"{asset.name}/{stream}".encode())


def _sound(at_s: float) -> float:  # noqa: ARG001  # a sound bearing is sound at any time
    return 0.0
