import itertools
import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from machines import ANOMALY, RATE_HZ, SHAFT_HZ, noise, striking, turning
from plant import SITE, START_S, StillSensorModel, TwoWordLogModel, play

from edge_agent.core.bearings import COMMON
from edge_agent.core.features import extract
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.records import NS_PER_S, Category, Frame, Message, TimeQuality, Window
from edge_agent.core.severity import Group, MachineClass, Support
from edge_agent.core.site import AssetSite, BinaryTopic, SampleFormat, WaveformSite
from edge_agent.core.vibrationwatch import Examiner

BEARING = COMMON["6205"]
KNOWN = WaveformSite(
    bearing=BEARING,
    speed_rpm=60 * SHAFT_HZ,
    machine_class=MachineClass(Group.MEDIUM, Support.RIGID),
)
STRUCK = striking(BEARING.outer * SHAFT_HZ)


def frame(samples, second=0, **values):
    start_ns, end_ns = second * NS_PER_S, (second + 1) * NS_PER_S
    at_ns = start_ns + np.round(np.arange(samples.size) * NS_PER_S / RATE_HZ).astype(np.int64)
    waves = Window("pump", "vib", start_ns, end_ns, at_ns, samples.astype(np.float32), RATE_HZ)
    windows = {"vib": waves}
    for name, value in values.items():
        one = np.array([value], np.float32)
        windows[name] = Window("pump", name, start_ns, end_ns, at_ns[:1], one, None)
    return Frame("pump", start_ns, end_ns, windows, TimeQuality.SOURCE)


def examined(shown, site=KNOWN, score=None, examiner=None):
    return (examiner or Examiner({"vib": site})).examine(shown, extract(shown), score, {})


def test_an_anomaly_of_a_struck_outer_race_is_named():
    told = examined(frame(STRUCK), score=ANOMALY).diagnosed["vib"]
    assert told.verdict == "outer_race"
    assert told.zone == "A"
    assert any(line.name == "BPFO" and line.level_db > 6 for line in told.lines)


def test_nothing_is_diagnosed_while_all_is_well():
    examiner = Examiner({"vib": KNOWN})
    assert examined(frame(noise()), examiner=examiner).diagnosed  # the first zone is a new one
    for second in range(1, 5):
        shown = frame(noise(seed=second), second)
        assert not examined(shown, examiner=examiner).diagnosed


def test_a_change_of_zone_is_diagnosed():
    examiner = Examiner({"vib": KNOWN})
    examined(frame(noise()), examiner=examiner)
    told = examined(frame(turning({1: 0.3}), 1), examiner=examiner)
    assert told.diagnosed["vib"].verdict == "unbalance"
    assert [severe.zone for severe in told.severe] == ["D"]


def test_severe_vibration_stays_severe_within_the_deadband():
    examiner = Examiner({"vib": KNOWN})
    loud, less, low = turning({1: 0.07}), turning({1: 0.058}), turning({1: 0.04})
    assert not examined(frame(less), examiner=Examiner({"vib": KNOWN})).severe
    said = [
        bool(examined(frame(samples, second), examiner=examiner).severe)
        for second, samples in enumerate((loud, less, low))
    ]
    assert said == [True, True, False]


def test_without_a_class_nothing_is_severe():
    site = replace(KNOWN, machine_class=None)
    assert not examined(frame(turning({1: 0.3})), site).severe


def test_the_speed_comes_from_its_channel_where_there_is_one():
    site = replace(KNOWN, speed_rpm=900.0, speed_channel="speed")
    shown = frame(STRUCK, speed=60 * SHAFT_HZ)
    told = examined(shown, site, ANOMALY).diagnosed["vib"]
    assert told.speed_rpm == pytest.approx(60 * SHAFT_HZ)
    assert told.verdict == "outer_race"
    alone = examined(frame(STRUCK), site, ANOMALY).diagnosed["vib"]
    assert alone.speed_rpm == 900.0


def test_a_machine_at_rest_is_not_assessable():
    site = replace(KNOWN, speed_channel="speed")
    told = examined(frame(STRUCK, speed=0.0), site, ANOMALY).diagnosed["vib"]
    assert told.verdict == "not_assessable"


def test_a_masked_channel_is_not_examined():
    examiner = Examiner({"vib": KNOWN})
    assert not examiner.examine(frame(STRUCK), {}, ANOMALY, {}).diagnosed


def test_a_restart_changes_nothing():
    straight, restarted = Examiner({"vib": KNOWN}), Examiner({"vib": KNOWN})
    for second, samples in enumerate((noise(), turning({1: 0.07}), turning({1: 0.058}), STRUCK)):
        expected = examined(frame(samples, second), examiner=straight)
        stored = json.loads(json.dumps(restarted.snapshot()))
        restarted = Examiner({"vib": KNOWN})
        restarted.restore(stored)
        assert examined(frame(samples, second), examiner=restarted) == expected


def alerts_of_a_failing_bearing():
    """Return the alerts about a machine whose outer race is struck from the 60th second on."""
    site = replace(
        SITE,
        sensor_topics=("plant/{asset}/{channel}",),
        commissioning_ns=40 * NS_PER_S,
        binary_topics=(BinaryTopic("plant/+/vib", SampleFormat.FLOAT32, RATE_HZ),),
        assets={
            "pump": AssetSite(waveforms={"vib": KNOWN}, categories={"vib": Category.MECHANICAL})
        },
    )
    site = replace(site, window=replace(site.window, length_ns=NS_PER_S, hop_ns=NS_PER_S))
    line = Pipeline(site, StillSensorModel(), TwoWordLogModel(), {}, itertools.count(1).__next__)
    messages = []
    for second in range(90):
        struck = second >= 60
        made = striking(BEARING.outer * SHAFT_HZ, seed=second, impact=2.0) if struck else None
        samples = noise(seed=second) if made is None else made
        payload = samples.astype("<f4").tobytes()
        messages.append(Message("plant/pump/vib", payload, (START_S + second) * NS_PER_S))
    return play(line, messages)


def test_the_alarm_of_a_failing_bearing_names_the_part(validator):
    raised = alerts_of_a_failing_bearing()[0]
    validator.validate(json.loads(raised.render()))
    assert raised.body["category"] == "mechanical"
    (evidence,) = raised.body["evidence"]
    assert evidence["diagnosis"]["verdict"] == "outer_race"
    assert evidence["diagnosis"]["lines"]
    assert "outer race" in raised.body["summary"]


@pytest.fixture
def validator():
    schema = json.loads((files("edge_agent") / "core" / "alert.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)
