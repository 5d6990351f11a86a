"""How far the frames of many machines lie from their normals, weighed together.

The few dozen numbers of one machine are too few for numpy to be fast with, and those of all
machines together are not.  What is computed here is computed row by row, so no machine's verdict
depends on which others are weighed beside it, not even in the last bit.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.core.calibration import Floats, bounded
from edge_agent.core.cohort import Cohort, Verdict
from edge_agent.core.course import kept
from edge_agent.core.following import follow
from edge_agent.core.forecast import Question
from edge_agent.core.reference import joint, stacked

_FARTHEST = 30.0  # reaches: a glitch of a thousand must not make a fault of ten look harmless


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame of a cohort, and how its signals surprised the model, ``(forecast signals,)``."""

    cohort: Cohort
    question: Question
    surprises: Floats


def weigh_all(answers: Sequence[Answer]) -> list[Verdict]:
    """Return the verdict on every frame; its cohort goes on from there.

    Cohorts are weighed together where they have the same numbers of signals, and a cohort's second
    frame waits for its first.

    Args:
        answers: Those of one cohort in the order of their frames.
    """
    turns: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    frames: Counter[Cohort] = Counter()
    for place, answer in enumerate(answers):
        turn = frames[answer.cohort], answer.cohort.learned.reference.families
        turns.setdefault(turn, []).append(place)
        frames[answer.cohort] += 1
    verdicts: dict[int, Verdict] = {}
    for places in turns.values():
        together = _weigh([answers[place] for place in places])
        verdicts |= zip(places, together, strict=True)
    return [verdicts[place] for place in range(len(answers))]


def _weigh(answers: Sequence[Answer]) -> list[Verdict]:
    """Return the verdicts on a frame each of different cohorts with equally many signals."""
    cohorts = [answer.cohort for answer in answers]
    normal = stacked([cohort.learned.reference for cohort in cohorts])
    count = normal.families[0]
    offset = _rows(cohort.offset for cohort in cohorts)
    levels = _rows(answer.question.z for answer in answers) - offset
    surprises = _rows(answer.surprises for answer in answers)
    surprises = (surprises - normal.centre[..., count:]) / normal.reach[..., count:]
    deviations = np.concatenate((levels, surprises), axis=-1)
    missing = np.isnan(deviations)
    deviations[missing] = 0.0
    weights = np.where(missing, 0.0, _rows(cohort.weights for cohort in cohorts))
    evidence = normal.evidence(deviations)
    parts = normal.parts(evidence)
    alone = joint(parts, weights)
    levels = bounded(deviations[..., :count], _FARTHEST)
    seen = count - np.count_nonzero(missing[..., :count], axis=-1)
    distance = np.sqrt((levels * levels).sum(axis=-1) / seen)
    figures = zip(answers, alone.ravel().tolist(), distance.ravel().tolist(), strict=True)
    told = [answer.cohort.advance(answer.question, *figure) for answer, *figure in figures]

    passed_ns = _column(step.passed_ns for step in told)
    suspicion = _column(step.score / step.threshold for step in told)
    offset = follow(offset, levels, passed_ns, suspicion)
    # Whitening shares a deviation out among coupled signals; the one to name is the one
    # that is also out by itself.
    shares = parts * parts * np.abs(evidence) * weights
    # The score remembers, so its parts must: the noise of the first healthy window did not
    # make what is left of a fault's score.
    latest = shares * (alone[..., np.newaxis] / _total(shares))
    keep = _column(kept(step.windows) for step in told)
    blame = latest + keep * (_rows(cohort.blame for cohort in cohorts) - latest)
    present = np.where(missing, 0.0, blame)
    present /= _total(present)
    for row, cohort in enumerate(cohorts):
        cohort.offset, cohort.blame = offset[row, 0], blame[row, 0]
    return [
        Verdict(step.score, step.threshold, cohort.by_channel(row), step.alarming)
        for step, cohort, row in zip(told, cohorts, present[:, 0], strict=True)
    ]


def _rows(arrays: Iterable[Floats]) -> Floats:
    """Return ``n`` arrays of one length ``k`` as ``(n, 1, k)``: a frame of each cohort."""
    rows = list(arrays)
    return np.concatenate(rows).reshape(len(rows), 1, -1)


def _column(numbers: Iterable[float]) -> Floats:
    """Return ``n`` numbers, one for each cohort, as ``(n, 1, 1)``."""
    return np.array(list(numbers), np.float64).reshape(-1, 1, 1)


def _total(shares: Floats) -> Floats:
    """Return the sums of shares ``(..., k)``, ``(..., 1)``, to divide by: 1 instead of 0."""
    total = shares.sum(axis=-1, keepdims=True)
    return np.where(total == 0.0, 1.0, total)
