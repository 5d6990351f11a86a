"""The vibration of one asset, examined while it runs: its zone always, its spectrum when asked for.

The zone follows from a velocity that the features hold anyway.  A diagnosis costs milliseconds, so
a channel is only diagnosed when its zone changes or when it takes part in an anomaly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.diagnosis import Diagnosis, Machine, Unit
from edge_agent.core.evidence import Diagnosed, FoundLine
from edge_agent.core.features import SignalKind
from edge_agent.core.health_reference import HealthReference
from edge_agent.core.records import NS_PER_S, Frame, Window
from edge_agent.core.scoring import SensorScore
from edge_agent.core.severity import BOUNDARIES_MM_S, COMMON_CLASS, Zone, zone_of
from edge_agent.core.site import WaveformSite
from edge_agent.core.snapshot import freeze, thaw
from edge_agent.core.spectra import diagnose

_BLOCK_S = 1.0  # of the newest samples: resolves 1 Hz, and costs 3 ms at 25.6 kHz
LEAST_PAUSE_NS = NS_PER_S  # between two diagnoses of a channel, however short the hop
_PART = 0.1  # of the score: what contributes less is not what the anomaly is about
_DEADBAND = 0.9  # of the boundary to zone C, below which vibration is no longer severe
_MOST_LINES = 12
_ACCEPTABLE = (Zone.A, Zone.B)


@dataclass(frozen=True, slots=True)
class Severe:
    """Vibration beyond what a machine of its class may run with for long."""

    channel: str
    zone: Zone
    velocity_rms_mm_s: float
    boundary_mm_s: float
    diagnosed: Diagnosed | None


@dataclass(frozen=True, slots=True)
class Examined:
    """What one frame brought: diagnoses by channel, and what is severe at its end."""

    diagnosed: Mapping[str, Diagnosed]
    severe: tuple[Severe, ...]


NOTHING = Examined({}, ())


@dataclass(slots=True)
class Record:
    """What is remembered of a channel."""

    zone: Zone | None = None
    diagnosed: Diagnosed | None = None
    diagnosed_ns: int = 0
    severe: Severe | None = None


@dataclass(slots=True)
class ExaminerState:
    """All channels as they are stored."""

    records: dict[str, Record] = field(default_factory=dict)


class Examiner:
    """Examines the channels of acceleration that the site file describes.

    Args:
        sites: What is known of the machine at each channel.
    """

    def __init__(self, sites: Mapping[str, WaveformSite]) -> None:
        self._sites = sites
        self._state = ExaminerState()

    def examine(
        self,
        frame: Frame,
        signals: Mapping[str, float],
        score: SensorScore | None,
        healths: Mapping[str, HealthReference],
    ) -> Examined:
        """Take the next frame; diagnose what there is reason to.

        Args:
            frame: The windows.
            signals: Of the frame, from ``features.extract``; what is masked is missing.
            score: Of the frame, if it could be scored.
            healths: How the machine sounds in health, by channel, as far as that is known.

        Returns:
            The diagnoses of channels whose zone has changed or that take part in the anomaly.
        """
        if not self._sites:
            return NOTHING
        diagnosed: dict[str, Diagnosed] = {}
        anomalous = channels_in(score)
        for channel, site in self._sites.items():
            velocity = signals.get(f"{channel}:{SignalKind.VELOCITY_RMS}")
            if velocity is None or channel not in frame.windows:
                continue
            velocity_mm_s = Unit(site.unit).mm_s2 * exp(velocity)
            record = self._state.records.setdefault(channel, Record())
            zone = zone_of(velocity_mm_s, site.machine_class or COMMON_CLASS)
            asked = zone is not record.zone or channel in anomalous
            record.zone = zone
            if asked and abs(frame.end_ns - record.diagnosed_ns) >= LEAST_PAUSE_NS:
                machine = machine_at(site, frame, healths.get(channel))
                block, rate_hz = latest_block(frame.windows[channel])
                record.diagnosed = _in_short(diagnose(block, rate_hz, machine))
                record.diagnosed_ns = frame.end_ns
            if asked and record.diagnosed is not None:
                diagnosed[channel] = record.diagnosed
            record.severe = _severe(channel, site, velocity_mm_s, record)
        records = self._state.records.values()
        return Examined(diagnosed, tuple(r.severe for r in records if r.severe is not None))

    def forget(self) -> None:
        """Forget what was found."""
        self._state = ExaminerState()

    def snapshot(self) -> object:
        """Return everything held, fit for ``json.dumps``."""
        return freeze(self._state)

    def restore(self, data: object) -> None:
        """Take up what :meth:`snapshot` returned, as far as the site still describes it.

        Raises:
            ValueError: It is no such snapshot.
        """
        records = thaw(ExaminerState, data).records
        self._state = ExaminerState({c: r for c, r in records.items() if c in self._sites})


def channels_in(score: SensorScore | None) -> list[str]:
    """Return the channels that an anomaly is about, the loudest first; none without an anomaly."""
    if score is None or not score.anomalous:
        return []
    ranked = sorted(score.contributions.items(), key=lambda item: -item[1])
    return [channel for channel, part in ranked if part >= _PART]


def machine_at(site: WaveformSite, frame: Frame, health: HealthReference | None = None) -> Machine:
    """Return what is known of the machine at a channel at the time of ``frame``."""
    machine_class = site.machine_class or COMMON_CLASS
    return Machine(_speed_rpm(site, frame), site.bearing, machine_class, Unit(site.unit), health)


def latest_block(window: Window) -> tuple[NDArray[np.float32], float]:
    """Return the newest samples without a gap, at most a second of them, and their rate in Hz."""
    rate_hz = window.rate_hz or 0.0  # a channel of single values is not assessable
    most = max(1, round(_BLOCK_S * rate_hz))
    values, at_ns = window.values[-most:], window.at_ns[-most:]
    gaps = np.flatnonzero(np.diff(at_ns) > 1.5 * NS_PER_S / max(rate_hz, 1e-9))
    return (values[gaps[-1] + 1 :] if gaps.size else values), rate_hz


def _speed_rpm(site: WaveformSite, frame: Frame) -> float | None:
    """Return the mean of the speed channel in this very frame, else the speed of the site file."""
    window = frame.windows.get(site.speed_channel or "")
    if window is None:
        return site.speed_rpm
    return abs(float(np.mean(window.values, dtype=np.float64)))


def _severe(
    channel: str, site: WaveformSite, velocity_mm_s: float, record: Record
) -> Severe | None:
    """Return what is beyond zone B, where the site says which class the machine is of."""
    if site.machine_class is None or record.zone is None:
        return None
    boundary = BOUNDARIES_MM_S[site.machine_class][1]
    floor = boundary if record.severe is None else _DEADBAND * boundary
    if velocity_mm_s <= floor:
        return None
    zone = Zone.C if record.zone in _ACCEPTABLE else record.zone  # within the deadband
    return Severe(channel, zone, velocity_mm_s, boundary, record.diagnosed)


def _in_short(diagnosis: Diagnosis) -> Diagnosed:
    """Return what an alert tells of a diagnosis: the tallest lines, in their order."""
    tallest = sorted(diagnosis.lines, key=lambda line: -line.level_db)[:_MOST_LINES]
    lines = tuple(
        FoundLine(line.name, float(line.harmonic), float(line.frequency_hz), float(line.level_db))
        for line in diagnosis.lines
        if line in tallest
    )
    velocity, speed = diagnosis.velocity_rms_mm_s, diagnosis.speed_rpm
    return Diagnosed(
        verdict=diagnosis.verdict.value,
        confidence=float(diagnosis.confidence),
        reason=diagnosis.reason,
        zone=None if diagnosis.zone is None else diagnosis.zone.value,
        velocity_rms_mm_s=None if velocity is None else float(velocity),
        speed_rpm=None if speed is None else float(speed),
        speed_estimated=diagnosis.speed_estimated,
        lines=lines,
    )
