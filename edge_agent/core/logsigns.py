"""What a log line is a sign of, and what it means that one, or anything at all, is missing."""

from dataclasses import replace

from edge_agent.core.evidence import Evidence, EvidenceKind, Sign
from edge_agent.core.lograte import KEY_CHARS, Unusual
from edge_agent.core.logscore import LogScore
from edge_agent.core.logwords import Words
from edge_agent.core.records import NS_PER_S, Category, LogLine, Priority, Severity, TimeQuality

SILENCE = "silence"
LOG_BURST = "log_burst"
LOG_SILENCE = "log_silence"
UNKNOWN = "unknown"

_TOLD_CHARS = 200  # of a log line in an alert
_TOLD_WORDS = 6
_MISSED_NS = 24 * 3600 * NS_PER_S  # after which a heartbeat that never came back was abolished
_PRIORITY = {
    Severity.INFO: Priority.LOW,
    Severity.WARNING: Priority.LOW,
    Severity.ERROR: Priority.HIGH,
    Severity.CRITICAL: Priority.CRITICAL,
}


def explained(sign: Sign, words: Words) -> Sign:
    """Return ``sign`` with the words that speak for it, the weightiest few."""
    told = tuple(item for item in words[:_TOLD_WORDS] if item[1] > 0)
    return replace(sign, evidence=replace(sign.evidence, words=told))


def fault_sign(line: LogLine, score: LogScore, hold_ns: int) -> Sign:
    """Return the sign of the fault that the model read in a line; it ends after ``hold_ns``."""
    return Sign(
        fault=score.category.value,
        category=score.category,
        priority=_PRIORITY[score.severity],
        evidence=_read(line, score),
        time_quality=line.time_quality,
        counts=True,
        until_ns=line.at_ns + hold_ns,
    )


def unknown_sign(line: LogLine, score: LogScore, hold_ns: int) -> Sign:
    """Return the sign of a line that nothing fits; it ends after ``hold_ns``."""
    return Sign(
        fault=UNKNOWN,
        category=None,
        priority=Priority.LOW,
        evidence=_read(line, score),
        time_quality=line.time_quality,
        counts=True,
        until_ns=line.at_ns + hold_ns,
    )


def burst_sign(burst: Unusual, line: LogLine, hold_ns: int) -> Sign:
    """Return the sign of a line that came far too often; it ends ``hold_ns`` after the last."""
    return Sign(
        fault=LOG_BURST,
        category=Category.CONTROL_SOFTWARE,
        priority=Priority.LOW,
        evidence=_evidence(burst, _told(line)),
        time_quality=line.time_quality,
        counts=True,
        until_ns=line.at_ns + hold_ns,
    )


def pause_sign(pause: Unusual, quality: TimeQuality) -> Sign:
    """Return the sign of a heartbeat that stopped; it ends when the line comes again."""
    return Sign(
        fault=LOG_SILENCE,
        category=Category.COMMUNICATION,
        priority=Priority.LOW,
        evidence=_evidence(pause, ""),
        time_quality=quality,
        counts=True,
        until_ns=pause.end_ns + _MISSED_NS,
    )


def silence_sign(asset: str, since_ns: int | None, at_ns: int) -> Sign:
    """Return the sign of an asset that sends nothing since ``since_ns``, ``None`` if it does."""
    evidence = Evidence(
        kind=EvidenceKind.SILENCE,
        source=asset,
        score=0.0,
        threshold=0.0,
        start_ns=at_ns if since_ns is None else since_ns,
        end_ns=at_ns,
    )
    return Sign(
        fault=SILENCE,
        category=Category.COMMUNICATION,
        priority=Priority.LOW,
        evidence=evidence,
        time_quality=TimeQuality.RECEIVED,
        counts=since_ns is not None,
    )


def outranks(before: Sign | None, sign: Sign) -> bool:
    """Return whether ``before`` says already what ``sign`` says, and as gravely."""
    if before is None or not before.counts:
        return False
    ranks = tuple(Priority)
    return ranks.index(before.priority) >= ranks.index(sign.priority)


def pause_key(template: str) -> str:
    """Return the name under which the pause of a template is kept, whole or as in a finding."""
    return f"{EvidenceKind.RATE}:{template[:KEY_CHARS]}"


def _read(line: LogLine, score: LogScore) -> Evidence:
    return Evidence(
        kind=EvidenceKind.LOG,
        source=score.template,
        score=score.probability,
        threshold=score.threshold,
        start_ns=line.at_ns,
        end_ns=line.at_ns,
        text=_told(line),
    )


def _evidence(unusual: Unusual, text: str) -> Evidence:
    return Evidence(
        kind=EvidenceKind.RATE,
        source=unusual.template,
        score=unusual.limit,
        threshold=unusual.limit,
        start_ns=unusual.start_ns,
        end_ns=unusual.end_ns,
        text=text,
        rate=unusual.rate,
    )


def _told(line: LogLine) -> str:
    return line.text.strip()[:_TOLD_CHARS]
