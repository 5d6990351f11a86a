"""Signals of one asset that were commissioned together: their normals and their score."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import TypedDict

import numpy as np

from edge_agent.core.calibration import LEAST_VALUES, Floats, Normal, fit_normal, fit_threshold
from edge_agent.core.commissioning import Shown
from edge_agent.core.features import channel_of
from edge_agent.core.forecast import (
    FEATURES,
    History,
    Question,
    SensorModel,
    input_of,
    surprise_all,
)
from edge_agent.core.manifest import SensorInput
from edge_agent.core.packing import pack, unpack

FALSE_ALARM_RATE = 1e-3  # of scored windows, before the alarm's on-delay

_CLIP = 15.0  # of a deviation: further out is not more wrong
_POWER = 3.0  # of the mean over signals: one loud signal counts among many quiet ones
_MEMORY_WINDOWS = 1.0  # time constant of the smoothing: enough that windows may overlap
_NEVER_SEEN = Normal(0.0, 1e300)  # of a surprise that could not be learned: it never deviates


class Parts(Enum):
    """What a score is made of: weights of levels and of surprises.

    A device uses both; one alone serves to measure what the other brings.
    """

    BOTH = (1.0, 1.0)
    LEVELS = (1.0, 0.0)
    SURPRISES = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of one frame, its threshold, and the parts of the channels in it (sum 1)."""

    score: float
    threshold: float
    contributions: Mapping[str, float]

    @property
    def is_finite(self) -> bool:
        """Whether score and threshold can be compared: NaN exceeds nothing."""
        return isfinite(self.score) and isfinite(self.threshold)


class CohortState(TypedDict):
    """A cohort as JSON; arrays are packed."""

    names: list[str]
    normals: list[list[float]]
    threshold: float
    terms: str
    history_ends_ns: str
    history_rows: str
    strays: str
    latest_ns: int


class Cohort:
    """A commissioned cohort: what is normal, and the little of the past that its score needs.

    A frame deviates in two ways per signal, which stand one after the other in every array here:
    first all levels, then all surprises.

    Args:
        names: Of the ``n`` signals.
        normals: Of the ``n`` levels, each in its signal's unit, then of the ``n`` surprises.
        threshold: The limit on the score.
        terms: What all this was learned with; see :func:`terms_of`.
        parts: What goes into the score.
    """

    def __init__(
        self,
        names: Sequence[str],
        normals: Sequence[Normal],
        threshold: float,
        terms: str,
        parts: Parts = Parts.BOTH,
    ) -> None:
        self.names = tuple(names)
        self.terms = terms
        self.threshold = threshold
        self.history = History(len(self.names))
        self._normals = tuple(normals)
        self._centre = np.array([normal.centre for normal in normals])
        self._reach = np.array([normal.reach for normal in normals])
        self._strays = np.ones(len(normals))  # smoothed deviations; a healthy signal's are about 1
        self.latest_ns = 0
        self._weights = np.kron(parts.value, _weights(self.names))
        self._channels = [channel_of(name) for name in self.names]

    @property
    def state(self) -> CohortState:
        """Everything held, fit for ``json.dumps``."""
        return {
            "names": list(self.names),
            "normals": [[normal.centre, normal.reach] for normal in self._normals],
            "threshold": self.threshold,
            "terms": self.terms,
            "history_ends_ns": pack(self.history.ends_ns),
            "history_rows": pack(self.history.rows),
            "strays": pack(self._strays),
            "latest_ns": self.latest_ns,
        }

    @classmethod
    def restored(cls, state: CohortState, parts: Parts) -> "Cohort":
        """Return the cohort that gave ``state``.

        Raises:
            KeyError, TypeError, ValueError: ``state`` is of no cohort.
        """
        normals = [Normal(float(centre), float(reach)) for centre, reach in state["normals"]]
        cohort = cls(state["names"], normals, float(state["threshold"]), state["terms"], parts)
        count = len(cohort.names)
        cohort.history.ends_ns = unpack(state["history_ends_ns"], np.int64)
        cohort.history.rows = unpack(state["history_rows"], np.float32).reshape(-1, count, FEATURES)
        cohort._strays = unpack(state["strays"], np.float64).reshape(2 * count)
        cohort.latest_ns = int(state["latest_ns"])
        return cohort

    def ask(
        self, start_ns: int, end_ns: int, values: Floats, shape: SensorInput
    ) -> Question | None:
        """Return what the model has to answer about a frame, ``None`` if it has no signal of ours.

        Later frames may be asked about before the answer to this one is known: a question depends
        on what was observed and on nothing else.

        Args:
            start_ns: Of the frame.
            end_ns: Of the frame.
            values: Of the signals, ``(n,)``, each in its unit; NaN where missing.
            shape: Of the model's input.
        """
        if np.isnan(values).all():
            return None
        count = len(self.names)
        z = (values - self._centre[:count]) / self._reach[:count]
        return self.history.ask(start_ns, end_ns, z, shape)

    def weigh(self, question: Question, surprises: Floats) -> Verdict:
        """Return the verdict on a frame, given how its signals surprised the model."""
        count = len(self.names)
        scaled = (surprises - self._centre[count:]) / self._reach[count:]
        return self.smooth(question, np.concatenate((question.z, scaled)))

    def smooth(self, question: Question, deviations: Floats) -> Verdict:
        """Take up the deviations of a frame, ``(2 n,)``, and return the verdict on it."""
        length_ns = question.end_ns - question.start_ns
        # A source whose clock was set back is a gap like any other, not a negative one.
        passed_ns = min(abs(question.end_ns - self.latest_ns), length_ns)
        keep = np.exp(-passed_ns / (_MEMORY_WINDOWS * length_ns))
        latest = np.minimum(np.abs(deviations), _CLIP)
        seen = ~np.isnan(latest)
        self._strays = np.where(seen, latest + keep * (self._strays - latest), self._strays)
        self.latest_ns = question.end_ns
        parts = np.where(seen, self._strays**_POWER * self._weights, 0.0)
        weight, total = float(self._weights[seen].sum()), float(parts.sum())
        score = (total / weight) ** (1.0 / _POWER) if weight > 0 else 0.0
        return Verdict(score, self.threshold, self._by_channel(parts, total))

    def _by_channel(self, parts: Floats, total: float) -> dict[str, float]:
        """Return the shares of the channels in ``total``; equal ones where there is nothing."""
        shares = dict.fromkeys(self._channels, 0.0)
        if total <= 0:
            return dict.fromkeys(shares, 1.0 / len(shares))
        by_signal = parts.reshape(2, -1).sum(axis=0) / total
        for channel, share in zip(self._channels, by_signal.tolist(), strict=True):
            shares[channel] += share
        return shares


def terms_of(model: SensorModel, length_ns: int) -> str:
    """Return what a normal depends on beside the machine: another model or window needs another."""
    return f"{model.manifest.name} {model.manifest.version}, windows of {length_ns} ns"


def learn(shown: Shown, model: SensorModel, parts: Parts = Parts.BOTH) -> Cohort | None:
    """Return the cohort of all signals that commissioning saw long and often enough.

    Levels are scaled first, as the model reads standardized values only; then its surprises, for a
    forecaster that is always a little off must not alarm; then scores across time give the limit.

    Args:
        shown: The frames of commissioning, at least one, all of one length.
        model: The model that will score the cohort.
        parts: What goes into the score.

    Returns:
        ``None`` if no signal qualifies.
    """
    shown = shown.of_the_familiar()
    if not shown.names:
        return None
    terms = terms_of(model, int(shown.ends_ns[0] - shown.starts_ns[0]))
    levels = [fit_normal(column) for column in shown.table.T]
    normals = [normal for normal, _ in levels]
    draft = Cohort(shown.names, [*normals, *[_NEVER_SEEN] * len(normals)], np.inf, terms)
    shape = input_of(model)
    asked = [draft.ask(*frame, shape) for frame in shown.frames()]
    questions = [question for question in asked if question is not None]
    surprises = surprise_all(questions, model)
    others = [_fit_if_seen(column) for column in np.array(surprises).T]
    normals += [normal for normal, _ in others]
    across = np.stack([deviations for _, deviations in levels + others], axis=1)
    rehearsal = Cohort(shown.names, normals, np.inf, terms, parts)
    scores = [rehearsal.smooth(*pair).score for pair in zip(questions, across, strict=True)]
    threshold = fit_threshold(np.array(scores), FALSE_ALARM_RATE)
    cohort = Cohort(shown.names, normals, threshold, terms, parts)
    cohort.history = draft.history
    for question, row in zip(questions, surprises, strict=True):
        cohort.weigh(question, row)
    return cohort


def _fit_if_seen(surprises: Floats) -> tuple[Normal, Floats]:
    if np.count_nonzero(~np.isnan(surprises)) < LEAST_VALUES:
        return _NEVER_SEEN, np.full_like(surprises, np.nan)
    return fit_normal(surprises)


def _weights(names: Sequence[str]) -> Floats:
    """Return weights by which every channel counts alike, however many signals it has."""
    channels = [channel_of(name) for name in names]
    sizes = Counter(channels)
    return np.array([1.0 / sizes[channel] for channel in channels])
