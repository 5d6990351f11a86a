"""Faults for lessons: they begin after commissioning, and leave most of a series as it was."""

import numpy as np
import pytest

from quantize.machine_faults import with_faults

FIRST, FRAMES = 100, 400
FLAT = np.zeros(FRAMES, np.float32)


def lessons(count=300, healthy=FLAT, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([with_faults(rng, healthy, FIRST) for _ in range(count)])


def test_nothing_is_wrong_during_commissioning():
    assert not lessons()[:, :FIRST].any()


def test_a_third_of_the_series_stays_healthy():
    wander = np.sin(np.arange(FRAMES)).astype(np.float32)  # so that a stuck value shows, too
    touched = (lessons(1000, wander) != wander).any(axis=1)
    assert touched.mean() == pytest.approx(0.65, abs=0.05)


def test_the_healthy_series_itself_is_not_touched():
    healthy = FLAT.copy()
    lessons(50, healthy)
    assert not healthy.any()


def test_the_same_seed_breaks_the_same_things_and_another_seed_others():
    first, again, other = lessons(20, seed=1), lessons(20, seed=1), lessons(20, seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_lost_sample_of_a_shifted_series_stays_lost():
    gappy = FLAT.copy()
    gappy[::7] = np.nan
    shown = lessons(200, gappy)
    assert not np.isinf(shown).any()
    assert np.isnan(shown[:, :FIRST:7]).all()
    assert (np.isnan(shown[:, ::7]).mean(axis=1) == 1.0).mean() > 0.8  # all but stuck ones


def test_faults_go_up_and_down_and_are_over_before_the_end_in_some_series():
    shown = lessons()
    assert shown.max() > 3.0
    assert shown.min() < -3.0
    broken = abs(shown).max(axis=1) > 1.0
    assert 0.2 < (abs(shown[broken, -1]) < 0.1).mean() < 0.8
