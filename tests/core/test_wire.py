"""Alerts as documents."""

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest

from edge_agent.core.alarms import Acknowledge, Alarm, Shelve, advance
from edge_agent.core.evidence import (
    Clear,
    Diagnosed,
    Evidence,
    EvidenceKind,
    FoundLine,
    Prognosed,
    Raise,
)
from edge_agent.core.records import NS_PER_S, Category, Priority, TimeQuality
from edge_agent.core.wire import ModelIdentity, alert, rfc3339, summary

START_NS = 1_714_557_600 * NS_PER_S  # 2024-05-01T10:00:00Z
MODELS = {EvidenceKind.SENSOR: ModelIdentity("sensor-lstm", "1.0.0", "ab" * 32, "int8")}


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((files("edge_agent") / "core" / "alert.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def raised(*evidence):
    alarm = Alarm("pump-2", "thermal", Category.THERMAL)
    event = Raise(START_NS, Category.THERMAL, Priority.HIGH, evidence, TimeQuality.SOURCE)
    return advance(alarm, event)


SENSOR = Evidence(
    EvidenceKind.SENSOR, "temp", 6.0, 2.5, START_NS - 10, START_NS, (("temp", 5.0), ("flow", 1.0))
)
LINE = Evidence(
    EvidenceKind.LOG,
    "overtemperature of winding <num>",
    0.9,
    0,
    START_NS,
    START_NS,
    text="overtemperature of winding 3",
)
WORDS = replace(LINE, words=(("overtemperature", 4.25), ("winding", 0.5)))
LIMIT = Evidence(EvidenceKind.LIMIT, "temp", 92.5, 85.0, START_NS, START_NS)
STUCK = Evidence(
    EvidenceKind.SENSOR,
    "temp",
    1.0,
    0.5,
    START_NS,
    START_NS,
    text="repeats 61.5 where it used to vary",
    fault="stuck",
)
DIAGNOSED = Evidence(
    EvidenceKind.SENSOR,
    "vib",
    6.0,
    2.5,
    START_NS - 10,
    START_NS,
    (("vib", 1.0),),
    diagnosis=Diagnosed(
        verdict="outer_race",
        confidence=0.9,
        reason="the outer race is struck",
        zone="B",
        velocity_rms_mm_s=2.1,
        speed_rpm=1480.0,
        lines=(FoundLine("BPFO", 1.0, 88.4, 14.2),),
    ),
    prognosis=Prognosed("zone C", 2.8, 6 * 86400.0, 11 * 86400.0),
)
OUTER_RACE = (
    "vib behaves unlike itself (score 6.0, threshold 2.5), its spectrum points to the bearing's"
    " outer race, it reaches zone C in 6 to 11 days"
)
QUIET = Evidence(EvidenceKind.SILENCE, "pump-2", 0, 0, START_NS - 600 * NS_PER_S, START_NS)


def document(alarm, sequence=1, responses=None):
    rendered = alert(
        alarm, node="gw1", sequence=sequence, responses=responses or {}, models=MODELS
    ).render()
    return json.loads(rendered)


@pytest.mark.parametrize(
    "evidence", [SENSOR, LINE, LIMIT, QUIET, STUCK, DIAGNOSED], ids=lambda e: e.kind.value
)
def test_every_kind_of_evidence_gives_a_valid_document(validator, evidence):
    validator.validate(document(raised(evidence)))


def test_the_words_that_mattered_stand_in_the_evidence(validator):
    body = document(raised(WORDS))
    validator.validate(body)
    assert body["evidence"][0]["words"] == {"overtemperature": 4.25, "winding": 0.5}
    assert "words" not in document(raised(LINE))["evidence"][0]


def test_every_stage_of_life_gives_a_valid_document(validator):
    alarm = raised(SENSOR, LINE)
    stages = [alarm]
    for event in (
        Acknowledge(START_NS + 5),
        Shelve(START_NS + 6, START_NS + 60 * NS_PER_S),
        Clear(START_NS + 7),
    ):
        stages.append(advance(stages[-1], event))
    for stage in stages:
        validator.validate(document(stage))
    assert len({document(stage)["id"] for stage in stages}) == len(stages)


def test_the_same_transition_has_the_same_id_whenever_it_is_told():
    assert document(raised(LINE), sequence=1)["id"] == document(raised(LINE), sequence=9)["id"]


def test_another_occurrence_has_another_id():
    first = raised(LINE)
    again = replace(first, occurrence=2)
    assert document(first)["id"] != document(again)["id"]


def test_the_site_says_what_to_do_where_it_has_said_so():
    own = document(raised(LINE), responses={"thermal": "Open the bypass."})["response"]
    assert own == "Open the bypass."
    assert "cooling" in document(raised(LINE))["response"]


def test_the_model_is_named_where_one_spoke():
    assert document(raised(SENSOR))["model"]["name"] == "sensor-lstm"
    assert document(raised(LIMIT))["model"] is None


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (SENSOR, "temp behaves unlike itself (score 6.0, threshold 2.5)"),
        (DIAGNOSED, OUTER_RACE),
        (STUCK, "temp repeats 61.5 where it used to vary"),
        (LINE, 'the machine reports "overtemperature of winding 3"'),
        (LIMIT, "temp at 92.5 is beyond 85"),
        (QUIET, "nothing received for 10.0 min"),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Evidence) else "",
)
def test_the_summary_tells_the_reason(evidence, words):
    told = summary(raised(evidence))
    assert told == f"pump-2: thermal fault since 10:00:00 UTC on 2024-05-01: {words}."


def test_the_summary_of_a_cleared_alarm_tells_how_long_it_lasted():
    cleared = advance(raised(LIMIT), Clear(START_NS + 300 * NS_PER_S))
    assert summary(cleared) == (
        "pump-2: thermal fault is over since 10:05:00 UTC on 2024-05-01; it lasted 5.0 min."
    )


@pytest.mark.parametrize(
    ("fraction_ns", "text"),
    [
        (0, "2024-05-01T10:00:00Z"),
        (250_000_000, "2024-05-01T10:00:00.250Z"),
        (1_000, "2024-05-01T10:00:00.000001Z"),
        (1, "2024-05-01T10:00:00.000000001Z"),
    ],
)
def test_times_have_as_many_digits_as_they_need(fraction_ns, text):
    assert rfc3339(START_NS + fraction_ns) == text


def test_a_faulty_sensor_is_named_and_no_model_spoke():
    told = document(raised(STUCK))
    assert told["model"] is None
    (evidence,) = told["evidence"]
    assert (evidence["kind"], evidence["channel"], evidence["fault"]) == ("sensor", "temp", "stuck")
    assert evidence["score"] > evidence["threshold"]


def test_a_prognosis_always_has_its_interval():
    (evidence,) = document(raised(DIAGNOSED))["evidence"]
    told = evidence["prognosis"]
    assert told["text"] == "reaches zone C in 6 to 11 days"
    assert (told["earliest_s"], told["latest_s"], told["coverage"]) == (518400.0, 950400.0, 0.9)


@pytest.mark.parametrize(
    ("latest_s", "words"),
    [(90.0, "45 to 90 seconds"), (7200.0, "1 to 2 hours"), (600.0, "5 to 10 minutes")],
)
def test_a_prognosis_speaks_in_the_unit_that_fits(latest_s, words):
    ahead = Prognosed("zone D", 4.5, latest_s / 2, latest_s)
    told = document(raised(replace(DIAGNOSED, prognosis=ahead)))
    assert told["summary"].endswith(f"it reaches zone D in {words}.")
