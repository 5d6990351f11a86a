"""The tables of the log recipe: pooled over folds, raw streams, novelty, what is taken for what."""

from collections.abc import Sequence
from pathlib import Path

from edge_agent.core.logscore import LogScore, LogScorer
from quantize.log_baselines import SentenceEncoder, minilm
from quantize.log_crossval import Fold, scorers
from quantize.log_data import Message
from quantize.log_figures import (
    HEADER,
    Judge,
    Verdict,
    confusion,
    majority,
    measured,
    table_by_system,
    tfidf,
)
from quantize.log_novelty import novelty_table

TITLES = {
    "crossed": "device messages of systems never met, text alone",
    "systems": "each system",
    "confusion": "what is taken for what",
    "novelty": "strangers told from familiar messages by their wording",
    "streams": "raw lines of computers never met, header and level field included",
    "alerts": "alert lines of Blue Gene",
    "strangers": "vendors never seen",
}


def crossed_tables(found: Sequence[Fold], baseline: Path | None = None) -> dict[str, str]:
    """Return the tables of a cross-validation by name, in Markdown: those of :data:`TITLES`.

    Args:
        found: The folds.
        baseline: The folder of MiniLM's weights, where its row is wanted, too.
    """
    strangers = [message for fold in found for message in fold.strangers]
    judging = scorers(found)
    ours = _pooled(found, [scorer_judge(scorer) for scorer in judging])
    rows = {
        "ALBERT int8": ours,
        "ALBERT float32": _pooled(found, [scorer_judge(s) for s in scorers(found, "float32")]),
        "TF-IDF + logistic regression": _pooled(found, [tfidf(fold.training) for fold in found]),
    }
    if baseline is not None:
        encoder = SentenceEncoder(baseline)
        rows["MiniLM + logistic regression"] = _pooled(
            found, [minilm(fold.training, encoder) for fold in found]
        )
    rows["majority class"] = _pooled(found, [majority(fold.training) for fold in found])
    lines = [measured(strangers, verdicts).row(name) for name, verdicts in rows.items()]
    tables = {
        "crossed": "\n".join([HEADER, *lines]),
        "systems": table_by_system(strangers, lambda _: ours),
        "confusion": confusion(strangers, ours),
        "novelty": novelty_table(found),
    }
    streams = [pair for fold in found for pair in fold.streams]
    if streams:
        scores = [
            scorer.score(raw)
            for fold, scorer in zip(found, judging, strict=True)
            for raw, _ in fold.streams
        ]
        tables |= _streams(streams, scores)
    return tables


def stream_tables(streams: Sequence[tuple[str, Message]], scorer: LogScorer) -> dict[str, str]:
    """Return what one scorer makes of raw lines with their level fields, by name, in Markdown."""
    return _streams(streams, [scorer.score(raw) for raw, _ in streams])


def scorer_judge(scorer: LogScorer) -> Judge:
    """Return the device's scorer as a judge of messages without a header."""
    return lambda messages: [verdict(scorer.score(message.text)) for message in messages]


def verdict(score: LogScore) -> Verdict:
    """Return what the device says of a line, abstaining or not."""
    return Verdict(score.category.value, score.severity.value, score.probability)


def _pooled(found: Sequence[Fold], judges: Sequence[Judge]) -> list[Verdict]:
    return [
        said
        for fold, judge in zip(found, judges, strict=True)
        for said in judge(list(fold.strangers))
    ]


def _streams(streams: Sequence[tuple[str, Message]], scores: Sequence[LogScore]) -> dict[str, str]:
    messages, verdicts = [message for _, message in streams], [verdict(score) for score in scores]
    found = [
        score.anomalous for score, message in zip(scores, messages, strict=True) if message.alert
    ]
    by_system = table_by_system(messages, lambda _: verdicts)
    return {
        "streams": "\n".join([by_system, measured(messages, verdicts).row("all lines")]),
        "alerts": f"{sum(found)} of {len(found)} called faults",
    }
