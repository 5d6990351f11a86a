"""Everything the agent holds about one machine, in one object.

It can be created, fed, snapshotted and restored by itself, so a machine's state can move to another
process without the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from edge_agent.core.alarms import Alarm
from edge_agent.core.board import Board
from edge_agent.core.logscore import LogScore
from edge_agent.core.quality import SourceClock
from edge_agent.core.records import (
    NS_PER_S,
    Block,
    Frame,
    LogLine,
    Reading,
    RejectReason,
    TimeQuality,
)
from edge_agent.core.scoring import AssetScorer, SensorScore
from edge_agent.core.site import AssetSite, Site
from edge_agent.core.snapshot import freeze, thaw
from edge_agent.core.windowing import Windower

_GAPS_TO_SILENCE = 10  # a source that speaks every five minutes is not silent after six
_PATIENCE_NS = 60 * NS_PER_S  # how long a source may send nothing but the past


class AssetState(StrEnum):
    """What can be said of an asset at present; never healthier than known."""

    LOG_ONLY = "log_only"  # lines but no measured values: only what it says of itself is known
    COMMISSIONING = "commissioning"  # still learning what is normal; sensor alarms are not armed
    MONITORED = "monitored"
    STALE = "stale"  # nothing came for longer than this source ever pauses


@dataclass(frozen=True, slots=True)
class Pending:
    """Something to be weighed, with the times at which it came up.

    Frames wait for the sensor model, which runs once for many.  Lines wait for the frames before
    them: the order in which things came up must not depend on how often the model runs.

    Attributes:
        what: A frame, or a line with what the log model read in it.
        now_ns: Time of receipt of what completed it.
        log_now_ns: Event time of the asset's log stream at that moment.
    """

    what: Frame | tuple[LogLine, LogScore]
    now_ns: int
    log_now_ns: int


class Asset:
    """One machine: its clocks, open windows, learned normal, signs and alarms."""

    def __init__(self, name: str, site: Site) -> None:
        asset_site = site.assets.get(name, AssetSite())
        self.name = name
        self.board = Board(name, site.alarms, asset_site)
        self.scorer = AssetScorer(name, site.commissioning_ns)
        self._windower = Windower(name, site.window, site.caps)
        self._site = site
        self._sensor_clock = SourceClock()
        self._log_clock = SourceClock()
        self._late_since_ns: int | None = None
        self._typical_gap_ns = 0.0
        self._silent = False
        self._pending: list[Pending] = []

    def take(self, record: Reading | Block, received_ns: int) -> Mapping[RejectReason, int]:
        """Put samples into their window; return why some were not taken, counted."""
        at_ns = record.at_ns if isinstance(record, Reading) else record.start_ns
        before_ns = self._sensor_clock.received_ns
        self._sensor_clock, event_ns, quality = self._sensor_clock.observe(
            at_ns, received_ns, record.time_quality
        )
        if before_ns is not None and received_ns > before_ns:
            self._typical_gap_ns += 0.1 * (received_ns - before_ns - self._typical_gap_ns)
        if event_ns != at_ns or quality is not record.time_quality:
            record = _moved(record, event_ns, quality)
        rejects = self._windower.push(record)
        self._collect(event_ns, received_ns)
        self._notice_step_back(received_ns, late=RejectReason.LATE in rejects)
        return rejects

    def hear(self, line: LogLine, score: LogScore, received_ns: int) -> None:
        """Take one judged line."""
        self._collect(self._sensor_clock.source_now(received_ns), received_ns)
        self._log_clock, at_ns, quality = self._log_clock.observe(
            line.at_ns, received_ns, line.time_quality
        )
        placed = replace(line, at_ns=at_ns, time_quality=quality)
        self._pending.append(Pending((placed, score), received_ns, at_ns))

    def due(self, now_ns: int) -> list[Pending]:
        """Return what is to be weighed by now, in the order in which it came up, once."""
        self._collect(self._sensor_clock.source_now(now_ns), now_ns)
        due, self._pending = self._pending, []
        return due

    def weigh(self, pending: Pending, score: SensorScore | None) -> list[Alarm]:
        """Let the board weigh what was due; return the alarms that made a transition.

        Args:
            pending: From :meth:`due`, in that order.
            score: What the sensor model says of it, if it is a frame that could be scored.
        """
        changed = self.board.elapse(pending.now_ns, pending.log_now_ns)
        if not isinstance(pending.what, Frame):
            return changed + self.board.weigh_line(*pending.what)
        changed += self.board.weigh_limits(pending.what)
        if score is not None:
            changed += self.board.weigh_score(score, pending.what.time_quality)
        return changed

    def elapse(self, now_ns: int) -> list[Alarm]:
        """Let time pass: log signs run out, silence is noticed, shelvings end."""
        changed = self.board.elapse(now_ns, self._log_clock.source_now(now_ns))
        return changed + self._notice_silence(now_ns)

    def state(self) -> AssetState:
        """Return what is known of the asset."""
        if self._sensor_clock.received_ns is None:
            return AssetState.LOG_ONLY
        if self._silent:
            return AssetState.STALE
        if self.scorer.commissioning:
            return AssetState.COMMISSIONING
        return AssetState.MONITORED

    def recommission(self, now_ns: int) -> list[Alarm]:
        """Forget what was normal and learn it anew."""
        self.scorer.recommission()
        return self.board.reset(now_ns)

    def snapshot(self, *, waveforms: bool) -> dict[str, object]:
        """Return the state but for the board's, which is stored with every transition.

        Args:
            waveforms: Whether open windows of sample blocks belong to it.
        """
        return {
            "windower": self._windower.snapshot(waveforms=waveforms),
            "scorer": self.scorer.snapshot(),
            "sensor_clock": freeze(self._sensor_clock),
            "log_clock": freeze(self._log_clock),
            "typical_gap_ns": self._typical_gap_ns,
        }

    def restore(self, data: Mapping[str, object]) -> None:
        """Take up where :meth:`snapshot` was made.

        Raises:
            ValueError: The data is not ours.
        """
        try:
            self._windower.restore(_table(data["windower"]))
            self.scorer.restore(_table(data["scorer"]))
            self._sensor_clock = thaw(SourceClock, data["sensor_clock"])
            self._log_clock = thaw(SourceClock, data["log_clock"])
            self._typical_gap_ns = float(str(data["typical_gap_ns"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"the snapshot of {self.name} cannot be read: {error!r}") from error

    def _collect(self, source_now_ns: int, now_ns: int) -> None:
        """Put the frames that are complete at ``source_now_ns`` behind what is pending."""
        if self._sensor_clock.received_ns is None:
            return
        for frame in self._windower.close(source_now_ns):
            self._pending.append(Pending(frame, now_ns, self._log_clock.source_now(now_ns)))

    def _notice_silence(self, now_ns: int) -> list[Alarm]:
        since_ns = self._sensor_clock.received_ns
        if since_ns is None:
            return []
        patience_ns = max(
            self._site.alarms.silence_ns, round(_GAPS_TO_SILENCE * self._typical_gap_ns)
        )
        self._silent = now_ns - since_ns > patience_ns
        if self._silent:
            return self.board.weigh_silence(since_ns, since_ns + patience_ns)
        return self.board.weigh_silence(None, since_ns)

    def _notice_step_back(self, received_ns: int, *, late: bool) -> None:
        """Begin new windows where the source's clock has been set back for good.

        One late sample is a straggler.  A minute of nothing else means that the clock was wrong
        before, and waiting for the old time to come again would blind the agent for as long.
        """
        if not late:
            self._late_since_ns = None
        elif self._late_since_ns is None:
            self._late_since_ns = received_ns
        elif received_ns - self._late_since_ns > _PATIENCE_NS:
            self._windower = Windower(self.name, self._site.window, self._site.caps)
            self._sensor_clock = SourceClock()
            self._late_since_ns = None


def _moved(record: Reading | Block, at_ns: int, quality: TimeQuality) -> Reading | Block:
    if isinstance(record, Reading):
        return replace(record, at_ns=at_ns, time_quality=quality)
    return replace(record, start_ns=at_ns, time_quality=quality)


def _table(data: object) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise TypeError("expected an object")
    return data
