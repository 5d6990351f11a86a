"""Nobody is healthy without evidence: the machine's own noise in health, or that nothing rings."""

from dataclasses import replace

import numpy as np
import pytest
from machines import RATE_HZ, SHAFT_HZ, cwru, rolling, striking, turning

from edge_agent.core.bearings import COMMON
from edge_agent.core.diagnosis import Machine, Unit, Verdict
from edge_agent.core.examination import examine
from edge_agent.core.health_reference import NoiseLevels, noise_levels, reference_of
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.likeness import Example
from edge_agent.core.soundness import health_of
from edge_agent.core.spectra import diagnose

MACHINE = Machine(speed_rpm=60 * SHAFT_HZ, bearing=COMMON["6205"])


HEALTH = health_of([rolling(7), rolling(8)], RATE_HZ, MACHINE, round(RATE_HZ))
KNOWN = replace(MACHINE, health=HEALTH)


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_that_rings_is_unknown_until_its_own_health_is_known(seed):
    alone = diagnose(rolling(seed), RATE_HZ, MACHINE)
    assert alone.verdict is Verdict.UNKNOWN
    assert alone.confidence == 0.0
    assert "no healthy recording of this machine" in alone.reason
    beside = diagnose(rolling(seed), RATE_HZ, KNOWN)
    assert beside.verdict is Verdict.HEALTHY
    assert "the noise is that of this machine in health" in beside.reason


@pytest.mark.parametrize(("ringing", "word"), [(2.5, "louder"), (0.4, "quieter")])
def test_a_machine_that_has_changed_is_not_healthy_although_nothing_else_shows(ringing, word):
    said = diagnose(rolling(1, ringing=ringing), RATE_HZ, KNOWN)
    assert said.verdict is Verdict.UNKNOWN
    assert f"dB {word} than in health" in said.reason


def test_a_machine_that_does_not_ring_at_all_needs_no_recording():
    said = diagnose(turning({1: 0.01}), RATE_HZ, MACHINE)
    assert said.verdict is Verdict.HEALTHY
    assert "nothing rings" in said.reason


def test_a_part_that_strikes_is_named_beside_a_healthy_recording_too():
    struck = rolling(2) + striking(MACHINE.bearing.outer * SHAFT_HZ, impact=1.0)
    assert diagnose(struck, RATE_HZ, KNOWN).verdict is Verdict.OUTER_RACE


def test_a_likeness_to_the_fault_of_another_machine_yields_to_the_own_health():
    block = rolling(3)
    shape = tuple(examine(block, RATE_HZ, MACHINE).signature.tolist())
    taught = replace(SHIPPED, examples=(Example(Verdict.BALL, shape),))
    assert diagnose(block, RATE_HZ, MACHINE, taught).verdict is Verdict.BALL
    assert diagnose(block, RATE_HZ, KNOWN, taught).verdict is Verdict.HEALTHY


def test_the_unit_of_the_recording_does_not_matter():
    in_si = replace(MACHINE, unit=Unit.M_S2)
    health = health_of([9.80665 * rolling(7), 9.80665 * rolling(8)], RATE_HZ, in_si, 25_600)
    assert health == HEALTH


def test_a_health_of_other_bands_says_nothing():
    levels = NoiseLevels(500.0, np.full(9, -40.0))
    reference = reference_of([levels])
    assert reference.departure(levels).within
    assert reference.departure(NoiseLevels(500.0, np.full(20, -40.0))) is None
    assert reference.departure(NoiseLevels(400.0, levels.bands_db)) is None
    none = NoiseLevels(500.0, np.empty(0))
    assert reference_of([none]).departure(none) is None


@pytest.mark.parametrize("rate_hz", [2_560.0, 12_500.0, 25_000.0])
def test_a_rate_that_is_measured_anew_for_every_block_has_the_same_bands(rate_hz):
    flat = np.full(12_501, 1e-6)
    first, *later = (
        noise_levels(flat, 25_000, measured_hz, 1.0)
        for measured_hz in (rate_hz, 0.9995 * rate_hz, 1.0005 * rate_hz)
    )
    assert all(reference_of([first]).departure(levels).within for levels in later)


@pytest.mark.parametrize(
    ("rate_hz", "size", "bands"),
    [(12_000.0, 6000, 9), (12_000.0, 6001, 9), (12_500.0, 6251, 10), (48_000.0, 24_000, 20)],
)
def test_one_rate_has_the_same_bands_at_every_length(rate_hz, size, bands):
    flat = np.full(size // 2 + 1, 1e-6)
    found = noise_levels(flat, size, rate_hz, 1.0)
    assert found.bands_db.size == bands
    assert found.even


def test_bands_narrower_than_a_line_hold_nothing():
    assert noise_levels(np.ones(9), 16, 12_000.0, 1.0).bands_db.size == 0
    assert not noise_levels(np.ones(9), 16, 12_000.0, 1.0).even


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (np.full(25_600, 1.0), "the sensor is dead"),
        (np.full(25_600, np.nan), "no finite numbers"),
        (np.empty(0), "too few"),
    ],
)
def test_a_recording_that_tells_nothing_is_refused(recording, reason):
    assert reason in health_of([recording], RATE_HZ, MACHINE, 25_600)


@pytest.mark.parametrize("fault", ["B_7", "B_14", "B_21", "OR6_14"])
@pytest.mark.parametrize("known", [SHIPPED, replace(SHIPPED, healths=())])
def test_faults_without_lines_never_pass_for_healthy_at_the_far_sensor(shared_data, fault, known):
    with np.load(shared_data / "sensors" / "cwru" / f"1hp_{fault}.npz", allow_pickle=False) as file:
        samples = file["FE"] * float(file["FE_scale"])
        machine = Machine(float(file["rpm"]), COMMON["6205"])
    for block in samples[:120_000].reshape(-1, 6000):
        assert diagnose(block, 12_000.0, machine, known).verdict is not Verdict.HEALTHY


@pytest.mark.parametrize("sensor", ["DE", "FE"])
def test_a_healthy_recording_makes_its_motor_healthy_and_only_in_health(shared_data, sensor):
    machine = Machine(1797.0, COMMON["6205"])
    nobody_else = replace(SHIPPED, healths=())
    first, second = np.split(cwru(shared_data, "0hp_Normal_first", sensor)[:30_000], 2)
    known = replace(machine, health=health_of([first], 12_000.0, machine, 6000))
    for block in second[:12_000].reshape(-1, 6000):
        assert diagnose(block, 12_000.0, machine, nobody_else).verdict is not Verdict.HEALTHY
        assert diagnose(block, 12_000.0, known, nobody_else).verdict is Verdict.HEALTHY
    for block in cwru(shared_data, "0hp_B_7", sensor).reshape(-1, 6000):
        assert diagnose(block, 12_000.0, known, nobody_else).verdict is not Verdict.HEALTHY
