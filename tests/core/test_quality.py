"""Source clocks: what is believed, what is flagged, what time it is at the source."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.quality import SourceClock
from edge_agent.core.records import NS_PER_S, TimeQuality

NOW = 1_710_000_000 * NS_PER_S
HOUR = 3600 * NS_PER_S
DAY = 24 * HOUR
YEAR_2005 = 1_117_838_570 * NS_PER_S


def after(*seen):
    """Return a clock that has seen ``(at_ns, received_ns)`` pairs, and what it said of the last."""
    clock, event_ns, quality = SourceClock(), 0, TimeQuality.SOURCE
    for at_ns, received_ns in seen:
        clock, event_ns, quality = clock.observe(at_ns, received_ns, TimeQuality.SOURCE)
    return clock, event_ns, quality


@pytest.mark.parametrize(
    ("seen", "event_ns", "quality"),
    [
        pytest.param([(NOW - 5, NOW)], NOW - 5, TimeQuality.SOURCE, id="a little ago"),
        pytest.param([(None, NOW)], NOW, TimeQuality.RECEIVED, id="no time"),
        pytest.param([(NOW + 60 * NS_PER_S, NOW)], NOW + 60 * NS_PER_S, TimeQuality.SOURCE,
                     id="a minute ahead is believed"),
        pytest.param([(NOW + 61 * NS_PER_S, NOW)], NOW, TimeQuality.CLAMPED, id="the future"),
        pytest.param([(NOW, NOW), (NOW - HOUR, NOW)], NOW - HOUR, TimeQuality.SOURCE,
                     id="an hour late is late"),
        pytest.param([(NOW, NOW), (NOW - HOUR - 1, NOW)], NOW - HOUR - 1, TimeQuality.JUMPED,
                     id="more than an hour back is a jump"),
        pytest.param([(YEAR_2005, NOW), (YEAR_2005 + DAY, NOW)], YEAR_2005 + DAY,
                     TimeQuality.SOURCE, id="a day on in no time"),
        pytest.param([(YEAR_2005, NOW), (YEAR_2005 + DAY + 1, NOW)], YEAR_2005 + DAY + 1,
                     TimeQuality.JUMPED, id="more than a day on in no time is a leap"),
        pytest.param([(NOW - 9 * DAY, NOW - 9 * DAY), (NOW, NOW)], NOW, TimeQuality.SOURCE,
                     id="nine days on in nine days is silence"),
        pytest.param([(NOW, NOW), (NOW - DAY, NOW), (NOW - DAY + 1, NOW)], NOW - DAY + 1,
                     TimeQuality.SOURCE, id="a jump is flagged once"),
    ],
)  # fmt: skip
def test_a_time_is_believed_clamped_or_flagged(seen, event_ns, quality):
    assert after(*seen)[1:] == (event_ns, quality)


def test_the_quality_that_was_decoded_is_kept():
    assert SourceClock().observe(NOW, NOW, TimeQuality.NAIVE)[2] is TimeQuality.NAIVE


def test_a_recording_keeps_its_times_at_any_speed():
    clock = SourceClock()
    for day in range(200):
        clock, event_ns, quality = clock.observe(
            YEAR_2005 + day * DAY, NOW + day * 1_000_000, TimeQuality.NAIVE
        )
        assert (event_ns, quality) == (YEAR_2005 + day * DAY, TimeQuality.NAIVE)


@pytest.mark.parametrize("quality", [TimeQuality.RECEIVED, TimeQuality.CLAMPED])
def test_a_record_without_time_stays_among_its_neighbours_in_a_recording(quality):
    clock, *_ = after((YEAR_2005, NOW))
    _, event_ns, kept = clock.observe(NOW + 3 * NS_PER_S, NOW + 3 * NS_PER_S, quality)
    assert (event_ns, kept) == (YEAR_2005 + 3 * NS_PER_S, quality)


def test_untimed_records_of_one_message_keep_their_distances_in_a_recording():
    clock, *_ = after((YEAR_2005, NOW))
    clock, first_ns, _ = clock.observe(NOW + 10, NOW + 20, TimeQuality.RECEIVED)
    clock, second_ns, _ = clock.observe(NOW + 20, NOW + 20, TimeQuality.RECEIVED)
    assert (first_ns, second_ns) == (YEAR_2005 + 10, YEAR_2005 + 20)


def test_a_record_without_time_of_a_live_source_happened_on_receipt():
    clock, *_ = after((NOW - 2 * NS_PER_S, NOW))
    assert clock.observe(None, NOW + 5, TimeQuality.RECEIVED)[1] == NOW + 5


def test_time_at_the_source_goes_on_while_it_is_silent():
    clock, *_ = after((YEAR_2005, NOW))
    assert clock.source_now(NOW + 7 * NS_PER_S) == YEAR_2005 + 7 * NS_PER_S


def test_time_at_an_unseen_source_is_our_own():
    assert SourceClock().source_now(NOW) == NOW


def test_time_at_the_source_goes_on_though_its_clock_was_set_back():
    clock, *_ = after((NOW, NOW), (NOW - DAY, NOW + NS_PER_S))
    assert clock.source_now(NOW + 2 * NS_PER_S) == NOW + 2 * NS_PER_S


TIMES = st.integers(NOW - 40 * DAY, NOW + 40 * DAY)
SEEN = st.lists(st.tuples(st.none() | TIMES, TIMES, st.sampled_from(TimeQuality)), max_size=8)


@given(SEEN, TIMES, st.integers(0, DAY))
@settings(max_examples=200, deadline=None)
def test_time_at_the_source_never_runs_back(seen, now_ns, passed_ns):
    clock, newest_ns = SourceClock(), 0
    for at_ns, received_ns, quality in seen:
        clock, event_ns, _ = clock.observe(at_ns, received_ns, quality)
        assert event_ns <= max(received_ns + 60 * NS_PER_S, newest_ns)
        newest_ns = max(newest_ns, event_ns)
        assert clock.source_now(received_ns) >= newest_ns
    assert clock.source_now(now_ns + passed_ns) >= clock.source_now(now_ns)
