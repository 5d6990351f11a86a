"""How a score runs on: smoothed, and let go of a fault that is over."""

import pytest

from edge_agent.core.course import Course

THRESHOLD = 2.0


def run(windows, course=None):
    """Return what is told of windows of (score, distance), twenty to a commissioning."""
    told, course = [], course or Course()
    for score, distance in windows:
        before, course = course, course.on(score, distance, 1.0, 1 / 20)
        told.append(course.told(THRESHOLD, before))
        course = course.after(anomalous=told[-1] > THRESHOLD)
    return told


def test_a_score_settles_within_a_few_windows():
    assert run([(5.0, 10.0)] * 6)[-1] == pytest.approx(5.0, rel=0.02)


def test_a_fault_that_stays_is_told_as_long_as_it_stays():
    assert all(score > THRESHOLD for score in run([(4.0, 20.0)] * 400)[2:])


def test_a_fault_that_grows_is_told():
    assert all(score > THRESHOLD for score in run([(4.0, 5.0 + i) for i in range(200)])[2:])


def test_a_remainder_after_a_fault_is_let_go():
    told = run([(1.0, 1.0)] * 20 + [(5.0, 30.0)] * 30 + [(2.5, 4.0)] * 20)
    assert told[45] > THRESHOLD
    assert all(score < THRESHOLD for score in told[55:])


def test_a_remainder_that_outlasts_the_memory_of_the_fault_is_told_again():
    told = run([(5.0, 30.0)] * 30 + [(2.5, 4.0)] * 200)
    assert told[-1] > THRESHOLD


def test_a_glitch_excuses_nothing():
    told = run([(1.0, 1.0)] * 20 + [(5.0, 30.0)] + [(2.5, 4.0)] * 20)
    assert all(score > THRESHOLD for score in told[24:])


def test_nothing_below_the_threshold_is_changed():
    assert run([(1.5, 3.0)] * 50)[-1] == pytest.approx(1.5)


def test_an_anomaly_is_held_while_the_machine_stays_where_it_went():
    told = run([(1.0, 1.0)] * 20 + [(3.0, 20.0)] * 5 + [(1.8, 15.0)] * 300 + [(1.8, 6.0)] * 20)
    assert all(score > THRESHOLD for score in told[22:325])
    assert told[-1] == pytest.approx(1.8)


def test_an_anomaly_near_the_normal_is_not_held():
    told = run([(1.0, 1.0)] * 20 + [(3.0, 4.0)] * 5 + [(1.8, 4.0)] * 20)
    assert told[24] > THRESHOLD
    assert told[-1] == pytest.approx(1.8)
