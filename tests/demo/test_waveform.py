"""The simulated accelerometer shows what a real one on such a machine would."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import hilbert
from scipy.stats import kurtosis

from edge_agent.demo.waveform import BEARING_6205, Vibration

MACHINE = Vibration(rate_hz=6400, shaft_hz=24.5, teeth=23)
SECONDS = range(4)


def sound(_at_s: float) -> float:
    return 0.0


def spalled(_at_s: float) -> float:
    return 1.0


def record(severity, machine: Vibration = MACHINE) -> np.ndarray:
    return np.concatenate([machine.block(second, severity, (1, 2)) for second in SECONDS])


def spectrum(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    windowed = (signal - signal.mean()) * np.hanning(signal.size)
    frequencies = np.fft.rfftfreq(signal.size, 1 / MACHINE.rate_hz)
    return frequencies, np.abs(np.fft.rfft(windowed))


def envelope_around_the_resonance(signal: np.ndarray) -> np.ndarray:
    bins = np.fft.rfft(signal)
    frequencies = np.fft.rfftfreq(signal.size, 1 / MACHINE.rate_hz)
    bins[np.abs(frequencies - MACHINE.resonance_hz) > 600] = 0
    return np.abs(hilbert(np.fft.irfft(bins, signal.size)))


def strongest_hz(signal: np.ndarray, low_hz: float, high_hz: float) -> float:
    frequencies, magnitudes = spectrum(signal)
    band = (frequencies >= low_hz) & (frequencies <= high_hz)
    return float(frequencies[band][np.argmax(magnitudes[band])])


def test_the_outer_race_frequency_of_a_6205_is_the_published_factor():
    # 3.585 times the shaft speed: the figure in bearing makers' tables for a 6205
    assert BEARING_6205.outer_race_hz(1.0) == pytest.approx(3.585, abs=0.005)


def test_the_envelope_of_a_spalled_bearing_peaks_at_the_outer_race_frequency():
    envelope = envelope_around_the_resonance(record(spalled))
    expected_hz = BEARING_6205.outer_race_hz(MACHINE.shaft_hz)
    assert strongest_hz(envelope, 5.0, 150.0) == pytest.approx(expected_hz, abs=0.5)


def test_the_envelope_of_a_sound_bearing_has_no_outer_race_line():
    expected_hz = BEARING_6205.outer_race_hz(MACHINE.shaft_hz)
    near = []
    for severity in (sound, spalled):
        frequencies, magnitudes = spectrum(envelope_around_the_resonance(record(severity)))
        near.append(magnitudes[np.abs(frequencies - expected_hz) < 1.0].max())
    assert near[1] > 20 * near[0]


def test_a_spall_makes_the_tails_heavy():
    assert kurtosis(record(sound)) < 0.5
    assert kurtosis(record(spalled)) > 3.0


def test_a_spall_grows_with_its_severity():
    peaks = [float(np.abs(record(lambda _, s=s: s)).max()) for s in (0.0, 0.5, 1.0)]
    assert peaks == sorted(peaks)
    assert peaks[2] > 2 * peaks[0]


def test_the_shaft_speed_is_the_strongest_low_line():
    assert strongest_hz(record(sound), 5.0, 200.0) == pytest.approx(24.5, abs=0.3)


def test_gears_show_at_the_mesh_frequency():
    assert strongest_hz(record(sound), 300.0, 900.0) == pytest.approx(23 * 24.5, abs=0.3)


def test_blocks_join_without_a_step():
    quiet = replace(MACHINE, noise_g=0.0)
    signal = record(spalled, quiet).astype(float)
    jumps = np.abs(np.diff(signal))
    at_borders = jumps[np.arange(1, len(SECONDS)) * MACHINE.rate_hz - 1]
    assert at_borders.max() <= np.quantile(jumps, 0.999)


def test_a_ring_down_crosses_the_border_of_its_block():
    # the hundredth ball passes 0.5 ms before the end of second 0, and then the spall is gone
    shaft_hz = 100.05 / BEARING_6205.outer_race_hz(1.0)
    still = Vibration(
        rate_hz=6400, shaft_hz=shaft_hz, teeth=1, harmonics_g=(0.0,), mesh_g=0.0, noise_g=0.0
    )
    block = still.block(1, lambda at_s: float(at_s < 1.0), (1, 2))
    assert np.abs(block[:10]).max() > 1.0
    assert not block[100:].any()


def test_the_same_seed_gives_the_same_block_and_another_seed_another():
    first = MACHINE.block(3, spalled, (1, 2))
    assert np.array_equal(first, MACHINE.block(3, spalled, (1, 2)))
    assert not np.array_equal(first, MACHINE.block(3, spalled, (2, 2)))
    assert not np.array_equal(first, MACHINE.block(4, spalled, (1, 2)))
