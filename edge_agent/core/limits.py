"""The limits on a score: what a healthy machine hardly ever exceeds, by window and by day."""

from collections.abc import Sequence

import numpy as np

from edge_agent.core.calibration import Floats, expected_threshold, fit_threshold, independent
from edge_agent.core.course import Course
from edge_agent.core.records import NS_PER_S
from edge_agent.core.reference import Frames, fit_reference, joint

FALSE_ALARM_RATE = 1e-3  # of scored windows, for a window's own verdict
ALARM_EVERY_NS = 86_400 * NS_PER_S  # a healthy machine exceeds the limit on what may insist

_QUARTERS = 4  # of commissioning: each is scored by what the others show


def rehearsed(frames: Frames, families: Sequence[int], weights: Floats) -> Floats:
    """Return the scores of each quarter by a reference to the others, smoothed, ``(n,)``.

    So the future will be scored by what all four showed; the spread within an hour says little
    about how far the next hour will lie from it.
    """
    every = np.arange(len(frames.values))
    scores = np.empty(len(every))
    for quarter in np.array_split(every, _QUARTERS):
        reference = fit_reference(frames.only(np.delete(every, quarter)), families)
        parts = reference.parts(reference.evidence(reference.deviations(frames.values[quarter])))
        scores[quarter] = joint(parts, weights[quarter])
    passed_ns = np.abs(np.diff(frames.ends_ns, prepend=frames.starts_ns[0]))
    windows = np.minimum(passed_ns / frames.length_ns, 1.0)
    course = Course()
    for frame, (score, passed) in enumerate(zip(scores.tolist(), windows.tolist(), strict=True)):
        course = course.on(score, 1.0, passed, 0.0)
        scores[frame] = course.score
    return scores


def limits_on(scores: Floats, frames: Frames, weights: Floats) -> tuple[float, float]:
    """Return the limit on a window's score and that on what may insist.

    The one is exceeded by a part of the windows, the other once in a time, which is rarer where
    windows are short; neither is below the other.

    Args:
        scores: Rehearsed, ``(n,)``.
        frames: Of commissioning.
        weights: Of all signals in every frame, ``(n, k)``.
    """
    count = independent(scores, frames.predecessors, frames.share)
    squares = np.maximum((weights**2).sum(axis=1), np.finfo(np.float64).tiny)
    signals = max(float((weights.sum(axis=1) ** 2 / squares).mean()), 1.0)
    rates = FALSE_ALARM_RATE, min(frames.length_ns / ALARM_EVERY_NS, FALSE_ALARM_RATE)
    threshold, alarm_threshold = (
        fit_threshold(scores, count, expected_threshold(signals, rate), rate) for rate in rates
    )
    return threshold, max(alarm_threshold, threshold)
