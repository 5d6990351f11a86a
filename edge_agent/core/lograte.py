"""How often each line of a machine comes: the burst of one, and the silence of a heartbeat.

No model has a part in this.  Every template has a *habit*, learned in event time: how many lines a
minute holds, and how long it pauses.  A habit is a function of the lines alone, so how they were
cut into messages and where a restart fell leave no trace.  Templates that were not yet said in two
different minutes wait in a room of their own: a storm of lines that are all new pushes out nothing
that was learned.
"""

from dataclasses import dataclass, field
from math import inf, log

from edge_agent.core.records import NS_PER_S
from edge_agent.core.snapshot import freeze, thaw

KEY_CHARS = 160  # of a template: enough to tell two apart, and to show

_MINUTE_NS = 60 * NS_PER_S
_HORIZON = 1440  # minutes that a rate remembers
_SETTLED = 30  # minutes of a stream before a burst in it can be judged
_LEAST_BURST = 30  # lines a minute: fewer disturb nobody, however rare the line
_LEAST_RATIO = 4.0  # to the usual rate: a busy hour is no burst
_BUSIEST = 1.5  # times the busiest minute of late: what comes in clumps is used to them
_SURPRISE = log(1e9)  # a thousand templates have a billion minutes in two years
_LEAST_GAPS = 20  # pauses before a line can be called a heartbeat
_LATEST = 0.05  # weight of the latest pause in the typical one
_REGULAR = 0.25  # mean deviation of a heartbeat's pauses, as a part of their mean
_BEATS = 3.0  # pauses until it is overdue: one beat may be lost and one late
_SPREADS = 8.0  # mean deviations of the pause on top
_LONGEST = 1.5  # times the longest pause of late: a lunch break is none the next day
_LATE_NS = 48 * 3600 * NS_PER_S  # after which the busiest minute and the longest pause count half
_LEAST_PATIENCE_NS = 30 * NS_PER_S
_STRANGERS = 4  # a fourth of the room is for templates of one minute


@dataclass(frozen=True, slots=True)
class Rate:
    """Lines that came in a span, those expected in it, and the usual seconds between two."""

    lines: int
    expected: float
    interval_s: float


@dataclass(frozen=True, slots=True)
class Unusual:
    """A burst of one template, or the silence of a heartbeat: then ``rate.lines`` is 0.

    ``limit`` is what was just reached at ``end_ns``: lines in the minute, or seconds without one.
    """

    template: str
    rate: Rate
    limit: float
    start_ns: int
    end_ns: int


@dataclass(slots=True)
class Habit:
    """What is usual for one template.

    ``mean`` is of the lines a minute.  ``peak`` is the busiest minute of a burst that goes on; once
    it is over it counts as ``busiest``.  ``learning`` is off where it is not known whether the
    pause since ``newest_ns`` was one.
    """

    newest_ns: int
    minute: int  # being counted, since 1970
    lines: int = 0  # in it
    burst_at: int = 0  # of these lines, the one that made it a burst; 0 while it is none
    minutes: float = 0.0  # learned from
    mean: float = 0.0
    busiest: float = 0.0
    peak: int = 0
    gaps: int = 0
    gap_ns: float = 0.0
    spread_ns: float = 0.0
    longest_ns: float = 0.0
    learning: bool = False
    silent: bool = False  # and told to be
    complaint: bool = False  # one that stops is no loss

    @property
    def patience_ns(self) -> float:
        """Return how long this line may pause before it is missed; infinite for no heartbeat."""
        if self.gaps < _LEAST_GAPS or self.spread_ns > _REGULAR * self.gap_ns:
            return inf
        usual_ns = _BEATS * self.gap_ns + _SPREADS * self.spread_ns
        return max(usual_ns, _LONGEST * self.longest_ns, _LEAST_PATIENCE_NS)


@dataclass(slots=True)
class RateState:
    """Everything :class:`LineRates` remembers, in a form that can be stored."""

    known: dict[str, Habit] = field(default_factory=dict)
    strangers: dict[str, Habit] = field(default_factory=dict)
    since_minute: int | None = None  # of the stream's first line
    judged_from_minute: int = 0
    newest_ns: int = 0
    heard_ns: int = 0  # time of receipt of the latest line


class LineRates:
    """The habits of one asset's log.

    Args:
        room: Templates held, at least 8; those unsaid for longest are forgotten first.

    Raises:
        ValueError: Less room than that, which is our bug.
    """

    def __init__(self, room: int) -> None:
        if room < 2 * _STRANGERS:
            raise ValueError("rates need room for eight templates")
        self._strangers = room // _STRANGERS
        self._known = room - self._strangers
        self._state = RateState()
        self._due_ns = 0.0  # no heartbeat is overdue before

    @property
    def templates(self) -> int:
        """Habits held now."""
        return len(self._state.known) + len(self._state.strangers)

    @property
    def heard_ns(self) -> int:
        """Time of receipt of the latest line."""
        return self._state.heard_ns

    def knows(self, template: str) -> bool:
        """Return whether the template has been said before, as far as memory goes."""
        key = template[:KEY_CHARS]
        return key in self._state.known or key in self._state.strangers

    def hear(
        self, template: str, at_ns: int, received_ns: int, *, complaint: bool = False
    ) -> Unusual | None:
        """Count one line; return the burst that it makes, at most one a minute.

        A line of a minute that is over is a sign of life and no more: a clock set back would
        pour an hour of lines into one minute.

        Args:
            template: The masked line, of any length.
            at_ns: Event time.
            received_ns: Time of receipt.
            complaint: Whether it tells of a fault, so that nobody misses it when it stops.
        """
        state, minute = self._state, at_ns // _MINUTE_NS
        state.since_minute = minute if state.since_minute is None else state.since_minute
        state.heard_ns = max(state.heard_ns, received_ns)
        late = minute < state.newest_ns // _MINUTE_NS
        state.newest_ns = max(state.newest_ns, at_ns)
        key = template[:KEY_CHARS]
        habit = self._habit(key, minute)
        habit.complaint = complaint
        if late:
            habit.newest_ns, habit.learning, habit.silent = state.newest_ns, False, False
            return None
        _beat(habit, state.newest_ns)
        self._due_ns = min(self._due_ns, habit.newest_ns + habit.patience_ns)
        _turn(habit, minute)
        habit.lines += 1
        return self._burst(key, habit)

    def overdue(self, now_ns: int) -> list[Unusual]:
        """Return the heartbeats that were overdue by event time ``now_ns``, each once a silence."""
        if now_ns < self._due_ns:
            return []
        found, self._due_ns = [], inf
        for template, habit in self._state.known.items():
            patience_ns = inf if habit.silent or habit.complaint else habit.patience_ns
            due_ns = habit.newest_ns + patience_ns
            if due_ns > now_ns:
                self._due_ns = min(self._due_ns, due_ns)
                continue
            habit.silent = True
            rate = Rate(0, patience_ns / habit.gap_ns, habit.gap_ns / NS_PER_S)
            limit_s = patience_ns / NS_PER_S
            found.append(Unusual(template, rate, limit_s, habit.newest_ns, int(due_ns)))
        return sorted(found, key=lambda silence: silence.end_ns)

    def rebase(self, at_ns: int) -> None:
        """Let all pauses begin at ``at_ns``: the clock has leapt, or nobody could hear the lines.

        What comes in this minute and the next may be the backlog of an outage and makes no burst.
        """
        state, minute = self._state, at_ns // _MINUTE_NS
        state.newest_ns, state.judged_from_minute, self._due_ns = at_ns, minute + 2, 0.0
        for habit in (*state.known.values(), *state.strangers.values()):
            habit.newest_ns, habit.learning = at_ns, False
            habit.minute, habit.lines, habit.burst_at = minute, 0, 0

    def snapshot(self) -> object:
        """Return everything that a restart needs, as JSON-able data."""
        return freeze(self._state)

    def restore(self, data: object) -> None:
        """Take up where :meth:`snapshot` was made.

        Raises:
            ValueError: The data is not ours.
        """
        self._state, self._due_ns = thaw(RateState, data), 0.0

    def _habit(self, key: str, minute: int) -> Habit:
        """Return the habit of a template, now the one said last, and make room for it."""
        state = self._state
        if (habit := state.known.pop(key, None)) is not None:
            state.known[key] = habit
        elif (habit := state.strangers.pop(key, None)) is not None:
            room, size = (state.strangers, self._strangers)
            if minute > habit.minute:
                room, size = (state.known, self._known)
            _put(room, size, key, habit)
        else:
            habit = Habit(state.newest_ns, minute, minutes=float(self._listened(minute)))
            _put(state.strangers, self._strangers, key, habit)
        return habit

    def _listened(self, minute: int) -> int:
        """Return for how many minutes a new template has not been said, as far as that counts."""
        since = self._state.since_minute
        return 0 if since is None else min(_HORIZON, max(0, minute - since))

    def _burst(self, template: str, habit: Habit) -> Unusual | None:
        settled = self._listened(habit.minute) >= _SETTLED
        judged = settled and habit.minute >= self._state.judged_from_minute
        if habit.burst_at or not judged or not _surprising(habit):
            return None
        habit.burst_at = habit.lines
        expected = _expected(habit)
        rate = Rate(habit.lines, expected, 60 / expected)
        start_ns = habit.minute * _MINUTE_NS
        return Unusual(template, rate, float(habit.lines), start_ns, habit.newest_ns)


def _put(room: dict[str, Habit], size: int, key: str, habit: Habit) -> None:
    room[key] = habit
    if len(room) > size:
        del room[next(iter(room))]


def _beat(habit: Habit, at_ns: int) -> None:
    """Learn one more pause; a silence is learned as no longer than what made it one."""
    gap_ns = at_ns - habit.newest_ns
    if habit.learning:
        habit.longest_ns = max(_faded(habit.longest_ns, gap_ns), gap_ns)
        habit.gaps += 1
        weight = max(_LATEST, 1 / habit.gaps)
        seen_ns = min(gap_ns, habit.patience_ns)
        away_ns = abs(seen_ns - habit.gap_ns) if habit.gaps > 1 else 0.0
        habit.spread_ns += weight * (away_ns - habit.spread_ns)
        habit.gap_ns += weight * (seen_ns - habit.gap_ns)
    habit.newest_ns, habit.learning, habit.silent = at_ns, True, False


def _turn(habit: Habit, minute: int) -> None:
    """Learn the minutes that are over: the one counted, and those without a line since."""
    if minute <= habit.minute:
        return
    # A burst is learned as the least that would have been one, so a rate that has changed for good
    # becomes usual within half a day.
    weight = 1 / min(habit.minutes + 1, _HORIZON)
    habit.mean += weight * ((habit.burst_at or habit.lines) - habit.mean)
    habit.minutes = min(habit.minutes + 1, _HORIZON)
    empty = minute - habit.minute - 1
    young = min(float(empty), _HORIZON - habit.minutes)
    habit.mean *= habit.minutes / (habit.minutes + young) * (1 - 1 / _HORIZON) ** (empty - young)
    habit.minutes += young
    if habit.burst_at:
        habit.peak = max(habit.peak, habit.lines)
    if empty or not habit.burst_at:
        faded = _faded(habit.busiest, (empty + 1) * _MINUTE_NS)
        habit.busiest, habit.peak = max(faded, habit.lines, habit.peak), 0
    habit.minute, habit.lines, habit.burst_at = minute, 0, 0


def _faded(extreme: float, age_ns: float) -> float:
    return float(extreme * 0.5 ** (age_ns / _LATE_NS))


def _expected(habit: Habit) -> float:
    """Return the lines of a minute by Jeffreys' prior: half a line more than were counted."""
    return (habit.mean * habit.minutes + 0.5) / (habit.minutes + 1)


def _surprising(habit: Habit) -> bool:
    """Return whether this many lines in one minute are beyond chance and habit.

    Given the minutes learned from, the count is negative binomial (a Poisson whose rate has a Gamma
    posterior) with mean ``m`` and shape ``r``.  Its tail is bounded after Chernoff: ``P(X >= n) <=
    exp(-D)``, where ``D = n ln(n / m) - (n + r) ln((n + r) / (m + r))``.
    """
    lines, mean = habit.lines, _expected(habit)
    if lines < max(_LEAST_BURST, _LEAST_RATIO * mean, _BUSIEST * habit.busiest):
        return False
    shape = mean * (habit.minutes + 1)
    tail = lines * log(lines / mean) - (lines + shape) * log((lines + shape) / (mean + shape))
    return tail > _SURPRISE
