"""Times as payloads spell them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.dialects.times import EARLIEST_NS, LATEST_NS, parse
from edge_agent.core.records import TimeQuality

EPOCH_S = 1_710_000_000
EPOCH_NS = EPOCH_S * 1_000_000_000
NOON_NS = 1_583_755_200_000_000_000  # 2020-03-09T12:00:00Z


@pytest.mark.parametrize(
    ("value", "at_ns"),
    [
        pytest.param(EPOCH_S, EPOCH_NS, id="s"),
        pytest.param(EPOCH_S * 1_000 + 1, EPOCH_NS + 1_000_000, id="ms"),
        pytest.param(EPOCH_S * 1_000_000 + 1, EPOCH_NS + 1_000, id="us"),
        pytest.param(EPOCH_NS + 1, EPOCH_NS + 1, id="ns"),
        pytest.param(float(EPOCH_S) + 0.5, EPOCH_NS + 500_000_000, id="float s"),
        pytest.param(1710000000123.25, EPOCH_NS + 123_250_000, id="float ms"),
        pytest.param(Decimal("1710000000.123456789"), EPOCH_NS + 123_456_789, id="decimal"),
        pytest.param("1710000000", EPOCH_NS, id="text s"),
        pytest.param(" 1710000000123 ", EPOCH_NS + 123_000_000, id="text ms"),
        pytest.param("1710000000.123456789", EPOCH_NS + 123_456_789, id="text with 9 digits"),
        pytest.param("1.71e9", EPOCH_NS, id="text with exponent"),
    ],
)
def test_the_size_of_an_epoch_tells_its_unit(value, at_ns):
    assert parse(value) == (at_ns, TimeQuality.SOURCE)


@pytest.mark.parametrize(
    ("text", "after_noon_ns", "quality"),
    [
        ("2020-03-09T12:00:00Z", 0, TimeQuality.SOURCE),
        ("2020-03-09t12:00:00z", 0, TimeQuality.SOURCE),
        ("2020-03-09 12:00:00.1Z", 100_000_000, TimeQuality.SOURCE),
        ("2020-03-09T12:00:00.123456789Z", 123_456_789, TimeQuality.SOURCE),
        ("2020-03-09T12:00:00,000001Z", 1_000, TimeQuality.SOURCE),
        ("2020-03-09T13:30:00+01:30", 0, TimeQuality.SOURCE),
        ("2020-03-09T13:30:00+0130", 0, TimeQuality.SOURCE),
        ("2020-03-09T07:00:00-05", 0, TimeQuality.SOURCE),
        ("2020-03-09 12:00:00 UTC", 0, TimeQuality.SOURCE),
        ("2020-03-09T12:00:00", 0, TimeQuality.NAIVE),
        ("2020/03/09 12:00", 0, TimeQuality.NAIVE),
        ("2020-03-09T11:59:60Z", 0, TimeQuality.SOURCE),
    ],
)
def test_rfc_3339_and_its_looser_relatives_are_read(text, after_noon_ns, quality):
    assert parse(text) == (NOON_NS + after_noon_ns, quality)


@pytest.mark.parametrize(
    "value",
    [
        0, 1, -EPOCH_S, 10**400, EPOCH_NS * 1000, 21.5, float("nan"), float("inf"), True, [], {},
        "", "12:14:36", "2020-03-09", "2020-13-01T00:00:00Z", "2021-02-29T00:00:00Z",
        "2020-03-09T24:00:00Z", "2020-03-09T12:00:00+25:00", "1980-01-01T00:00:00Z",
        "2200-01-01T00:00:00Z", "2020-03-09T12:00:00Zx", "1_710_000_000", "٢٠٢٠", "NaN", "Infinity",
        "1e999999999999999999999", "9" * 5_000, "2020-03/09 12:00:00",
    ],
)  # fmt: skip
def test_what_is_no_time_between_1990_and_2200_is_none(value):
    assert parse(value) is None


MOMENTS = st.integers(EARLIEST_NS, LATEST_NS - 1)


@given(MOMENTS, st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
@settings(max_examples=200, deadline=None)
def test_an_epoch_in_any_unit_keeps_every_digit(at_ns, unit_ns):
    whole, rest = divmod(at_ns, unit_ns)
    digits = len(str(unit_ns)) - 1
    assert parse(at_ns // unit_ns).at_ns == at_ns - rest
    literal = f"{whole}.{rest:0{digits}d}" if digits else str(whole)
    assert parse(literal).at_ns == parse(Decimal(literal)).at_ns == at_ns


@given(MOMENTS, st.integers(-14 * 60, 14 * 60), st.sampled_from("T "))
@settings(max_examples=200, deadline=None)
def test_rfc_3339_in_any_zone_keeps_every_nanosecond(at_ns, ahead_min, separator):
    at_s, fraction = divmod(at_ns, 1_000_000_000)
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at_s, minutes=ahead_min)
    sign, ahead = ("-" if ahead_min < 0 else "+"), abs(ahead_min)
    text = f"{local:%Y-%m-%d}{separator}{local:%H:%M:%S}.{fraction:09d}"
    assert parse(f"{text}{sign}{ahead // 60:02d}:{ahead % 60:02d}") == (at_ns, TimeQuality.SOURCE)


@given(st.floats() | st.text(max_size=30) | st.text("0123456789-:.TZ+eE", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_or_float_is_a_sane_time_or_none(value):
    stamp = parse(value)
    assert stamp is None or EARLIEST_NS <= stamp.at_ns < LATEST_NS
