"""Signs, delays and episodes."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.evidence import (
    Clear,
    Delays,
    Evidence,
    EvidenceKind,
    Raise,
    Sign,
    debounce,
    extend,
    fuse,
)
from edge_agent.core.records import Category, Priority, TimeQuality

DELAYS = Delays(on_ns=10, off_ns=30)


def sign(kind=EvidenceKind.SENSOR, priority=Priority.MEDIUM, *, counts=False):
    return Sign(
        fault="thermal",
        category=Category.THERMAL,
        priority=priority,
        evidence=Evidence(kind, "winding_temp", 4.0, 2.0, 0, 5),
        time_quality=TimeQuality.SOURCE,
        counts=counts,
    )


def play(script, start=None):
    """Return when the sign began or ceased to count, for a script of (time, present)."""
    state, edges = start or sign(), []
    for at_ns, present in script:
        after = debounce(state, present=present, since_ns=at_ns, at_ns=at_ns, delays=DELAYS)
        if after.counts is not state.counts:
            edges.append((at_ns, after.counts))
        state = after
    return edges


def test_a_sign_counts_once_it_has_stayed_for_the_on_delay():
    assert play([(0, True), (5, True), (9, True), (10, True), (15, True)]) == [(10, True)]


def test_a_gap_in_a_sign_starts_the_on_delay_anew():
    assert play([(0, True), (5, False), (8, True), (12, True), (18, True)]) == [(18, True)]


def test_a_sign_stops_counting_after_the_off_delay():
    script = [(0, False), (20, False), (29, False), (30, False)]
    assert play(script, sign(counts=True)) == [(30, False)]


def test_a_sign_that_comes_back_within_the_off_delay_never_stopped():
    script = [(0, False), (20, False), (25, True), (40, False), (60, False)]
    assert play(script, sign(counts=True)) == []


def test_a_sign_that_is_known_to_be_older_counts_sooner():
    after = debounce(sign(), present=True, since_ns=0, at_ns=12, delays=DELAYS)
    assert after.counts


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40))
def test_edges_alternate_and_keep_their_distance(steps):
    at_ns, script = 0, []
    for wait, present in steps:
        at_ns += wait
        script.append((at_ns, present))
    edges = play(script)
    assert [counts for _, counts in edges] == [index % 2 == 0 for index in range(len(edges))]
    for (earlier, _), (later, counts) in itertools.pairwise(edges):
        assert later - earlier >= (DELAYS.on_ns if counts else DELAYS.off_ns)


def test_signs_that_do_not_count_clear_the_fault():
    assert fuse([sign(), sign()], at_ns=7) == Clear(7)
    assert fuse([], at_ns=7) == Clear(7)


def test_the_gravest_sign_gives_the_priority():
    signs = [sign(counts=True), sign(priority=Priority.HIGH, counts=True)]
    fused = fuse(signs, at_ns=7)
    assert isinstance(fused, Raise)
    assert fused.priority is Priority.HIGH


def test_two_kinds_of_evidence_that_agree_weigh_one_step_more():
    signs = [sign(counts=True), sign(EvidenceKind.LOG, counts=True)]
    fused = fuse(signs, at_ns=7)
    assert isinstance(fused, Raise)
    assert fused.priority is Priority.HIGH
    assert len(fused.evidence) == 2


def test_there_is_no_priority_above_critical():
    signs = [replace(sign(k, Priority.CRITICAL), counts=True) for k in EvidenceKind]
    fused = fuse(signs, at_ns=7)
    assert isinstance(fused, Raise)
    assert fused.priority is Priority.CRITICAL


T, M = Category.THERMAL, Category.MECHANICAL


def test_an_episode_points_to_what_has_contributed_most_since_it_began():
    first = extend(None, 10, {T: 3.0, M: 1.0}, 5.0, settled=False)
    second = extend(first, 20, {T: 1.0, M: 1.5}, 5.0, settled=False)
    assert second.since_ns == 10
    assert second.faults == {T}


def test_an_alarm_that_stands_keeps_its_episode_from_changing_its_mind():
    first = extend(None, 10, {T: 3.0, M: 1.0}, 5.0, settled=False)
    wavering = extend(first, 20, {T: 0.1, M: 4.9}, 5.0, settled=False)
    settled = extend(first, 20, {T: 0.1, M: 4.9}, 5.0, settled=True)
    assert wavering.leading is M
    assert settled.leading is T


def test_a_second_fault_that_is_unusual_by_itself_is_pointed_to_as_well():
    episode = extend(None, 10, {T: 9.0, M: 6.0}, 5.0, settled=False)
    assert episode.faults == {T, M}


def test_a_fault_that_stood_alone_has_a_deadband_of_half_the_threshold():
    episode = extend(None, 10, {T: 9.0, M: 6.0}, 5.0, settled=True)
    assert extend(episode, 20, {T: 9.0, M: 2.6}, 5.0, settled=True).faults == {T, M}
    assert extend(episode, 20, {T: 9.0, M: 2.4}, 5.0, settled=True).faults == {T}
