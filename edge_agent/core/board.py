"""What the evidence says of one asset: its signs, debounced, and the alarms they stand for."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edge_agent.core.alarms import Alarm, AlarmEvent, Suppression, Unshelve, advance
from edge_agent.core.evidence import (
    NO_REMARKS,
    Clear,
    Delays,
    Episode,
    EvidenceKind,
    Remarks,
    Sign,
    debounce,
    extend,
    fuse,
)
from edge_agent.core.lograte import Unusual
from edge_agent.core.logscore import LogScore
from edge_agent.core.logsigns import (
    LOG_BURST,
    LOG_SILENCE,
    SILENCE,
    UNKNOWN,
    burst_sign,
    explained,
    fault_sign,
    outranks,
    pause_key,
    pause_sign,
    silence_sign,
    unknown_sign,
)
from edge_agent.core.logwords import Words
from edge_agent.core.quantities import category_of
from edge_agent.core.records import Category, Frame, LogLine, Severity, TimeQuality
from edge_agent.core.scoresigns import parts_of, sign_of_score
from edge_agent.core.scoring import SensorScore
from edge_agent.core.signs import SEVERE_VIBRATION, concerns_machine, sides_of, sign_of_limit
from edge_agent.core.site import AlarmSpec, AssetSite
from edge_agent.core.snapshot import freeze, thaw

_DEADBAND = 0.9  # an anomaly ends below this part of its threshold, not just under it
_PAUSES = 16  # heartbeats of one asset that are missed at a time
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class BoardState:
    """Everything a board remembers, in a form that can be stored."""

    alarms: dict[str, Alarm]
    signs: dict[str, Sign]
    episode: Episode | None


class Board:
    """The signs and alarms of one asset.

    Every ``weigh_…`` takes one observation and returns the alarms that made a transition because of
    it.  ``dirty`` is set where something changed that a restart must not forget.

    Args:
        asset: Its name.
        spec: When a condition becomes an alarm.
        site: What differs for this asset.
        explain: Tells which words of a line mattered; asked only for a line that is shown.
    """

    def __init__(
        self,
        asset: str,
        spec: AlarmSpec,
        site: AssetSite,
        explain: Callable[[LogScore], Words] = lambda _: (),
    ) -> None:
        self._asset = asset
        self._spec = spec
        self._site = site
        self._explain = explain
        self._delays = Delays(spec.on_delay_ns, spec.off_delay_ns)
        self._signs: dict[str, Sign] = {}
        self._episode: Episode | None = None
        self.alarms: dict[str, Alarm] = {}
        self.dirty = False

    @property
    def quiet(self) -> bool:
        """Whether no sign, be it counted yet or not, speaks against the machine."""
        return not any(concerns_machine(sign) for sign in self._signs.values())

    def weigh_score(
        self, score: SensorScore, quality: TimeQuality, remarks: Remarks = NO_REMARKS
    ) -> list[Alarm]:
        """Take the sensor model's score of a window; commissioning scores are not evidence."""
        if score.commissioning:  # what was said with another normal cannot be upheld
            return self.reset(score.end_ns)
        if score.anomalous:
            parts = parts_of(score, self._category)
            settled = self._episode is not None and self._counts(self._episode.leading)
            self._episode = extend(
                self._episode, score.end_ns, parts, score.threshold, settled=settled
            )
        elif not score.alarming and score.score < _DEADBAND * score.threshold:
            self._episode = None
        signs = partial(self._weigh_part, score=score, quality=quality, remarks=remarks)
        return [alarm for fault in Category for alarm in signs(fault)]

    def _weigh_part(
        self, fault: Category, score: SensorScore, quality: TimeQuality, remarks: Remarks
    ) -> list[Alarm]:
        """Debounce the sensor model's sign of one fault."""
        key = f"{EvidenceKind.SENSOR}:{fault}"
        episode = self._episode
        present = score.alarming and episode is not None and fault in episode.faults
        before = self._signs.get(key)
        if before is None and not present:
            return []
        rests = before is not None and before.counts and before.evidence.source in remarks.faulty
        if rests and not (present and score.anomalous):
            return []  # nobody can say that it is over
        leads = episode is not None and fault is episode.leading
        since_ns = episode.since_ns if episode is not None and leads else score.end_ns
        sign = sign_of_score(fault, score, self._category, quality, remarks)
        return self._observe(key, sign, present=present, since_ns=since_ns)

    def weigh_verdicts(
        self, family: str, verdicts: Mapping[str, Sign], at_ns: int, faulty: Collection[str] = ()
    ) -> list[Alarm]:
        """Take a family's signs, by channel, at ``at_ns``; but for ``faulty`` ones no other is."""
        changed = []
        for channel, sign in verdicts.items():
            changed += self._observe(family + channel, sign, present=True, since_ns=at_ns)
        known = {*verdicts, *faulty}
        for key, sign in list(self._signs.items()):
            if key.startswith(family) and key.removeprefix(family) not in known:
                gone = replace(sign, evidence=replace(sign.evidence, end_ns=at_ns))
                changed += self._observe(key, gone, present=False, since_ns=at_ns)
        return changed

    def weigh_limits(self, frame: Frame, faulty: Collection[str] = ()) -> list[Alarm]:
        """Take the window means of the channels that have a setpoint and no ``faulty`` sensor."""
        changed = []
        for limit in self._site.limits:
            window = frame.windows.get(limit.channel)
            if window is None or limit.channel in faulty:
                continue
            mean = float(np.mean(window.values, dtype=np.float64))
            for key, setpoint, beyond in sides_of(limit, mean):
                before = self._signs.get(key)
                standing = before is not None and (
                    before.counts or before.differs_since_ns is not None
                )
                sign = sign_of_limit(limit, mean, setpoint, frame)
                present = beyond > (-limit.deadband if standing else 0.0)
                changed += self._observe(key, sign, present=present, since_ns=frame.end_ns)
        return changed

    def weigh_line(self, line: LogLine, score: LogScore) -> list[Alarm]:
        """Take what the log model read in a line; a grave line stands for its fault for a while."""
        severe = _SEVERITIES.index(score.severity) >= _SEVERITIES.index(self._spec.log_severity)
        if score.abstained or score.category is Category.NORMAL or not severe:
            return []
        key = f"{EvidenceKind.LOG}:{score.category}"
        sign = fault_sign(line, score, self._spec.log_hold_ns)
        if not outranks(self._signs.get(key), sign):
            sign = explained(sign, self._explain(score))
        return self._hold(key, sign, line.at_ns)

    def weigh_unknown(self, line: LogLine, score: LogScore) -> list[Alarm]:
        """Take a line that nothing fits, said for the first time; this stands for a while."""
        sign = unknown_sign(line, score, self._spec.log_hold_ns)
        return self._hold(f"{EvidenceKind.LOG}:{UNKNOWN}", sign, line.at_ns)

    def weigh_burst(self, burst: Unusual, line: LogLine) -> list[Alarm]:
        """Take that ``line`` made its template come far too often; this stands for a while."""
        sign = burst_sign(burst, line, self._spec.log_hold_ns)
        return self._hold(f"{EvidenceKind.RATE}:{LOG_BURST}", sign, line.at_ns)

    def weigh_pause(self, pause: Unusual, quality: TimeQuality) -> list[Alarm]:
        """Take that a heartbeat has stopped; this stands until it comes again, or for a day."""
        if sum(sign.counts for sign in self._of(LOG_SILENCE)) >= _PAUSES:
            return []
        return self._put(pause_key(pause.template), pause_sign(pause, quality), pause.end_ns)

    def hear(self, template: str, at_ns: int) -> list[Alarm]:
        """Take that a template has come: a heartbeat that was missed is back."""
        key = pause_key(template)
        missed = self._signs.get(key)
        return [] if missed is None else self._put(key, replace(missed, counts=False), at_ns)

    def weigh_silence(self, silent_since_ns: int | None, at_ns: int) -> list[Alarm]:
        """Take whether the asset has gone silent; times are times of receipt.

        Args:
            silent_since_ns: When it was heard last, ``None`` if it is being heard.
            at_ns: When its silence became too long, or when it was heard again.
        """
        if silent_since_ns is None and SILENCE not in self._signs:
            return []
        sign = silence_sign(self._asset, silent_since_ns, at_ns)
        standing = self._signs.get(SILENCE)
        if standing is not None and standing.counts is sign.counts:
            return []
        return self._put(SILENCE, sign, at_ns)

    def elapse(self, now_ns: int, log_now_ns: int) -> list[Alarm]:
        """Let log signs and shelvings run out.

        Args:
            now_ns: The agent's time, which ends shelvings.
            log_now_ns: Event time of the asset's log stream, which ends log signs.
        """
        changed = []
        for key, sign in list(self._signs.items()):
            if sign.counts and sign.until_ns is not None and sign.until_ns <= log_now_ns:
                ended = replace(sign, counts=False)
                changed += self._put(key, ended, sign.until_ns)
        for alarm in list(self.alarms.values()):
            if alarm.suppression is Suppression.SHELVED and (alarm.shelved_until_ns or 0) <= now_ns:
                changed += self.apply(alarm.name, Unshelve(now_ns))
        return changed

    def apply(self, name: str, event: AlarmEvent) -> list[Alarm]:
        """Advance the alarm ``name``; a list of one where that was a transition, else empty."""
        before = self.alarms.get(name) or Alarm(self._asset, name, _category(name))
        after = advance(before, event)
        if after is before:
            return []
        self.alarms[name] = after
        self.dirty = True
        return [after]

    def reset(self, now_ns: int) -> list[Alarm]:
        """Forget the sensor model's signs, because what is normal is being learned anew."""
        self._episode = None
        changed = []
        for key, sign in list(self._signs.items()):
            if sign.evidence.kind is EvidenceKind.SENSOR and not sign.evidence.fault:
                changed += self._put(key, replace(sign, counts=False), now_ns)
        return changed

    def snapshot(self) -> object:
        """Return everything that a restart needs, as JSON-able data."""
        return freeze(BoardState(self.alarms, self._signs, self._episode))

    def restore(self, data: object) -> list[Alarm]:
        """Take up where :meth:`snapshot` was made.

        A limit that the site file no longer has is observed by nobody any more, so its sign ends
        here; the alarms that clear because of it are returned.
        """
        state = thaw(BoardState, data)
        self.alarms, self._signs, self._episode = state.alarms, state.signs, state.episode
        known = {key for limit in self._site.limits for key, *_ in sides_of(limit, 0.0)}
        changed = []
        for key, sign in list(self._signs.items()):
            of_zone = key.startswith(SEVERE_VIBRATION)
            if sign.evidence.kind is EvidenceKind.LIMIT and key not in known and not of_zone:
                ended = replace(sign, counts=False, differs_since_ns=None)
                changed += self._put(key, ended, sign.evidence.end_ns)
        return changed

    def dismiss(self, now_ns: int) -> list[Alarm]:
        """Clear every alarm, because the asset is to be forgotten."""
        return [alarm for name in list(self.alarms) for alarm in self.apply(name, Clear(now_ns))]

    def _observe(self, key: str, sign: Sign, *, present: bool, since_ns: int) -> list[Alarm]:
        before = self._signs.get(key)
        if before is not None:
            sign = replace(sign, counts=before.counts, differs_since_ns=before.differs_since_ns)
        at_ns = sign.evidence.end_ns
        after = debounce(sign, present=present, since_ns=since_ns, at_ns=at_ns, delays=self._delays)
        return self._put(key, after, at_ns)

    def _hold(self, key: str, sign: Sign, at_ns: int) -> list[Alarm]:
        """Store a sign that ends by itself; of two, the graver stays, until the later end."""
        before = self._signs.get(key)
        if before is not None and before.counts:
            graver = before if outranks(before, sign) else sign
            sign = replace(graver, until_ns=max(before.until_ns or 0, sign.until_ns or 0))
        return self._put(key, sign, at_ns)

    def _put(self, key: str, sign: Sign, at_ns: int) -> list[Alarm]:
        """Store a sign; where what it claims has changed, ask what its fault's signs now say."""
        before = self._signs.get(key)
        counted = before is not None and before.counts
        self._signs[key] = sign
        if not sign.counts and sign.differs_since_ns is None:
            del self._signs[key]  # it says nothing any more
        if sign.counts is counted and not sign.counts:
            return []
        self.dirty |= sign.counts is not counted
        return self.apply(sign.fault, fuse(list(self._of(sign.fault)), at_ns))

    def _of(self, fault: str) -> Iterator[Sign]:
        return (sign for sign in self._signs.values() if sign.fault == fault)

    def _counts(self, fault: Category) -> bool:
        return any(sign.counts for sign in self._of(fault.value))

    def _category(self, channel: str) -> Category:
        return category_of(channel, self._site.categories)


def _category(name: str) -> Category | None:
    """Return the category of an alarm that carries a category's name; silence does not."""
    if name == UNKNOWN:
        return None
    return Category(name) if name in tuple(Category) else Category.COMMUNICATION
