from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import signal as scipy_signal
from scipy import stats

from edge_agent.core.features import SignalKind, channel_of, extract, kind_of
from edge_agent.core.records import NS_PER_S, Frame, TimeQuality, Window
from edge_agent.core.vibration import (
    band_rms,
    crest_factor,
    excess_kurtosis,
    peak,
    rms,
    velocity_rms,
)

SHAPE = ["rms", "peak", "crest_factor", "kurtosis"]
BANDS = ["band_0", "band_1", "band_2", "band_3"]

waveforms = arrays(
    np.float32,
    st.integers(16, 400),
    elements=st.floats(-1e6, 1e6, width=32),
)
unhurried = settings(deadline=None)  # a busy machine is no failure
factors = st.floats(1e-6, 1e6)


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count).astype(np.float32)


def sine(frequency_hz, rate_hz, seconds, amplitude=1.0):
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    return amplitude * np.sin(2 * np.pi * frequency_hz * times)


def window(channel, values, rate_hz=None, at_ns=None):
    values = np.asarray(values, dtype=np.float32)
    if at_ns is None:
        at_ns = np.rint(np.arange(values.size) * NS_PER_S / (rate_hz or 1.0)).astype(np.int64)
    return Window("pump", channel, 0, 3600 * NS_PER_S, at_ns, values, rate_hz)


def signals_of(*windows):
    by_channel = {w.channel: w for w in windows}
    return extract(Frame("pump", 0, 3600 * NS_PER_S, by_channel, TimeQuality.SOURCE))


def periodogram(samples, rate_hz):
    """SciPy's own power spectrum: frequencies and the mean square that each line holds."""
    samples = samples.astype(np.float64)
    frequencies, density = scipy_signal.periodogram(
        samples, rate_hz, window="hann", detrend="constant"
    )
    return frequencies, density * rate_hz / samples.size


# --- formulas -------------------------------------------------------------------------------------


@unhurried
@given(waveforms)
def test_rms_and_peak_are_numpys(samples):
    wide = samples.astype(np.float64)
    assert rms(samples) == pytest.approx(np.sqrt(np.mean(wide**2)), rel=1e-6)
    assert peak(samples) == pytest.approx(np.linalg.norm(wide, np.inf), rel=1e-6)


@unhurried
@given(st.integers(0, 1000), st.integers(64, 5000), st.floats(-100, 100))
def test_kurtosis_is_scipys(seed, count, offset):
    samples = noise(count, seed) ** 3 + np.float32(offset)
    expected = stats.kurtosis(samples.astype(np.float64))
    assert excess_kurtosis(samples) + 3 == pytest.approx(expected + 3, rel=1e-6)


@pytest.mark.parametrize("rate_hz", [200.0, 1000.0, 2048.0, 25_600.0])
@pytest.mark.parametrize("count", [8192, 8191, 5121])
def test_velocity_is_the_weighted_periodogram_of_scipy(rate_hz, count):
    samples = noise(count) + np.float32(3.0)
    frequencies, power = periodogram(samples, rate_hz)
    inside = (frequencies >= 10) & (frequencies <= 1000)
    expected = np.sqrt(np.sum(power[inside] / (2 * np.pi * frequencies[inside]) ** 2))
    assert velocity_rms(samples, rate_hz) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("count", [16, 17, 64, 1000, 1001])
def test_band_levels_are_sums_of_the_periodogram_of_scipy(count):
    samples = noise(count)
    frequencies, power = periodogram(samples, 2.0)  # so that the Nyquist frequency is 1
    edges = [0, 1 / 8, 1 / 4, 1 / 2, 1.1]
    expected = [
        np.sqrt(power[(frequencies >= low) & (frequencies < high)].sum())
        for low, high in pairwise(edges)
    ]
    assert band_rms(samples) == pytest.approx(expected, rel=1e-6)


def test_a_sine_of_acceleration_has_the_velocity_of_the_textbook():
    acceleration_m_s2 = sine(50.0, 25_600.0, 1.0, amplitude=10.0)
    velocity_mm_s = 1000 * velocity_rms(acceleration_m_s2, 25_600.0)
    assert velocity_mm_s == pytest.approx(1000 * 10 / (2 * np.pi * 50) / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("frequency_hz", [3.0, 1500.0, 5000.0])
def test_what_lies_outside_10_to_1000_hz_is_no_velocity(frequency_hz):
    inside = velocity_rms(sine(100.0, 25_600.0, 2.0), 25_600.0)
    outside = velocity_rms(sine(frequency_hz, 25_600.0, 2.0), 25_600.0)
    assert outside < 0.002 * inside


def test_slow_drift_does_not_pass_for_vibration():
    drift = np.linspace(0.0, 1.0, 25_600)
    vibration = sine(100.0, 25_600.0, 1.0, amplitude=0.1)
    with_drift = velocity_rms(vibration + drift, 25_600.0)
    assert with_drift == pytest.approx(velocity_rms(vibration, 25_600.0), rel=0.01)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (sine(50, 10_000, 1.0), -1.5),
        (np.array([1.0, -1.0] * 8), -2.0),
        (noise(100_000), 0.0),
    ],
)
def test_kurtosis_of_known_shapes(samples, expected):
    assert excess_kurtosis(samples) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(sine(50, 10_000, 1.0), np.sqrt(2)), (np.array([3.0, -3.0]), 1.0), (np.zeros(9), 0.0)],
)
def test_crest_factor_of_known_shapes(samples, expected):
    assert crest_factor(samples) == pytest.approx(expected)


def test_a_constant_has_no_kurtosis():
    assert excess_kurtosis(np.full(100, 0.1, dtype=np.float32)) == 0.0


@unhurried
@given(st.integers(0, 1000), factors, st.floats(-100, 100))
def test_crest_factor_and_kurtosis_ignore_scale_and_kurtosis_ignores_offset(seed, factor, offset):
    samples = noise(500, seed).astype(np.float64)
    assert crest_factor(samples * factor) == pytest.approx(crest_factor(samples))
    assert excess_kurtosis((samples + offset) * factor) == pytest.approx(
        excess_kurtosis(samples), abs=1e-6
    )


@unhurried
@given(st.integers(0, 1000), factors)
def test_magnitudes_scale_with_the_samples(seed, factor):
    samples = noise(500, seed).astype(np.float64)
    assert rms(samples * factor) == pytest.approx(factor * rms(samples))
    assert peak(samples * factor) == pytest.approx(factor * peak(samples))
    assert velocity_rms(samples * factor, 500.0) == pytest.approx(
        factor * velocity_rms(samples, 500.0)
    )


@unhurried
@given(st.integers(0, 1000), st.floats(-100, 100))
def test_velocity_and_bands_ignore_an_offset(seed, offset):
    samples = noise(500, seed).astype(np.float64)
    assert velocity_rms(samples + offset, 500.0) == pytest.approx(velocity_rms(samples, 500.0))
    assert band_rms(samples + offset) == pytest.approx(band_rms(samples))


@unhurried
@given(st.integers(0, 1000), st.integers(16, 999))
def test_the_bands_share_the_whole_power_among_them(seed, count):
    samples = noise(count, seed).astype(np.float64)
    centred = samples - samples.mean()
    window_power = scipy_signal.get_window("hann", count) ** 2
    total = np.sum(window_power * centred**2) / np.sum(window_power)
    assert sum(level**2 for level in band_rms(samples)) == pytest.approx(total)


@pytest.mark.parametrize(
    ("measure", "least"),
    [
        (rms, 1),
        (peak, 1),
        (crest_factor, 1),
        (excess_kurtosis, 4),
        (band_rms, 16),
        (lambda samples: velocity_rms(samples, 1000.0), 200),
    ],
)
def test_measures_refuse_what_the_decoder_should_have(measure, least):
    measure(noise(least))
    with pytest.raises(ValueError, match="at least"):
        measure(noise(least - 1))
    with pytest.raises(ValueError, match="in a row"):
        measure(np.ones((least, 2)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            measure(np.full(least, bad))


def test_velocity_refuses_a_rate_that_cannot_show_it():
    with pytest.raises(ValueError, match=r"199\.0 Hz"):
        velocity_rms(noise(1000), 199.0)


# --- signals --------------------------------------------------------------------------------------


def test_a_process_value_gives_its_mean_and_its_spread():
    signals = signals_of(window("temp", [20.0, 21.0, 22.0, 25.0]))
    assert signals == pytest.approx({"temp": 22.0, "temp:spread": np.std([20, 21, 22, 25])})


def test_fewer_than_four_values_have_no_spread():
    assert signals_of(window("temp", [20.0, 21.0, 22.0])) == {"temp": 21.0}


def test_a_constant_has_a_spread_of_exactly_zero():
    assert signals_of(window("temp", [0.1] * 7))["temp:spread"] == 0.0


def test_a_waveform_gives_logarithms_of_its_measures():
    samples = noise(16_384)
    signals = signals_of(window("vib", samples, 25_600.0))
    centred = samples - samples.astype(np.float64).mean()
    assert signals == pytest.approx(
        {
            "vib:rms": np.log(rms(centred)),
            "vib:peak": np.log(peak(centred)),
            "vib:crest_factor": np.log(crest_factor(centred)),
            "vib:kurtosis": np.log(excess_kurtosis(samples) + 3),
            "vib:velocity_rms": np.log(velocity_rms(samples, 25_600.0)),
        }
        | {
            f"vib:{band}": np.log(level)
            for band, level in zip(BANDS, band_rms(samples), strict=True)
        }
    )


def test_twice_the_vibration_is_one_step_of_ln_2_wherever_the_machine_stands():
    samples = noise(16_384)
    moved = {
        name: twice - once
        for (name, once), twice in zip(
            signals_of(window("vib", samples, 25_600.0)).items(),
            signals_of(window("vib", 2 * samples + 5, 25_600.0)).values(),
            strict=True,
        )
    }
    growing = ["vib:rms", "vib:peak", "vib:velocity_rms", *(f"vib:{band}" for band in BANDS)]
    assert moved == pytest.approx(
        {name: np.log(2) if name in growing else 0.0 for name in moved}, abs=1e-4
    )


def test_slow_blocks_keep_their_mean_and_have_no_velocity():
    signals = signals_of(window("temp", 60 + noise(100), 10.0))
    assert set(signals) == {"temp"} | {f"temp:{kind}" for kind in SHAPE + BANDS}
    assert signals["temp"] == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize(
    ("rate_hz", "count", "kinds"),
    [
        (25_600.0, 63, []),
        (25_600.0, 64, SHAPE + BANDS),
        (25_600.0, 5119, SHAPE + BANDS),
        (25_600.0, 5120, [*SHAPE, "velocity_rms", *BANDS]),
        (199.0, 1000, ["", *SHAPE, *BANDS]),
        (200.0, 1000, [*SHAPE, "velocity_rms", *BANDS]),
    ],
)
def test_signals_that_the_samples_cannot_carry_are_missing(rate_hz, count, kinds):
    names = {f"vib:{kind}" if kind else "vib" for kind in kinds}
    assert set(signals_of(window("vib", noise(count), rate_hz))) == names


def test_a_gap_parts_the_spectrum_but_not_the_shape():
    rate_hz, count = 1000.0, 512
    first, second = sine(100, rate_hz, 0.512), sine(100, rate_hz, 0.512, amplitude=3.0)
    period_ns = round(NS_PER_S / rate_hz)
    at_ns = np.arange(2 * count, dtype=np.int64) * period_ns
    at_ns[count:] += 7 * NS_PER_S
    parted = signals_of(window("vib", np.concatenate((first, second)), rate_hz, at_ns))
    powers = [velocity_rms(part, rate_hz) ** 2 for part in (first, second)]
    assert parted["vib:velocity_rms"] == pytest.approx(np.log(np.sqrt(np.mean(powers))), rel=1e-4)
    assert parted["vib:rms"] == pytest.approx(
        np.log(rms(np.concatenate((first, second)))), rel=1e-3
    )


@pytest.mark.parametrize("late_periods", [-0.5, 0.45])
def test_jitter_between_blocks_is_no_gap(late_periods):
    samples, period_ns = noise(300), 1_000_000
    at_ns = np.arange(300, dtype=np.int64) * period_ns
    at_ns[150:] += round(late_periods * period_ns)
    jittered = signals_of(window("vib", samples, 1000.0, at_ns))
    assert jittered == signals_of(window("vib", samples, 1000.0))


def test_a_dead_sensor_shows_the_floor_and_no_infinity():
    signals = signals_of(window("vib", np.full(2000, 0.1), 1000.0))
    floor = pytest.approx(np.log(1e-12))
    assert [signals[f"vib:{kind}"] for kind in ("rms", "peak", "velocity_rms")] == [floor] * 3
    assert signals["vib:crest_factor"] == 0.0
    assert signals["vib:kurtosis"] == pytest.approx(np.log(3))


@unhurried
@given(waveforms, st.sampled_from([None, 50.0, 1000.0]))
def test_signals_are_always_finite(samples, rate_hz):
    signals = signals_of(window("x", samples, rate_hz))
    assert np.isfinite(list(signals.values())).all()


def test_the_largest_float32_does_not_overflow():
    largest = np.finfo(np.float32).max
    samples = np.where(noise(1000) > 0, largest, -largest)
    signals = signals_of(window("x", samples, 1000.0), window("y", samples))
    assert np.isfinite(list(signals.values())).all()


def test_a_sample_that_is_not_finite_is_our_bug():
    with pytest.raises(ValueError, match="finite"):
        signals_of(window("temp", [20.0, np.nan]))


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "channel", "kind"),
    [
        ("temp", "temp", SignalKind.MEAN),
        ("temp:spread", "temp", SignalKind.SPREAD),
        ("vib:x:rms", "vib:x", SignalKind.RMS),
        ("vib:x", "vib:x", SignalKind.MEAN),
        ("a:mean", "a:mean", SignalKind.MEAN),
        (":rms", ":rms", SignalKind.MEAN),
        ("vib:band_3", "vib", SignalKind.BAND_3),
    ],
)
def test_a_name_tells_channel_and_kind(name, channel, kind):
    assert (channel_of(name), kind_of(name)) == (channel, kind)


@unhurried
@given(st.sampled_from(["temp", "Volume Flow RateRMS", "vib:x", "Öl:1"]))
def test_every_signal_leads_back_to_its_channel(channel):
    values = [window(channel, noise(2000), 1000.0), window(channel, noise(2000))]
    names = [name for one in values for name in signals_of(one)]
    assert {channel_of(name) for name in names} == {channel}
    assert {kind_of(name) for name in names} == set(SignalKind)
