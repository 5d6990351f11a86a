"""A learned normal follows the season while nothing is wrong, slowly and not far."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.following import DAY_NS, FARTHEST, RATE, UNSUSPICIOUS, follow

OFFSETS = st.floats(-FARTHEST, FARTHEST)
DEVIATIONS = st.floats(allow_infinity=True, allow_nan=False, width=32)
SUSPICIONS = st.floats(0.0, 10.0)
TIMES = st.integers(0, DAY_NS)


@given(offset=OFFSETS, deviation=DEVIATIONS, passed_ns=TIMES, suspicion=SUSPICIONS)
def test_it_moves_no_faster_and_no_farther_than_a_season(offset, deviation, passed_ns, suspicion):
    (moved,) = follow(np.array([offset]), np.array([deviation]), passed_ns, suspicion)
    assert abs(moved - offset) <= passed_ns * RATE / DAY_NS + 1e-12
    assert abs(moved) <= FARTHEST


@given(offset=OFFSETS, deviation=DEVIATIONS, passed_ns=TIMES)
def test_it_stands_still_in_suspicion(offset, deviation, passed_ns):
    before = np.array([offset])
    assert follow(before, np.array([deviation]), passed_ns, UNSUSPICIOUS) == before
    assert follow(before, np.array([deviation]), passed_ns, 7.0) == before


@given(offset=OFFSETS, deviation=st.floats(-100, 100), passed_ns=TIMES)
def test_it_moves_towards_the_signal_or_not_at_all(offset, deviation, passed_ns):
    (moved,) = follow(np.array([offset]), np.array([deviation]), passed_ns, 0.0)
    assert (moved - offset) * deviation >= 0


def test_a_missing_signal_leaves_its_centre_where_it_was():
    assert follow(np.array([0.5]), np.array([0.0]), DAY_NS, 0.0).tolist() == [0.5]


def test_each_machine_of_many_follows_by_its_own_suspicion():
    offset, deviations = np.zeros((2, 1, 3)), np.ones((2, 1, 3))
    suspicion = np.array([0.0, 1.0]).reshape(2, 1, 1)
    moved = follow(offset, deviations, DAY_NS, suspicion)
    assert moved.tolist() == [[[RATE] * 3], [[0.0] * 3]]
