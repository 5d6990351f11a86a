"""The commands beside the daemon that read streams: record, replay and classify.

They are composed of the same parts as the daemon, so what replay prints is what the daemon would
have published.
"""

import itertools
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from edge_agent.agent import (
    broker_address,
    compose,
    load_log_model,
    load_models,
    subscriptions,
)
from edge_agent.core.logscore import LogScore, LogScorer
from edge_agent.core.logwords import LogWords
from edge_agent.core.pipeline import Outcome
from edge_agent.core.records import NS_PER_S, LogLine
from edge_agent.core.scoring import SensorScore
from edge_agent.core.site import Caps
from edge_agent.core.wire import Alert, rfc3339
from edge_agent.errors import StorageError
from edge_agent.io.broker import Broker
from edge_agent.io.capture import read_captures, write_capture
from edge_agent.io.clock import Clock
from edge_agent.io.inbox import Inbox, InboxLimits, Lane
from edge_agent.io.lines import Source, line_batches
from edge_agent.io.terms import Terms
from edge_agent.settings import Settings, load_site

_BATCH = 512
_TURN_S = 0.2
_LINES = 1024  # that may share runs of the log model: all new, they take it a second


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where replay writes; ``None`` where nobody wants to know."""

    events: TextIO | None = None
    scores: TextIO | None = None
    explanations: TextIO | None = None

    def take(self, outcome: Outcome) -> None:
        """Write what one tick gave."""
        for alert in outcome.alerts:
            if self.events is not None:
                self.events.write(alert.render().decode() + "\n")
            if self.explanations is not None:
                self.explanations.write(explanation(alert) + "\n")
        if self.scores is not None:
            scored = [score for score in outcome.sensor_scores if not score.commissioning]
            rows = [_sensor_row(score) for score in scored]
            rows += [_line_row(line, score) for line, score in outcome.line_scores]
            self.scores.writelines(_json_line(row) for row in rows)


@dataclass(slots=True)
class _Learning:
    """How far the windows of a replay brought the learning of what is normal."""

    scored: bool = False
    first_ns: dict[str, int] = field(default_factory=dict)  # by asset
    longest_ns: int = 0  # from an asset's first window to its last

    def take(self, scores: Iterable[SensorScore]) -> None:
        for score in scores:
            self.scored |= not score.commissioning
            first_ns = self.first_ns.setdefault(score.asset, score.start_ns)
            self.longest_ns = max(self.longest_ns, score.end_ns - first_ns)

    def shortfall(self, commissioning_s: float) -> str | None:
        """Return why there were windows but no score, ``None`` if that is not so."""
        if self.scored or not self.first_ns:
            return None
        seen_s = self.longest_ns / NS_PER_S
        figures = f"{seen_s:g} s of windows, {commissioning_s:g} s to learn"
        if seen_s < commissioning_s:
            reason = "the capture is shorter than EDGE_AGENT_COMMISSIONING_S"
        else:
            reason = "the capture ends before commissioning does, EDGE_AGENT_COMMISSIONING_S"
        return f"no sensor scores: {reason} ({figures})"


def replay(settings: Settings, captures: Sequence[Path], sinks: Sinks) -> str | None:
    """Send captured messages through the pipeline, in event time, without a broker.

    The time of receipt stands in for the clock.  Nothing is read from or written to the state
    directory, so the same captures always give the same output.

    Returns:
        Why no window could be scored, where there were windows and none was.

    Raises:
        ConfigError: A capture cannot be read.
        ModelPackageError: A model package does not load.
    """
    site = load_site(settings)
    pipeline = compose(site, load_models(settings), itertools.count(1).__next__)
    learning = _Learning()

    def tick(now_ns: int) -> None:
        outcome = pipeline.tick(now_ns)
        learning.take(outcome.sensor_scores)
        sinks.take(outcome)

    now_ns = 0
    for message in read_captures(captures):
        now_ns = max(now_ns, message.received_ns)
        tick(now_ns)
        pipeline.feed(message)
    # What was still waiting for stragglers is complete; what comes after the last message is not.
    tick(now_ns + site.window.lateness_ns)
    return learning.shortfall(settings.commissioning_s)


def try_storage(settings: Settings) -> None:
    """See that the state directory can be written, or made, and leave nothing behind.

    Raises:
        StorageError: It cannot.
    """
    wanted = settings.state_dir
    there = next(path for path in (wanted, *wanted.parents) if os.path.lexists(path))
    try:
        with tempfile.TemporaryFile(dir=there) as trial:
            trial.write(b"0")
            trial.flush()
    except OSError as error:
        doing = "written" if there == wanted else "made"
        raise StorageError(
            f"the state directory {wanted} cannot be {doing}: {there}: {error.strerror}"
        ) from error


def record(settings: Settings, out: TextIO, stopping: threading.Event) -> int:
    """Write the live messages of the configured topics to a capture file; return how many.

    Connects under a name of its own, without a session that outlives it, so a running agent is
    not disturbed.

    Raises:
        ConfigError: The broker's address or credentials are wrong.
    """
    inbox = Inbox(InboxLimits())
    clock = Clock()
    terms = Terms(
        address=broker_address(settings),
        client_id=f"edge-agent-record-{settings.node}-{os.getpid()}",
        subscriptions=subscriptions(settings),
        presence=None,
        session_expiry_s=0,
    )
    broker = Broker(terms, inbox, clock.now_ns)
    broker.start()
    count = 0
    try:
        while not stopping.is_set():
            for delivery in inbox.take(_BATCH, _TURN_S):
                if delivery.lane is not Lane.COMMAND:
                    write_capture(out, delivery.message)
                    count += 1
                broker.ack(delivery)
            out.flush()
    finally:
        broker.stop()
    return count


def classify(settings: Settings, lines: Source, out: TextIO, *, explain: bool = False) -> None:
    """Read log lines and write one JSON object for each, in order, empty lines included.

    Args:
        settings: Which model.
        lines: Any bytes.
        out: Where the rows go, at once for what is there at once.
        explain: Whether rows say which words mattered, at the price of a run a word and template.

    Raises:
        ModelPackageError: The log model's package does not load.
    """
    model = load_log_model(settings)
    scorer = LogScorer(model, Caps().templates)
    classify_with(scorer, lines, out, LogWords(model) if explain else None)


def classify_with(
    scorer: LogScorer, lines: Source, out: TextIO, words: LogWords | None = None
) -> None:
    """Do the work of :func:`classify` with a model that is loaded."""
    for batch in line_batches(lines, _LINES):
        texts = [raw.rstrip(b"\r").decode("utf-8", errors="replace") for raw in batch]
        for text, score in zip(texts, scorer.score_each(texts), strict=True):
            row = {"text": text} | _reading(score) | {"abstained": score.abstained}
            if words is not None:
                row["novelty"] = score.novelty if score.novelty is None else round(score.novelty, 3)
                row["words"] = {word: round(part, 4) for word, part in words.explain(score)}
            out.write(_json_line(row))
        out.flush()


def explanation(alert: Alert) -> str:
    """Return an alert as a few lines for a person at a terminal."""
    body = alert.body
    head = f"{body['changed_at']}  {str(body['priority']).upper():8}  {body['summary']}"
    if not body["active"]:
        return head
    return "\n".join([head, *_reasons(body["evidence"]), f"    do: {body['response']}"])


def _reasons(evidence: object) -> Iterable[str]:
    assert isinstance(evidence, list)  # noqa: S101  (we rendered it)
    for item in evidence:
        source = item.get("channel") or item.get("template")
        parts = list((item["contributions"] or item.get("words", {})).items())[:3]
        shares = ", ".join(f"{name} {part:.2f}" for name, part in parts)
        limits = f"score {item['score']:.3g}, threshold {item['threshold']:.3g}"
        yield f"    {item['kind']}: {source} ({limits}{'; ' + shares if shares else ''})"
        if "diagnosis" in item:
            told = item["diagnosis"]
            named = f"{told['verdict']}, confidence {told['confidence']:.2f}"
            yield f"    diagnosis: {named}: {told['reason']}"


def _sensor_row(score: SensorScore) -> dict[str, object]:
    return {
        "asset": score.asset,
        "channels": list(score.channels),
        "start": rfc3339(score.start_ns),
        "end": rfc3339(score.end_ns),
        "score": score.score,
        "threshold": score.threshold,
        "anomalous": score.anomalous,
        "contributions": dict(score.contributions),
    }


def _line_row(line: LogLine, score: LogScore) -> dict[str, object]:
    where = {"asset": line.asset, "at": rfc3339(line.at_ns), "text": line.text}
    return where | _reading(score) | {"anomalous": score.anomalous}


def _reading(score: LogScore) -> dict[str, object]:
    return {
        "template": score.template,
        "category": score.category.value,
        "severity": score.severity.value,
        "probability": round(score.probability, 4),
        "novel": score.novel,
    }


def _json_line(row: dict[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
