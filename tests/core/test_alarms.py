"""The life of an alarm: every state against every event."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.alarms import (
    Acknowledge,
    Alarm,
    AlarmEvent,
    Shelve,
    State,
    Suppression,
    Unshelve,
    advance,
)
from edge_agent.core.evidence import Clear, Raise
from edge_agent.core.records import Category, Priority, TimeQuality


def raising(at_ns=10, priority=Priority.HIGH):
    return Raise(at_ns, Category.THERMAL, priority, (), TimeQuality.SOURCE)


def alarm_in(state):
    active = state in (State.ACTIVE_ACKNOWLEDGED, State.ACTIVE_UNACKNOWLEDGED)
    return Alarm(
        asset="pump-2",
        name="thermal",
        category=Category.THERMAL,
        priority=Priority.HIGH,
        state=state,
        occurrence=3,
        transition=7,
        raised_ns=5,
        changed_ns=5,
        cleared_ns=None if active else 5,
    )


TABLE = [
    (State.NORMAL, raising(), State.ACTIVE_UNACKNOWLEDGED),
    (State.NORMAL, Clear(10), None),
    (State.NORMAL, Acknowledge(10), None),
    (State.ACTIVE_UNACKNOWLEDGED, raising(), None),
    (State.ACTIVE_UNACKNOWLEDGED, Clear(10), State.CLEARED_UNACKNOWLEDGED),
    (State.ACTIVE_UNACKNOWLEDGED, Acknowledge(10), State.ACTIVE_ACKNOWLEDGED),
    (State.ACTIVE_ACKNOWLEDGED, raising(), None),
    (State.ACTIVE_ACKNOWLEDGED, Clear(10), State.NORMAL),
    (State.ACTIVE_ACKNOWLEDGED, Acknowledge(10), None),
    (State.CLEARED_UNACKNOWLEDGED, raising(), State.ACTIVE_UNACKNOWLEDGED),
    (State.CLEARED_UNACKNOWLEDGED, Clear(10), None),
    (State.CLEARED_UNACKNOWLEDGED, Acknowledge(10), State.NORMAL),
]


@pytest.mark.parametrize(
    ("state", "event", "after"),
    TABLE,
    ids=[f"{state}-{type(event).__name__.lower()}" for state, event, _ in TABLE],
)
def test_the_state_diagram(state, event, after):
    before = alarm_in(state)
    result = advance(before, event)
    if after is None:
        assert result is before
    else:
        assert result.state is after
        assert result.transition == before.transition + 1
        assert result.changed_ns == 10


def test_each_raise_is_a_new_occurrence_with_its_own_time():
    raised = advance(alarm_in(State.NORMAL), raising(at_ns=42))
    assert (raised.occurrence, raised.raised_ns, raised.cleared_ns) == (4, 42, None)


def test_a_clear_keeps_the_time_of_the_raise_beside_its_own():
    cleared = advance(alarm_in(State.ACTIVE_ACKNOWLEDGED), Clear(99))
    assert (cleared.raised_ns, cleared.cleared_ns) == (5, 99)


def test_a_graver_raise_lifts_the_priority_and_asks_for_attention_again():
    lifted = advance(alarm_in(State.ACTIVE_ACKNOWLEDGED), raising(priority=Priority.CRITICAL))
    assert lifted.priority is Priority.CRITICAL
    assert lifted.state is State.ACTIVE_UNACKNOWLEDGED
    assert lifted.occurrence == 3


def test_a_milder_raise_never_lowers_the_priority():
    before = alarm_in(State.ACTIVE_UNACKNOWLEDGED)
    assert advance(before, raising(priority=Priority.LOW)) is before


def test_shelving_hides_an_alarm_but_never_calls_it_normal():
    shelved = advance(alarm_in(State.ACTIVE_UNACKNOWLEDGED), Shelve(10, until_ns=100))
    assert shelved.suppression is Suppression.SHELVED
    assert shelved.active
    assert advance(shelved, Unshelve(100)).suppression is Suppression.NONE


def test_a_shelving_that_is_over_before_it_begins_does_nothing():
    before = alarm_in(State.NORMAL)
    assert advance(before, Shelve(10, until_ns=10)) is before


def test_a_later_shelving_prolongs_and_an_earlier_or_equal_one_changes_nothing():
    shelved = advance(alarm_in(State.ACTIVE_UNACKNOWLEDGED), Shelve(10, until_ns=100))
    assert advance(shelved, Shelve(20, until_ns=100)) is shelved
    assert advance(shelved, Shelve(20, until_ns=60)) is shelved
    longer = advance(shelved, Shelve(20, until_ns=200))
    assert (longer.suppression, longer.shelved_until_ns) == (Suppression.SHELVED, 200)
    assert (longer.transition, longer.changed_ns) == (shelved.transition + 1, 20)
    assert advance(longer, Shelve(20, until_ns=200)) is longer


def test_time_never_runs_back():
    before = replace(alarm_in(State.ACTIVE_UNACKNOWLEDGED), changed_ns=500)
    assert advance(before, Clear(10)).changed_ns == 500


times = st.integers(0, 1000)
events: st.SearchStrategy[AlarmEvent] = st.one_of(
    st.builds(raising, times, st.sampled_from(Priority)),
    st.builds(Clear, times),
    st.builds(Acknowledge, times),
    st.builds(Shelve, times, times),
    st.builds(Unshelve, times),
)


@given(st.lists(events, max_size=30))
def test_any_event_twice_is_the_same_as_once(script):
    alarm = alarm_in(State.NORMAL)
    for event in script:
        alarm = advance(alarm, event)
        assert advance(alarm, event) is alarm


@given(st.lists(events, max_size=40))
def test_raises_and_clears_come_in_pairs(script):
    alarm = alarm_in(State.NORMAL)
    edges = []
    for event in script:
        after = advance(alarm, event)
        if after.active is not alarm.active:
            edges.append(after.active)
        alarm = after
    assert edges == [index % 2 == 0 for index in range(len(edges))]


@given(st.lists(events, max_size=40))
def test_an_active_alarm_never_reads_as_normal(script):
    alarm = alarm_in(State.NORMAL)
    for event in script:
        alarm = advance(alarm, event)
        assert alarm.active is (alarm.raised_ns is not None and alarm.cleared_ns is None)
        assert not (alarm.active and alarm.state is State.NORMAL)
