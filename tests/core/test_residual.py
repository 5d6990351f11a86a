"""The noise of a machine is told apart from its tones, whatever their level."""

import numpy as np
import pytest
from machines import RATE_HZ, noise, striking, turning

from edge_agent.core.residual import SIGNATURE_BANDS, concentration, signature, without_tones
from edge_agent.core.vibration import power_of, windowed_lines


def powers(samples):
    lines = windowed_lines(samples)
    return power_of(without_tones(lines), samples.size), power_of(lines, samples.size)


def test_tones_are_cut_down_and_noise_is_left():
    quiet, _ = powers(noise())
    left, total = powers(turning({20: 1.0, 60: 0.5}))
    assert total.sum() > 100 * quiet.sum()
    assert left.sum() == pytest.approx(quiet.sum(), rel=0.1)


def test_noise_of_one_level_is_concentrated_nowhere():
    assert concentration(*powers(noise()), 1.0) == pytest.approx(1.0, abs=0.15)


def test_a_machine_that_rings_is_concentrated_and_one_that_hums_is_not():
    assert concentration(*powers(striking(90.0, impact=3.0)), 1.0) > 5.0
    assert concentration(*powers(turning({1: 1.0})), 1.0) < 0.1


def test_a_signature_is_the_share_of_each_band_and_knows_no_scale():
    samples = striking(90.0)
    shape = signature(powers(samples)[0], RATE_HZ / samples.size)
    assert shape.shape == (SIGNATURE_BANDS,)
    assert np.exp(shape).sum() == pytest.approx(1.0)
    assert np.argmax(shape) == 6  # the resonance at 3.2 kHz
    louder = signature(powers(1e3 * samples)[0], RATE_HZ / samples.size)
    np.testing.assert_allclose(louder, shape, atol=1e-9)


@pytest.mark.parametrize(("seconds", "rate_hz"), [(0.5, 10_000.0), (1.0, 12_000.0), (2.0, 48e3)])
def test_a_signature_hardly_depends_on_length_and_rate(seconds, rate_hz):
    samples = striking(90.0, impact=3.0, seconds=seconds, rate_hz=rate_hz)
    shape = signature(powers(samples)[0], rate_hz / samples.size)
    reference = signature(powers(striking(90.0, impact=3.0))[0], 1.0)
    assert np.abs(shape - reference)[4:9].max() < 0.4


def test_a_spectrum_that_ends_too_early_has_no_signature():
    assert signature(np.ones(4000), 1.0) is None
    assert signature(np.zeros(6000), 1.0) is None
    assert concentration(np.zeros(6000), np.zeros(6000), 1.0) == 0.0
    assert concentration(np.ones(900), np.ones(900), 1.0) == 0.0
