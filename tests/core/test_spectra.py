"""The diagnosis names simulated faults, refuses what it cannot judge, and repeats real ones."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from machines import RATE_HZ, SHAFT_HZ, noise, striking, turning

from edge_agent.core.bearings import COMMON, Bearing
from edge_agent.core.diagnosis import Machine, Unit, Verdict
from edge_agent.core.severity import Group, MachineClass, Support, Zone
from edge_agent.core.spectra import diagnose

BEARING = COMMON["6205"]
# The speed on the plate, which the shaft misses by half a per cent.
MACHINE = Machine(speed_rpm=60 * SHAFT_HZ * 1.005, bearing=BEARING)


def of_bearing(fault, *, seed=0, seconds=1.0, impact=0.5, rate_hz=RATE_HZ):
    strikes, carried = {
        Verdict.OUTER_RACE: (BEARING.outer, 0.0),
        Verdict.INNER_RACE: (BEARING.inner, 1.0),
        Verdict.BALL: (BEARING.ball, BEARING.cage),
        Verdict.CAGE: (BEARING.cage, 0.0),
    }[fault]
    return striking(
        strikes * SHAFT_HZ,
        seconds=seconds,
        seed=seed,
        rate_hz=rate_hz,
        impact=impact,
        carried_hz=carried * SHAFT_HZ,
    )


BEARING_FAULTS = [Verdict.OUTER_RACE, Verdict.INNER_RACE, Verdict.BALL]
SHAFT_FAULTS = {
    Verdict.UNBALANCE: {1: 0.25},
    Verdict.MISALIGNMENT: {1: 0.2, 2: 0.37, 3: 0.1},
    Verdict.LOOSENESS: {k: 0.25 / k**0.5 for k in range(1, 10)} | {0.5: 0.05, 1.5: 0.08},
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("impact", [0.2, 0.5, 5.0])
@pytest.mark.parametrize("fault", BEARING_FAULTS)
def test_a_spall_is_named_weak_or_strong(fault, impact, seed):
    diagnosis = diagnose(of_bearing(fault, seed=seed, impact=impact), RATE_HZ, MACHINE)
    assert diagnosis.verdict is fault
    assert diagnosis.confidence > 0.5


@pytest.mark.parametrize(("seconds", "rate_hz"), [(0.5, 12_000.0), (2.0, 48_828.0), (1.0, 9973.0)])
@pytest.mark.parametrize("fault", BEARING_FAULTS)
def test_a_spall_is_named_at_any_length_and_rate(fault, seconds, rate_hz):
    samples = of_bearing(fault, seconds=seconds, rate_hz=rate_hz)
    assert diagnose(samples, rate_hz, MACHINE).verdict is fault


def test_a_broken_cage_is_named_although_nine_times_its_speed_is_the_outer_race():
    samples = of_bearing(Verdict.CAGE, seconds=3.0, impact=1.0)
    assert diagnose(samples, RATE_HZ, MACHINE).verdict is Verdict.CAGE


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", SHAFT_FAULTS)
def test_the_pattern_of_a_shaft_is_named(fault, seed):
    diagnosis = diagnose(turning(SHAFT_FAULTS[fault], seed=seed), RATE_HZ, MACHINE)
    assert diagnosis.verdict is fault
    assert diagnosis.zone in (Zone.C, Zone.D)


def test_a_quiet_machine_is_healthy_nearly_always():
    quiet = [turning({1: 0.01, 2: 0.005}, seed=seed) for seed in range(60)]
    verdicts = [diagnose(samples, RATE_HZ, MACHINE).verdict for samples in quiet]
    assert verdicts.count(Verdict.HEALTHY) >= 57
    assert set(verdicts) <= {Verdict.HEALTHY, Verdict.UNKNOWN}


@pytest.mark.parametrize("bearing", ["6204", "6205", "6305", "6308"])
def test_what_strikes_once_a_turn_is_no_bearing(bearing):
    machine = Machine(60 * SHAFT_HZ, COMMON[bearing])
    samples = striking(SHAFT_HZ, slip=0.001, impact=1.0)
    assert diagnose(samples, RATE_HZ, machine).verdict is Verdict.UNKNOWN


def test_impacts_without_a_rhythm_are_unknown_or_doubtful():
    verdicts = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        samples = noise(seed=seed)
        samples[random.integers(0, samples.size, 40)] += 2.0
        diagnosis = diagnose(samples, RATE_HZ, MACHINE)
        verdicts.append(diagnosis.verdict)
        assert diagnosis.verdict is not Verdict.HEALTHY
        if diagnosis.verdict is Verdict.UNKNOWN:
            assert "impacts" in diagnosis.reason
        else:
            assert diagnosis.confidence < 0.7
    assert verdicts.count(Verdict.UNKNOWN) >= 20


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3])
@pytest.mark.parametrize("fault", BEARING_FAULTS)
def test_the_verdict_on_a_bearing_does_not_depend_on_scale_or_offset(fault, scale):
    samples = of_bearing(fault)
    before = diagnose(samples, RATE_HZ, MACHINE)
    after = diagnose(scale * (samples + 1.0), RATE_HZ, MACHINE)
    assert (after.verdict, after.confidence) == (before.verdict, before.confidence)
    assert after.rms == pytest.approx(scale * before.rms, rel=1e-9)


@pytest.mark.parametrize("fault", [Verdict.OUTER_RACE, Verdict.INNER_RACE])
def test_a_missing_speed_is_estimated_and_said_to_be(fault):
    samples = of_bearing(fault) + turning({1: 0.05, 2: 0.03}, level=0.0)
    diagnosis = diagnose(samples, RATE_HZ, Machine(None, BEARING))
    assert diagnosis.verdict is fault
    assert diagnosis.speed_estimated
    assert diagnosis.speed_rpm == pytest.approx(60 * SHAFT_HZ, rel=0.02)
    assert "estimated" in diagnosis.reason
    assert diagnosis.confidence < diagnose(samples, RATE_HZ, MACHINE).confidence


@pytest.mark.parametrize("machine", [Machine(MACHINE.speed_rpm, None), Machine(None, None)])
def test_nobody_is_healthy_whose_bearing_is_not_known(machine):
    assert diagnose(turning({1: 0.01}), RATE_HZ, machine).verdict is Verdict.UNKNOWN


def test_lines_say_where_they_are_and_what_modulates_them():
    diagnosis = diagnose(of_bearing(Verdict.INNER_RACE), RATE_HZ, MACHINE)
    first = diagnosis.lines[0]
    assert (first.name, first.harmonic) == ("BPFI", 1)
    assert first.frequency_hz == pytest.approx(BEARING.inner * SHAFT_HZ, abs=1.5)
    assert first.expected_hz == pytest.approx(BEARING.inner * SHAFT_HZ * 1.005)
    assert first.level_db > 6.0
    sides = {side.order: side.frequency_hz for side in first.sidebands}
    assert sides[1] == pytest.approx((BEARING.inner + 1) * SHAFT_HZ, abs=2.5)
    assert sides[-1] == pytest.approx((BEARING.inner - 1) * SHAFT_HZ, abs=2.5)


def test_the_band_that_is_named_is_the_one_that_rings():
    low_hz, high_hz = diagnose(of_bearing(Verdict.OUTER_RACE), RATE_HZ, MACHINE).envelope_band_hz
    assert low_hz < 3200.0 < high_hz


def test_measures_equal_those_of_scipy():
    samples = of_bearing(Verdict.OUTER_RACE).astype(np.float32) + np.float32(0.3)
    diagnosis = diagnose(samples, RATE_HZ, MACHINE)
    exact = samples.astype(np.float64)
    exact -= exact.mean()
    rms = np.sqrt(np.mean(exact**2))
    assert diagnosis.rms == pytest.approx(rms, rel=1e-6)
    assert diagnosis.peak == pytest.approx(np.abs(exact).max(), rel=1e-6)
    assert diagnosis.crest_factor == pytest.approx(np.abs(exact).max() / rms, rel=1e-6)
    assert diagnosis.excess_kurtosis == pytest.approx(scipy.stats.kurtosis(exact), rel=1e-6)
    at_hz, density = scipy.signal.periodogram(exact, RATE_HZ, window="hann")
    inside = (at_hz >= 10) & (at_hz <= 1000)
    power = np.sum(density[inside] / (2 * np.pi * at_hz[inside]) ** 2) * (at_hz[1] - at_hz[0])
    assert diagnosis.velocity_rms_mm_s == pytest.approx(9806.65 * np.sqrt(power), rel=1e-6)


def test_units_and_class_decide_the_zone():
    samples = turning({1: 0.1})
    in_g = diagnose(samples, RATE_HZ, MACHINE)
    in_si = diagnose(
        9.80665 * samples, RATE_HZ, Machine(MACHINE.speed_rpm, BEARING, unit=Unit.M_S2)
    )
    assert in_si.velocity_rms_mm_s == pytest.approx(in_g.velocity_rms_mm_s, rel=1e-9)
    assert in_g.zone is Zone.C
    large = MachineClass(Group.LARGE, Support.FLEXIBLE)
    assert diagnose(samples, RATE_HZ, Machine(MACHINE.speed_rpm, BEARING, large)).zone is Zone.B


def test_a_block_too_short_for_velocity_is_never_healthy():
    machine = Machine(6000.0, BEARING)
    diagnosis = diagnose(noise(0.1), RATE_HZ, machine)
    assert diagnosis.zone is None
    assert diagnosis.verdict is Verdict.UNKNOWN


def spoilt(value):
    samples = of_bearing(Verdict.OUTER_RACE)
    samples[1000] = value
    return samples


FINE = of_bearing(Verdict.OUTER_RACE)
FAST = Bearing(outer=600.0, inner=900.0, ball=700.0, cage=0.4)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "machine", "reason"),
    [
        (spoilt(np.nan), RATE_HZ, MACHINE, "1 of 25600 samples are no finite numbers"),
        (spoilt(np.inf), RATE_HZ, MACHINE, "no finite numbers"),
        (spoilt(-np.inf), RATE_HZ, MACHINE, "no finite numbers"),
        (spoilt(1e300), RATE_HZ, MACHINE, "no acceleration"),
        (np.empty(0), RATE_HZ, MACHINE, "too few"),
        (FINE[:255], RATE_HZ, MACHINE, "too few"),
        (FINE[:3000], RATE_HZ, MACHINE, "turns of the shaft"),
        (np.full(25_600, 0.7), RATE_HZ, MACHINE, "the sensor is dead"),
        (FINE.reshape(2, -1), RATE_HZ, MACHINE, "in a row"),
        (FINE, 0.0, MACHINE, "sampling rate"),
        (FINE, -1.0, MACHINE, "sampling rate"),
        (FINE, np.nan, MACHINE, "sampling rate"),
        (FINE, np.inf, MACHINE, "sampling rate"),
        (FINE, 1e12, MACHINE, "sampling rate"),
        (FINE, 1.0, MACHINE, "too slow for vibration"),
        (FINE, RATE_HZ, Machine(0.0, BEARING), "speed of 0 rpm"),
        (FINE, RATE_HZ, Machine(-1800.0, BEARING), "speed of -1800 rpm"),
        (FINE, RATE_HZ, Machine(np.nan, BEARING), "speed of nan rpm"),
        (FINE, RATE_HZ, Machine(np.inf, BEARING), "speed of inf rpm"),
        (FINE, RATE_HZ, Machine(900_000.0, BEARING), "beyond the Nyquist frequency"),
        (FINE, RATE_HZ, Machine(1500.0, FAST), "no line of the bearing lies below the Nyquist"),
    ],
)
def test_what_cannot_be_judged_is_said_to_be_so(samples, rate_hz, machine, reason):
    diagnosis = diagnose(samples, rate_hz, machine)
    assert diagnosis.verdict is Verdict.NOT_ASSESSABLE
    assert diagnosis.confidence == 0.0
    assert reason in diagnosis.reason


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("1hp_IR_7", "inner_race"),
        ("0hp_IR_21", "inner_race"),
        ("2hp_IR_14", "inner_race"),
        ("0hp_OR6_7", "outer_race"),
        ("2hp_OR6_21", "outer_race"),
        ("2hp_B_14", "ball"),
        ("0hp_Normal_first", "healthy"),
    ],
)
def test_seeded_faults_of_a_real_motor_are_named(shared_data, name, verdict):
    with np.load(shared_data / "sensors" / "cwru" / f"{name}.npz", allow_pickle=False) as arrays:
        samples = arrays["DE"] * float(arrays["DE_scale"])
        machine = Machine(float(arrays["rpm"]), BEARING)
        rate_hz = float(arrays["fs"])
    assert diagnose(samples[: 2 * round(rate_hz)], rate_hz, machine).verdict == verdict


@pytest.mark.parametrize(("name", "verdict"), [("1hp_B_7", "ball"), ("0hp_OR6_14", "outer_race")])
def test_a_fault_without_lines_says_that_only_its_spectrum_is_known(shared_data, name, verdict):
    with np.load(shared_data / "sensors" / "cwru" / f"{name}.npz", allow_pickle=False) as arrays:
        samples = arrays["DE"][:6000] * float(arrays["DE_scale"])
        diagnosis = diagnose(samples, 12_000.0, Machine(float(arrays["rpm"]), BEARING))
    assert diagnosis.verdict == verdict
    assert "no family of lines names it" in diagnosis.reason
    assert "like that of a known example" in diagnosis.reason
    assert diagnosis.confidence < 0.9


def test_a_machine_that_rings_without_a_known_reason_is_not_healthy():
    samples = noise(level=0.01)
    loud = np.convolve(
        noise(seed=1), scipy.signal.firwin(301, [9000, 9600], fs=RATE_HZ, pass_zero=False), "same"
    )
    diagnosis = diagnose(samples + loud, RATE_HZ, MACHINE)
    assert diagnosis.verdict is Verdict.UNKNOWN
    assert "rings in one band" in diagnosis.reason


@pytest.mark.parametrize("race", ["Inner", "Outer"])
def test_races_of_another_rig_are_told_apart_with_and_without_its_speed(shared_data, race):
    bearing = Bearing.of_geometry(elements=8, element_mm=0.235, pitch_mm=1.245)
    for path in sorted((shared_data / "sensors" / "mfpt").glob(f"{race}*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            samples, rate_hz = arrays["acc"][:48_828], float(arrays["fs"])
        for speed_rpm in (1500.0, None):
            diagnosis = diagnose(samples, rate_hz, Machine(speed_rpm, bearing))
            assert diagnosis.verdict == f"{race.lower()}_race", (path.stem, diagnosis.reason)
