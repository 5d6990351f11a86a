"""Signals of one asset that were commissioned together: their normals and their score."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from math import isfinite
from typing import NotRequired, TypedDict

import numpy as np

from edge_agent.core.calibration import Floats
from edge_agent.core.course import Course
from edge_agent.core.features import SignalKind, channel_of, kind_of
from edge_agent.core.forecast import FEATURES, History, Question, SensorModel
from edge_agent.core.insistence import Insistence
from edge_agent.core.manifest import SensorInput
from edge_agent.core.packing import pack, unpack
from edge_agent.core.reference import Reference, ReferenceState, restored

_SPREAD_WEIGHT = 0.25  # by that of the mean: a spread of few samples is mostly noise


class Parts(Enum):
    """What a score is made of: weights of levels and of surprises.

    A device uses both; one alone serves to measure what the other brings.
    """

    BOTH = (1.0, 0.5)
    LEVELS = (1.0, 0.0)
    SURPRISES = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of one frame, its threshold, and the parts of the channels in it (sum 1).

    ``alarming``: an anomaly has insisted for long enough to be worth an alarm, which is not over.
    """

    score: float
    threshold: float
    contributions: Mapping[str, float]
    alarming: bool

    @property
    def is_finite(self) -> bool:
        """Whether score and threshold can be compared: NaN exceeds nothing."""
        return isfinite(self.score) and isfinite(self.threshold)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one window, and the time since the one before, up to its length."""

    score: float
    threshold: float
    alarming: bool
    passed_ns: int
    windows: float  # the same time in lengths of a window


@dataclass(frozen=True, slots=True)
class Learned:
    """What commissioning taught of a cohort.

    Attributes:
        names: Of the ``n`` signals.
        reference: The normal of the levels, each in its signal's unit, and of the surprises.
        threshold: The limit on the score.
        alarm_threshold: What the score must exceed to be heard by :mod:`insistence`.
        commissioned_ns: How long commissioning was.
        terms: What all this was learned with; see :func:`terms_of`.
    """

    names: tuple[str, ...]
    reference: Reference
    threshold: float
    alarm_threshold: float
    commissioned_ns: int
    terms: str


class CohortState(TypedDict):
    """A cohort as JSON; arrays are packed."""

    names: list[str]
    reference: ReferenceState
    threshold: float
    commissioned_ns: int
    terms: str
    history_ends_ns: str
    history_rows: str
    offset: str
    course: dict[str, float]
    blame: NotRequired[str]  # not in snapshots of before
    latest_ns: int
    alarm_threshold: NotRequired[float]  # likewise, with the next
    insistence: NotRequired[dict[str, float]]


class Cohort:
    """A commissioned cohort: what is normal, and the little of the past that its score needs.

    A frame deviates in two ways, which stand one after the other in every array here: first the
    levels of all ``n`` signals, then the surprises of those that are forecast.

    Args:
        learned: From commissioning.
        parts: What goes into the score.
    """

    def __init__(self, learned: Learned, parts: Parts = Parts.BOTH) -> None:
        names = learned.names
        self.names = names
        self.terms = learned.terms
        self.learned = learned
        forecast = forecast_of(names)
        self.history = History(len(forecast))
        self._forecast = np.array(forecast, dtype=np.intp)
        self.weights = weights_of(names, parts)
        channels = [channel_of(names[i]) for i in [*range(len(names)), *forecast]]
        self._channels = list(dict.fromkeys(channels))
        self._channel_of = np.array([self._channels.index(channel) for channel in channels])
        self.offset = np.zeros(len(names))
        self._course = Course()
        self.blame = np.zeros(len(self.weights))  # of the signals in the score of the course
        self._insistence = Insistence()
        self.latest_ns = 0

    @property
    def state(self) -> CohortState:
        """Everything held, fit for ``json.dumps``."""
        return {
            "names": list(self.names),
            "reference": self.learned.reference.state,
            "threshold": self.learned.threshold,
            "commissioned_ns": self.learned.commissioned_ns,
            "terms": self.terms,
            "history_ends_ns": pack(self.history.ends_ns),
            "history_rows": pack(self.history.rows),
            "offset": pack(self.offset),
            "course": asdict(self._course),
            "blame": pack(self.blame),
            "latest_ns": self.latest_ns,
            "alarm_threshold": self.learned.alarm_threshold,
            "insistence": asdict(self._insistence),
        }

    @classmethod
    def restored(cls, state: CohortState, parts: Parts) -> "Cohort":
        """Return the cohort that gave ``state``.

        Raises:
            KeyError, TypeError, ValueError: ``state`` is of no cohort.
        """
        learned = Learned(
            names=tuple(state["names"]),
            reference=restored(state["reference"]),
            threshold=float(state["threshold"]),
            alarm_threshold=float(state.get("alarm_threshold", state["threshold"])),
            commissioned_ns=int(state["commissioned_ns"]),
            terms=state["terms"],
        )
        cohort = cls(learned, parts)
        rows = unpack(state["history_rows"], np.float32)
        cohort.history.ends_ns = unpack(state["history_ends_ns"], np.int64)
        cohort.history.rows = rows.reshape(-1, len(cohort._forecast), FEATURES)
        cohort.offset = unpack(state["offset"], np.float64).reshape(len(cohort.names))
        cohort._course = Course(**state["course"])
        if "blame" in state:
            blame = unpack(state["blame"], np.float64)
            cohort.blame = blame.reshape(len(cohort.weights))
        cohort.latest_ns = int(state["latest_ns"])
        # Of before, whatever was anomalous was worth an alarm.
        before = {"alarming": cohort._course.farthest > 0.0}
        cohort._insistence = Insistence(**state.get("insistence", before))
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
        if np.count_nonzero(np.isnan(values)) == len(values):
            return None
        count = len(self.names)
        normal = self.learned.reference
        z = (values - normal.centre[:count]) / normal.reach[:count]
        return self.history.ask(start_ns, end_ns, z, self._forecast, shape)

    def advance(self, question: Question, alone: float, distance: float) -> Told:
        """Let a window pass; return what is to be told of it.

        Args:
            question: About the window.
            alone: Its score by itself.
            distance: Of the machine from its normal, in reaches, bounded by the caller.
        """
        passed_ns, before, threshold = self._pass(question), self._course, self.learned.threshold
        length_ns = question.end_ns - question.start_ns
        windows = passed_ns / length_ns
        commissionings = passed_ns / self.learned.commissioned_ns
        self._course = before.on(alone, distance, windows, commissionings)
        score = self._course.told(threshold, before)
        self._course = self._course.after(anomalous=score > threshold)
        ratio = score / self.learned.alarm_threshold
        commissioned = self.learned.commissioned_ns / length_ns
        self._insistence = self._insistence.on(ratio, windows, commissioned)
        return Told(score, threshold, self._insistence.alarming, passed_ns, windows)

    def trust(self) -> None:
        """Take what was weighed so far for healthy: nothing of it insists."""
        self._insistence = Insistence()

    def _pass(self, question: Question) -> int:
        """Return the time since the last frame, at most a window, and let it pass.

        A source whose clock was set back is a gap like any other, not a negative one.
        """
        length_ns = question.end_ns - question.start_ns
        passed_ns = min(abs(question.end_ns - self.latest_ns), length_ns)
        self.latest_ns = question.end_ns
        return passed_ns

    def by_channel(self, shares: Floats) -> dict[str, float]:
        """Return the parts of the channels, from those of all signals, which sum to 1 or 0.

        Where there is nothing to share out, channels have equal parts.
        """
        sums = np.bincount(self._channel_of, shares).tolist()
        if not any(sums):
            return dict.fromkeys(self._channels, 1.0 / len(self._channels))
        return dict(zip(self._channels, sums, strict=True))


def terms_of(model: SensorModel, length_ns: int) -> str:
    """Return what a normal depends on beside the machine: another model or window needs another."""
    return f"{model.manifest.name} {model.manifest.version}, windows of {length_ns} ns"


def forecast_of(names: Sequence[str]) -> list[int]:
    """Return the places of the signals that are forecast: all but spreads, which only wander."""
    return [i for i, name in enumerate(names) if kind_of(name) is not SignalKind.SPREAD]


def weights_of(names: Sequence[str], parts: Parts) -> Floats:
    """Return the weights of all levels and surprises: channels count alike among either."""
    both = []
    for share, members in zip(parts.value, (range(len(names)), forecast_of(names)), strict=True):
        kinds = [kind_of(names[i]) for i in members]
        single = [_SPREAD_WEIGHT if kind is SignalKind.SPREAD else 1.0 for kind in kinds]
        channels = [channel_of(names[i]) for i in members]
        sizes = dict.fromkeys(channels, 0.0)
        for channel, weight in zip(channels, single, strict=True):
            sizes[channel] += weight
        both += [share * w / sizes[c] for c, w in zip(channels, single, strict=True)]
    return np.array(both)
