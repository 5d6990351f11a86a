"""The envelope spectrum finds rhythms of impacts, and nothing in noise and tones."""

import numpy as np
import pytest
from machines import RATE_HZ, noise, striking, turning

from edge_agent.core.envelope import chance_ratio, envelope_spectrum
from edge_agent.core.residual import without_tones
from edge_agent.core.vibration import windowed_lines


def spectrum_of(samples):
    step_hz = RATE_HZ / samples.size
    lines = without_tones(windowed_lines(samples))
    return envelope_spectrum(lines, step_hz, width_hz=1500.0, highest_hz=700.0)


def test_noise_stays_below_what_chance_allows():
    exceeded = 0
    for seed in range(40):
        envelope = spectrum_of(noise(seed=seed))
        exceeded += envelope.ratio.max() > chance_ratio(envelope.averages, envelope.ratio.size)
        assert envelope.kurtosis == pytest.approx(0.0, abs=0.3)
    assert exceeded <= 2


def test_impacts_show_at_their_rhythm():
    envelope = spectrum_of(striking(100.0))
    at_hz = envelope.step_hz * np.argmax(envelope.ratio)
    assert at_hz % 100.0 == pytest.approx(0.0, abs=1.0)
    assert envelope.ratio[round(100.0 / envelope.step_hz)] > 10
    low_hz, high_hz = envelope.band_hz
    assert low_hz < 3200.0 < high_hz


def test_one_huge_impact_does_not_bury_the_regular_ones():
    samples = striking(100.0)
    samples[12_000:12_004] += 500.0
    envelope = spectrum_of(samples)
    assert envelope.ratio[round(100.0 / envelope.step_hz)] > 10


def test_tones_that_beat_do_not_pass_for_impacts():
    envelope = spectrum_of(turning({60: 0.5, 64: 0.5, 68: 0.5}))
    beat = round(4 * 24.7 / envelope.step_hz)
    assert envelope.ratio[beat - 1 : beat + 2].max() < 4


def test_level_and_offset_do_not_matter():
    samples = striking(100.0)
    one, other = spectrum_of(samples), spectrum_of(1e-3 * (samples + 5.0))
    np.testing.assert_allclose(one.ratio[1:], other.ratio[1:], rtol=1e-6)


@pytest.mark.parametrize("samples", [np.zeros(25_600), np.ones(25_600), np.arange(40.0)])
def test_nothing_to_hear_gives_no_spectrum(samples):
    assert spectrum_of(samples) is None
