"""The whole way from a message to an alert, as one deterministic object.

Live, in replay and in tests the same pipeline is fed messages and told the time.  Everything that
decides about an alarm happens in event time, so neither the speed of play nor the moments at which
``tick`` is called change which transitions come out.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from edge_agent.core.alarms import Acknowledge, Alarm, AlarmEvent, Shelve, Unshelve
from edge_agent.core.asset import Asset, AssetState, Pending
from edge_agent.core.commands import Command, Refusal, Verb
from edge_agent.core.decode import Decoder
from edge_agent.core.evidence import EvidenceKind
from edge_agent.core.features import extract
from edge_agent.core.logbudget import LogBudget
from edge_agent.core.logscore import LogModel, LogScore, LogScorer
from edge_agent.core.logwords import LogWords
from edge_agent.core.records import (
    Block,
    Frame,
    LogLine,
    Message,
    Reading,
    Reject,
    RejectReason,
)
from edge_agent.core.samples import Held
from edge_agent.core.scoring import SensorModel, SensorScore, score_all
from edge_agent.core.site import AssetSite, Site
from edge_agent.core.wire import Alert, ModelIdentity, alert


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tick gave: documents to publish, state to store with them, scores to look at.

    ``boards`` holds the state of every asset whose alarms or signs changed; storing it in the same
    transaction as ``alerts`` is what makes an alarm survive a crash.  ``forgotten`` names assets of
    which nothing is to be kept.
    """

    alerts: tuple[Alert, ...]
    boards: Mapping[str, bytes]
    forgotten: frozenset[str]
    sensor_scores: tuple[SensorScore, ...]
    line_scores: tuple[tuple[LogLine, LogScore], ...]


@dataclass(slots=True)
class Counts:
    """What has gone through since the start, for ``health``."""

    messages: int = 0
    readings: int = 0
    blocks: int = 0
    lines: int = 0
    windows: int = 0
    rejects: Counter[RejectReason] = field(default_factory=Counter)


class Pipeline:
    """All assets of a node.

    Args:
        site: What the plant decides.
        sensor_model: Scores windows of process values and waveform features.
        log_model: Reads log lines.
        models: How to name the models in alerts.
        next_sequence: Gives the number of the next alert; it counts over restarts where there are
            any, so whoever stores the alerts has to know.
    """

    def __init__(
        self,
        site: Site,
        sensor_model: SensorModel,
        log_model: LogModel,
        models: Mapping[EvidenceKind, ModelIdentity],
        next_sequence: Callable[[], int],
    ) -> None:
        self._site = site
        self._sensor_model = sensor_model
        self._models = models
        self._decoder = Decoder(site)
        self._lines = LogScorer(log_model, site.caps.templates)
        self._words = LogWords(log_model)
        self._budget = LogBudget(site.caps)
        self._assets: dict[str, Asset] = {}
        self._held = Held(site.caps.node_samples)
        self._changed: list[Alarm] = []
        self._line_scores: list[tuple[LogLine, LogScore]] = []
        self._next_sequence = next_sequence
        self._forgotten: set[str] = set()
        self._snapshot_due = False
        self.counts = Counts()

    def feed(self, message: Message) -> None:
        """Take one message; what comes of it is told by the next :meth:`tick`."""
        self.counts.messages += 1
        if message.retained:
            self.reject(RejectReason.RETAINED)
            return
        fed: set[str] = set()
        for record in self._decoder.decode(message):
            match record:
                case Reject():
                    self.reject(record.reason)
                case LogLine():
                    self._take_line(record, message.received_ns)
                case Reading() | Block():
                    self._take_samples(record, message.received_ns)
                    fed.add(record.asset)
        for name in fed & self._assets.keys():  # no more than one: a message is of one asset
            self._assets[name].collect(message.received_ns)

    def tick(self, now_ns: int, listening_since_ns: int | None = 0) -> Outcome:
        """Close the windows that are over at ``now_ns``, score them and move the alarms.

        One call of the sensor model serves every asset that is due.

        Args:
            now_ns: The agent's time, or that of the capture.
            listening_since_ns: Since when messages could arrive, ``None`` while none can.
        """
        for asset in self._assets.values():
            asset.listen(listening_since_ns)
        due = [(asset, item) for asset in self._assets.values() for item in asset.due(now_ns)]
        signals = [_signals(item) for _, item in due]
        scores = self._score(due, signals)
        for (asset, item), score, shown in zip(due, scores, signals, strict=True):
            self._changed += asset.weigh(item, score, shown)
        for asset in self._assets.values():
            self._changed += asset.elapse(now_ns, listening_since_ns)
        return self._outcome([score for score in scores if score is not None])

    def command(self, command: Command, now_ns: int) -> str | Refusal:
        """Carry out an operator's command; return what came of it, in words.

        Idempotent: the same command again changes nothing and says so.
        """
        asset = self._assets.get(command.asset)
        if asset is None:
            return Refusal(f"there is no asset {command.asset}")
        if command.verb is Verb.RECOMMISSION:
            self._changed += asset.recommission(now_ns)
            self._snapshot_due = True
            return "commissioning has begun"
        if command.verb is Verb.FORGET:
            self._changed += asset.forget(now_ns)
            self._forgotten.add(command.asset)
            del self._assets[command.asset]
            return "forgotten"
        if command.alarm not in asset.board.alarms:
            return Refusal(f"{command.asset} has had no alarm {command.alarm}")
        events: dict[Verb, AlarmEvent] = {
            Verb.ACKNOWLEDGE: Acknowledge(now_ns),
            Verb.SHELVE: Shelve(now_ns, now_ns + command.for_ns),
            Verb.UNSHELVE: Unshelve(now_ns),
        }
        changed = asset.board.apply(command.alarm, events[command.verb])
        self._changed += changed
        return "done" if changed else "nothing to change"

    def reject(self, reason: RejectReason, count: int = 1) -> None:
        """Count something that could not be used."""
        self.counts.rejects[reason] += count

    @property
    def snapshot_due(self) -> bool:
        """Return whether something changed that no restart may undo, such as recommissioning."""
        return self._snapshot_due

    def stale_channels(self) -> dict[str, list[str]]:
        """Return the channels that have fallen silent while their asset goes on, by asset."""
        return {
            name: asset.stale_channels()
            for name, asset in self._assets.items()
            if asset.state() is AssetState.PARTIAL
        }

    def assets(self) -> frozenset[str]:
        """Return the names of all assets."""
        return frozenset(self._assets)

    def states(self) -> dict[str, AssetState]:
        """Return what is known of every asset, by name."""
        return {name: asset.state() for name, asset in self._assets.items()}

    def lines_read(self) -> tuple[int, int, int]:
        """Return how many log lines were found in the template cache, scored, and shed."""
        return self._lines.hits, self._lines.misses, self._lines.shed

    def snapshot(self, *, waveforms: bool = True) -> dict[str, bytes]:
        """Return clocks, open windows and learned normal, by asset, to be stored now and then.

        Args:
            waveforms: Whether open windows of sample blocks belong to it, megabytes a channel.
        """
        self._snapshot_due = False
        return {
            name: json.dumps(asset.snapshot(waveforms=waveforms)).encode()
            for name, asset in self._assets.items()
        }

    def boards(self) -> dict[str, bytes]:
        """Return all signs and alarms, by asset, delays that are still running included."""
        return {name: _stored(asset) for name, asset in self._assets.items()}

    def restore(
        self, snapshots: Mapping[str, bytes], boards: Mapping[str, bytes]
    ) -> frozenset[str]:
        """Take up where an earlier run stopped.

        Args:
            snapshots: What :meth:`snapshot` returned last, by asset.
            boards: The latest board of each asset that an :class:`Outcome` held.

        Returns:
            The assets whose learned normal another version of the agent wrote: it cannot be read as
            what is meant today, so they are commissioned anew.

        Raises:
            ValueError: Something stored is not ours.
        """
        anew = {
            name
            for name, body in snapshots.items()
            if not self._asset(name).restore(json.loads(body))
        }
        for name, body in boards.items():
            self._changed += self._asset(name).board.restore(json.loads(body))
        return frozenset(anew)

    def _take_samples(self, record: Reading | Block, received_ns: int) -> None:
        if (asset := self._known(record.asset)) is None:
            return
        if isinstance(record, Reading):
            self.counts.readings += 1
        else:
            self.counts.blocks += 1
        for reason, count in asset.take(record, received_ns).items():
            self.reject(reason, count)

    def _take_line(self, line: LogLine, received_ns: int) -> None:
        if (asset := self._known(line.asset)) is None:
            return
        self.counts.lines += 1
        may_ask = partial(self._budget.grants, line.asset, received_ns)
        score = self._lines.score(line.text, line.level, may_ask)
        self._line_scores.append((line, score))
        asset.hear(line, score, received_ns)

    def _score(
        self, due: list[tuple[Asset, Pending]], signals: list[Mapping[str, float]]
    ) -> list[SensorScore | None]:
        """Return the score of every frame, from one call of the model, and ``None`` for lines."""
        frames = [
            (asset.scorer, item.what.start_ns, item.what.end_ns, shown)
            for (asset, item), shown in zip(due, signals, strict=True)
            if isinstance(item.what, Frame)
        ]
        self.counts.windows += len(frames)
        scores = iter(score_all(self._sensor_model, frames))
        return [
            _without(next(scores), item.sensors.masked) if isinstance(item.what, Frame) else None
            for _, item in due
        ]

    def _known(self, name: str) -> Asset | None:
        """Return the asset, made at first sight, or count a reject where there is no more room."""
        if name in self._assets or name in self._site.assets:  # those of the site file have a seat
            return self._asset(name)
        unlisted = len(self._assets.keys() - self._site.assets.keys())
        if unlisted >= self._site.caps.assets:
            self.reject(RejectReason.ASSET_LIMIT)
            return None
        return self._asset(name)

    def _asset(self, name: str) -> Asset:
        if name not in self._assets:
            self._assets[name] = Asset(name, self._site, self._held, self._words.explain)
        return self._assets[name]

    def _outcome(self, sensor_scores: list[SensorScore]) -> Outcome:
        alerts = tuple(self._alert(alarm) for alarm in self._changed)
        dirty = [asset for asset in self._assets.values() if asset.board.dirty]
        boards = {asset.name: _stored(asset) for asset in dirty}
        for asset in dirty:
            asset.board.dirty = False
        forgotten = frozenset(self._forgotten - self._assets.keys())
        outcome = Outcome(alerts, boards, forgotten, tuple(sensor_scores), tuple(self._line_scores))
        self._changed, self._line_scores, self._forgotten = [], [], set()
        return outcome

    def _alert(self, alarm: Alarm) -> Alert:
        site = self._site.assets.get(alarm.asset, AssetSite())
        return alert(
            alarm,
            node=self._site.node,
            sequence=self._next_sequence(),
            responses=site.responses,
            models=self._models,
        )


def _signals(item: Pending) -> Mapping[str, float]:
    """Return the signals of a frame but for channels whose sensors are faulty; of a line, none."""
    if not isinstance(item.what, Frame):
        return {}
    masked = item.sensors.masked
    if not masked:
        return extract(item.what)
    windows = {name: w for name, w in item.what.windows.items() if name not in masked}
    return extract(replace(item.what, windows=windows))


def _without(score: SensorScore | None, masked: frozenset[str]) -> SensorScore | None:
    """Return the score without the nothing that masked channels contribute to it."""
    if score is None or not masked:
        return score
    parts = {name: part for name, part in score.contributions.items() if name not in masked}
    return replace(score, contributions=parts)


def _stored(asset: Asset) -> bytes:
    return json.dumps(asset.board.snapshot(), ensure_ascii=False).encode()
