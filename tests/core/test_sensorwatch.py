import json

import numpy as np
import pytest
from sensors import END_S, FAULT_S, first, frames_of, sound_values, told, watch

from edge_agent.core.sensorfault import FaultKind


def broken(channel, change, begin=FAULT_S, end=END_S):
    """Return sound values but for one channel, changed from ``begin`` to ``end``."""
    values = sound_values()
    values[channel] = values[channel].copy()
    values[channel][begin:end] = change(values[channel][begin:end])
    return values


def constant(value):
    return lambda values: np.full_like(values, value)


def spiked(values):
    values = values.copy()
    values[10] += 300.0
    return values


def clipped(values):
    return np.minimum(values, 30.1)


def holed(values):
    values = values.copy()
    values[np.arange(len(values)) // 8 % 2 == 0] = np.nan
    return values


CASES = {
    "a value that repeats": ("flow", lambda v: constant(v[0])(v), FaultKind.STUCK),
    "zero while the pump goes on": ("flow", constant(0.0), FaultKind.DROPOUT),
    "the end of an integer scale": ("flow", constant(32767.0), FaultKind.DROPOUT),
    "gaps while the others go on": ("flow", holed, FaultKind.DROPOUT),
    "below absolute zero": ("oil_temp", constant(-300.0), FaultKind.OUT_OF_RANGE),
    "there and back in two seconds": ("flow", spiked, FaultKind.JUMP),
    "the same extreme again and again": ("flow", clipped, FaultKind.SATURATION),
    "thousandths": ("flow", lambda v: 1000 * v, FaultKind.WRONG_UNIT),
    "tenfold": ("flow", lambda v: 10 * v, FaultKind.WRONG_UNIT),
    "Fahrenheit": ("oil_temp", lambda v: 1.8 * v + 32, FaultKind.WRONG_UNIT),
    "kelvin": ("oil_temp", lambda v: v + 273.15, FaultKind.WRONG_UNIT),
    "an open thermocouple": ("oil_temp", constant(1254.0), FaultKind.OPEN_THERMOCOUPLE),
}


@pytest.mark.parametrize("case", CASES)
def test_a_faulty_sensor_is_named_within_a_minute_and_no_other(case):
    channel, change, kind = CASES[case]
    rows = told(broken(channel, change))
    end_s, named = first(rows, channel)
    assert named is kind
    assert FAULT_S < end_s <= FAULT_S + 60
    assert {name for _, _, faults in rows for name in faults} == {channel}


@pytest.mark.parametrize("case", CASES)
def test_what_is_faulty_is_masked_until_it_has_behaved_for_a_while(case):
    channel, change, _ = CASES[case]
    rows = told(broken(channel, change, end=FAULT_S + 60))
    named_s, _ = first(rows, channel)
    if change is not holed:  # what does not come needs no mask
        assert all(channel in m for s, m, _ in rows if named_s <= s <= FAULT_S + 30)
    assert not any(m or f for s, m, f in rows if s >= FAULT_S + 60 + 90)


def test_sound_sensors_are_left_alone():
    assert all(not masked and not faults for _, masked, faults in told(sound_values(3)))


def test_a_machine_that_stops_has_sound_sensors():
    rng = np.random.default_rng(1)
    values = sound_values()
    stopped = {"motor_current": 0.0, "flow": 0.0, "vibration": 0.02}
    for channel, level in stopped.items():
        values[channel][FAULT_S:] = level
    values["vibration"][FAULT_S:] += rng.normal(0, 0.001, END_S - FAULT_S)
    values["oil_temp"][FAULT_S:] -= np.arange(END_S - FAULT_S) * 0.05
    assert all(not faults for _, _, faults in told(values))


@pytest.mark.parametrize(
    ("channel", "change"),
    [
        ("vibration", lambda v: 4 * v),
        ("vibration", lambda v: v + np.linspace(0, 20, len(v))),
        ("oil_temp", lambda v: v + np.linspace(0, 60, len(v))),
        ("flow", lambda v: 0.3 * v),
        ("motor_current", lambda v: 6 * v),
    ],
)
def test_a_machine_that_breaks_is_not_masked(channel, change):
    rows = told(broken(channel, change))
    assert all(not masked and not faults for _, masked, faults in rows)


def test_an_encoder_that_passes_where_it_was_stuck_is_believed_again():
    values = sound_values()
    at_s = np.arange(END_S)
    stuck = (at_s >= FAULT_S) & (at_s < FAULT_S + 60)
    values["position"] = np.where(stuck, 1500.0, at_s * 100.0 % 2500)  # there every 25 s
    rows = told(values)
    assert first(rows, "position")[1] is FaultKind.STUCK
    assert not any("position" in masked for end_s, masked, _ in rows if end_s > FAULT_S + 120)


def test_a_channel_that_pauses_by_itself_is_never_stuck():
    values = sound_values()
    values["level"] = np.repeat(np.arange(END_S // 10), 10) % 3 + 5.0
    values["level"][FAULT_S:] = 6.0
    values["setpoint"] = np.full(END_S, 55.0)
    assert first(told(values), "level") is None
    assert first(told(values), "setpoint") is None


def test_all_channels_frozen_at_once_are_a_frozen_gateway():
    values = {name: series.copy() for name, series in sound_values().items()}
    for series in values.values():
        series[FAULT_S:] = series[FAULT_S]
    rows = told(values)
    assert {first(rows, name)[1] for name in values} == {FaultKind.STUCK}


def test_a_measuring_range_of_the_site_decides():
    values = broken("flow", lambda v: v + 25)
    assert first(told(values), "flow") is None
    rows = told(values, watch(ranges={"flow": (0.0, 50.0)}))
    assert first(rows, "flow") == (FAULT_S + 5, FaultKind.OUT_OF_RANGE)


def test_the_habit_is_not_learned_from_a_faulty_sensor():
    with_code = broken("flow", constant(32767.0), begin=100, end=110)
    with_spike = broken("oil_temp", lambda v: v + 700, begin=150, end=151)
    learned = watch()
    told(with_code | {"oil_temp": with_spike["oil_temp"]}, learned)
    state = dict(learned.snapshot()["values"])
    assert state["flow"]["habit"]["high"] < 40
    assert state["oil_temp"]["habit"]["high"] < 70


def test_a_restart_in_the_middle_changes_nothing():
    values = broken("oil_temp", constant(1254.0), end=FAULT_S + 30)
    straight, restarted = watch(), watch()
    for frame in frames_of(values):
        expected = straight.observe(frame)
        stored = json.loads(json.dumps(restarted.snapshot()))
        restarted = watch()
        restarted.restore(stored)
        assert restarted.observe(frame) == expected


def test_later_samples_never_change_what_was_said_before():
    values = broken("flow", constant(0.0))
    cut = {name: series[: FAULT_S + 40] for name, series in values.items()}
    early, late = told(cut), told(values)
    assert late[: len(early)] == early


def test_a_clock_that_is_set_back_leaves_no_fault_behind():
    line = watch()
    told(sound_values(), line)
    rows = told(sound_values(seed=5), line)
    assert all(not masked and not faults for _, masked, faults in rows)
