"""How unusual an asset's latest window is, from levels and forecasts of all its signals.

Two questions are put to every signal of a window.  Is it where it was while the machine was healthy
(its *level*), and is it where the LSTM expected it after the windows before (its *surprise*)?  The
level shows a fault that stays.  The surprise shows one at its first step, and in signals whose
level says little because they swing with the load.  Both are measured in units of what
commissioning saw, joined over the signals and smoothed over the latest windows; nothing looks
ahead, and nothing but the asset's own data and the model goes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import TypedDict, cast

import numpy as np

from edge_agent.core.cohort import Cohort, CohortState, Parts, Verdict, terms_of
from edge_agent.core.commissioning import Commissioning, CommissioningState
from edge_agent.core.features import channel_of
from edge_agent.core.forecast import Question, SensorModel, input_of, surprise_all
from edge_agent.core.learning import learn
from edge_agent.core.weighing import Answer, weigh_all

__all__ = ["AssetScorer", "SensorModel", "SensorScore", "score_all"]

_LAYOUT = 2  # of snapshots; 1 knew levels without their degrees of freedom or correlation
_MOST_COHORTS = 16  # of one asset


@dataclass(frozen=True, slots=True)
class SensorScore:
    """How unusual one window of one asset is.

    ``channels`` are those seen in the window.  ``contributions`` are the parts of channels in the
    score and sum to 1.  While the asset is ``commissioning`` there is no score yet: it and the
    threshold are 0, nothing contributes and nothing is anomalous.  ``alarming``: an anomaly has
    insisted for long enough to be worth an alarm and is not over.
    """

    asset: str
    channels: tuple[str, ...]
    start_ns: int
    end_ns: int
    score: float
    threshold: float
    anomalous: bool
    contributions: Mapping[str, float]
    commissioning: bool
    alarming: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One frame of one asset between question and answer; a question per cohort concerned."""

    start_ns: int
    end_ns: int
    channels: tuple[str, ...]
    questions: tuple[tuple[Cohort, Question], ...]
    commissioning: bool  # nothing of the asset could be scored yet


class ScorerState(TypedDict):
    """A scorer as JSON."""

    layout: int
    cohorts: list[CohortState]
    newcomers: CommissioningState | None


class AssetScorer:
    """What is known of one asset's normal: the state of this stage, and all of it.

    Signals that appear together are commissioned together, as a cohort.  One that appears later
    founds the next cohort, while those that are known go on being scored.

    Args:
        asset: The name that the scores carry.
        commissioning_ns: Event time from which a cohort is learned.
        parts: What goes into the score.
    """

    def __init__(self, asset: str, commissioning_ns: int, parts: Parts = Parts.BOTH) -> None:
        self._asset = asset
        self._parts = parts
        self._commissioning_ns = commissioning_ns
        self._newcomers: Commissioning | None = None
        self._cohorts: list[Cohort] = []
        self._channels: dict[str, str] = {}  # of the signals in the cohorts

    @property
    def commissioning(self) -> bool:
        """Whether nothing of the asset can be scored yet."""
        return not self._cohorts

    def recommission(self) -> None:
        """Forget what was normal and learn it anew."""
        self._set_cohorts([])
        self._newcomers = None

    def inquire(
        self, model: SensorModel, start_ns: int, end_ns: int, signals: Mapping[str, float]
    ) -> Inquiry:
        """Take the next frame; return what the model has to answer about it.

        Args:
            model: Learns a cohort whose commissioning is over; otherwise only its shape is used.
            start_ns: Of the frame; frames come in order of time.
            end_ns: Of the frame.
            signals: From ``features.extract``; finite.
        """
        self._forget_other_terms(model, end_ns - start_ns)
        self._learn(model, end_ns)
        known = self._channels
        if not signals.keys() <= known.keys():
            strangers = {name: signals[name] for name in signals if name not in known}
            self._newcomers = self._newcomers or Commissioning(start_ns, end_ns - start_ns)
            self._newcomers.push(start_ns, end_ns, strangers)
        questions = []
        for cohort in self._cohorts:
            values = np.array([signals.get(name, nan) for name in cohort.names])
            question = cohort.ask(start_ns, end_ns, values, input_of(model))
            if question is not None:
                questions.append((cohort, question))
        channels = dict.fromkeys([known.get(name) or channel_of(name) for name in signals])
        return Inquiry(start_ns, end_ns, tuple(channels), tuple(questions), self.commissioning)

    def conclude(self, inquiry: Inquiry, verdicts: Sequence[Verdict]) -> SensorScore | None:
        """Return the score of a frame: that of the cohort that is furthest out.

        Args:
            inquiry: From :meth:`inquire`.
            verdicts: One per question.

        Returns:
            ``None`` when the frame cannot be scored: it holds nothing but signals that are still
            being learned, while others of the asset are known; or a verdict is not finite and no
            other is anomalous, for what is no number must not read as healthy.
        """
        if not verdicts:
            return self._score(inquiry, None) if inquiry.commissioning else None
        sound = [verdict for verdict in verdicts if verdict.is_finite]
        worst = max(sound, key=lambda verdict: verdict.score / verdict.threshold, default=None)
        if worst is None or (len(sound) < len(verdicts) and worst.score <= worst.threshold):
            return None
        alarming = any(verdict.alarming for verdict in sound)
        return self._score(inquiry, worst, alarming=alarming)

    def snapshot(self) -> dict[str, object]:
        """Return everything held, fit for ``json.dumps``; scoring goes on from it bit for bit."""
        return {
            "layout": _LAYOUT,
            "cohorts": [cohort.state for cohort in self._cohorts],
            "newcomers": self._newcomers.state if self._newcomers else None,
        }

    def restore(self, state: object) -> bool:
        """Take up what :meth:`snapshot` returned, in place of everything held.

        Returns:
            ``False`` where the snapshot is of another version of the agent: it is dropped, and the
            asset is learned anew, for its numbers may mean something else by now.

        Raises:
            KeyError, TypeError, ValueError: ``state`` is no snapshot of a scorer; nothing changed.
        """
        known = cast("ScorerState", state)
        if known["layout"] != _LAYOUT:
            self.recommission()
            return False
        cohorts = [Cohort.restored(cohort, self._parts) for cohort in known["cohorts"]]
        newcomers = known["newcomers"]
        self._newcomers = Commissioning.restored(newcomers) if newcomers else None
        self._set_cohorts(cohorts)
        return True

    def _forget_other_terms(self, model: SensorModel, length_ns: int) -> None:
        """Begin anew where the settings changed since the snapshot that was restored."""
        terms = terms_of(model, length_ns)
        if any([cohort.terms != terms for cohort in self._cohorts]):  # noqa: C419  (a list is faster)
            self._set_cohorts([cohort for cohort in self._cohorts if cohort.terms == terms])
        if self._newcomers is not None and self._newcomers.length_ns != length_ns:
            self._newcomers = None

    def _learn(self, model: SensorModel, end_ns: int) -> None:
        newcomers = self._newcomers
        if newcomers is None or not newcomers.is_over(end_ns, self._commissioning_ns):
            return
        cohort = learn(newcomers.shown(), model, self._parts)
        if cohort is not None:
            # Where names never cease to change, those that were silent longest give way.
            latest = sorted([*self._cohorts, cohort], key=lambda known: known.latest_ns)
            self._set_cohorts(latest[-_MOST_COHORTS:])
            self._newcomers = newcomers.without(cohort.names)
        elif newcomers.is_full:
            self._newcomers = None  # names that hardly ever come twice

    def _set_cohorts(self, cohorts: list[Cohort]) -> None:
        self._cohorts = cohorts
        names = [name for cohort in cohorts for name in cohort.names]
        self._channels = {name: channel_of(name) for name in names}

    def _score(
        self, inquiry: Inquiry, verdict: Verdict | None, *, alarming: bool = False
    ) -> SensorScore:
        score, threshold = (verdict.score, verdict.threshold) if verdict else (0.0, 0.0)
        return SensorScore(
            asset=self._asset,
            channels=inquiry.channels,
            start_ns=inquiry.start_ns,
            end_ns=inquiry.end_ns,
            score=score,
            threshold=threshold,
            anomalous=score > threshold,
            contributions=verdict.contributions if verdict else {},
            commissioning=verdict is None,
            alarming=alarming,
        )


def score_all(
    model: SensorModel,
    frames: Sequence[tuple[AssetScorer, int, int, Mapping[str, float]]],
) -> list[SensorScore | None]:
    """Return the score of every frame, from one call of the model for all of them.

    Args:
        model: Forecasts every row by itself, so assets do not influence each other.
        frames: Scorer, start, end and signals; the frames of one scorer in order of time.
    """
    inquiries = [
        (scorer, scorer.inquire(model, start_ns, end_ns, signals))
        for scorer, start_ns, end_ns, signals in frames
    ]
    asked = [pair for _, inquiry in inquiries for pair in inquiry.questions]
    surprises = surprise_all([question for _, question in asked], model)
    answers = [Answer(*pair, surprise) for pair, surprise in zip(asked, surprises, strict=True)]
    verdicts = iter(weigh_all(answers))
    return [
        scorer.conclude(inquiry, [next(verdicts) for _ in inquiry.questions])
        for scorer, inquiry in inquiries
    ]
