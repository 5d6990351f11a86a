"""Normals and thresholds fitted from little data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.calibration import LEAST_VALUES, fit_normal, fit_threshold

SINGLES = st.floats(-(2.0**99), 2.0**99, width=32)
MEASUREMENTS = st.lists(SINGLES, min_size=LEAST_VALUES, max_size=80).map(np.array)


def gaussian(count: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def test_the_normal_of_gaussian_values_is_their_mean_and_standard_deviation():
    normal, _ = fit_normal(20.0 + 3.0 * gaussian())
    assert normal.centre == pytest.approx(20.0, abs=0.5)
    assert normal.reach == pytest.approx(3.0, rel=0.25)


def test_a_few_wild_values_move_neither_centre_nor_reach():
    values = gaussian()
    spoilt = values.copy()
    spoilt[::40] = 1000.0
    clean, _ = fit_normal(values)
    robust, _ = fit_normal(spoilt)
    assert robust.centre == pytest.approx(clean.centre, abs=0.1)
    assert robust.reach == pytest.approx(clean.reach, rel=0.25)


def test_a_coarse_sensor_has_a_reach_though_most_of_its_values_are_equal():
    values = np.zeros(200)
    values[::25] = 0.5
    normal, _ = fit_normal(values)
    assert normal.centre == 0.0
    assert 0.05 < normal.reach < 1.0


@pytest.mark.parametrize(("value", "reach"), [(50.0, 0.5), (-50.0, 0.5), (0.0, 1.0)])
def test_a_signal_that_never_moved_may_move_by_a_hundredth(value, reach):
    normal, across = fit_normal(np.full(60, value))
    assert (normal.centre, normal.reach) == (value, pytest.approx(reach))
    assert not across.any()


def test_a_signal_that_moved_to_another_level_reaches_that_far():
    values = gaussian()
    values[300:] += 10.0
    normal, across = fit_normal(values)
    assert normal.reach > 4.0
    assert np.abs(across[300:]).max() < 3.0


def test_missing_values_stay_missing_and_are_not_counted():
    values = gaussian()
    holed = values.copy()
    holed[::3] = np.nan
    normal, across = fit_normal(holed)
    assert np.array_equal(np.isnan(across), np.isnan(holed))
    assert normal.reach == pytest.approx(1.0, rel=0.25)


def test_a_quarter_without_any_value_but_its_own_is_measured_from_all():
    values = np.full(100, np.nan)
    values[:25] = gaussian(25)
    _, across = fit_normal(values)
    assert np.isfinite(across[:25]).all()


@settings(deadline=None)
@given(values=MEASUREMENTS)
def test_any_measurements_have_a_finite_normal_and_finite_deviations(values):
    normal, across = fit_normal(values)
    assert np.isfinite(normal.centre)
    assert 0.0 < normal.reach < np.inf
    assert np.quantile(np.abs(across), 0.95) < 2.0


@settings(deadline=None)
@given(factor=st.floats(0.01, 100.0), offset=st.floats(-100.0, 100.0))
def test_the_unit_of_a_signal_does_not_matter(factor, offset):
    values = gaussian(100)
    normal, across = fit_normal(values)
    other, other_across = fit_normal(factor * values + offset)
    assert other.reach == pytest.approx(factor * normal.reach, rel=1e-9)
    assert other_across == pytest.approx(across, rel=1e-6, abs=1e-9)


def test_a_threshold_lies_above_nearly_all_healthy_scores():
    scores = np.abs(gaussian()) + 0.5
    assert np.mean(scores > fit_threshold(scores, 1e-3)) <= 0.01


def test_a_lower_false_alarm_rate_asks_for_a_higher_threshold():
    scores = np.abs(gaussian())
    assert fit_threshold(scores, 1e-4) > fit_threshold(scores, 1e-2)


def test_a_noisier_machine_gets_a_higher_threshold():
    scores = np.abs(gaussian()) + 1.0
    assert fit_threshold(2.0 * scores, 1e-3) > fit_threshold(scores, 1e-3)


@pytest.mark.parametrize("scores", [np.zeros(60), np.ones(1)], ids=["all zero", "a single one"])
def test_a_machine_without_a_tail_still_gets_a_threshold(scores):
    assert 0.5 < fit_threshold(scores, 1e-3) < 10.0
