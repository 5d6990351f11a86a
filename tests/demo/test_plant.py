"""The simulated plant: the same bytes for the same seed, and faults that come and go."""

import json
import tomllib
from itertools import chain

import numpy as np
import pytest
from scipy.stats import kurtosis

from edge_agent.core.records import NS_PER_S, Category
from edge_agent.demo.episodes import STORY, Episode, Fault
from edge_agent.demo.gateways import INT16_G
from edge_agent.demo.plant import ASSETS, TICKS_PER_S, Plant
from edge_agent.demo.site import SETTINGS, site_toml

EPOCH_NS = 1_700_000_000 * NS_PER_S
PLANT = Plant(EPOCH_NS)
BY_FAULT = {episode.fault: episode for episode in STORY}


def ticks(first_s: float, last_s: float) -> range:
    return range(round(first_s * TICKS_PER_S), round(last_s * TICKS_PER_S))


def payloads(topic: str, first_s: float, last_s: float, plant: Plant = PLANT) -> list[bytes]:
    published = chain.from_iterable(plant.publications(tick) for tick in ticks(first_s, last_s))
    return [publication.payload for publication in published if publication.topic == topic]


def values(topic: str, first_s: float, last_s: float) -> list[float]:
    decoded = (json.loads(payload) for payload in payloads(topic, first_s, last_s))
    return [item["value"] if isinstance(item, dict) else item for item in decoded]


def during(fault: Fault) -> tuple[float, float]:
    return BY_FAULT[fault].injected_s, BY_FAULT[fault].repaired_s


def test_the_same_seed_gives_the_same_bytes_in_any_order_of_asking():
    asked = [round(at_s * TICKS_PER_S) for at_s in (0, 10.2, 45, 60)]
    forward = {tick: list(PLANT.publications(tick)) for tick in asked}
    backward = {tick: list(Plant(EPOCH_NS).publications(tick)) for tick in reversed(asked)}
    assert forward == backward


def test_another_seed_gives_other_noise_on_the_same_topics():
    ours, theirs = (list(Plant(EPOCH_NS, seed=seed).publications(50)) for seed in (1, 2))
    assert [item.topic for item in ours] == [item.topic for item in theirs]
    assert [item.payload for item in ours] != [item.payload for item in theirs]


def test_another_epoch_moves_the_times_and_nothing_else():
    (ours,) = payloads("plant/utilities/pump-2/flow", 7, 7.2)
    (theirs,) = payloads("plant/utilities/pump-2/flow", 7, 7.2, Plant(EPOCH_NS + 3 * NS_PER_S))
    assert json.loads(ours)["value"] == json.loads(theirs)["value"]
    assert json.loads(ours)["timestamp"] == "2023-11-14T22:13:27.000000Z"
    assert json.loads(theirs)["timestamp"] == "2023-11-14T22:13:30.000000Z"


def test_a_waveform_is_published_at_the_end_of_the_second_that_it_covers():
    (payload,) = payloads("plant/utilities/pump-2/vibration", 3, 4)
    document = json.loads(payload)
    assert document["timestamp"] == "2023-11-14T22:13:22.000000Z"
    assert len(document["values"]) == document["rate_hz"] == 3200


def test_the_press_publishes_bare_int16_as_its_site_file_declares():
    (declared,) = tomllib.loads(site_toml())["binary"]
    (payload,) = payloads(declared["topic"], 3, 4)
    assert declared["format"] == "int16"
    samples = np.frombuffer(payload, "<i2") * declared["scale"]
    assert samples.size == declared["rate_hz"]
    assert 0.1 < samples.std() < 1.0


def test_only_the_vibration_tells_of_a_bearing_that_is_going():
    start_s, end_s = during(Fault.OUTER_RACE)
    topic = "plant/press/press-1/vibration"
    before = np.frombuffer(b"".join(payloads(topic, start_s - 6, start_s)), "<i2") * INT16_G
    late = np.frombuffer(b"".join(payloads(topic, end_s - 6, end_s)), "<i2") * INT16_G
    after = np.frombuffer(b"".join(payloads(topic, end_s + 2, end_s + 8)), "<i2") * INT16_G
    assert kurtosis(before) < 0.5
    assert kurtosis(late) > 3.0
    assert kurtosis(after) < 0.5
    assert not [line for line in payloads("plant/press/press-1/log", 0, 90) if b"INFO" not in line]


def test_an_overheating_pump_passes_its_limit_slowly_and_cools_down_slowly():
    start_s, end_s = during(Fault.OVERHEATING)
    topic = "plant/utilities/pump-2/temperature"
    (limit,) = tomllib.loads(site_toml())["assets"]["pump-2"]["limits"]
    assert max(values(topic, 0, start_s + 1)) < limit["high"] - limit["deadband"]
    assert min(values(topic, end_s - 4, end_s)) > limit["high"]
    assert min(values(topic, end_s, end_s + 1)) > limit["high"]  # no step down
    assert np.mean(values(topic, end_s + 14, end_s + 22)) == pytest.approx(55.0, abs=0.5)


def test_an_over_current_passes_its_limit_and_returns():
    start_s, end_s = during(Fault.OVER_CURRENT)
    topic = "plant/utilities/fan-3/current"
    (limit,) = tomllib.loads(site_toml())["assets"]["fan-3"]["limits"]
    assert max(values(topic, 0, start_s)) < limit["high"] - limit["deadband"]
    assert min(values(topic, start_s + 2, end_s)) > limit["high"]
    assert max(values(topic, end_s + 2, 90)) < limit["high"] - limit["deadband"]


def test_a_lost_encoder_freezes_the_position_and_stops_the_speed():
    start_s, end_s = during(Fault.ENCODER_LOSS)
    topic = "plant/packing/conveyor-4/position"
    assert len(set(values(topic, start_s, end_s))) == 1
    assert len(set(values(topic, end_s, end_s + 5))) > 20
    speeds = values("plant/packing/conveyor-4/speed", start_s, end_s)
    assert max(map(abs, speeds)) < 0.05


@pytest.mark.parametrize("episode", STORY, ids=lambda episode: episode.asset)
def test_a_controller_complains_while_the_fault_lasts_and_at_no_other_time(episode: Episode):
    (asset,) = (asset for asset in ASSETS if asset.name == episode.asset)
    topic = f"plant/{asset.area}/{asset.name}/log"
    marks = (b"ERROR", b'"error"', b"<131>")
    complained_s = [
        second
        for second in range(90)
        for line in payloads(topic, second, second + 0.2)
        if any(mark in line for mark in marks)
    ]
    if episode.fault is Fault.OUTER_RACE:
        assert complained_s == []
    else:
        assert len(complained_s) >= 3
        assert episode.injected_s < min(complained_s)
        assert max(complained_s) < episode.repaired_s


def test_every_asset_has_one_episode_of_its_own_after_commissioning():
    assert sorted(episode.asset for episode in STORY) == sorted(asset.name for asset in ASSETS)
    assert {episode.fault for episode in STORY} == set(Fault)
    first_s = min(episode.injected_s for episode in STORY)
    assert first_s > float(SETTINGS["EDGE_AGENT_COMMISSIONING_S"]) + 3  # a window and its lateness


def test_severity_ramps_up_and_ends_with_the_repair():
    episode = Episode(Fault.OUTER_RACE, "a", Category.MECHANICAL, 10.0, 20.0, develops_s=4.0)
    at = [episode.severity(at_s) for at_s in (9.9, 10.0, 12.0, 14.0, 19.9, 20.0)]
    assert at == [0.0, 0.0, 0.5, 1.0, 1.0, 0.0]


def test_a_lagged_response_reaches_63_percent_after_one_time_constant():
    episode = Episode(Fault.OVERHEATING, "a", Category.THERMAL, 10.0, 100.0)
    assert episode.response(10.0, 3.0) == 0.0
    assert episode.response(13.0, 3.0) == pytest.approx(0.632, abs=1e-3)
    assert episode.response(99.0, 3.0) == pytest.approx(1.0)
    assert episode.response(103.0, 3.0) == pytest.approx(0.368, abs=1e-3)


def test_without_a_lag_the_response_is_the_step_itself():
    episode = Episode(Fault.OVERHEATING, "a", Category.THERMAL, 10.0, 20.0)
    assert [episode.response(at_s, 0.0) for at_s in (9.0, 10.0, 19.0, 20.0)] == [0, 1, 1, 0]
