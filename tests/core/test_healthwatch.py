"""A machine that was commissioned in health is called healthy later, and only in health."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import ANOMALY, RATE_HZ, SHAFT_HZ, cwru, noise, rolling, striking, turning
from plant import SITE, START_S, StillSensorModel, TwoWordLogModel, play, told

from edge_agent.core.bearings import COMMON
from edge_agent.core.commands import Command, Verb
from edge_agent.core.diagnosis import Machine, Verdict
from edge_agent.core.examination import examine
from edge_agent.core.features import extract
from edge_agent.core.health_reference import HealthReference, NoiseLevels
from edge_agent.core.healthwatch import LEAST_WINDOWS, MOST_WINDOWS, HealthWatch, Learned
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.likeness import Example
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.records import NS_PER_S, Category, Frame, Message, TimeQuality, Window
from edge_agent.core.site import AssetSite, BinaryTopic, SampleFormat, WaveformSite
from edge_agent.core.spectra import diagnose, noise_of_sound
from edge_agent.core.vibrationwatch import Examiner

BEARING = COMMON["6205"]
KNOWN = WaveformSite(bearing=BEARING, speed_rpm=60 * SHAFT_HZ)
MACHINE = Machine(speed_rpm=60 * SHAFT_HZ, bearing=BEARING)
LEARNED_S = 12
HEALTHY = [rolling(seed) for seed in range(LEARNED_S + 1)]
STRUCK = rolling(50) + striking(BEARING.outer * SHAFT_HZ, impact=1.0)


def frame(samples, second, rate_hz=RATE_HZ):
    start_ns, end_ns = second * NS_PER_S, (second + 1) * NS_PER_S
    at_ns = start_ns + np.round(np.arange(samples.size) * NS_PER_S / rate_hz).astype(np.int64)
    waves = Window("pump", "vib", start_ns, end_ns, at_ns, samples.astype(np.float32), rate_hz)
    return Frame("pump", start_ns, end_ns, {"vib": waves}, TimeQuality.SOURCE)


def watch(site=KNOWN):
    return HealthWatch({"vib": site}, LEARNED_S * NS_PER_S)


def learn(blocks, line=None, *, first=0, rate_hz=RATE_HZ, quiet=True):
    """Let a watch, a new one if none is given, take a window a second; return it."""
    line = line or watch()
    for second, samples in enumerate(blocks, first):
        shown = frame(samples, second, rate_hz)
        line.learn(shown, extract(shown), quiet=quiet)
    return line


def said(samples, line, site=KNOWN, rate_hz=RATE_HZ):
    """Return what the running agent says of a channel that takes part in an anomaly."""
    shown = frame(samples, 1000, rate_hz)
    examiner = Examiner({"vib": site})
    return examiner.examine(shown, extract(shown), ANOMALY, line.references).diagnosed["vib"]


@pytest.mark.parametrize("seed", range(60, 65))
def test_a_machine_that_rings_is_healthy_once_it_was_commissioned(seed):
    assert said(rolling(seed), watch()).verdict == "unknown"
    after = said(rolling(seed), learn(HEALTHY))
    assert after.verdict == "healthy"
    assert "the noise is that of this machine in health" in after.reason


@pytest.mark.parametrize(("ringing", "word"), [(2.5, "louder"), (0.4, "quieter")])
def test_a_fault_that_nobody_taught_is_not_healthy(ringing, word):
    after = said(rolling(61, ringing=ringing), learn(HEALTHY))
    assert after.verdict == "unknown"
    assert f"dB {word} than in health" in after.reason


def test_a_part_that_strikes_is_named_after_commissioning_too():
    assert said(STRUCK, learn(HEALTHY)).verdict == "outer_race"


def test_a_likeness_to_the_fault_of_another_machine_yields_to_the_learned_health():
    block, health = rolling(62), learn(HEALTHY).references["vib"]
    shape = tuple(examine(block, RATE_HZ, MACHINE).signature.tolist())
    taught = replace(SHIPPED, examples=(Example(Verdict.BALL, shape),))
    assert diagnose(block, RATE_HZ, MACHINE, taught).verdict is Verdict.BALL
    known = replace(MACHINE, health=health)
    assert diagnose(block, RATE_HZ, known, taught).verdict is Verdict.HEALTHY


def test_a_block_that_is_like_a_known_fault_does_not_vouch_for_itself():
    block = rolling(62)
    shape = tuple(examine(block, RATE_HZ, MACHINE).signature.tolist())
    taught = replace(SHIPPED, examples=(Example(Verdict.BALL, shape),))
    assert isinstance(noise_of_sound(block, RATE_HZ, MACHINE), NoiseLevels)
    assert noise_of_sound(block, RATE_HZ, MACHINE, taught).verdict is Verdict.BALL


@pytest.mark.parametrize("sensor", ["DE", "FE"])
def test_a_motor_commissioned_in_health_is_healthy_and_its_ball_fault_is_not(shared_data, sensor):
    size, rate_hz = 6000, 12_000.0
    motor = replace(KNOWN, speed_rpm=1797.0)
    first, second = np.split(cwru(shared_data, "0hp_Normal_first", sensor)[:30_000], 2)
    starts = np.linspace(0, first.size - size, LEARNED_S + 1).astype(int)
    line = learn([first[at : at + size] for at in starts], watch(motor), rate_hz=rate_hz)
    for block in second[: 2 * size].reshape(-1, size):
        assert said(block, line, motor, rate_hz).verdict == "healthy"
    for block in cwru(shared_data, "0hp_B_7", sensor)[: 20 * size].reshape(-1, size):
        assert said(block, line, motor, rate_hz).verdict != "healthy"


@pytest.mark.parametrize(
    "wrong",
    [STRUCK, turning({1: 0.3}), noise(0.15), np.full(25_600, 1.0)],
    ids=["struck", "severe", "too short", "dead"],
)
def test_windows_in_which_something_is_wrong_teach_nothing(wrong):
    blocks = [block for n, healthy in enumerate(HEALTHY) for block in [healthy, wrong][: 1 + n % 2]]
    line = learn(blocks)
    taught = learn(HEALTHY).references["vib"]
    assert np.allclose(line.references["vib"].least_db, taught.least_db, atol=0.2)


def test_a_machine_that_was_never_sound_teaches_nothing():
    assert not learn([STRUCK] * 20).references


def test_a_machine_that_is_wrong_most_of_the_time_teaches_nothing_by_its_better_windows():
    line = learn([STRUCK] * len(HEALTHY) + HEALTHY)
    assert not line.references
    assert learn(HEALTHY, line, first=100).references  # once it has been repaired


def test_nothing_is_learned_while_something_else_is_wrong():
    assert not learn(HEALTHY * 2, quiet=False).references


def test_a_few_windows_that_only_passed_for_sound_hardly_move_the_reference():
    loud = [rolling(seed, ringing=2.5) for seed in range(70, 72)]
    line = learn(loud + HEALTHY)
    assert said(rolling(61), line).verdict == "healthy"
    assert said(rolling(61, ringing=2.5), line).verdict == "unknown"


def test_the_reference_is_frozen_when_commissioning_ends():
    line = learn(HEALTHY)
    before = line.references
    assert before
    louder = [rolling(seed, ringing=1.3) for seed in range(20)]
    assert learn(louder, line, first=100).references == before


def test_commissioning_lasts_until_enough_was_heard():
    few = LEAST_WINDOWS - 1
    line = learn(HEALTHY[:few])
    shown = frame(noise(0.15), 1000)
    line.learn(shown, extract(shown), quiet=True)
    assert not line.references
    assert learn(HEALTHY[few:], line, first=1001).references


@pytest.mark.parametrize("cut", range(LEARNED_S + 1))
def test_a_restart_at_any_moment_of_commissioning_changes_nothing(cut):
    restarted = watch()
    restarted.restore(json.loads(json.dumps(learn(HEALTHY[:cut]).snapshot())))
    learn(HEALTHY[cut:], restarted, first=cut)
    assert restarted.references == learn(HEALTHY).references
    assert restarted.snapshot() == learn(HEALTHY).snapshot()


@settings(deadline=None)
@given(windows=st.integers(1, 3000), seed=st.integers(0, 9))
def test_memory_is_bounded_and_the_median_that_of_the_whole_commissioning(windows, seed):
    scatter = np.random.default_rng(seed).normal(-40.0, 1.0, (windows, 20))
    learned = Learned(0)
    for bands_db in scatter:
        learned.take(NoiseLevels(500.0, bands_db))
        assert len(learned.kept) <= MOST_WINDOWS
    assert learned.sound == windows
    assert len(learned.kept) >= min(windows, MOST_WINDOWS // 2)
    learned.settle()
    assert not learned.kept
    of_all = np.median(scatter, axis=0)
    assert np.allclose(
        learned.reference.least_db, of_all, atol=0.11 if windows <= MOST_WINDOWS else 1.2
    )


def test_another_sampling_rate_begins_anew():
    learned = Learned(0)
    for bands in (9, 9, 20):
        learned.take(NoiseLevels(500.0, np.full(bands, -40.0)))
    assert learned.sound == 1
    learned.settle()
    assert learned.reference == HealthReference(500.0, (-40.0,) * 20, (-40.0,) * 20)


def test_without_a_waveform_or_its_bearing_nothing_is_held():
    for sites in ({}, {"vib": replace(KNOWN, bearing=None)}):
        line = learn(HEALTHY, HealthWatch(sites, 0))
        assert line.snapshot() == {"channels": []}


def plant(window_s=1):
    """Return a pipeline for a machine with one waveform channel."""
    site = replace(
        SITE,
        sensor_topics=("plant/{asset}/{channel}",),
        commissioning_ns=LEARNED_S * NS_PER_S,
        binary_topics=(BinaryTopic("plant/+/vib", SampleFormat.FLOAT32, RATE_HZ),),
        assets={
            "pump": AssetSite(waveforms={"vib": KNOWN}, categories={"vib": Category.MECHANICAL})
        },
    )
    length_ns = window_s * NS_PER_S
    site = replace(site, window=replace(site.window, length_ns=length_ns, hop_ns=length_ns))
    return Pipeline(site, StillSensorModel(), TwoWordLogModel(), {}, itertools.count(1).__next__)


def sent(blocks, *, parts=1, first_s=0):
    """Return the messages of blocks of one second, each in so many parts, sent at their ends."""
    return [
        Message("plant/pump/vib", part.astype("<f4").tobytes(), at_ns)
        for second, samples in enumerate(blocks, first_s)
        for number, part in enumerate(np.split(samples, parts), 1)
        for at_ns in [START_S * NS_PER_S + round((second + number / parts) * NS_PER_S)]
    ]


DAY = sent([*HEALTHY, *(rolling(seed) for seed in range(100, 135))])


def held(line):
    """Return what a pipeline has learned of the pump's health."""
    return json.loads(line.snapshot()["pump"])["healths"]


def played(messages=DAY, tick_every=1):
    line = plant()
    play(line, messages, tick_every)
    return line


def test_an_alarm_says_how_the_noise_departs_from_what_commissioning_heard():
    louder = [rolling(seed, ringing=2.5) for seed in range(200, 220)]
    alerts = play(plant(), sent([*HEALTHY, *(rolling(s) for s in range(100, 135)), *louder]))
    (evidence,) = next(a for a in alerts if a.body["active"]).body["evidence"]
    assert evidence["diagnosis"]["verdict"] == "unknown"
    assert "louder than in health" in evidence["diagnosis"]["reason"]


@pytest.mark.parametrize("tick_every", [3, 17, 10_000])
def test_how_often_the_pipeline_is_asked_changes_nothing(tick_every):
    assert held(played(tick_every=tick_every)) == held(played())


@pytest.mark.parametrize("parts", [2, 5])
def test_how_the_samples_are_cut_into_messages_changes_nothing(parts):
    blocks = [*HEALTHY, *(rolling(seed) for seed in range(100, 110))]
    assert held(played(sent(blocks, parts=parts))) == held(played(sent(blocks)))


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, len(DAY) - 1))
def test_a_restart_of_the_agent_changes_nothing(cut):
    first, second = plant(), plant()
    play(first, DAY[:cut])
    second.restore(first.snapshot(), first.boards())
    play(second, DAY[cut:])
    assert held(second) == held(played())


def test_a_grave_line_keeps_its_windows_out_of_the_reference():
    assert held(played(DAY[:8]))["channels"][0][1]["sound"] > 0
    hot = replace(told(0, "OIL HOT", "pump"), topic="plant/pump/log")
    assert held(played([hot, *DAY[:8]]))["channels"][0][1]["sound"] == 0


def test_recommissioning_learns_the_health_anew():
    line = played()
    assert held(line)["channels"][0][1]["reference"]
    line.command(Command(Verb.RECOMMISSION, "pump"), START_S * NS_PER_S)
    assert held(line) == {"channels": []}
    louder = [rolling(seed, ringing=1.3) for seed in range(300, 330)]
    play(line, sent(louder, first_s=100))
    (_, now), (_, then) = held(line)["channels"][0], held(played())["channels"][0]
    rise_db = np.subtract(now["reference"]["least_db"], then["reference"]["least_db"])
    assert rise_db.max() == pytest.approx(20 * np.log10(1.3), abs=0.3)


def test_a_machine_that_is_forgotten_leaves_no_health():
    line = played()
    line.command(Command(Verb.FORGET, "pump"), START_S * NS_PER_S)
    assert "pump" not in line.snapshot()


def test_a_snapshot_from_before_healths_were_learned_still_loads_and_learns_from_then_on():
    stored = json.loads(played(DAY[:20]).snapshot()["pump"])
    del stored["healths"]
    line = plant()
    assert line.restore({"pump": json.dumps(stored).encode()}, {}) == frozenset()
    assert held(line) == {"channels": []}
    play(line, DAY[20:])
    assert held(line)["channels"][0][1]["reference"]
