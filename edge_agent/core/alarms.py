"""The life of an alarm, as ISA-18.2 draws it.

``advance`` is the whole state machine: a total function of an alarm and an event.  Delays and
deadbands are over by then (``evidence``); storing and publishing come after (``io``).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from edge_agent.core.evidence import Clear, Evidence, Raise
from edge_agent.core.records import Category, Priority, TimeQuality


class State(StrEnum):
    """The states of ISA-18.2 that say whether the fault is there and whether somebody knows."""

    NORMAL = "normal"
    ACTIVE_UNACKNOWLEDGED = "active_unacknowledged"
    ACTIVE_ACKNOWLEDGED = "active_acknowledged"
    CLEARED_UNACKNOWLEDGED = "cleared_unacknowledged"


class Suppression(StrEnum):
    """Whether, and why, an alarm is kept from the operators' attention."""

    NONE = "none"
    SHELVED = "shelved"  # by an operator, for a time


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """An operator has seen the alarm."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Shelve:
    """An operator wants no more of this alarm until ``until_ns``."""

    at_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Unshelve:
    """The shelving is over, by command or because its time has come."""

    at_ns: int


AlarmEvent = Raise | Clear | Acknowledge | Shelve | Unshelve


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of one asset; a new object per transition.

    ``occurrence`` counts the raises and ``transition`` every change, so both together name a
    document for good.  Times are event times; ``changed_ns`` never runs back.  ``category`` is
    ``None`` where nobody can say what the alarm is about.
    """

    asset: str
    name: str
    category: Category | None
    priority: Priority = Priority.LOW
    state: State = State.NORMAL
    suppression: Suppression = Suppression.NONE
    shelved_until_ns: int | None = None
    occurrence: int = 0
    transition: int = 0
    raised_ns: int | None = None
    changed_ns: int = 0
    cleared_ns: int | None = None
    time_quality: TimeQuality = TimeQuality.SOURCE
    evidence: tuple[Evidence, ...] = ()

    @property
    def active(self) -> bool:
        """Return whether the fault is there."""
        return self.state in (State.ACTIVE_UNACKNOWLEDGED, State.ACTIVE_ACKNOWLEDGED)

    @property
    def acknowledged(self) -> bool:
        """Return whether nobody is left to be told about the present occurrence."""
        return self.state in (State.NORMAL, State.ACTIVE_ACKNOWLEDGED)


def advance(alarm: Alarm, event: AlarmEvent) -> Alarm:
    """Return ``alarm`` after ``event``.

    Total and idempotent: commands arrive over at-least-once MQTT, so an event that does not apply
    returns the *same* object, and the caller publishes only when ``advance(a, e) is not a``.
    """
    match event:
        case Raise():
            return _lift(alarm, event) if alarm.active else _raise(alarm, event)
        case Clear():
            return _clear(alarm, event)
        case Acknowledge():
            return _acknowledge(alarm, event)
        case Shelve():
            return _shelve(alarm, event)
        case Unshelve():
            if alarm.suppression is Suppression.NONE:
                return alarm
            shown = replace(alarm, suppression=Suppression.NONE, shelved_until_ns=None)
            return _change(shown, event.at_ns)


def _raise(alarm: Alarm, event: Raise) -> Alarm:
    raised = replace(
        alarm,
        state=State.ACTIVE_UNACKNOWLEDGED,
        category=event.category,
        priority=event.priority,
        occurrence=alarm.occurrence + 1,
        cleared_ns=None,
        time_quality=event.time_quality,
        evidence=event.evidence,
    )
    changed = _change(raised, event.at_ns)
    return replace(changed, raised_ns=changed.changed_ns)


def _lift(alarm: Alarm, event: Raise) -> Alarm:
    """Return the active alarm with a higher priority: a change of priority never lowers it."""
    ranks = tuple(Priority)
    if ranks.index(event.priority) <= ranks.index(alarm.priority):
        return alarm
    lifted = replace(
        alarm,
        state=State.ACTIVE_UNACKNOWLEDGED,  # it is worse than what was acknowledged
        priority=event.priority,
        evidence=event.evidence,
    )
    return _change(lifted, event.at_ns)


def _clear(alarm: Alarm, event: Clear) -> Alarm:
    after = {
        State.ACTIVE_UNACKNOWLEDGED: State.CLEARED_UNACKNOWLEDGED,
        State.ACTIVE_ACKNOWLEDGED: State.NORMAL,
    }.get(alarm.state)
    if after is None:
        return alarm
    changed = _change(replace(alarm, state=after), event.at_ns)
    return replace(changed, cleared_ns=changed.changed_ns)


def _acknowledge(alarm: Alarm, event: Acknowledge) -> Alarm:
    after = {
        State.ACTIVE_UNACKNOWLEDGED: State.ACTIVE_ACKNOWLEDGED,
        State.CLEARED_UNACKNOWLEDGED: State.NORMAL,
    }.get(alarm.state)
    return alarm if after is None else _change(replace(alarm, state=after), event.at_ns)


def _shelve(alarm: Alarm, event: Shelve) -> Alarm:
    """Return the alarm shelved, or shelved for longer: a shelving is never shortened."""
    if event.until_ns <= max(event.at_ns, alarm.shelved_until_ns or event.at_ns):
        return alarm
    shelved = replace(alarm, suppression=Suppression.SHELVED, shelved_until_ns=event.until_ns)
    return _change(shelved, event.at_ns)


def _change(alarm: Alarm, at_ns: int) -> Alarm:
    return replace(alarm, transition=alarm.transition + 1, changed_ns=max(at_ns, alarm.changed_ns))
