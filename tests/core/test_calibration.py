"""Normals, evidence and thresholds fitted from little data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from edge_agent.core.calibration import (
    LEAST_VALUES,
    evidence,
    expected_threshold,
    fit_normal,
    fit_threshold,
    predecessors,
)

SINGLES = st.floats(-(2.0**99), 2.0**99, width=32)
MEASUREMENTS = st.lists(SINGLES, min_size=LEAST_VALUES, max_size=80).map(np.array)


def gaussian(count: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def wander(correlation: float, count: int = 400, seed: int = 0) -> np.ndarray:
    values = gaussian(count, seed)
    for i in range(1, count):
        values[i] = correlation * values[i - 1] + np.sqrt(1 - correlation**2) * values[i]
    return values


def normal_of(values: np.ndarray):
    return fit_normal(values, np.arange(-1, len(values) - 1), 1.0)


def test_the_normal_of_gaussian_values_is_their_mean_and_standard_deviation():
    normal = normal_of(20.0 + 3.0 * gaussian())
    assert normal.centre == pytest.approx(20.0, abs=0.5)
    assert normal.reach == pytest.approx(3.0, rel=0.1)
    assert normal.freedom > 50.0


def test_a_few_wild_values_move_neither_centre_nor_reach_but_lower_the_freedom():
    values = gaussian()
    spoilt = values.copy()
    spoilt[::40] = 1000.0
    clean, robust = normal_of(values), normal_of(spoilt)
    assert robust.centre == pytest.approx(clean.centre, abs=0.1)
    assert robust.reach == pytest.approx(clean.reach, rel=0.25)
    assert robust.freedom < 5.0 < clean.freedom


def test_the_slower_a_signal_the_fewer_its_degrees_of_freedom():
    freedoms = [
        np.median([normal_of(wander(correlation, seed=seed)).freedom for seed in range(9)])
        for correlation in (0.0, 0.5, 0.9, 0.99)
    ]
    assert freedoms == sorted(freedoms, reverse=True)
    assert freedoms[-1] < 20.0


def test_a_trend_through_all_of_commissioning_counts_as_next_to_nothing():
    assert normal_of(np.linspace(0.0, 1.0, 60) + 1e-3 * gaussian(60)).freedom == 1.0


def test_windows_that_overlap_are_not_counted_twice():
    values = wander(0.3)
    twice = np.repeat(values, 2)
    before = np.arange(len(twice)) - 2
    single, overlapping = normal_of(values), fit_normal(twice, before, 0.5)
    assert overlapping.freedom == pytest.approx(single.freedom, rel=0.05)


def test_what_was_thinned_out_counts_for_a_slow_signal_only():
    slow, fast = wander(0.95), gaussian()
    before = np.arange(-1, len(slow) - 1)
    assert fit_normal(slow, before, 1.0, 4.0).freedom > 2.0 * fit_normal(slow, before).freedom
    assert fit_normal(fast, before, 1.0, 4.0).freedom <= len(fast)


def test_a_frame_follows_the_one_a_window_earlier_and_nothing_across_a_gap():
    starts = np.array([0, 5, 10, 15, 100, 105, 110], np.int64)
    assert predecessors(starts, starts + 10).tolist() == [-1, -1, 0, 1, -1, -1, 4]


def test_a_coarse_sensor_has_a_reach_though_most_of_its_values_are_equal():
    values = np.zeros(200)
    values[::25] = 0.5
    normal = normal_of(values)
    assert normal.centre == 0.0
    assert 0.05 < normal.reach < 1.0


@pytest.mark.parametrize(("value", "reach"), [(50.0, 0.5), (-50.0, 0.5), (0.0, 1.0)])
def test_a_signal_that_never_moved_may_move_by_a_hundredth(value, reach):
    normal = normal_of(np.full(60, value))
    assert (normal.centre, normal.reach) == (value, pytest.approx(reach))


def test_missing_values_are_not_counted():
    values = gaussian()
    values[::3] = np.nan
    normal = normal_of(values)
    assert normal.reach == pytest.approx(1.0, rel=0.25)
    assert normal.freedom < 300.0


@settings(deadline=None)
@given(values=MEASUREMENTS)
def test_any_measurements_have_a_finite_normal(values):
    normal = normal_of(values)
    assert np.isfinite(normal.centre)
    assert 0.0 < normal.reach < np.inf
    assert 1.0 <= normal.freedom < np.inf


@settings(deadline=None)
@given(factor=st.floats(0.01, 100.0), offset=st.floats(-100.0, 100.0))
def test_the_unit_of_a_signal_does_not_matter(factor, offset):
    values = gaussian(100)
    normal, other = normal_of(values), normal_of(factor * values + offset)
    assert other.reach == pytest.approx(factor * normal.reach, rel=1e-9)
    assert other.freedom == pytest.approx(normal.freedom, rel=1e-6)


@pytest.mark.parametrize("freedom", [1.0, 2.0, 5.0, 30.0, 1000.0])
@pytest.mark.parametrize("deviation", [-8.0, -1.0, 0.0, 0.5, 3.0, 20.0])
def test_evidence_has_the_tail_probability_of_students_t(freedom, deviation):
    (found,) = evidence(np.array([deviation]), np.array([freedom]))
    exact = np.sign(deviation) * stats.norm.isf(stats.t.sf(abs(deviation), freedom))
    assert found == pytest.approx(exact, rel=0.07, abs=0.03)


def test_evidence_of_nothing_is_nothing():
    assert np.isnan(evidence(np.array([np.nan]), np.array([3.0])))


@pytest.mark.parametrize(("count", "within"), [(1, 0.05), (4, 0.05), (16, 0.03), (100, 0.02)])
def test_the_expected_threshold_is_exceeded_as_often_as_it_says(count, within):
    values = np.abs(np.random.default_rng(0).normal(size=(200_000, count)))
    means = (values**3).mean(axis=1) ** (1 / 3)
    assert expected_threshold(count, 1e-2) == pytest.approx(np.quantile(means, 0.99), rel=within)


def test_a_threshold_lies_above_nearly_all_healthy_scores():
    scores = np.abs(gaussian()) + 0.5
    assert np.mean(scores > fit_threshold(scores, 400, 3.2, 1e-3)) <= 0.01


def test_a_lower_false_alarm_rate_asks_for_a_higher_threshold():
    scores = np.abs(gaussian())
    assert fit_threshold(scores, 400, 3.0, 1e-4) > fit_threshold(scores, 400, 3.0, 1e-2)
    assert expected_threshold(4, 1e-4) > expected_threshold(4, 1e-2)


def test_a_few_correlated_scores_say_little_against_what_is_expected():
    wild = 5.0 + np.abs(gaussian(60))
    assert fit_threshold(wild, 5, 2.0, 1e-3) < 2.2 < fit_threshold(wild, 2000, 2.0, 1e-3)


def test_a_noisier_machine_gets_a_higher_threshold():
    scores = np.abs(gaussian()) + 1.0
    assert fit_threshold(2.0 * scores, 400, 3.0, 1e-3) > fit_threshold(scores, 400, 3.0, 1e-3)


@pytest.mark.parametrize("scores", [np.zeros(60), np.ones(1)], ids=["all zero", "a single one"])
def test_a_machine_without_a_tail_still_gets_a_threshold(scores):
    assert 0.5 < fit_threshold(scores, len(scores), 2.0, 1e-3) < 10.0
