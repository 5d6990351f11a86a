"""Frames weighed together have the verdicts that they have alone, to the last bit."""

import numpy as np
import pytest

from edge_agent.core.cohort import Cohort, Learned
from edge_agent.core.forecast import Question
from edge_agent.core.reference import Frames, fit_reference
from edge_agent.core.weighing import Answer, weigh_all

S = 1_000_000_000
COMMISSIONED = 120


def cohort(seed, signals):
    """Return a cohort of ``signals`` channels that are coupled, and all of them forecast."""
    shown = np.random.default_rng(seed).normal(size=(COMMISSIONED, 2 * signals))
    shown[:, 1:signals] += shown[:, :1]
    ends_ns = np.arange(1, COMMISSIONED + 1) * S
    reference = fit_reference(Frames(shown, ends_ns - S, ends_ns), [signals, signals])
    names = tuple(f"channel-{i}" for i in range(signals))
    return Cohort(Learned(names, reference, 3.0, 4.0, COMMISSIONED * S, "of a test"))


def answers(to, seed, frames=30):
    """Return frames of a cohort, healthy and far out by turns; every eighth value is missing."""
    rng = np.random.default_rng(seed)
    signals = len(to.names)
    for frame in range(frames):
        figures = rng.normal(size=(2, signals)) * (1.0 if frame % 10 < 5 else 8.0)
        figures[:, 1:][rng.random((2, signals - 1)) < 1 / 8] = np.nan
        nothing = np.empty((signals, 0, 2), np.float32)
        span = ((COMMISSIONED + frame) * S, (COMMISSIONED + frame + 1) * S)
        yield Answer(to, Question(*span, figures[0], np.arange(signals), nothing), figures[1])


SIZES = [3, 8, 3, 40, 8, 3, 1]  # 40: more than are freed of their correlation together


def everyone():
    """Return the frames of a cohort of each of the sizes."""
    return [list(answers(cohort(seed, size), seed)) for seed, size in enumerate(SIZES)]


@pytest.fixture(scope="module")
def alone():
    return [[weigh_all([answer])[0] for answer in one] for one in everyone()]


def test_cohorts_of_many_sizes_are_weighed_together_as_each_alone(alone):
    together = [weigh_all(window) for window in zip(*everyone(), strict=True)]
    assert [list(verdicts) for verdicts in zip(*together, strict=True)] == alone


def test_many_frames_of_many_cohorts_are_weighed_in_the_order_of_their_frames(alone):
    frames = everyone()
    together = weigh_all([answer for window in zip(*frames, strict=True) for answer in window])
    assert [together[place :: len(SIZES)] for place in range(len(SIZES))] == alone
    assert any(verdict.score > verdict.threshold for verdict in together)
    assert any(verdict.score <= verdict.threshold for verdict in together)


def test_what_is_left_in_the_snapshot_is_the_same_as_well():
    single, many = everyone(), everyone()
    for one in single:
        for answer in one:
            weigh_all([answer])
    weigh_all([answer for one in many for answer in one])
    states = [[one[0].cohort.state for one in frames] for frames in (single, many)]
    assert states[0] == states[1]


def test_a_missing_signal_has_no_part_and_its_centre_stays():
    one = cohort(0, 3)
    answer = next(answers(one, 0))
    answer.question.z[:], answer.surprises[:] = (0.2, np.nan, 0.2), (0.2, np.nan, 0.2)
    (verdict,) = weigh_all([answer])
    assert verdict.contributions["channel-1"] == 0.0
    assert one.offset[1] == 0.0
    assert (one.offset[[0, 2]] > 0.0).all()


def test_where_nothing_deviates_channels_have_equal_parts():
    one = cohort(0, 3)
    answer = next(answers(one, 0))
    answer.question.z[:], answer.surprises[:] = 0.0, np.nan
    (verdict,) = weigh_all([answer])
    assert set(verdict.contributions.values()) == {1 / 3}


def test_no_frames_have_no_verdicts():
    assert weigh_all([]) == []
