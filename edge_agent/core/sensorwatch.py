"""The watch over all sensors of one asset: which channels say nothing about the machine at present.

One channel alone seldom tells whether its sensor is dead or its machine stands still; beside the
others it does.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge_agent.core.channelwatch import ChannelWatch, Mood, WatchState
from edge_agent.core.habit import Habit
from edge_agent.core.quantities import nature_of
from edge_agent.core.records import Frame, Window
from edge_agent.core.sensorfault import FaultKind, SensorFault
from edge_agent.core.snapshot import freeze, thaw
from edge_agent.core.waveformwatch import LEAST_WINDOWS, WaveformState, WaveformWatch

Watch = ChannelWatch | WaveformWatch

_REGULAR_WINDOWS = 20
_REGULAR_SHARE = 0.95  # of all windows that hold samples of a channel whose absence means something
_WHOLE = 0.8  # of the usual number of samples
_SLOWLY = 200  # windows
_GAP_MEMORY = 0.9
_MANY_GAPS = 2.5  # windows' worth of samples, of late: three in a row, or a third for a while
_FEW_GAPS = 1.0


@dataclass(slots=True)
class Attendance:
    """How regularly a channel fills its windows; ``gaps`` are recent windows it did not, fading."""

    windows: int = 0
    present: int = 0
    load: float = 0.0  # samples of a window, usually
    gaps: float = 0.0
    fault: SensorFault | None = None

    @property
    def regular(self) -> bool:
        """Whether a window without this channel is out of the ordinary."""
        return self.windows >= _REGULAR_WINDOWS and self.present >= _REGULAR_SHARE * self.windows

    def count(self, size: int) -> float:
        """Take the number of samples in a window; return its share of the usual number."""
        self.windows += 1
        if not size:
            return 0.0
        self.present += 1
        share = size / self.load if self.load else 1.0
        # A channel that comes less often for good has been configured so; that takes time to see.
        latest = min(self.present, _REGULAR_WINDOWS) if share >= _WHOLE else _SLOWLY
        self.load += (size - self.load) / latest
        return share

    def fill(self, memory: float) -> None:
        """Let gaps fade after a window without one."""
        self.gaps *= memory
        if self.gaps < _FEW_GAPS:
            self.gaps, self.fault = 0.0, None


@dataclass(frozen=True, slots=True)
class Sensors:
    """What can be said of an asset's sensors: channels to leave out, and faults to tell of."""

    masked: frozenset[str] = frozenset()
    faults: tuple[SensorFault, ...] = ()


SOUND = Sensors()


@dataclass(slots=True)
class SensorWatchState:
    """All sensors of an asset as they are stored."""

    end_ns: int = 0
    values: dict[str, WatchState] = field(default_factory=dict)
    waveforms: dict[str, WaveformState] = field(default_factory=dict)
    attendance: dict[str, Attendance] = field(default_factory=dict)


class SensorWatch:
    """Tells faulty sensors of one asset, from its frames in order.

    Args:
        commissioning_ns: Event time from which the habits of a channel are learned.
        ranges: Measuring ranges by channel, as far as the site knows them.
        most: Channels that are watched.
    """

    def __init__(
        self, commissioning_ns: int, ranges: Mapping[str, tuple[float, float]], most: int
    ) -> None:
        self._commissioning_ns = commissioning_ns
        self._ranges = ranges
        self._most = most
        self._state = SensorWatchState()
        self._watches: dict[str, Watch] = {}

    def forget(self) -> None:
        """Learn anew how the sensors behave."""
        self._state = SensorWatchState()
        self._watches = {}

    def observe(self, frame: Frame) -> Sensors:
        """Take the next frame; return what its channels are worth."""
        if frame.end_ns <= self._state.end_ns:
            self._begin_anew()
        self._state.end_ns = frame.end_ns
        for channel, window in frame.windows.items():
            self._take(channel, window)
        self._attend(frame)
        watches = self._watches.values()
        if any([watch.claim is not None for watch in watches]):  # noqa: C419  (a list is faster)
            self._settle()
        return self._sensors()

    def snapshot(self) -> object:
        """Return everything held, fit for ``json.dumps``."""
        return freeze(self._state)

    def restore(self, data: object) -> None:
        """Take up what :meth:`snapshot` returned.

        Raises:
            ValueError: It is no such snapshot.
        """
        state = thaw(SensorWatchState, data)
        self._state, self._watches = state, {}
        for channel, held in state.values.items():
            nature = nature_of(channel, self._ranges)
            self._watches[channel] = ChannelWatch(channel, nature, held)
        for channel, waves in state.waveforms.items():
            self._watches[channel] = WaveformWatch(channel, waves)

    def _take(self, channel: str, window: Window) -> None:
        watch = self._watch(channel, window)
        length_ns = window.end_ns - window.start_ns
        if isinstance(watch, WaveformWatch):
            watch.take(window.values, window.end_ns, length_ns)
            if not watch.state.learned and watch.state.windows >= LEAST_WINDOWS:
                over_ns = watch.state.began_ns + self._commissioning_ns
                watch.state.learned = window.end_ns > over_ns
        elif watch is not None:
            times_ns, values = window.at_ns.tolist(), window.values.tolist()
            seen_ns = watch.state.at_ns
            if seen_ns is not None and times_ns[0] <= seen_ns:
                first = bisect_right(times_ns, seen_ns)
                times_ns, values = times_ns[first:], values[first:]
            if times_ns:
                watch.take(times_ns, values, length_ns)
                if not watch.state.habit.learned:
                    watch.state.habit.settle(window.end_ns, self._commissioning_ns)

    def _watch(self, channel: str, window: Window) -> Watch | None:
        """Return the watch over a channel; a new one where its kind of channel has changed."""
        watch = self._watches.get(channel)
        if watch is not None and isinstance(watch, WaveformWatch) is (window.rate_hz is not None):
            return watch
        if watch is None and len(self._watches) >= self._most:
            return None
        if window.rate_hz is not None:
            waves = self._state.waveforms[channel] = WaveformState(window.start_ns)
            self._state.values.pop(channel, None)
            watch = WaveformWatch(channel, waves)
        else:
            held = self._state.values[channel] = WatchState(Habit(window.start_ns))
            self._state.waveforms.pop(channel, None)
            watch = ChannelWatch(channel, nature_of(channel, self._ranges), held)
        self._watches[channel] = watch
        return watch

    def _begin_anew(self) -> None:
        """Take the source's clock for set back: what was seen last is no neighbour in time."""
        for held in self._state.values.values():
            held.at_ns, held.leap, held.run = None, None, 0
            held.bad_ns = 0

    def _attend(self, frame: Frame) -> None:
        """Notice channels that leave out values where their neighbours go on."""
        attendance = self._state.attendance
        whole, holed = 0, []
        for channel in self._watches:
            record = attendance.get(channel)
            if record is None:
                record = attendance[channel] = Attendance()
            window = frame.windows.get(channel)
            share = record.count(0 if window is None else window.values.size)
            if share >= _WHOLE:
                whole += 1
                if record.gaps:
                    record.fill(_GAP_MEMORY)
            elif record.regular or record.fault is not None:
                holed.append((channel, record, share))
        for channel, record, share in holed:
            if whole and 2 * whole >= len(self._watches) - len(holed):
                record.gaps = _GAP_MEMORY * record.gaps + 1.0 - share
                if record.gaps >= _MANY_GAPS and record.fault is None:
                    text = f"leaves out values while {whole} other channels go on"
                    record.fault = SensorFault(channel, FaultKind.DROPOUT, frame.end_ns, 0.0, text)

    def _settle(self) -> None:
        """Decide about claims by what the other channels do."""
        claims = [watch for watch in self._watches.values() if watch.claim is not None]
        verdicts = [self._has_company(watch) for watch in claims]
        for watch, company in zip(claims, verdicts, strict=True):
            watch.settle(company=company)

    def _has_company(self, watch: Watch) -> bool:
        """Return whether the machine evidently goes on, so that a dead channel is its sensor's."""
        assert watch.claim is not None  # noqa: S101  (the caller asked)
        finding, _ = watch.claim
        others = [
            other
            for other in self._watches.values()
            if other is not watch
            and other.moves
            and other.mood is not Mood.UNKNOWN
            and other.fault is None
        ]
        if finding.kind is not FaultKind.STUCK:  # heat lingers where the machine has stopped
            others = [other for other in others if not other.inert]
            return bool(others) and 2 * _count(others, Mood.CALM) >= len(others)
        if not others:
            return finding.value != 0
        # All channels frozen at once where they usually are: their gateway repeats itself.
        frozen = _count(others, Mood.STILL) == len(others)
        return frozen or 2 * _count(others, Mood.CALM) >= len(others)

    def _sensors(self) -> Sensors:
        watches, attendance = self._watches.values(), self._state.attendance.values()
        masked = [watch.channel for watch in watches if watch.masked]
        holed = [record.fault for record in attendance if record.fault is not None]
        if not masked and not holed:
            return SOUND
        told = [watch.fault for watch in watches if watch.fault is not None]
        known = {fault.channel for fault in told}
        told += [fault for fault in holed if fault.channel not in known]
        return Sensors(frozenset(masked), tuple(told))


def _count(watches: Iterable[Watch], mood: Mood) -> int:
    return sum(watch.mood is mood for watch in watches)
