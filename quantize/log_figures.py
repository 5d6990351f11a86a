"""How good a log classifier is: the same figures for a package, a network and a baseline."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from edge_agent.core.logtext import normalize
from edge_agent.core.records import Category
from quantize.log_data import Message

Judge = Callable[[Sequence[Message]], "list[Verdict]"]
HEADER = (
    "| model | messages | category F1 | severity F1 | fault F1 | faults found | false alarms"
    " | ECE |\n"
    "|---|---|---|---|---|---|---|---|"
)
_BINS = 15


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says about one message; ``probability`` is that of the category."""

    category: str
    severity: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one model on one set of messages.

    Macro-F1 is the mean over the labels that occur in the truth, so a set without mechanical
    faults is not scored on them.  ``false_alarms`` is the share of normal messages called faults,
    NaN where there are none; ``ece`` the expected calibration error of the category.
    """

    messages: int
    category_f1: float
    severity_f1: float
    fault_f1: float
    found: float
    false_alarms: float
    ece: float

    def row(self, name: str) -> str:
        """Return the figures as a row under :data:`HEADER`."""
        shown = (self.category_f1, self.severity_f1, self.fault_f1)
        shares = (self.found, self.false_alarms)
        cells = [f"{value:.3f}" for value in shown] + [f"{value:.1%}" for value in shares]
        return f"| {name} | {self.messages} | {' | '.join(cells)} | {self.ece:.3f} |"


def measured(messages: Sequence[Message], verdicts: Sequence[Verdict]) -> Figures:
    """Return the figures of ``verdicts`` on ``messages``, which correspond one to one."""
    fault = np.array([message.category != "normal" for message in messages])
    called = np.array([verdict.category != "normal" for verdict in verdicts])
    right = np.array(
        [m.category == v.category for m, v in zip(messages, verdicts, strict=True)], dtype=float
    )
    return Figures(
        messages=len(messages),
        category_f1=_macro([m.category for m in messages], [v.category for v in verdicts]),
        severity_f1=_macro([m.severity for m in messages], [v.severity for v in verdicts]),
        fault_f1=float(f1_score(fault, called, zero_division=0.0)),
        found=float(called[fault].mean()) if fault.any() else float("nan"),
        false_alarms=float(called[~fault].mean()) if (~fault).any() else float("nan"),
        ece=calibration_error(right, np.array([v.probability for v in verdicts])),
    )


def calibration_error(right: np.ndarray, probability: np.ndarray) -> float:
    """Return the expected calibration error over 15 bins of equal width.

    The mean distance between confidence and accuracy (Guo et al., "On Calibration of Modern Neural
    Networks", 2017).
    """
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(right[bins == one].mean() - probability[bins == one].mean()) * (bins == one).mean()
        for one in np.unique(bins)
    ]
    return float(np.sum(gaps))


def table(messages: Sequence[Message], judges: dict[str, Judge]) -> str:
    """Return the pooled table, a row for each judge."""
    rows = [measured(messages, judge(messages)).row(name) for name, judge in judges.items()]
    return "\n".join([HEADER, *rows])


def table_by_system(messages: Sequence[Message], judge: Judge) -> str:
    """Return one row of figures for each system."""
    verdicts = judge(messages)
    rows = []
    for system, places in _by_system(messages):
        chosen = [messages[place] for place in places]
        rows.append(measured(chosen, [verdicts[place] for place in places]).row(system))
    return "\n".join([HEADER.replace("model", "system", 1), *rows])


def confusion(messages: Sequence[Message], verdicts: Sequence[Verdict]) -> str:
    """Return what is taken for what: a row for each true category, a column for each claim.

    Columns bear the first letters of the categories, in the order of the rows, and then how many
    messages there are and how many of them are found.  A category that does not occur keeps its
    row, so tables of different sets lie side by side.
    """
    pairs = Counter((m.category, v.category) for m, v in zip(messages, verdicts, strict=True))
    names = [category.value for category in Category]
    rows = [
        f"| truth | {' | '.join(name[:4] for name in names)} | all | found |",
        f"|---|{'---:|' * (len(names) + 2)}",
    ]
    for truth in names:
        counts = [pairs[truth, claim] for claim in names]
        shown, total = " | ".join(str(count or "·") for count in counts), sum(counts)
        found = f"{pairs[truth, truth] / total:.0%}" if total else "-"
        rows.append(f"| {truth} | {shown} | {total} | {found} |")
    return "\n".join(rows)


def novelty_auroc(familiar: NDArray[np.floating], strange: NDArray[np.floating]) -> float:
    """Return how well a score that is low for strange lines tells them from familiar ones.

    The area under the ROC curve: the chance that a strange line scores below a familiar one, a tie
    counting half (Mann and Whitney, "On a Test of Whether one of Two Random Variables is
    Stochastically Larger than the Other", 1947).

    Args:
        familiar: Energies of lines like those of the training, shape ``(n,)``, ``n >= 1``.
        strange: Energies of lines of held-out systems or categories, ``(m,)``, ``m >= 1``.

    Returns:
        1 where every strange line scores below every familiar one, 0.5 for a guess.

    Raises:
        ValueError: Nothing to compare.
    """
    if not (len(familiar) and len(strange)):
        raise ValueError("an AUROC needs familiar and strange lines")
    known = np.sort(familiar)
    below, upto = (np.searchsorted(known, strange, side) for side in ("left", "right"))
    return float(1 - (below + upto).mean() / (2 * len(known)))


def majority(training: Sequence[Message]) -> Judge:
    """Return a judge that always says the most frequent category and severity of ``training``."""
    most = [
        Counter(getattr(message, head) for message in training).most_common(1)[0][0]
        for head in ("category", "severity")
    ]
    return lambda messages: [Verdict(*most)] * len(messages)


def tfidf(training: Sequence[Message]) -> Judge:
    """Return TF-IDF of words and letters with logistic regression, on the same text as ALBERT."""
    texts = [normalize(message.text).text for message in training]
    category, severity = (
        _regression().fit(texts, [getattr(message, head) for message in training])
        for head in ("category", "severity")
    )

    def judge(messages: Sequence[Message]) -> list[Verdict]:
        words = [normalize(message.text).text for message in messages]
        sure = category.predict_proba(words)
        return [
            Verdict(str(category.classes_[row.argmax()]), str(claim), float(row.max()))
            for row, claim in zip(sure, severity.predict(words), strict=True)
        ]

    return judge


def _regression() -> Pipeline:
    return make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
        ),
        LogisticRegression(C=10, max_iter=300, class_weight="balanced"),
    )


def _macro(truth: Sequence[str], claimed: Sequence[str]) -> float:
    labels = sorted(set(truth))
    return float(f1_score(truth, claimed, labels=labels, average="macro", zero_division=0.0))


def _by_system(messages: Sequence[Message]) -> Iterator[tuple[str, list[int]]]:
    for system in sorted({message.system for message in messages}):
        yield system, [i for i, message in enumerate(messages) if message.system == system]
