"""What is unusual about how often a line comes: found without a model, in bounded memory."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.lograte import KEY_CHARS, LineRates
from edge_agent.core.records import NS_PER_S

START_S = 1_714_564_800
HOUR_S = 3600


def hear(rates, *lines):
    """Return (second, template, lines in the minute) of all that is found; 0 lines is silence."""
    found = []
    for at_s, template in lines:
        at_ns = round((START_S + at_s) * NS_PER_S)
        found += rates.overdue(at_ns)
        burst = rates.hear(template, at_ns, at_ns)
        found += [] if burst is None else [burst]
    return [(u.end_ns // NS_PER_S - START_S, u.template, u.rate.lines) for u in found]


def overdue(rates, at_s):
    return [u.template for u in rates.overdue((START_S + at_s) * NS_PER_S)]


def every(interval_s, until_s, template="alive", since_s=0):
    return [
        (since_s + n * interval_s, template) for n in range(int((until_s - since_s) / interval_s))
    ]


def merged(*streams):
    return sorted((line for stream in streams for line in stream), key=lambda line: line[0])


def burst(at_s, template="retry", lines=60):
    return [(at_s + n / lines, template) for n in range(lines)]


def test_a_rare_line_that_pours_is_one_burst_a_minute_for_as_long_as_it_pours():
    rates = LineRates(64)
    assert hear(rates, *merged(every(20, 2 * HOUR_S), every(600, 2 * HOUR_S, "retry"))) == []
    assert hear(rates, *burst(2 * HOUR_S), *burst(2 * HOUR_S + 5)) == [(2 * HOUR_S, "retry", 30)]
    later_s = 2 * HOUR_S + 60
    rates.hear("alive", (START_S + later_s) * NS_PER_S, 0)
    assert hear(rates, *burst(later_s)) == [(later_s, "retry", 30)]


def test_a_burst_names_what_was_counted_and_what_is_usual():
    rates = LineRates(64)
    hear(rates, *every(20, 2 * HOUR_S, "retry"))
    at_ns = (START_S + 2 * HOUR_S) * NS_PER_S
    found = [u for u in (rates.hear("retry", at_ns + n, at_ns) for n in range(100)) if u]
    (unusual,) = found
    assert unusual.rate.lines == unusual.limit == 30
    assert unusual.rate.expected == pytest.approx(3.0, abs=0.1)
    assert unusual.rate.interval_s == pytest.approx(20.0, abs=0.5)


@pytest.mark.parametrize("lines", [1, 5, 29])
def test_rare_chatter_is_no_burst(lines):
    rates = LineRates(64)
    hear(rates, *every(10, 2 * HOUR_S))
    assert hear(rates, *burst(2 * HOUR_S, "never said before", lines)) == []


def test_what_is_always_frequent_is_no_burst():
    rates = LineRates(64)
    assert hear(rates, *every(0.1, HOUR_S, "poll")) == []


def test_a_line_that_comes_in_clumps_is_used_to_them():
    clumps = [line for hour in range(2, 48) for line in burst(hour * HOUR_S, "report", 200)]
    found = hear(LineRates(64), *merged(every(60, 48 * HOUR_S), clumps))
    assert [at_s // HOUR_S for at_s, *_ in found] == [2]


def test_a_rate_that_has_changed_for_good_becomes_usual_within_a_day():
    lines = every(60, 10 * HOUR_S, "poll") + every(1, 40 * HOUR_S, "poll", 10 * HOUR_S)
    times_s = [at_s for at_s, *_ in hear(LineRates(64), *lines)]
    assert times_s[0] < 10 * HOUR_S + 60
    assert 14 * HOUR_S < times_s[-1] < 24 * HOUR_S


def test_a_stream_that_has_just_begun_is_not_judged():
    assert hear(LineRates(64), *every(10, 1000), *burst(1000)) == []


def test_a_heartbeat_that_stops_is_missed_once():
    rates = LineRates(64)
    hear(rates, *every(10, HOUR_S))
    assert overdue(rates, HOUR_S + 15) == []
    assert overdue(rates, HOUR_S + 100) == ["alive"]
    assert overdue(rates, HOUR_S + 5000) == []


def test_other_lines_notice_a_silence_as_of_the_same_moment():
    lines = merged(every(10, HOUR_S), every(7, HOUR_S + 100, "motor ok"))
    ((at_s, template, count),) = hear(LineRates(64), *lines)
    assert (template, count) == ("alive", 0)
    assert HOUR_S - 10 + 30 <= at_s <= HOUR_S + 30


def test_a_heartbeat_that_came_back_is_missed_again():
    rates = LineRates(64)
    hear(rates, *every(10, HOUR_S))
    assert overdue(rates, HOUR_S + 100) == ["alive"]
    hear(rates, *every(10, 3 * HOUR_S, since_s=HOUR_S + 120))
    assert overdue(rates, 3 * HOUR_S + 600) == ["alive"]


def test_a_pause_of_every_day_is_a_habit_too():
    rates, day_s = LineRates(64), 24 * HOUR_S
    shifts = [
        every(30, day * day_s + end * HOUR_S, "cycle done", day * day_s + begin * HOUR_S)
        for day in range(5)
        for begin, end in ((6, 12), (13, 30))
    ]
    found = hear(rates, *merged(*shifts))
    assert [at_s // day_s for at_s, *_ in found] == [0]


@pytest.mark.parametrize("seed", range(5))
def test_a_line_without_rhythm_is_never_missed(seed):
    times_s = np.random.default_rng(seed).exponential(30.0, 500).cumsum()
    rates = LineRates(64)
    assert hear(rates, *[(at_s, "door opened") for at_s in times_s]) == []
    assert overdue(rates, round(times_s[-1]) + 10 * HOUR_S) == []


def test_a_complaint_that_stops_is_no_loss():
    rates = LineRates(64)
    for at_s, template in every(2, 600, "motor too hot"):
        at_ns = (START_S + at_s) * NS_PER_S
        rates.hear(template, at_ns, at_ns, complaint=True)
    assert overdue(rates, HOUR_S) == []


def test_an_hour_of_lines_after_a_clock_was_set_back_is_no_burst_and_no_silence():
    rates = LineRates(64)
    hear(rates, *every(5, 2 * HOUR_S))
    assert hear(rates, *every(5, 2 * HOUR_S, since_s=HOUR_S)) == []
    assert hear(rates, *every(5, 3 * HOUR_S, since_s=2 * HOUR_S)) == []


def test_what_nobody_could_hear_is_held_against_no_line():
    rates = LineRates(64)
    hear(rates, *every(10, HOUR_S))
    rates.rebase((START_S + 3 * HOUR_S) * NS_PER_S)
    backlog = [(3 * HOUR_S + n / 100, "alive") for n in range(300)]
    assert hear(rates, *backlog) == []
    assert overdue(rates, 3 * HOUR_S + 1000) == ["alive"]


def test_templates_that_never_come_again_push_out_nothing_that_was_learned():
    rates = LineRates(64)
    hear(rates, *every(10, HOUR_S))
    hear(rates, *[(HOUR_S + n / 200, f"storm {n}") for n in range(3000)])
    assert overdue(rates, HOUR_S + 200) == ["alive"]


def test_a_hundred_thousand_templates_a_minute_take_bounded_memory():
    rates = LineRates(256)

    def rage(minute):
        at_ns = (START_S + 60 * minute) * NS_PER_S
        for number in range(100_000):
            rates.hear(f"{minute} unknown object {number} " + "x" * 300, at_ns + number, at_ns)

    hear(rates, *every(10, 600))
    tracemalloc.start()
    try:
        rage(1)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rates.templates <= 256
    assert max(held, peak) < 200_000


@pytest.mark.parametrize("template", ["", "\x00", "\u202eabc", "\N{FIRE}" * 5000, "a" * 1_000_000])
def test_any_template_is_counted_and_kept_short(template):
    rates = LineRates(8)
    rates.hear(template, 0, 0)
    assert rates.knows(template)
    assert len(json.dumps(rates.snapshot())) < 1000 + 12 * KEY_CHARS


TIMES = st.lists(
    st.tuples(st.integers(0, 8000), st.sampled_from("abcdefghijkl")), min_size=1, max_size=60
)


@settings(max_examples=25, deadline=None)
@given(rest=TIMES, cut=st.integers(0, 400), asked=st.lists(st.integers(0, 9000), max_size=5))
def test_a_restart_and_the_moments_of_asking_leave_no_trace(rest, cut, asked):
    pour = [line for at_s, name in rest[:2] for line in burst(at_s, name)]
    lines = merged(every(30, 6000), rest, pour)
    once, cut_short, continued, often = (LineRates(8) for _ in range(4))
    whole = hear(once, *lines), overdue(once, 9000)
    before = hear(cut_short, *lines[:cut])
    continued.restore(json.loads(json.dumps(cut_short.snapshot())))
    assert (before + hear(continued, *lines[cut:]), overdue(continued, 9000)) == whole
    for at_s, template in merged(lines, [(at_s, None) for at_s in asked]):
        overdue(often, at_s) if template is None else hear(often, (at_s, template))
    overdue(often, 9000), overdue(once, 9000)
    assert often.snapshot() == once.snapshot()


@given(rest=TIMES)
@settings(deadline=None)
def test_lines_of_any_order_and_time_hold_the_bound(rest):
    rates = LineRates(8)
    hear(rates, *rest)
    assert 1 <= rates.templates <= 8


def test_a_snapshot_that_is_not_ours_is_refused():
    with pytest.raises(ValueError, match="RateState"):
        LineRates(8).restore({"known": 3})


def test_room_for_fewer_than_eight_is_our_bug():
    with pytest.raises(ValueError, match="room"):
        LineRates(7)
