"""The whole core: what goes in as messages comes out as alerts, whatever the circumstances."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant import (
    END_S,
    FAULT_S,
    NORMAL_S,
    SITE,
    START_S,
    a_day_at_the_plant,
    pipeline,
    play,
    reading,
    story,
    told,
)

from edge_agent.core.asset import AssetState
from edge_agent.core.commands import Command, Refusal, Verb
from edge_agent.core.health import Shell, health
from edge_agent.core.records import NS_PER_S, Category, Message, RejectReason
from edge_agent.core.site import AssetSite, Limit

RECORDING = a_day_at_the_plant()
EXPECTED = story(play(pipeline(), RECORDING))


def test_an_overheating_is_raised_lifted_by_the_log_and_cleared():
    alerts = play(pipeline(), RECORDING)
    assert {a.alarm for a in alerts} == {"thermal"}
    raised, *lifted, cleared = (a.body for a in alerts)
    assert [e["kind"] for e in raised["evidence"]] == ["sensor"]
    assert raised["evidence"][0]["channel"] == "oil_temp"
    assert [e["kind"] for e in lifted[-1]["evidence"]] == ["sensor", "log"]
    assert lifted[-1]["priority"] == "critical"
    assert [raised["active"], cleared["active"]] == [True, False]
    at_s = int(raised["raised_at"][14:16]) * 60 + int(raised["raised_at"][17:19])
    assert NORMAL_S <= at_s <= NORMAL_S + 30
    assert cleared["cleared_at"] > f"2024-05-01T10:{FAULT_S // 60}"


@pytest.mark.parametrize("tick_every", [1, 3, 50, 10_000])
def test_how_often_the_pipeline_is_asked_changes_nothing(tick_every):
    assert story(play(pipeline(), RECORDING, tick_every)) == EXPECTED


@pytest.mark.parametrize("speed", [2.0, 100.0, 1e6])
def test_the_speed_of_play_changes_nothing(speed):
    assert story(play(pipeline(), RECORDING, 20, speed)) == EXPECTED


@pytest.mark.parametrize("others", [1, 3])
def test_other_assets_change_nothing(others):
    recordings = [RECORDING] + [a_day_at_the_plant(f"fan-{n}", n + 1) for n in range(others)]
    merged = sorted((m for r in recordings for m in r), key=lambda m: m.received_ns)
    alerts = [a for a in play(pipeline(), merged, 7) if a.asset == "pump-2"]
    assert story(alerts) == EXPECTED


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(1, len(RECORDING) - 1))
def test_a_restart_at_any_moment_changes_nothing(cut):
    first, second = pipeline(), pipeline()
    before = play(first, RECORDING[:cut])
    second.restore(first.snapshot(), first.boards())
    assert story(before + play(second, RECORDING[cut:])) == EXPECTED


def test_a_snapshot_without_waveforms_forgets_their_open_window_and_nothing_else():
    line, restored = pipeline(), pipeline()
    block = {"timestamp": START_S, "values": [0.1, -0.1] * 500, "rate_hz": 1000}
    line.feed(Message("plant/fan-1", json.dumps(block).encode(), START_S * NS_PER_S))
    line.feed(reading(0, "fan-1", temp=20))
    full, lean = line.snapshot()["fan-1"], line.snapshot(waveforms=False)["fan-1"]
    assert len(lean) < len(full) / 3
    restored.restore({"fan-1": lean}, {})
    restored.feed(reading(30, "fan-1", temp=20))
    restored.tick((START_S + 30) * NS_PER_S)
    assert restored.counts.windows >= 2  # those of the reading before the snapshot


@given(payload=st.binary(max_size=300), topic=st.sampled_from(["plant/a", "plant/a/log", "x/y"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_on_any_topic_are_taken_or_counted(payload, topic):
    line = pipeline()
    line.feed(Message(topic, payload, START_S * NS_PER_S))
    line.tick(START_S * NS_PER_S)
    counts = line.counts
    taken = counts.readings + counts.blocks + counts.lines
    nothing_in_it = b"null" in payload  # a value that the payload itself calls missing
    assert taken or counts.rejects.total() or nothing_in_it


def test_a_retained_message_raises_no_alarm():
    line = pipeline()
    line.feed(replace(told(5, "OIL HOT"), retained=True))
    assert line.tick((START_S + 5) * NS_PER_S).alerts == ()
    assert line.counts.rejects[RejectReason.RETAINED] == 1


def test_one_asset_more_than_agreed_is_refused_and_counted():
    line = pipeline()
    for number in range(SITE.caps.assets + 2):
        line.feed(reading(0, f"asset-{number}", x=1))
    assert len(line.states()) == SITE.caps.assets
    assert line.counts.rejects[RejectReason.ASSET_LIMIT] == 2


def test_an_asset_that_falls_silent_is_stale_and_raises_an_alarm():
    line = pipeline()
    play(line, RECORDING)
    later_ns = (START_S + END_S) * NS_PER_S + SITE.alarms.silence_ns + 10 * NS_PER_S
    silent = [a for a in line.tick(later_ns).alerts if a.alarm == "silence"]
    assert [a.body["category"] for a in silent] == ["communication"]
    assert line.states()["pump-2"] is AssetState.STALE


def two_channels(second, behind_s=0):
    """Return the values of one second, the second one with a clock that is behind."""
    received_ns = (START_S + second) * NS_PER_S
    late = replace(reading(second - behind_s, motor_current=12), received_ns=received_ns)
    return reading(second, oil_temp=60), late


def test_a_channel_whose_clock_is_behind_is_heard_again_after_a_minute():
    line = pipeline()
    for second in range(200):
        for message in two_channels(second, behind_s=30):
            line.feed(message)
        line.tick((START_S + second) * NS_PER_S)
    assert 55 <= line.counts.rejects[RejectReason.LATE] <= 70
    due = line.snapshot()["pump-2"]
    assert b"motor_current" in due


def test_a_channel_that_falls_silent_makes_its_asset_partial():
    line = pipeline()
    play(line, RECORDING[: END_S // 2])
    for second in range(END_S // 2, END_S // 2 + 400):
        line.feed(reading(second, oil_temp=60))
        line.tick((START_S + second) * NS_PER_S)
    assert line.states() == {"pump-2": AssetState.PARTIAL}
    assert line.stale_channels() == {"pump-2": ["motor_current"]}


def test_the_same_time_again_and_again_is_no_sign_of_life():
    line = pipeline()
    play(line, RECORDING[:100])
    for second in range(100, 600):
        frozen = replace(reading(100, oil_temp=60), received_ns=(START_S + second) * NS_PER_S)
        line.feed(frozen)
        line.tick((START_S + second) * NS_PER_S)
    assert line.states() == {"pump-2": AssetState.STALE}


def test_a_log_source_that_falls_silent_is_stale():
    line = pipeline()
    for second in range(0, 100, 10):
        line.feed(told(second, "cycle complete"))
    line.tick((START_S + 100) * NS_PER_S)
    assert line.states() == {"pump-2": AssetState.LOG_ONLY}
    line.tick((START_S + 1000) * NS_PER_S)
    assert line.states() == {"pump-2": AssetState.STALE}


def test_nobody_is_silent_while_the_agent_cannot_hear():
    line = pipeline()
    play(line, RECORDING[:100])
    later_ns = (START_S + 2000) * NS_PER_S
    assert line.tick(later_ns, listening_since_ns=None).alerts == ()
    assert line.tick(later_ns, listening_since_ns=later_ns - NS_PER_S).alerts == ()
    assert line.tick(later_ns + 400 * NS_PER_S, listening_since_ns=later_ns).alerts != ()


def test_an_asset_of_the_site_file_always_has_a_seat():
    line = pipeline(replace(SITE, assets={"press-1": AssetSite()}))
    for number in range(SITE.caps.assets):
        line.feed(reading(0, f"junk-{number}", x=1))
    line.feed(reading(0, "press-1", x=1))
    assert "press-1" in line.states()
    assert not line.counts.rejects


def test_a_forgotten_asset_is_cleared_and_gives_up_its_seat():
    line = pipeline()
    line.feed(told(0, "OIL HOT"))
    now_ns = (START_S + 1) * NS_PER_S
    line.tick(now_ns)
    assert line.command(Command(Verb.FORGET, "pump-2"), now_ns) == "forgotten"
    outcome = line.tick(now_ns)
    assert [alert.body["active"] for alert in outcome.alerts] == [False]
    assert outcome.forgotten == {"pump-2"}
    assert line.states() == {}


def test_an_alarm_of_a_limit_that_was_edited_is_cleared_at_the_next_start():
    limit = Limit("oil_temp", Category.THERMAL, high=50.0)
    hot = pipeline(replace(SITE, assets={"pump-2": AssetSite(limits=(limit,))}))
    (raised, *_) = play(hot, RECORDING[:100])
    assert raised.body["active"]
    higher = AssetSite(limits=(replace(limit, high=95.0),))
    edited = pipeline(replace(SITE, assets={"pump-2": higher}))
    edited.restore(hot.snapshot(), hot.boards())
    alerts = play(edited, RECORDING[100:200])
    assert [alert.body["active"] for alert in alerts] == [False]


def test_a_source_whose_clock_was_set_back_is_heard_again_after_a_minute():
    line = pipeline()
    play(line, RECORDING[:100])
    for second in range(100, 300):  # the source now says that it is an hour earlier
        message = reading(second - 3600, oil_temp=60)
        line.feed(replace(message, received_ns=(START_S + second) * NS_PER_S))
        line.tick((START_S + second) * NS_PER_S)
    assert 55 <= line.counts.rejects[RejectReason.LATE] <= 70
    assert line.counts.windows > 100 / 5


def test_what_is_normal_is_learned_before_anything_is_monitored():
    line = pipeline()
    play(line, RECORDING[:100])
    assert line.states() == {"pump-2": AssetState.COMMISSIONING}
    play(line, RECORDING[100:NORMAL_S])
    assert line.states() == {"pump-2": AssetState.MONITORED}


def test_a_machine_that_only_talks_is_not_called_monitored():
    line = pipeline()
    line.feed(told(0, "cycle complete"))
    assert line.states() == {"pump-2": AssetState.LOG_ONLY}


def test_a_command_acts_once_and_says_so():
    line = pipeline()
    line.feed(told(0, "OIL HOT"))
    now_ns = (START_S + 1) * NS_PER_S
    line.tick(now_ns)
    command = Command(Verb.ACKNOWLEDGE, "pump-2", "thermal")
    assert line.command(command, now_ns) == "done"
    assert line.command(command, now_ns) == "nothing to change"
    (acknowledged,) = line.tick(now_ns).alerts
    assert acknowledged.body["state"] == "active_acknowledged"


@pytest.mark.parametrize(
    "command",
    [
        Command(Verb.ACKNOWLEDGE, "nobody", "thermal"),
        Command(Verb.SHELVE, "pump-2", "electrical", NS_PER_S),
        Command(Verb.RECOMMISSION, "nobody"),
    ],
    ids=["unknown asset", "unknown alarm", "nothing to learn"],
)
def test_a_command_about_nothing_is_refused(command):
    line = pipeline()
    line.feed(told(0, "OIL HOT"))
    assert isinstance(line.command(command, START_S * NS_PER_S), Refusal)


def test_recommissioning_clears_what_the_model_said_and_learns_anew():
    line = pipeline()
    play(line, RECORDING[: NORMAL_S + 20])
    assert line.command(Command(Verb.RECOMMISSION, "pump-2"), START_S * NS_PER_S)
    assert line.states()["pump-2"] is AssetState.COMMISSIONING
    assert not any(a.body["active"] for a in line.tick((START_S + NORMAL_S) * NS_PER_S).alerts)


STORM_LINES = 2 * SITE.caps.model_runs


def storm(at_s, asset="pump-2"):
    """Return lines that are all new, received in one second."""
    lines = []
    for number in range(STORM_LINES):
        word = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        lines.append(told(at_s, f"chatter {word}", asset))
    return lines


def test_in_a_storm_of_new_lines_each_is_counted_and_most_are_shed():
    line = pipeline()
    for message in storm(0):
        line.feed(message)
    scores = [score for _, score in line.tick(START_S * NS_PER_S).line_scores]
    cached, scored, shed = line.lines_read()
    assert cached + scored + shed == line.counts.lines == STORM_LINES
    assert shed > scored > 0
    assert len(scores) == STORM_LINES
    assert sum(score.abstained for score in scores) == shed


@pytest.mark.parametrize("grave", ["OIL HOT", "2024-05-01 10:00:00 ERROR chatter hot"])
def test_a_grave_line_amid_a_storm_raises_its_alarm(grave):
    alerts = play(pipeline(), [*storm(0), told(0, grave), *storm(1)])
    assert [a.alarm for a in alerts if a.body["active"]] == ["thermal"]


def test_a_storm_raises_nothing_by_itself():
    assert play(pipeline(), [*storm(0), *storm(1)]) == []


def test_one_machine_that_babbles_changes_nothing_for_another():
    day = sorted(RECORDING + storm(NORMAL_S + 29, "fan-1"), key=lambda m: m.received_ns)
    assert story(a for a in play(pipeline(), day, 50) if a.asset == "pump-2") == EXPECTED


@pytest.mark.parametrize("tick_every", [1, 100, 10_000])
def test_what_is_shed_depends_on_the_times_of_receipt_alone(tick_every):
    first, again = pipeline(), pipeline()
    messages = [*storm(0), *storm(5), told(6, "OIL HOT"), *storm(7)]
    assert story(play(first, messages)) == story(play(again, messages, tick_every))
    assert first.lines_read() == again.lines_read()


def test_health_tells_counts_states_and_rejects():
    line = pipeline()
    play(line, RECORDING[:50])
    line.feed(Message("plant/pump-2", b"\xff", START_S * NS_PER_S))
    shell = Shell("1.0", 90 * NS_PER_S, 1, 2, 3, 4, 0, 5, {RejectReason.OVERLOAD: 6})
    body = json.loads(health("gw1", START_S * NS_PER_S, line, [], shell))
    assert body["assets"] == {"pump-2": "commissioning"}
    assert body["uptime_s"] == 90
    assert body["rejects"]["overload"] == 6
    assert body["counts"]["messages"] == 51
    assert body["counts"]["lines_shed"] == 0


def with_open_thermocouple():
    """Return a recording in which the oil's thermocouple is open for a while."""
    noise = np.random.default_rng(4).normal(0, 0.5, (END_S, 2))
    for at_s in range(END_S):
        opened = NORMAL_S <= at_s < FAULT_S
        temp = 1254.0 if opened else 60 + noise[at_s, 0]
        yield reading(at_s, oil_temp=temp, motor_current=12 + noise[at_s, 1])


def test_an_open_thermocouple_is_the_sensors_fault_and_not_the_machines():
    alerts = play(pipeline(), list(with_open_thermocouple()))
    told = [(a.alarm, a.body["state"]) for a in alerts]
    assert told == [("sensor", "active_unacknowledged"), ("sensor", "cleared_unacknowledged")]
    (evidence,) = alerts[0].body["evidence"]
    assert (evidence["channel"], evidence["fault"]) == ("oil_temp", "open_thermocouple")


def test_a_masked_channel_has_no_part_in_the_score():
    line, scores = pipeline(), []
    for message in with_open_thermocouple():
        line.feed(message)
        scores += line.tick(message.received_ns).sensor_scores
    opened = [s for s in scores if NORMAL_S + 10 <= s.end_ns / NS_PER_S - START_S <= FAULT_S]
    assert opened
    for score in opened:
        assert not score.anomalous
        assert score.channels == ("motor_current",)
        assert set(score.contributions) == {"motor_current"}


def test_a_limit_is_not_judged_by_a_faulty_sensor():
    limits = (Limit("oil_temp", Category.THERMAL, high=90.0),)
    site = replace(SITE, assets={"pump-2": AssetSite(limits=limits)})
    alerts = play(pipeline(site), list(with_open_thermocouple()))
    assert {alert.alarm for alert in alerts} == {"sensor"}
