"""An anomaly must insist before it is worth an alarm, and a chattering alarm ends late."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.insistence import ENOUGH, FIRST_HOLD, Insistence

COMMISSIONED = 360.0  # windows: an hour of 10 s
NOTHING = Insistence()


def after(*ratios, windows=1.0, start=NOTHING):
    """Return what there is after windows with these scores, by their alarm threshold."""
    for ratio in ratios:
        start = start.on(ratio, windows, COMMISSIONED)
    return start


def quiet_until_over(alarm):
    """Return how many quiet windows an alarm takes to be over."""
    count = 0
    while alarm.alarming:
        alarm, count = after(0.5, start=alarm), count + 1
    return count, alarm


@pytest.mark.parametrize(("ratio", "windows"), [(3.0, 1), (2.0, 2), (1.5, 4), (1.125, 16)])
def test_the_further_out_an_anomaly_is_the_sooner_it_insists(ratio, windows):
    assert not after(*[ratio] * (windows - 1)).alarming
    assert after(*[ratio] * windows).alarming


def test_no_single_window_counts_for_more_than_three_thresholds():
    assert after(1e9, windows=0.9) == after(3.0, windows=0.9)
    assert not after(1e9, windows=0.9).alarming


def test_an_anomaly_that_keeps_falling_back_never_insists():
    assert not after(*[1.4, 1.4, 1.4, 0.99] * 100).alarming


def test_half_windows_count_half():
    assert after(*[1.5] * 8, windows=0.5) == after(*[1.5] * 4)


def test_the_first_alarm_is_over_with_the_first_quiet_window():
    alarm = after(3.0)
    assert quiet_until_over(alarm)[0] == 1


def test_an_alarm_that_returns_soon_must_be_quiet_twice_as_long_each_time():
    told, alarm = [], after(3.0)
    for _ in range(5):
        count, alarm = quiet_until_over(alarm)
        told.append(count)
        alarm = after(3.0, start=alarm)
    assert told == [1, *(FIRST_HOLD * 2**k for k in range(4))]


def test_no_alarm_must_be_quiet_for_longer_than_it_took_to_learn_what_is_normal():
    alarm = after(3.0)
    for _ in range(20):
        count, alarm = quiet_until_over(alarm)
        alarm = after(3.0, start=alarm)
    assert count == COMMISSIONED


def test_an_alarm_that_returns_late_is_a_new_one():
    _, calm = quiet_until_over(after(3.0))
    _, calm = quiet_until_over(after(3.0, start=calm))
    late = after(*[0.5] * int(COMMISSIONED), 3.0, start=calm)
    assert quiet_until_over(late)[0] == 1


@pytest.mark.parametrize("ratio", [math.nan, math.inf])
def test_what_is_no_number_neither_raises_nor_ends_anything(ratio):
    for before in (Insistence(), after(1.5), after(3.0)):
        assert after(ratio, start=before) == before


@given(st.lists(st.floats(0.0, 50.0), max_size=60))
def test_there_is_an_alarm_only_where_enough_was_exceeded_in_total(ratios):
    exceeded = sum(max(ratio - 1.0, 0.0) for ratio in ratios)
    assert exceeded >= ENOUGH - 1e-9 or not after(*ratios).alarming
