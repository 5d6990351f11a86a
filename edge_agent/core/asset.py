"""Everything the agent holds about one machine, in one object.

It can be created, fed, snapshotted and restored by itself, so a machine's state can move to another
process without the rest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from edge_agent.core.alarms import Alarm
from edge_agent.core.board import Board
from edge_agent.core.evidence import Remarks
from edge_agent.core.healthwatch import HealthWatch
from edge_agent.core.hearing import Ear, Rhythm
from edge_agent.core.linewatch import KEY as LINES
from edge_agent.core.linewatch import LineWatch
from edge_agent.core.logscore import LogScore
from edge_agent.core.logwords import Words
from edge_agent.core.outlook import Outlook
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
from edge_agent.core.samples import Held
from edge_agent.core.scoring import AssetScorer, SensorScore
from edge_agent.core.sensorwatch import SOUND, Sensors, SensorWatch
from edge_agent.core.signs import (
    FAULTY_SENSOR,
    SEVERE_VIBRATION,
    sign_of_sensor,
    sign_of_vibration,
)
from edge_agent.core.site import AssetSite, Site
from edge_agent.core.snapshot import freeze, thaw
from edge_agent.core.vibrationwatch import Examiner, channels_in
from edge_agent.core.windowing import NEVER_NS, Windower

_PATIENCE_NS = 60 * NS_PER_S  # how long a source may send nothing but the past


class AssetState(StrEnum):
    """What can be said of an asset at present; never healthier than known."""

    LOG_ONLY = "log_only"  # lines but no measured values: only what it says of itself is known
    COMMISSIONING = "commissioning"  # still learning what is normal; sensor alarms are not armed
    MONITORED = "monitored"
    PARTIAL = "partial"  # monitored, but some channels have fallen silent
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
        sensors: What the channels of a frame are worth.
    """

    what: Frame | tuple[LogLine, LogScore]
    now_ns: int
    log_now_ns: int
    sensors: Sensors = SOUND


class Asset:
    """One machine: its clocks, open windows, learned normal, signs and alarms."""

    def __init__(
        self,
        name: str,
        site: Site,
        held: Held | None = None,
        explain: Callable[[LogScore], Words] = lambda _: (),
    ) -> None:
        asset_site = site.assets.get(name, AssetSite())
        self.name = name
        self.board = Board(name, site.alarms, asset_site, explain)
        self.scorer = AssetScorer(name, site.commissioning_ns)
        self._windower = Windower(name, site.window, site.caps, held)
        self._sensors = SensorWatch(site.commissioning_ns, asset_site.ranges, site.caps.channels)
        self._examiner = Examiner(asset_site.waveforms)
        self._healths = HealthWatch(asset_site.waveforms, site.commissioning_ns)
        self._outlook = Outlook(asset_site)
        self._site = site
        self._sensor_clock = SourceClock()
        self._log_clock = SourceClock()
        self._ears: dict[str, Ear] = {}
        self._rhythm = Rhythm()
        self._log_rhythm = Rhythm()
        self._lines = LineWatch(self.board, site.caps.rate_templates)
        self._now_ns = self._listening_since_ns = 0
        self._pending: list[Pending] = []

    def take(self, record: Reading | Block, received_ns: int) -> Mapping[RejectReason, int]:
        """Put samples into their window; return why some were not taken, counted."""
        ear = self._ear(record.channel)
        own_ns = record.at_ns if isinstance(record, Reading) else record.start_ns
        newest_ns = self._sensor_clock.newest_ns
        if newest_ns is None or own_ns >= newest_ns - self._site.window.lateness_ns:
            ear.offset_ns = 0  # its clock has been put right
        self._sensor_clock, event_ns, quality = self._sensor_clock.observe(
            own_ns + ear.offset_ns, received_ns, record.time_quality
        )
        if ear.offset_ns:
            quality = TimeQuality.JUMPED
        if event_ns != own_ns or quality is not record.time_quality:
            record = _moved(record, event_ns, quality)
        rejects = self._windower.push(record)
        # The same time again and again is a frozen gateway, not a sign of life.
        if not rejects or newest_ns is None or event_ns > newest_ns:
            self._rhythm.hear(received_ns)
            ear.rhythm.hear(received_ns)
            ear.late_since_ns = None
        elif RejectReason.LATE in rejects:
            self._notice_late(ear, own_ns, received_ns)
        return rejects

    def hear(self, line: LogLine, score: LogScore, received_ns: int) -> None:
        """Take one judged line."""
        self._log_rhythm.hear(received_ns)
        self._collect(self._sensor_clock.source_now(received_ns), received_ns)
        self._log_clock, at_ns, quality = self._log_clock.observe(
            line.at_ns, received_ns, line.time_quality
        )
        placed = replace(line, at_ns=at_ns, time_quality=quality)
        self._pending.append(Pending((placed, score), received_ns, at_ns))

    def collect(self, now_ns: int) -> None:
        """Put the frames that the records of one message completed behind what is pending."""
        self._collect(NEVER_NS, now_ns)

    def due(self, now_ns: int) -> list[Pending]:
        """Return what is to be weighed by now, in the order in which it came up, once."""
        self._collect(self._sensor_clock.source_now(now_ns), now_ns)
        due, self._pending = self._pending, []
        return due

    def weigh(
        self, pending: Pending, score: SensorScore | None, signals: Mapping[str, float]
    ) -> list[Alarm]:
        """Let the board weigh what was due; return the alarms that made a transition.

        Args:
            pending: From :meth:`due`, in that order.
            score: What the sensor model says of it, if it is a frame that could be scored.
            signals: Of the frame, but for channels whose sensors are faulty.
        """
        changed = self.board.elapse(pending.now_ns, pending.log_now_ns)
        if not isinstance(pending.what, Frame):
            line, reading = pending.what
            since_ns = self._listening_since_ns
            return changed + self._lines.weigh(line, reading, pending.now_ns, since_ns)
        frame, board = pending.what, self.board
        faulty = {f.channel: sign_of_sensor(f, frame) for f in pending.sensors.faults}
        examined = self._examiner.examine(frame, signals, score, self._healths.references)
        self._outlook.follow(frame.end_ns, signals)
        concerned = [s.channel for s in examined.severe] + channels_in(score)
        ahead = self._outlook.ahead(concerned, frame.end_ns)
        severe = {
            s.channel: sign_of_vibration(s, ahead.get(s.channel), frame) for s in examined.severe
        }
        changed += board.weigh_verdicts(FAULTY_SENSOR, faulty, frame.end_ns)
        changed += board.weigh_verdicts(SEVERE_VIBRATION, severe, frame.end_ns, faulty)
        changed += board.weigh_limits(frame, faulty)
        if score is not None:
            remarks = Remarks(examined.diagnosed, ahead, faulty)
            changed += board.weigh_score(score, frame.time_quality, remarks)
        self._healths.learn(frame, signals, quiet=board.quiet)
        return changed

    def listen(self, since_ns: int | None) -> None:
        """Take since when messages could arrive, before those that have arrived are weighed."""
        self._listening_since_ns = self._listening_since_ns if since_ns is None else since_ns

    def elapse(self, now_ns: int, listening_since_ns: int | None) -> list[Alarm]:
        """Let time pass: log signs run out, silence is noticed, shelvings end.

        Args:
            now_ns: The agent's time.
            listening_since_ns: Since when messages could arrive, ``None`` while none can.
        """
        changed = self.board.elapse(now_ns, self._log_clock.source_now(now_ns))
        if listening_since_ns is None:
            return changed
        self._now_ns, self._listening_since_ns = now_ns, listening_since_ns
        if self._overdue_since(self._log_rhythm) is not None:
            log_now_ns = self._log_clock.source_now(now_ns)
            changed += self._lines.weigh_pauses(log_now_ns, TimeQuality.RECEIVED)
        overdue_ns = self._overdue_since(self._rhythm)
        if overdue_ns is not None:
            return changed + self.board.weigh_silence(self._rhythm.heard_ns, overdue_ns)
        return changed + self.board.weigh_silence(None, self._rhythm.heard_ns or now_ns)

    def state(self) -> AssetState:
        """Return what is known of the asset."""
        if self._sensor_clock.received_ns is None:
            silent = self._overdue_since(self._log_rhythm) is not None
            return AssetState.STALE if silent else AssetState.LOG_ONLY
        if self._overdue_since(self._rhythm) is not None:
            return AssetState.STALE
        if self.scorer.commissioning:
            return AssetState.COMMISSIONING
        return AssetState.PARTIAL if self.stale_channels() else AssetState.MONITORED

    def stale_channels(self) -> list[str]:
        """Return the channels that have fallen silent, by name in order."""
        ears = sorted(self._ears.items())
        return [name for name, ear in ears if self._overdue_since(ear.rhythm) is not None]

    def recommission(self, now_ns: int) -> list[Alarm]:
        """Forget what was normal and learn it anew."""
        self.scorer.recommission()
        for part in self._parts_added().values():
            part.forget()
        return self.board.reset(now_ns)

    def forget(self, now_ns: int) -> list[Alarm]:
        """Clear every alarm and give back what the windows hold; nobody will ask again."""
        self._windower.forget()
        return self.board.dismiss(now_ns)

    def snapshot(self, *, waveforms: bool) -> dict[str, object]:
        """Return the state but for the board's, which is stored with every transition.

        Args:
            waveforms: Whether open windows of sample blocks belong to it.
        """
        return {
            "windower": self._windower.snapshot(waveforms=waveforms),
            "scorer": self.scorer.snapshot(),
            **{name: part.snapshot() for name, part in self._parts_added().items()},
            "sensor_clock": freeze(self._sensor_clock),
            "log_clock": freeze(self._log_clock),
            "ears": freeze(self._ears),
            "rhythm": freeze(self._rhythm),
            "log_rhythm": freeze(self._log_rhythm),
            LINES: self._lines.snapshot(),
        }

    def restore(self, data: Mapping[str, object]) -> bool:
        """Take up where :meth:`snapshot` was made.

        Returns:
            ``False`` where the learned normal is of another version and is learned anew.

        Raises:
            ValueError: The data is not ours.
        """
        try:
            self._windower.restore(_table(data["windower"]))
            known = self.scorer.restore(_table(data["scorer"]))
            for name, part in self._parts_added().items():
                if name in data:  # older snapshots know nothing of them
                    part.restore(data[name])
            self._sensor_clock = thaw(SourceClock, data["sensor_clock"])
            self._log_clock = thaw(SourceClock, data["log_clock"])
            self._ears = thaw(dict[str, Ear], data["ears"])
            self._rhythm = thaw(Rhythm, data["rhythm"])
            self._log_rhythm = thaw(Rhythm, data["log_rhythm"])
            self._lines.restore(data)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the snapshot of {self.name} cannot be read: {error!r}") from error
        return known

    def _parts_added(self) -> dict[str, SensorWatch | Examiner | HealthWatch | Outlook]:
        return {
            "sensors": self._sensors,
            "examiner": self._examiner,
            "healths": self._healths,
            "outlook": self._outlook,
        }

    def _collect(self, source_now_ns: int, now_ns: int) -> None:
        """Put the frames that are complete at ``source_now_ns`` behind what is pending."""
        if self._sensor_clock.received_ns is None:
            return
        for frame in self._windower.close(source_now_ns):
            log_now_ns = self._log_clock.source_now(now_ns)
            self._pending.append(Pending(frame, now_ns, log_now_ns, self._sensors.observe(frame)))

    def _ear(self, channel: str) -> Ear:
        """Return what is known of a channel; names beyond the cap are heard but not remembered."""
        ear = self._ears.get(channel)
        if ear is None:
            ear = Ear()
            if len(self._ears) < self._site.caps.channels:
                self._ears[channel] = ear
        return ear

    def _overdue_since(self, rhythm: Rhythm) -> int | None:
        least_ns = self._site.alarms.silence_ns
        return rhythm.overdue_since(self._now_ns, least_ns, self._listening_since_ns)

    def _notice_late(self, ear: Ear, own_ns: int, received_ns: int) -> None:
        """Bring back a channel, or the whole asset, whose clock is behind for good.

        One late sample is a straggler.  A minute of nothing else means that a clock was set back,
        and waiting for the old time to come again would blind the agent for as long.
        """
        if ear.late_since_ns is None:
            ear.late_since_ns = received_ns
        if received_ns - ear.late_since_ns <= _PATIENCE_NS:
            return
        ear.late_since_ns = None
        if received_ns - (self._rhythm.heard_ns or 0) <= _PATIENCE_NS:
            ear.offset_ns = self._sensor_clock.source_now(received_ns) - own_ns
            return
        self.collect(received_ns)
        self._windower.forget()
        self._sensor_clock = SourceClock()
        for other in self._ears.values():
            other.offset_ns, other.late_since_ns = 0, None


def _moved(record: Reading | Block, at_ns: int, quality: TimeQuality) -> Reading | Block:
    if isinstance(record, Reading):
        return replace(record, at_ns=at_ns, time_quality=quality)
    return replace(record, start_ns=at_ns, time_quality=quality)


def _table(data: object) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise TypeError("expected an object")
    return data
