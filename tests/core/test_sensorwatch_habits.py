"""What a sensor is told by depends on what it did by itself: fine, coarse or slow values."""

import json

import numpy as np
import pytest
from sensors import END_S, FAULT_S, first, frames_of, sound_values, told, watch

from edge_agent.core.sensorfault import FaultKind

AT_S = np.arange(END_S)


def noise(scale, seed=9):
    return np.random.default_rng(seed).normal(0, scale, END_S)


def beside_sound_ones(channel, values):
    return sound_values() | {channel: values}


def from_fault_on(values, faulty):
    return np.where(AT_S >= FAULT_S, faulty, values)


def kind_told(values, channel):
    found = first(told(values), channel)
    return None if found is None else found[1]


def coarse():
    """Return values of a converter with steps as wide as the noise, which repeat by chance."""
    values = np.round(noise(0.5)) * 0.3
    runs = np.diff(np.flatnonzero(np.diff(values[:300])))
    assert 7 <= runs.max() <= 20
    return values


def test_a_coarse_value_is_stuck_when_it_repeats_far_longer_than_it_did_by_chance():
    values = beside_sound_ones("level", from_fault_on(coarse(), 0.3))
    assert kind_told(values, "level") is FaultKind.STUCK


def test_a_coarse_value_that_repeats_by_chance_is_left_alone():
    assert kind_told(beside_sound_ones("level", coarse()), "level") is None


def test_heat_that_stands_still_is_stuck_even_where_it_has_never_been():
    warmer = 60 + np.clip(AT_S - 300, 0, None) * 0.1 + noise(0.1)
    values = beside_sound_ones("winding_temp", from_fault_on(warmer, 70.0))
    assert kind_told(values, "winding_temp") is FaultKind.STUCK


def test_a_flow_that_stands_still_where_it_has_never_been_is_the_machines():
    less = 30 - np.clip(AT_S - 300, 0, None) * 0.1 + noise(0.4)
    values = beside_sound_ones("flow", from_fault_on(less, 20.0))
    assert kind_told(values, "flow") is None


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_swing_with_its_crests_cut_off_is_clipped(side):
    swing = side * (5 + np.sin(2 * np.pi * AT_S / 30) + noise(0.05))
    cut = np.minimum(swing, 5.8) if side > 0 else np.maximum(swing, -5.8)
    values = beside_sound_ones("pressure", from_fault_on(swing, cut))
    assert kind_told(values, "pressure") is FaultKind.SATURATION
    assert kind_told(beside_sound_ones("pressure", swing), "pressure") is None


def test_a_value_that_comes_to_rest_between_two_steps_of_its_converter_is_not_clipped():
    moving = np.round(60 + 5 * np.sin(AT_S / 20) + noise(0.5), 1)
    resting = np.round(60.05 + noise(0.03), 1)
    assert len(set(resting)) == 2
    values = beside_sound_ones("oil_temp", from_fault_on(moving, resting))
    assert kind_told(values, "oil_temp") is None


def test_tenfold_values_are_told_after_the_machine_has_warmed_up():
    warmer = 60 + np.clip(AT_S - 300, 0, 60) * 0.1 + noise(0.1)
    values = beside_sound_ones("winding_temp", from_fault_on(warmer, 10 * warmer))
    assert kind_told(values, "winding_temp") is FaultKind.WRONG_UNIT


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda flow: np.minimum(flow, 30.1), FaultKind.SATURATION),
        (lambda flow: np.full_like(flow, 30.1), FaultKind.STUCK),
        (lambda flow: flow, None),
    ],
)
def test_what_an_older_snapshot_has_not_counted_is_learned_before_it_is_judged(change, kind):
    line = watch()
    for frame in frames_of(sound_values()):
        line.observe(frame)
    stored = json.loads(json.dumps(line.snapshot()))
    for _, held in stored["values"]:
        del held["spell"], held["habit"]["changes"], held["habit"]["spells"]
    line.restore(stored)
    later = sound_values(seed=5)
    later["flow"][FAULT_S:] = change(later["flow"][FAULT_S:])
    faults = {}
    for frame in frames_of(later, first_s=END_S):
        for fault in line.observe(frame).faults:
            faults.setdefault(fault.channel, fault.kind)
    assert faults == ({} if kind is None else {"flow": kind})
