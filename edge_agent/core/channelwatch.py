"""The watch over the sensor of one channel of process values, sample by sample."""

from dataclasses import dataclass, field
from enum import Enum
from math import inf

from edge_agent.core.habit import LEAST_SPELLS, SPELL, Habit, Rail
from edge_agent.core.quantities import Nature
from edge_agent.core.sensorfault import (
    FaultKind,
    Finding,
    SensorFault,
    after_leap,
    at_once,
    shows_still,
)

_JUDGED = 5  # samples after which a leap that does not return is judged
_RETURNS = 3  # samples that a spike may last
_BOUNDS = (0.0, 100.0)  # where sound channels rest: nothing, and a hundred percent
_RECOVERY = 3  # windows of good behaviour until a sensor is believed again
_ELSEWHERE = 1.0  # widths beyond the learned range
_ONE_SIDED, _OTHERS = 2, 2  # times the repeats of the other extreme; samples beside an extreme


class Mood(Enum):
    """What a channel says of its machine, for the sake of its neighbours."""

    UNKNOWN = "unknown"  # still learned
    CALM = "calm"  # moves where it used to
    STILL = "still"  # repeats its value longer than it used to
    AWAY = "away"  # is elsewhere, or not to be trusted


@dataclass(slots=True)
class Leap:
    """Samples that an odd step has brought, until it is known what to make of them."""

    origin: float
    since_ns: int
    impossible: bool  # even for a moment
    values: list[float] = field(default_factory=list)


@dataclass(slots=True)
class WatchState:
    """Everything that is remembered of a channel of process values."""

    habit: Habit
    at_ns: int | None = None
    value: float = 0.0
    run: int = 0  # repeats of ``value``, counted in whole chunks
    run_since_ns: int = 0
    top: Rail = field(default_factory=Rail)
    bottom: Rail = field(default_factory=Rail)
    spell: int = 0  # samples of which they are the extremes
    leap: Leap | None = None
    fault: SensorFault | None = None
    bad_ns: int = 0  # time of the latest sample that showed the fault


class ChannelWatch:
    """Tells faults of one channel's sensor; fed with the new samples of each window.

    Args:
        channel: Its name, for the faults.
        nature: What its quantity can show.
        state: All that is remembered.
    """

    __slots__ = ("channel", "claim", "mood", "nature", "state")

    def __init__(self, channel: str, nature: Nature, state: WatchState) -> None:
        self.channel = channel
        self.nature = nature
        self.state = state
        self.mood = Mood.UNKNOWN
        self.claim: tuple[Finding, int] | None = None  # until the neighbours' moods are known

    @property
    def fault(self) -> SensorFault | None:
        """What is wrong with the sensor."""
        return self.state.fault

    @property
    def inert(self) -> bool:
        """Whether the channel goes on for a while when the machine has stopped."""
        return self.nature.inert

    @property
    def moves(self) -> bool:
        """Whether the channel has ever moved, so that its mood means something."""
        return self.state.habit.high - self.state.habit.low > self.state.habit.resolution

    @property
    def masked(self) -> bool:
        """Whether the channel says nothing about its machine at present.

        A leap that a machine might make is the machine's until it is explained by its sensor.
        """
        state = self.state
        return state.fault is not None or (state.leap is not None and state.leap.impossible)

    @property
    def _unsettled(self) -> bool:
        return self.state.fault is not None or self.state.leap is not None

    def take(self, times_ns: list[int], values: list[float], length_ns: int) -> None:
        """Take new samples in order of time, at least one; a claim may come of it.

        Args:
            times_ns: Of the samples.
            values: Of the samples.
            length_ns: Of a window: a value has to be stuck for one, and a sensor has to behave for
                three, so that none holds samples of the fault, before it is believed again.
        """
        state, habit = self.state, self.state.habit
        low, high = min(values), max(values)
        last = values[0] if state.at_ns is None else state.value
        # Not max() and min(): of two numbers they take longer than all the rest of the line.
        span = (high if high > last else last) - (low if low < last else last)  # noqa: FURB136
        if (
            habit.learned
            and span <= habit.widest_swing
            and habit.band_low <= low
            and high <= habit.band_high
            and state.fault is None
            and state.leap is None
        ):
            self.mood = Mood.CALM
        else:
            self._weigh_all(times_ns, values, length_ns)
        state.at_ns, state.value = times_ns[-1], values[-1]
        if span == 0:
            self._follow_run(times_ns, length_ns)
        else:
            state.run = 0
        # Most samples are no extremes of their spell: a call is spared.
        if not state.spell or high >= state.top.value or low <= state.bottom.value:
            self._follow_rails(values, low, high)
        state.spell += len(values)
        if state.spell >= SPELL:
            self._end_spell()

    def settle(self, *, company: bool) -> None:
        """Make the claim a fault, if the neighbours allow it."""
        if self.claim is not None:
            finding, since_ns = self.claim
            if company or not finding.needs_company:
                self._condemn(finding, since_ns, self.state.at_ns or since_ns)
            self.claim = None

    def _follow_run(self, times_ns: list[int], length_ns: int) -> None:
        state, habit = self.state, self.state.habit
        if not state.run:
            state.run_since_ns = times_ns[0]
        state.run += len(times_ns)
        if habit.learned and state.run > habit.repeats:
            self._notice_run(length_ns)

    def _follow_rails(self, values: list[float], low: float, high: float) -> None:
        state = self.state
        top, bottom, begins = state.top, state.bottom, not state.spell
        if begins or high > top.value:
            top.value, top.hits = high, values.count(high) - 1
        elif high == top.value:
            top.hits += values.count(high)
        if begins or low < bottom.value:
            bottom.value, bottom.hits = low, values.count(low) - 1
        elif low == bottom.value:
            bottom.hits += values.count(low)
        if (top.hits or bottom.hits) and not self._unsettled:
            habit, hits = state.habit, max(top.hits, bottom.hits)
            if not habit.learned or habit.spells < LEAST_SPELLS:
                habit.hits = max(habit.hits, hits)
            elif hits >= habit.most_hits and habit.is_fine:
                self._notice_rail(values)

    def _end_spell(self) -> None:
        """Let the next samples find extremes of their own."""
        state, habit = self.state, self.state.habit
        state.spell = 0
        # A short commissioning, or an older snapshot's, has not shown how often extremes repeat.
        if habit.spells < LEAST_SPELLS and not self._unsettled:
            habit.spells += 1

    def _weigh_all(self, times_ns: list[int], values: list[float], length_ns: int) -> None:
        """Weigh samples of which some are not ordinary, or nothing is ordinary yet."""
        state, habit = self.state, self.state.habit
        began_ns, began = state.at_ns, state.value
        sound = not self._unsettled
        for at_ns, value in zip(times_ns, values, strict=True):
            self._weigh(at_ns, value)
            state.at_ns, state.value = at_ns, value
        if state.fault is not None and times_ns[-1] - state.bad_ns >= _RECOVERY * length_ns:
            state.fault = None
            state.spell = 0
        if habit.learned:
            held = all(habit.band_low <= value <= habit.band_high for value in values)
            self.mood = Mood.CALM if held and not self._unsettled else Mood.AWAY
        elif sound and not self._unsettled:
            last = None if began_ns is None else began
            habit.learn(last, values, times_ns[-1] - (began_ns or 0))

    def _weigh(self, at_ns: int, value: float) -> None:
        state, habit = self.state, self.state.habit
        finding = at_once(value, self.nature, habit)
        if finding is not None:
            self._condemn(finding, at_ns, at_ns)
        elif state.fault is not None and shows_still(state.fault, value, state.value, habit):
            state.bad_ns = at_ns
            state.leap = None
        elif state.leap is not None:
            self._weigh_leap(state.leap, at_ns, value)
        elif state.at_ns is not None:
            self._notice_leap(at_ns, value, at_ns - state.at_ns)

    def _notice_leap(self, at_ns: int, value: float, passed_ns: int) -> None:
        state, habit = self.state, self.state.habit
        step = abs(value - state.value)
        elsewhere = not habit.holds(value, _ELSEWHERE)
        impossible = step > habit.widest_step(self.nature, passed_ns) and (
            elsewhere or self.nature.inert
        )
        # Measurements are hardly ever zero exactly, unless they often are.
        nothing = value == 0 and habit.learned and not habit.low <= 0 <= habit.high
        if impossible or nothing or (elsewhere and step > habit.odd_step(passed_ns)):
            state.leap = Leap(state.value, at_ns, impossible or nothing, [value])

    def _weigh_leap(self, leap: Leap, at_ns: int, value: float) -> None:
        """Decide about a leap: gone again at once, explained by a fault, or the machine's."""
        state, habit = self.state, self.state.habit
        if habit.holds(value) and abs(value - leap.origin) <= habit.odd_step(at_ns - leap.since_ns):
            if leap.impossible and len(leap.values) <= _RETURNS:
                self._condemn(_of_spike(leap), leap.since_ns, state.at_ns or at_ns)
            state.leap = None
            return
        leap.values.append(value)
        if len(leap.values) >= _JUDGED:
            finding = after_leap(leap.origin, leap.values, self.nature, habit)
            if finding is not None:
                self.claim = (finding, leap.since_ns)
            state.leap = None

    def _notice_run(self, length_ns: int) -> None:
        state, habit = self.state, self.state.habit
        if not habit.varies or self._unsettled or self.claim is not None:
            return
        usual = habit.band_low <= state.value <= habit.band_high
        if usual:
            self.mood = Mood.STILL
        elif not self.nature.inert:  # a machine that has stopped may rest anywhere; heat does not
            return
        lasted_ns = (state.at_ns or 0) - state.run_since_ns
        if state.run >= habit.patience and lasted_ns >= length_ns:
            text = f"repeats {state.value:g} where it used to vary"
            finding = Finding(FaultKind.STUCK, state.value, text, needs_company=True)
            self.claim = (finding, state.run_since_ns)

    def _notice_rail(self, values: list[float]) -> None:
        """Claim an extreme that is met too often; its present run may be a value that is stuck."""
        state, least = self.state, self.state.habit.most_hits
        top, bottom = state.top, state.bottom
        for rail, other in ((top, bottom), (bottom, top)):
            value = rail.value
            met = rail.hits - next((n for n, v in enumerate(reversed(values)) if v != value), inf)
            others = [v for v in values if v != value]
            # Coarse values that come to rest repeat an extreme as well, but not that one alone.
            alone = len(set(others)) == len(others) >= _OTHERS and met >= _ONE_SIDED * other.hits
            if met >= least and alone and value not in _BOUNDS:
                text = f"never passes {value:g} but meets it again and again: clipped"
                since_ns = state.at_ns or 0
                self._condemn(Finding(FaultKind.SATURATION, value, text), since_ns, since_ns)

    def _condemn(self, finding: Finding, since_ns: int, bad_ns: int) -> None:
        """Hold the sensor for faulty; a fault that changes its face is still the same one."""
        state = self.state
        if state.fault is not None:
            since_ns = state.fault.since_ns
        if state.fault is None or state.fault.kind is not finding.kind:
            state.fault = SensorFault(
                self.channel, finding.kind, since_ns, finding.value, finding.text
            )
        state.bad_ns = max(state.bad_ns, bad_ns)
        state.leap = None
        self.mood = Mood.AWAY


def _of_spike(leap: Leap) -> Finding:
    value = max(leap.values, key=lambda value: abs(value - leap.origin))
    if value == 0:
        return Finding(FaultKind.DROPOUT, value, "falls to zero for a moment")
    text = f"leapt from {leap.origin:g} to {value:g} and back"
    return Finding(FaultKind.JUMP, value, text)
