"""How often a machine says something, through the whole core: bursts and missing heartbeats."""

import json
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant import START_S, pipeline, play, story, told

from edge_agent.core.records import NS_PER_S, Message

HOUR_S = 3600
BEAT_S = 20
STOPS_S, BACK_S, END_S = 2 * HOUR_S, 2 * HOUR_S + 900, 2 * HOUR_S + 1800
POURS_S = STOPS_S + 1500


def shift():
    """Return two hours of heartbeats, a pause, other lines throughout, and a burst at the end."""
    beats = [told(s, f"alive {s}") for s in range(0, STOPS_S, BEAT_S)]
    beats += [told(s, f"alive {s}") for s in range(BACK_S, END_S, BEAT_S)]
    others = [told(s, "door opened") for s in (70, 400, 1900, 5000, STOPS_S + 300)]
    pour = [told(POURS_S + n // 50, f"retry {n}") for n in range(100)]
    return sorted(beats + others + pour, key=lambda message: message.received_ns)


SHIFT = shift()
EXPECTED = story(play(pipeline(), SHIFT))


def test_a_heartbeat_that_stops_raises_a_low_alarm_and_clears_when_it_is_back():
    raised, cleared = (a.body for a in play(pipeline(), SHIFT) if a.alarm == "log_silence")
    assert (raised["category"], raised["priority"]) == ("communication", "low")
    assert raised["raised_at"] == "2024-05-01T12:00:40Z"
    assert (cleared["active"], cleared["cleared_at"]) == (False, "2024-05-01T12:15:00Z")
    (evidence,) = raised["evidence"]
    assert (evidence["kind"], evidence["template"]) == ("rate", "alive <num>")
    assert evidence["rate"] == {"lines": 0, "expected": 3.0, "interval_s": 20.0}
    assert evidence["score"] == 60.0
    assert "has not come for 60 s, usually every 20 s" in raised["summary"]
    assert raised["model"] is None


def test_a_burst_raises_a_low_alarm_that_ends_by_itself():
    raised, cleared = (a.body for a in play(pipeline(), SHIFT) if a.alarm == "log_burst")
    assert (raised["category"], raised["priority"]) == ("control_software", "low")
    (evidence,) = raised["evidence"]
    assert (evidence["template"], evidence["text"]) == ("retry <num>", "retry 29")
    assert evidence["rate"]["lines"] == 30
    assert "30 times within a minute" in raised["summary"]
    assert (raised["raised_at"], cleared["cleared_at"]) == (
        "2024-05-01T12:25:00Z",
        "2024-05-01T12:26:00Z",
    )


def test_the_documents_keep_to_their_schema():
    schema = json.loads((files("edge_agent") / "core" / "alert.schema.json").read_text())
    for told_of in play(pipeline(), SHIFT):
        jsonschema.Draft202012Validator(schema).validate(told_of.body)


def test_where_nothing_comes_any_more_the_clock_notices_as_of_the_same_moment():
    line = pipeline()
    play(
        line, [message for message in SHIFT if message.received_ns < (START_S + STOPS_S) * NS_PER_S]
    )
    assert line.tick((START_S + STOPS_S + 200) * NS_PER_S).alerts == ()
    (raised,) = line.tick((START_S + STOPS_S + 400) * NS_PER_S).alerts
    assert (raised.alarm, raised.body["raised_at"]) == ("log_silence", "2024-05-01T12:00:40Z")


@pytest.mark.parametrize("tick_every", [1, 7, 10_000])
def test_how_often_the_pipeline_is_asked_changes_nothing(tick_every):
    assert story(play(pipeline(), SHIFT, tick_every)) == EXPECTED


@pytest.mark.parametrize("speed", [2.0, 1e6])
def test_the_speed_of_play_changes_nothing(speed):
    assert story(play(pipeline(), SHIFT, 20, speed)) == EXPECTED


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, len(SHIFT) - 1))
def test_a_restart_at_any_moment_changes_nothing(cut):
    first, second = pipeline(), pipeline()
    before = play(first, SHIFT[:cut])
    second.restore(first.snapshot(), first.boards())
    assert story(before + play(second, SHIFT[cut:])) == EXPECTED


def test_a_snapshot_of_before_there_were_rates_can_still_be_read():
    first, second = pipeline(), pipeline()
    play(first, SHIFT[:100])
    snapshot = json.loads(first.snapshot()["pump-2"])
    del snapshot["rates"]
    second.restore({"pump-2": json.dumps(snapshot).encode()}, first.boards())
    assert story(play(second, SHIFT[100:])) == EXPECTED


def test_a_heartbeat_that_nobody_could_hear_is_not_missed():
    line, away_s = pipeline(), STOPS_S + 600
    play(line, [m for m in SHIFT if m.received_ns < (START_S + STOPS_S) * NS_PER_S])
    line.tick((START_S + STOPS_S + 1) * NS_PER_S, listening_since_ns=None)
    for second in range(away_s, away_s + 60, 10):
        line.feed(told(second, "door opened"))
        now_ns = (START_S + second) * NS_PER_S
        assert line.tick(now_ns, (START_S + away_s) * NS_PER_S).alerts == ()


def test_the_backlog_of_an_outage_is_no_burst():
    line, away_s = pipeline(), STOPS_S + 600
    play(line, [m for m in SHIFT if m.received_ns < (START_S + STOPS_S) * NS_PER_S])
    topic, now_ns = "plant/pump-2/log", (START_S + away_s) * NS_PER_S
    for _ in range(90):  # no times of their own
        line.feed(Message(topic, b"retry", now_ns))
    assert line.tick(now_ns, now_ns).alerts == ()


def test_a_complaint_that_is_over_is_missed_by_nobody():
    line = pipeline()
    hot = [told(s, "OIL HOT") for s in range(0, HOUR_S, 10)]
    calm = [told(s, "door opened") for s in range(HOUR_S, 2 * HOUR_S, 300)]
    assert {a.alarm for a in play(line, hot + calm)} == {"thermal"}


def test_no_machine_can_have_more_missing_heartbeats_than_agreed():
    names = [chr(ord("a") + n // 26) + chr(ord("a") + n % 26) + "z" for n in range(40)]
    beats = [told(s, f"unit {w} alive") for s in range(0, HOUR_S, 60) for n, w in enumerate(names)]
    line = pipeline()
    alerts = play(line, [*beats, told(2 * HOUR_S, "door opened")])
    assert [a.alarm for a in alerts] == ["log_silence"]
    assert line.boards()["pump-2"].count(b'"rate:unit') == 16
