"""The limit on what may insist is a matter of time, that on a window is one of windows."""

import numpy as np
import pytest

from edge_agent.core.limits import ALARM_EVERY_NS, FALSE_ALARM_RATE, limits_on
from edge_agent.core.records import NS_PER_S
from edge_agent.core.reference import Frames

COUNT, SIGNALS = 400, 8


def limits(window_s):
    """Return both limits for a machine of Gaussian signals and windows of this length."""
    values = np.random.default_rng(0).normal(size=(COUNT, SIGNALS))
    starts_ns = np.arange(COUNT, dtype=np.int64) * round(window_s * NS_PER_S)
    frames = Frames(values, starts_ns, starts_ns + round(window_s * NS_PER_S))
    scores = (np.abs(values) ** 3).mean(axis=1) ** (1 / 3)
    return limits_on(scores, frames, np.ones_like(values))


def test_the_shorter_the_windows_the_more_it_takes_for_an_alarm():
    minute, ten_seconds, second = (limits(window_s) for window_s in (60, 10, 1))
    assert minute[0] == ten_seconds[0] == second[0]
    assert second[1] > ten_seconds[1] > minute[1] > minute[0]


@pytest.mark.parametrize("hours", [1, 24, 100])
def test_windows_so_long_that_a_day_has_few_of_them_need_no_other_limit(hours):
    threshold, alarm_threshold = limits(3600 * hours)
    assert alarm_threshold == threshold


def test_healthy_windows_of_a_day_exceed_it_about_once():
    window_ns = ALARM_EVERY_NS // 8640
    _, alarm_threshold = limits(window_ns / NS_PER_S)
    day = np.random.default_rng(1).normal(size=(100 * 8640, SIGNALS))
    scores = (np.abs(day) ** 3).mean(axis=1) ** (1 / 3)
    assert 0.1 < (scores > alarm_threshold).sum() / 100 < 10
    assert FALSE_ALARM_RATE * 8640 > 8  # where a window's own limit would be exceeded
