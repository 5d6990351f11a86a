"""Which lines the model reads when it cannot read all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.logbudget import LogBudget
from edge_agent.core.records import NS_PER_S, Severity
from edge_agent.core.site import Caps

NOON_NS = 1_714_564_800 * NS_PER_S
RUNS, RUNS_PER_S = 80, 4


@pytest.fixture
def budget():
    return LogBudget(Caps(model_runs=RUNS, model_runs_per_s=RUNS_PER_S))


def storm(budget, lines, *, asset="babbler", at_s=0.0, words="chatter", level=None):
    """Return how many lines of a storm are read."""
    now_ns = NOON_NS + round(at_s * NS_PER_S)
    return sum(budget.grants(asset, now_ns, f"{words} {n}", level) for n in range(lines))


def test_a_usual_start_is_read_whole(budget):
    assert storm(budget, RUNS // 4) == RUNS // 4


def test_after_a_storm_lines_are_read_at_the_rate(budget):
    storm(budget, 1000)
    assert storm(budget, 1000, at_s=10) == 10 * RUNS_PER_S // 2


def test_a_pause_saves_up_no_more_than_there_is_room_for(budget):
    first = storm(budget, 1000)
    assert storm(budget, 1000, at_s=86_400) == first


def test_one_asset_leaves_half_of_the_runs_to_the_others(budget):
    taken = storm(budget, 1000)
    assert RUNS // 4 < taken < RUNS // 2
    assert storm(budget, 1000, asset="other") == taken


def test_a_line_that_calls_itself_grave_is_read_amid_a_storm(budget):
    storm(budget, 1000)
    assert storm(budget, 1) == 0
    assert storm(budget, 1, level=Severity.CRITICAL) == 1


@pytest.mark.parametrize("level", [None, *Severity])
def test_a_line_that_begins_unlike_the_storm_is_read_amid_it(budget, level):
    storm(budget, 1000, level=level)
    assert storm(budget, 1, words="Emergency stop") == 1


def test_but_a_second_storm_that_begins_like_it_is_not(budget):
    storm(budget, 1000)
    assert storm(budget, 1000, words="Emergency stop") == 1
    assert storm(budget, 1, words="EMERGENCY stop", at_s=0.1) == 0


def test_a_storm_that_always_begins_anew_leaves_something_for_grave_lines(budget):
    for number in range(1000):
        storm(budget, 1, words=f"word-{number}")
    assert storm(budget, 1, words="new") == 0
    assert storm(budget, 1, level=Severity.ERROR) == 1


def test_a_clock_that_runs_back_saves_nothing_up(budget):
    storm(budget, 1000, at_s=100)
    assert storm(budget, 1000, at_s=0) == 0
    assert storm(budget, 1000, at_s=100) == 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2 * NS_PER_S),
            st.sampled_from("abc"),
            st.sampled_from(["x", "y", "z"]),
            st.sampled_from([None, *Severity]),
        ),
        max_size=300,
    )
)
def test_never_are_more_lines_read_than_were_paid_for(arrivals):
    budget = LogBudget(Caps(model_runs=RUNS, model_runs_per_s=RUNS_PER_S))
    now_ns, read = NOON_NS, 0
    for gap_ns, asset, words, level in arrivals:
        now_ns += gap_ns
        read += budget.grants(asset, now_ns, words, level)
        assert read <= RUNS + (now_ns - NOON_NS) * RUNS_PER_S / NS_PER_S


LEVELS = st.sampled_from([None, *Severity])


@given(st.lists(st.booleans(), max_size=100), LEVELS, LEVELS)
def test_one_babbler_changes_nothing_for_another_asset(mine, level, theirs):
    alone, beside = (LogBudget(Caps(model_runs=RUNS, model_runs_per_s=RUNS_PER_S)) for _ in "ab")
    for at_s, speaks in enumerate(mine):
        storm(beside, 50, at_s=at_s, level=theirs)
        if speaks:
            line = {"asset": "pump-2", "at_s": at_s, "level": level}
            assert storm(alone, 9, **line) == storm(beside, 9, **line)
