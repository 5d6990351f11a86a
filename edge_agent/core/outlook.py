"""What an asset's channels head for: the next limit or zone, and when.

Only channels with a boundary are followed, so memory is bounded by the site file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp

from edge_agent.core.diagnosis import Unit
from edge_agent.core.evidence import Prognosed
from edge_agent.core.features import SignalKind
from edge_agent.core.prognosis import Interval, time_to
from edge_agent.core.records import NS_PER_S
from edge_agent.core.severity import BOUNDARIES_MM_S, Zone
from edge_agent.core.site import AssetSite, Limit, WaveformSite
from edge_agent.core.snapshot import freeze, thaw
from edge_agent.core.trend import Trend

_ZONES = (Zone.B, Zone.C, Zone.D)  # in the order of the boundaries below them


@dataclass(slots=True)
class OutlookState:
    """The trends by channel, as they are stored."""

    trends: dict[str, Trend] = field(default_factory=dict)


class Outlook:
    """Follows the channels of one asset that have a limit or a class of severity.

    Args:
        site: What the site says of the asset.
    """

    def __init__(self, site: AssetSite) -> None:
        self._limits: dict[str, list[Limit]] = {}
        for limit in site.limits:
            self._limits.setdefault(limit.channel, []).append(limit)
        self._waveforms = {c: w for c, w in site.waveforms.items() if w.machine_class is not None}
        self._state = OutlookState()

    def follow(self, end_ns: int, signals: Mapping[str, float]) -> None:
        """Take the signals of the window that ends at ``end_ns``; what is masked is missing."""
        for channel in self._limits:
            if (mean := signals.get(channel)) is not None:
                self._push(channel, end_ns, mean)
        for channel, site in self._waveforms.items():
            velocity = signals.get(f"{channel}:{SignalKind.VELOCITY_RMS}")
            if velocity is not None:
                self._push(channel, end_ns, Unit(site.unit).mm_s2 * exp(velocity))

    def ahead(self, channels: Sequence[str], now_ns: int) -> dict[str, Prognosed]:
        """Return what ``channels`` will reach and when, as far as that deserves to be told."""
        told = {}
        for channel in channels:
            found = [p for p in self._prognoses(channel, now_ns) if p is not None]
            if found:
                told[channel] = min(found, key=lambda prognosis: prognosis.earliest_s)
        return told

    def forget(self) -> None:
        """Forget the past."""
        self._state = OutlookState()

    def snapshot(self) -> object:
        """Return everything held, fit for ``json.dumps``."""
        return freeze(self._state)

    def restore(self, data: object) -> None:
        """Take up what :meth:`snapshot` returned, as far as the site still has a boundary for it.

        Raises:
            ValueError: It is no such snapshot.
        """
        trends = thaw(OutlookState, data).trends
        followed = self._limits.keys() | self._waveforms.keys()
        self._state = OutlookState({c: t for c, t in trends.items() if c in followed})

    def _push(self, channel: str, end_ns: int, value: float) -> None:
        self._state.trends.setdefault(channel, Trend()).push(end_ns, value)

    def _prognoses(self, channel: str, now_ns: int) -> Iterator[Prognosed | None]:
        trend = self._state.trends.get(channel)
        if trend is None:
            return
        site = self._waveforms.get(channel)
        if site is not None:
            yield _to_zone(trend, site, now_ns)
            return
        for limit in self._limits.get(channel, ()):
            for setpoint, is_high in ((limit.high, True), (limit.low, False)):
                # What is beyond already has reached it.
                if setpoint is not None and (trend.newest < setpoint) is is_high:
                    interval = interval_of(trend, setpoint, now_ns)
                    yield _told(f"its limit of {setpoint:g}", setpoint, interval)


def interval_of(trend: Trend, boundary: float, now_ns: int) -> Interval | None:
    """Return the seconds from ``now_ns`` until ``trend`` reaches ``boundary``.

    The longest stretch whose line deserves it decides: it has seen most.  Heat comes and goes with
    the day, and load with the shift; so the value has to be nearer to the boundary than ever in
    the time before the stretch, and that time at least as long.
    """
    newest, rising = trend.newest, trend.newest < boundary
    for level in trend.spans():
        first_ns, newest_ns = level.times_ns[0], level.times_ns[-1]
        seen = trend.seen_before(first_ns)
        if seen is None or first_ns - trend.began_ns < newest_ns - first_ns:
            continue
        low, high = seen
        if newest <= high if rising else newest >= low:
            continue
        times_s = [(at_ns - newest_ns) / NS_PER_S for at_ns in level.times_ns]
        interval = time_to(times_s, level.values, boundary, trend.jitter)
        if interval is not None:
            old_s = max(0.0, (now_ns - newest_ns) / NS_PER_S)
            latest = interval.latest - old_s
            return Interval(max(0.0, interval.earliest - old_s), latest) if latest > 0 else None
    return None


def _to_zone(trend: Trend, site: WaveformSite, now_ns: int) -> Prognosed | None:
    if site.machine_class is None:
        return None
    boundaries = BOUNDARIES_MM_S[site.machine_class]
    for zone, boundary in zip(_ZONES, boundaries, strict=True):
        if trend.newest < boundary:
            return _told(f"zone {zone}", boundary, interval_of(trend, boundary, now_ns))
    return None


def _told(what: str, boundary: float, interval: Interval | None) -> Prognosed | None:
    if interval is None:
        return None
    return Prognosed(what, boundary, interval.earliest, interval.latest)
