"""The learned normal of many signals: one scale, correlation removed, exact through a snapshot."""

import json

import numpy as np
import pytest

from edge_agent.core.reference import Frames, fit_reference, joint, restored

COUNT = 400
STARTS = np.arange(COUNT, dtype=np.int64) * 10
SPANS = (STARTS, STARTS + 10)


def coupled(noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """Return two signals that move together and one by itself."""
    rng = np.random.default_rng(seed)
    load, other = rng.normal(size=(2, COUNT))
    apart = noise * rng.normal(size=(2, COUNT))
    return np.stack((50 + 5 * (load + apart[0]), 3 + load + apart[1], other), axis=1)


def score(reference, deviations):
    parts = reference.parts(reference.evidence(np.array(deviations, dtype=float)))
    return float(joint(parts, np.ones(len(parts))))


def test_against_the_correlation_a_deviation_counts_more_than_along_it():
    reference = fit_reference(Frames(coupled(), *SPANS), [3])
    assert score(reference, [2.0, -2.0, 0.0]) > 2.0 * score(reference, [2.0, 2.0, 0.0])


def test_healthy_values_have_parts_of_unit_variance_without_correlation():
    values = coupled(noise=1.0)
    reference = fit_reference(Frames(values, *SPANS), [3])
    parts = reference.parts(reference.evidence(reference.deviations(values)))
    assert np.corrcoef(parts.T) == pytest.approx(np.eye(3), abs=0.12)
    assert parts.std(axis=0) == pytest.approx(np.ones(3), abs=0.2)


def test_signals_of_different_families_are_taken_for_independent():
    reference = fit_reference(Frames(coupled(), *SPANS), [1, 2])
    along, against = score(reference, [2.0, 2.0, 0.0]), score(reference, [2.0, -2.0, 0.0])
    assert along == pytest.approx(against, rel=0.05)


def test_the_loudest_part_is_that_of_the_signal_that_moved():
    reference = fit_reference(Frames(coupled(noise=0.5), *SPANS), [3])
    for signal in range(3):
        parts = reference.parts(reference.evidence(8.0 * np.eye(3)[signal]))
        assert np.argmax(np.abs(parts)) == signal


def test_a_missing_signal_has_no_weight():
    parts, weights = np.array([3.0, 0.0]), np.array([1.0, 0.0])
    assert joint(parts, weights) == pytest.approx(3.0)
    assert joint(parts, np.zeros(2)) == 0.0


def test_a_signal_that_was_hardly_ever_seen_never_deviates():
    values = coupled()
    values[5:, 2] = np.nan
    reference = fit_reference(Frames(values, *SPANS), [3])
    assert score(reference, reference.deviations(np.array([50.0, 3.0, 1e9]))) < 1.0


@pytest.mark.parametrize("families", [[3], [2, 1], [70]])
def test_a_snapshot_keeps_every_bit(families):
    width = sum(families)
    values = np.random.default_rng(1).normal(size=(COUNT, width))
    reference = fit_reference(Frames(values, *SPANS), families)
    again = restored(json.loads(json.dumps(reference.state)))
    assert np.array_equal(again.parts(values), reference.parts(values))
    assert again.families == reference.families
