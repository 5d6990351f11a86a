"""What the viewer of the demo reads, to the letter."""

from dataclasses import replace

from edge_agent.core.records import Category
from edge_agent.demo.episodes import Episode, Fault
from edge_agent.demo.show import alert_text, header, news, table
from edge_agent.demo.verdict import Alert, Outcome

RAISED = Alert(
    asset="fan-3",
    alarm="electrical",
    priority="high",
    active=True,
    raised_at="2026-05-01T10:00:33.5Z",
    changed_at="2026-05-01T10:00:33.5Z",
    summary="fan-3: electrical fault since 10:00:33 UTC on 2026-05-01: current at 17.4 is beyond.",
    response="Look for a blocked or dirty fan wheel before the drive trips.",
    evidence=(
        {
            "kind": "limit",
            "channel": "current",
            "score": 17.41,
            "threshold": 14.0,
            "contributions": {},
        },
        {
            "kind": "log",
            "template": "drive overcurrent",
            "score": 0.981,
            "threshold": 0.5,
            "contributions": {},
        },
    ),
)
RAISED_TEXT = """\
10:00:33  HIGH      fan-3       electrical  RAISED  (+33.8 s)
          fan-3: electrical fault since 10:00:33 UTC on 2026-05-01: current at 17.4 is beyond.
          evidence: limit current 17.4 over 14; log "drive overcurrent" (0.98)
          response: Look for a blocked or dirty fan wheel before the drive trips."""
CLOSING_TABLE = """\
fault               asset       alarm        injected    raised  repaired   cleared  verdict
over-current        fan-3       electrical       30.0      33.8      42.0      47.2  found
bearing outer race  press-1     mechanical       36.0      40.0      52.0         -  NOT CLEARED
overheating         pump-2      thermal          50.0         -      64.0         -  NOT RAISED
alarms that belong to no injected fault: 2"""
OVER_CURRENT = Episode(Fault.OVER_CURRENT, "fan-3", Category.ELECTRICAL, 30.0, 42.0)
BEARING = Episode(Fault.OUTER_RACE, "press-1", Category.MECHANICAL, 36.0, 52.0)
OVERHEATING = Episode(Fault.OVERHEATING, "pump-2", Category.THERMAL, 50.0, 64.0)


def test_a_raised_alert_reads_well():
    assert alert_text(RAISED, 33.81) == RAISED_TEXT


def test_a_cleared_alert_needs_neither_evidence_nor_response():
    cleared = replace(
        RAISED,
        active=False,
        changed_at="2026-05-01T10:00:45Z",
        summary="fan-3: electrical fault is over.",
    )
    assert alert_text(cleared, 45.4) == (
        "10:00:45  HIGH      fan-3       electrical  CLEARED  (+45.4 s)\n"
        "          fan-3: electrical fault is over."
    )


def test_a_raised_priority_is_no_second_raise():
    lifted = replace(RAISED, priority="critical", changed_at="2026-05-01T10:00:36Z")
    assert "CRITICAL  fan-3       electrical  UPDATED" in alert_text(lifted, 36.0)


def test_a_score_shows_the_two_channels_that_weigh_most():
    score = {
        "kind": "sensor",
        "channel": "vibration",
        "score": 9.13,
        "threshold": 4.0,
        "contributions": {"current": 1.0, "vibration": 6.0, "temperature": 3.0},
    }
    text = alert_text(replace(RAISED, evidence=(score,)), 1.0)
    assert "evidence: sensor vibration 9.13 over 4 (vibration 60%, temperature 30%)" in text


def test_a_channel_that_contributes_next_to_nothing_is_left_out():
    score = {
        "kind": "sensor",
        "channel": "current",
        "score": 4.5,
        "threshold": 1.83,
        "contributions": {"current": 0.996, "speed": 0.004},
    }
    text = alert_text(replace(RAISED, evidence=(score,)), 1.0)
    assert "evidence: sensor current 4.5 over 1.83 (current 100%)\n" in text


def test_contributions_that_are_all_zero_are_left_out():
    score = {
        "kind": "sensor",
        "channel": "flow",
        "score": 5.0,
        "threshold": 4.0,
        "contributions": {"flow": 0.0},
    }
    assert "evidence: sensor flow 5 over 4\n" in alert_text(replace(RAISED, evidence=(score,)), 1.0)


def test_evidence_stays_in_one_line():
    line = {"kind": "log", "template": "word " * 60, "score": 1.0, "contributions": {}}
    (shown,) = [
        row
        for row in alert_text(replace(RAISED, evidence=(line,) * 3), 1.0).splitlines()
        if "evidence" in row
    ]
    assert shown.endswith(" ...")
    assert len(shown) <= 110


def test_a_log_line_cannot_command_the_terminal():
    line = {"kind": "log", "template": "\x1b[2Jgone\u202e", "score": 1.0, "contributions": {}}
    text = alert_text(replace(RAISED, evidence=(line,), summary="a \x1b]0;b\x07"), 1.0)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "?[2Jgone?" in text


def test_the_header_names_broker_and_faults():
    assert header("mosquitto", "mqtt://127.0.0.1:40001", [OVER_CURRENT, BEARING], "20") == (
        "edge-agent demo: simulated plant -> mosquitto at mqtt://127.0.0.1:40001 -> edge-agent"
        " -> alerts\n"
        "faults to come: over-current on fan-3, bearing outer race on press-1\n"
        "first the agent learns for 20 s what is normal; Ctrl-C stops"
    )


def test_news_of_the_plant_stands_apart_from_alerts():
    assert news(30.0, "injected: over-current on fan-3") == (
        "---  30.0 s  injected: over-current on fan-3"
    )


def test_the_table_says_for_each_fault_what_became_of_it():
    outcomes = [
        Outcome(OVER_CURRENT, 33.8, 47.2),
        Outcome(BEARING, 40.0),
        Outcome(OVERHEATING),
    ]
    assert table(outcomes, 2) == CLOSING_TABLE
