import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vibrationwatch import KNOWN

from edge_agent.core.outlook import Outlook, interval_of
from edge_agent.core.prognosis import time_to
from edge_agent.core.records import NS_PER_S, Category
from edge_agent.core.site import AssetSite, Limit
from edge_agent.core.trend import Trend

TIMES = list(range(32))


def rising(slope=0.1, noise=0.05, seed=0):
    return 1 + slope * np.arange(32) + np.random.default_rng(seed).normal(0, noise, 32)


def test_a_line_reaches_its_boundary_within_the_interval():
    interval = time_to(TIMES, rising(), 6.0)
    assert interval.earliest <= (6.0 - 4.1) / 0.1 <= interval.latest
    assert interval.latest < 2 * interval.earliest


def test_growth_by_a_factor_is_read_from_the_logarithm():
    values = np.exp(0.05 * np.arange(32))
    interval = time_to(TIMES, values, 8.0)
    assert interval.earliest == pytest.approx(np.log(8) / 0.05 - 31, abs=0.5)


def test_a_falling_value_reaches_a_low_boundary():
    interval = time_to(TIMES, 10 - rising(), 4.0)
    assert interval.earliest <= 19 <= interval.latest


@pytest.mark.parametrize(
    ("values", "boundary"),
    [
        (rising()[:10], 6.0),
        (np.ones(32), 6.0),
        (rising(slope=0.0), 6.0),
        (rising(slope=-0.1), 6.0),
        (rising(), 3.0),
        (rising(), 50.0),
        (rising(noise=3.0), 6.0),
        (np.where(np.arange(32) < 16, rising(), rising()[16]), 6.0),
        (np.cumsum(np.random.default_rng(1).normal(0, 1, 32)) + 10, 25.0),
    ],
    ids=[
        "too few",
        "constant",
        "level",
        "moving away",
        "passed already",
        "too far ahead",
        "lost in noise",
        "no longer rising",
        "a random walk",
    ],
)
def test_no_number_where_the_fit_does_not_deserve_it(values, boundary):
    assert time_to(TIMES[: len(values)], values, boundary) is None


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40),
    boundary=st.floats(-1e7, 1e7),
)
def test_whatever_comes_there_is_an_interval_or_nothing(values, boundary):
    interval = time_to(list(range(len(values))), values, boundary)
    assert interval is None or 0 <= interval.earliest <= interval.latest


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.floats(0.1, 1000))
def test_units_do_not_matter(unit, second):
    plain = time_to(TIMES, rising(), 6.0)
    scaled = time_to([t * second for t in TIMES], unit * rising(), 6.0 * unit)
    assert scaled.earliest == pytest.approx(second * plain.earliest)
    assert scaled.latest == pytest.approx(second * plain.latest)


def test_a_trend_holds_a_month_in_a_few_hundred_points():
    trend = Trend()
    for index in range(100_000):
        trend.push(index * 5 * NS_PER_S, float(index))
    assert sum(len(level.values) for level in trend.levels) <= 256
    longest = next(trend.spans())
    assert (longest.times_ns[-1] - longest.times_ns[0]) / NS_PER_S > 3 * 86400


def test_a_spike_does_not_reach_the_coarse_levels():
    trend = Trend()
    for index in range(1000):
        trend.push(index, 1000.0 if index % 50 == 0 else 1.0)
    assert max(trend.levels[2].values) == 1.0


def test_a_clock_that_is_set_back_begins_the_trend_anew():
    trend = Trend()
    for at_ns in (10, 20, 30, 15):
        trend.push(at_ns, 1.0)
    assert trend.levels[0].times_ns == [15]


def followed(outlook, slope, windows=2000):
    """Let a temperature be 60 for half the time and then rise; return when it ends."""
    rng = np.random.default_rng(2)
    for index in range(windows):
        temp = 60 + slope * max(0, index - windows // 2) + rng.normal(0, 0.2)
        outlook.follow(index * 5 * NS_PER_S, {"temp": temp})
    return windows * 5 * NS_PER_S


def test_a_warming_bearing_is_told_when_it_reaches_its_limit():
    outlook = Outlook(AssetSite(limits=(Limit("temp", Category.THERMAL, high=90.0, low=20.0),)))
    told = outlook.ahead(["temp", "flow"], followed(outlook, 0.02))
    left_s = 5 * (30 / 0.02 - 1000)
    assert list(told) == ["temp"]
    assert told["temp"].reaches == "its limit of 90"
    assert told["temp"].earliest_s <= left_s <= told["temp"].latest_s


def test_a_steady_bearing_is_told_nothing():
    outlook = Outlook(AssetSite(limits=(Limit("temp", Category.THERMAL, high=90.0),)))
    assert outlook.ahead(["temp"], followed(outlook, 0.0)) == {}


def test_growing_vibration_is_told_its_next_zone():
    outlook = Outlook(AssetSite(waveforms={"vib": KNOWN}))
    for index in range(1500):
        velocity_mm_s = 1.5 + 0.001 * max(0, index - 750)
        signals = {"vib:velocity_rms": float(np.log(velocity_mm_s / 9806.65))}
        outlook.follow(index * NS_PER_S, signals)
    told = outlook.ahead(["vib"], 1500 * NS_PER_S)["vib"]
    assert told.reaches == "zone C"
    assert told.earliest_s <= (2.8 - 2.25) / 0.001 <= told.latest_s


def test_a_restart_keeps_the_past():
    site = AssetSite(limits=(Limit("temp", Category.THERMAL, high=90.0),))
    outlook, restarted = Outlook(site), Outlook(site)
    now_ns = followed(outlook, 0.02)
    restarted.restore(json.loads(json.dumps(outlook.snapshot())))
    assert restarted.ahead(["temp"], now_ns) == outlook.ahead(["temp"], now_ns)


def worn(windows=128, slope=0.1, healthy=64):
    """Return the trend of a value that begins to rise."""
    trend = Trend()
    for index in range(windows):
        trend.push(index * NS_PER_S, 1 + slope * max(0, index - healthy))
    return trend


def test_a_prognosis_from_an_old_point_counts_from_now():
    at_once = interval_of(worn(), 9.0, 127 * NS_PER_S)
    later = interval_of(worn(), 9.0, 132 * NS_PER_S)
    assert later.latest == pytest.approx(at_once.latest - 5, abs=0.5)


def test_nothing_is_told_before_the_past_is_twice_the_stretch():
    assert interval_of(worn(windows=60, healthy=0), 9.0, 59 * NS_PER_S) is None
    assert interval_of(worn(windows=64, healthy=0), 9.0, 63 * NS_PER_S) is not None


def test_a_daily_cycle_is_no_wear():
    trend = Trend()
    for index in range(2000):
        trend.push(index * NS_PER_S, 60 + 10 * np.sin(2 * np.pi * index / 288))
        assert interval_of(trend, 75.0, index * NS_PER_S) is None or index < 288
