"""What a log line means: the model's answer behind a cache of templates.

A plant repeats itself, so most lines are found in the cache and never reach the model.  A
prediction depends on template and level alone, never on which line came before: a replay gives
what the live run gave, and evicting an entry costs nothing but another run.  When more new
templates come than the model can read, the caller may forbid the run: the line is then shed,
which is no reading at all.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.logtext import mask, spell
from edge_agent.core.manifest import LogInput, Manifest
from edge_agent.core.records import Category, Severity
from edge_agent.core.wordpairs import WordPairs

# How much likelier a fault is than routine, given what the header claims; 1 says nothing.  A level
# is a witness, not a judge: Blue Gene reports corrected memory errors at INFO and register dumps
# at FATAL, so clear text outweighs it either way.
_FAULT_ODDS: Mapping[Severity | None, float] = {
    None: 1.0,
    Severity.INFO: 0.3,
    Severity.WARNING: 3.0,
    Severity.ERROR: 4.0,
    Severity.CRITICAL: 4.0,
}

# Whether the model may be run for a template and level that are not in the cache.
Permit = Callable[[str, Severity | None], bool]

_Key = tuple[str, Severity | None]  # template, and what the line says of itself


class LogModel(Protocol):
    """A text classifier, loaded and warm."""

    @property
    def manifest(self) -> Manifest:
        """Return what the package says about itself; ``manifest.log`` is set."""

    @property
    def pairs(self) -> WordPairs | None:
        """Return which words the training had beside each other, where the package tells."""

    def logits(self, text: str) -> NDArray[np.float32]:
        """Return the raw scores of one line, shape ``(labels,)``, all heads in manifest order."""

    def logits_each(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what :meth:`logits` gives for each text, bit by bit, shape ``(n, labels)``."""


class SeveritySource(StrEnum):
    """Who decided the severity of a line."""

    TEXT = "text"  # the model, from the words
    LEVEL = "level"  # the line's own level field, once the line was found to be a fault


@dataclass(frozen=True, slots=True)
class LogScore:
    """One judged line; ``category`` is normal if and only if ``severity`` is info.

    ``probability`` is the calibrated probability of ``category``.  ``novelty`` is the share of its
    word pairs that the training never had, where the package tells, and ``novel`` says that they
    are too many for a line of a system that is known.  ``abstained`` says that the evidence is too
    thin to act on, because ``probability`` is below ``threshold`` or because words that are novel
    and move no logit are called normal, which needs evidence too.  The best guess stands beside
    both.  A line that was not read, for want of words or
    of time, is abstained from at probability 0: it proves neither a fault nor health.
    """

    text: str
    template: str
    level: Severity | None
    category: Category
    severity: Severity
    severity_from: SeveritySource
    probability: float
    threshold: float
    novel: bool
    abstained: bool
    novelty: float | None = None

    @property
    def anomalous(self) -> bool:
        """Whether this line is evidence of a fault."""
        return self.category is not Category.NORMAL and not self.abstained

    @property
    def unknown(self) -> bool:
        """Whether this line was read, nothing fits it, and it does not call itself routine."""
        return self.abstained and bool(self.text) and self.level is not Severity.INFO


class LogScorer:
    """Scores lines; holds at most ``templates`` predictions, least recently used out first.

    Args:
        model: A model with the heads ``category`` and ``severity``.
        templates: Bound of the cache, at least 1.

    Raises:
        ValueError: The manifest is no log model's or lacks a head, or the bound is below 1.  The
            loader checks packages, so this is our bug.
    """

    def __init__(self, model: LogModel, templates: int) -> None:
        log = model.manifest.log
        if log is None or templates < 1:
            raise ValueError("a log scorer needs a log model and room for one template")
        self._model = model
        self._input = log
        self._categories, self._severities = (
            head_slice(log, "category"),
            head_slice(log, "severity"),
        )
        if set(self._labels("category")) != set(Category) or set(self._labels("severity")) != set(
            Severity
        ):
            raise ValueError("the heads of a log model name exactly the taxonomy")
        self._room = templates
        self._known: OrderedDict[_Key, LogScore] = OrderedDict()
        self._hits = 0
        self._misses = 0
        self._shed = 0

    @property
    def hits(self) -> int:
        """Lines answered from the cache so far."""
        return self._hits

    @property
    def misses(self) -> int:
        """Lines that were not in the cache and were judged anew so far."""
        return self._misses

    @property
    def shed(self) -> int:
        """Lines that were not in the cache and not judged so far, for want of a permit."""
        return self._shed

    @property
    def templates(self) -> int:
        """Predictions held now."""
        return len(self._known)

    def score(
        self, raw: str, level: Severity | None = None, may_ask: Permit = lambda *_: True
    ) -> LogScore:
        """Return what ``raw`` means.

        Args:
            raw: A line with or without header, any text.
            level: The level that came beside the line, as in a JSON payload; it outranks the one
                in the line's own header.
            may_ask: Asked once where the template is not in the cache.  Without its permit the line
                is shed, and nothing is remembered, so the template gets another chance.
        """
        template, claimed = mask(raw)
        key = (template, level or claimed)
        known = self._recalled(key)
        if known is not None:
            return known
        if not may_ask(*key):
            self._shed += 1
            return self._unread(*key)
        return self._learned(self._fresh(key))

    def score_each(self, raws: Sequence[str]) -> list[LogScore]:
        """Return what each line means, as :meth:`score` would one after the other, but sooner.

        Lines that are new share runs of the model.
        """
        keys = [mask(raw) for raw in raws]
        new = {key: spell(key[0]) for key in dict.fromkeys(keys) if key not in self._known}
        texts = {key: text for key, text in new.items() if text}
        rows = self._model.logits_each(list(texts.values())) if texts else ()
        read = {
            key: self._judged(key, texts[key], row) for key, row in zip(texts, rows, strict=True)
        }
        return [
            self._recalled(key) or self._learned(read.get(key) or self._fresh(key)) for key in keys
        ]

    def _recalled(self, key: _Key) -> LogScore | None:
        known = self._known.get(key)
        if known is not None:
            self._hits += 1
            self._known.move_to_end(key)
        return known

    def _learned(self, fresh: LogScore) -> LogScore:
        """Put a line that was judged anew into the cache, and count it."""
        self._misses += 1
        self._known[fresh.template, fresh.level] = fresh
        if len(self._known) > self._room:
            self._known.popitem(last=False)
        return fresh

    def _fresh(self, key: _Key) -> LogScore:
        text = spell(key[0])
        return self._judged(key, text, self._model.logits(text)) if text else self._unread(*key)

    def _labels(self, head: str) -> tuple[str, ...]:
        return self._input.heads[head]

    def _judged(self, key: _Key, text: str, logits: NDArray[np.float32]) -> LogScore:
        template, level = key
        categories = self._softmax(logits[self._categories], "category")
        categories = _weighed(categories, self._labels("category").index(Category.NORMAL), level)
        best = int(np.argmax(categories))
        category = Category(self._labels("category")[best])
        severity, source = self._severity(category, logits[self._severities], level)
        probability = float(categories[best])
        novelty = None if self._model.pairs is None else self._model.pairs.novelty(text)
        unmoved = _energy(logits[self._categories]) < self._input.novel_below
        novel = unmoved if novelty is None else novelty >= self._input.novel_from
        unsure = probability < self._input.abstain_below
        return LogScore(
            text=text,
            template=template,
            level=level,
            category=category,
            severity=severity,
            severity_from=source,
            probability=probability,
            threshold=self._input.abstain_below,
            novel=novel,
            abstained=unsure or (novel and unmoved and category is Category.NORMAL),
            novelty=novelty,
        )

    def _unread(self, template: str, level: Severity | None) -> LogScore:
        return LogScore(
            text="",
            template=template,
            level=level,
            category=Category.NORMAL,
            severity=Severity.INFO,
            severity_from=SeveritySource.TEXT,
            probability=0.0,
            threshold=self._input.abstain_below,
            novel=False,
            abstained=True,
        )

    def _softmax(self, logits: NDArray[np.float32], head: str) -> NDArray[np.float64]:
        cooled = logits.astype(np.float64) / self._input.temperature[head]
        raised = np.exp(cooled - cooled.max())
        return np.asarray(raised / raised.sum(), dtype=np.float64)

    def _severity(
        self, category: Category, logits: NDArray[np.float32], level: Severity | None
    ) -> tuple[Severity, SeveritySource]:
        """Return the severity under the taxonomy's rule: info if and only if normal.

        A fault whose level field says warning, error or critical has that severity.  A fault
        without a level, or logged at info, has the likeliest severity above info in the text.
        """
        if category is Category.NORMAL:
            return Severity.INFO, SeveritySource.TEXT
        if level is not None and level is not Severity.INFO:
            return level, SeveritySource.LEVEL
        labels = self._labels("severity")
        ranked = (labels[int(index)] for index in np.argsort(-logits, kind="stable"))
        return Severity(next(label for label in ranked if label != "info")), SeveritySource.TEXT


def head_slice(log: LogInput, name: str) -> slice:
    """Return where the logits of one head lie.

    Raises:
        ValueError: There is no such head.
    """
    start = 0
    for head, labels in log.heads.items():
        if head == name:
            return slice(start, start + len(labels))
        start += len(labels)
    raise ValueError(f"the log model has no head {name}")


def _weighed(
    probabilities: NDArray[np.float64], normal: int, level: Severity | None
) -> NDArray[np.float64]:
    """Return the category probabilities after hearing the level field (Bayes' rule on the odds)."""
    weights = np.full(probabilities.shape, _FAULT_ODDS[level])
    weights[normal] = 1.0
    weighed = probabilities * weights
    return np.asarray(weighed / weighed.sum(), dtype=np.float64)


def _energy(logits: NDArray[np.float32]) -> float:
    """Return the log-sum-exp of the logits, low for inputs unlike the training set.

    The negative free energy of Liu et al., "Energy-based Out-of-distribution Detection", 2020, at
    temperature 1.
    """
    top = float(logits.max())
    return top + float(np.log(np.exp(logits.astype(np.float64) - top).sum()))
