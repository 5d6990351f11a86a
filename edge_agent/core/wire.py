"""Alarms as documents: what SCADA, historians and people read.

The shape is version 1 of the alert, fixed by ``alert.schema.json`` beside this file.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from edge_agent.core.alarms import Alarm, State, Suppression
from edge_agent.core.diagnosis import Verdict
from edge_agent.core.evidence import Diagnosed, Evidence, EvidenceKind, Prognosed
from edge_agent.core.lograte import Rate
from edge_agent.core.prognosis import COVERAGE
from edge_agent.core.records import NS_PER_S, Category

ALERT_SCHEMA = "edge-agent/alert/1"
_UNKNOWN = "unknown"  # the category of what nobody can place

_FAULT = {
    None: "something unknown",
    Category.NORMAL: "condition",
    Category.MECHANICAL: "mechanical fault",
    Category.THERMAL: "thermal fault",
    Category.ELECTRICAL: "electrical fault",
    Category.HYDRAULIC_PNEUMATIC: "hydraulic or pneumatic fault",
    Category.SENSOR: "sensor fault",
    Category.COMMUNICATION: "loss of communication",
    Category.CONTROL_SOFTWARE: "control or software fault",
    Category.SAFETY: "safety condition",
    Category.SECURITY: "security event",
}

_RESPONSE = {
    None: "Read the line; look the machine over if nobody knows it.",
    Category.NORMAL: "No action.",
    Category.MECHANICAL: "Listen to the machine; plan an inspection of bearings and drive.",
    Category.THERMAL: "Check cooling, load and lubrication; reduce the load if it keeps rising.",
    Category.ELECTRICAL: "Check load, supply and drive; have an electrician look at the readings.",
    Category.HYDRAULIC_PNEUMATIC: "Check level, filters, valves and lines for leaks.",
    Category.SENSOR: "Check the sensor, its plug and its cable before trusting its value.",
    Category.COMMUNICATION: "Check the link between the machine and the gateway.",
    Category.CONTROL_SOFTWARE: "Read the controller's diagnostics; note program and last change.",
    Category.SAFETY: "Follow the site's safety procedure; do not reset before looking.",
    Category.SECURITY: "Tell whoever is responsible for the plant network.",
}


_NAMED = {
    Verdict.INNER_RACE.value: "the bearing's inner race",
    Verdict.OUTER_RACE.value: "the bearing's outer race",
    Verdict.BALL.value: "a rolling element of the bearing",
    Verdict.CAGE.value: "the bearing's cage",
    Verdict.UNBALANCE.value: "unbalance",
    Verdict.MISALIGNMENT.value: "misalignment",
    Verdict.LOOSENESS.value: "looseness",
}


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model spoke, so that an alert can be understood years later."""

    name: str
    version: str
    sha256: str
    precision: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A rendered alert: one body, published as event and as retained state."""

    id: str
    asset: str
    alarm: str
    body: Mapping[str, object]

    def render(self) -> bytes:
        """Return the document as compact UTF-8 JSON; the same alert always gives the same bytes."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def rfc3339(at_ns: int) -> str:
    """Return ``at_ns`` as RFC 3339 in UTC, with as many of 0, 3, 6 or 9 digits as it needs."""
    seconds, fraction = divmod(at_ns, NS_PER_S)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def alert(
    alarm: Alarm,
    *,
    node: str,
    sequence: int,
    responses: Mapping[str, str],
    models: Mapping[EvidenceKind, ModelIdentity],
) -> Alert:
    """Return the document about the latest transition of ``alarm``.

    Args:
        alarm: After the transition.
        node: The gateway's name.
        sequence: Position among all alerts of this node; it only ever grows.
        responses: What operators should do, by alarm name; a default per category fills in.
        models: The models in use, by the kind of evidence that they give.

    Returns:
        An alert whose id is a function of node, asset, alarm, occurrence and transition, so that
        the same transition has the same id after any restart, and in replay.
    """
    identity = f"{node}/{alarm.asset}/{alarm.name}/{alarm.raised_ns}"
    name = f"edge-agent:{identity}/{alarm.occurrence}/{alarm.transition}"
    alert_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    spoke = [models[e.kind] for e in alarm.evidence if e.kind in models and not e.fault]
    body = {
        "schema": ALERT_SCHEMA,
        "id": alert_id,
        "sequence": sequence,
        "node": node,
        "asset": alarm.asset,
        "alarm": alarm.name,
        "category": _UNKNOWN if alarm.category is None else alarm.category.value,
        "priority": alarm.priority.value,
        "state": alarm.state.value,
        "active": alarm.active,
        "acknowledged": alarm.acknowledged,
        "suppression": alarm.suppression.value,
        "occurrence": alarm.occurrence,
        "raised_at": _optional_time(alarm.raised_ns),
        "changed_at": rfc3339(alarm.changed_ns),
        "cleared_at": _optional_time(alarm.cleared_ns),
        "time_quality": alarm.time_quality.value,
        "summary": summary(alarm),
        "response": responses.get(alarm.name) or _RESPONSE[alarm.category],
        "evidence": [_evidence(evidence) for evidence in alarm.evidence],
        "model": asdict(spoke[0]) if spoke else None,
    }
    return Alert(id=alert_id, asset=alarm.asset, alarm=alarm.name, body=body)


def summary(alarm: Alarm) -> str:
    """Return the alarm as one sentence that a fitter understands."""
    fault = f"{alarm.asset}: {_FAULT[alarm.category]}"
    if alarm.suppression is Suppression.SHELVED and alarm.shelved_until_ns is not None:
        return f"{fault}, shelved until {_clock(alarm.shelved_until_ns)}."
    if alarm.active and alarm.raised_ns is not None:
        reasons = "; ".join(_reason(evidence) for evidence in alarm.evidence)
        known = ", acknowledged" if alarm.state is State.ACTIVE_ACKNOWLEDGED else ""
        return f"{fault} since {_clock(alarm.raised_ns)}{known}: {reasons}."
    if alarm.raised_ns is not None and alarm.cleared_ns is not None:
        lasted = _span(alarm.cleared_ns - alarm.raised_ns)
        return f"{fault} is over since {_clock(alarm.cleared_ns)}; it lasted {lasted}."
    return f"{fault} is not present."


def _reason(evidence: Evidence) -> str:
    match evidence.kind:
        case _ if evidence.fault or (evidence.kind is EvidenceKind.LIMIT and evidence.text):
            return f"{evidence.source} {evidence.text}{_remarks(evidence)}"
        case EvidenceKind.SENSOR:
            figures = f"score {evidence.score:.1f}, threshold {evidence.threshold:.1f}"
            return f"{evidence.source} behaves unlike itself ({figures}){_remarks(evidence)}"
        case EvidenceKind.LOG:
            return f'the machine reports "{evidence.text or evidence.source}"'
        case EvidenceKind.LIMIT:
            return f"{evidence.source} at {evidence.score:g} is beyond {evidence.threshold:g}"
        case EvidenceKind.SILENCE:
            return f"nothing received for {_span(evidence.end_ns - evidence.start_ns)}"
        case EvidenceKind.RATE:
            return _rate(evidence)


def _rate(evidence: Evidence) -> str:
    rate = evidence.rate
    if rate is None or not rate.lines:
        usual = (
            "" if rate is None else f", usually every {_span(round(rate.interval_s * NS_PER_S))}"
        )
        silent = _span(evidence.end_ns - evidence.start_ns)
        return f'the line "{evidence.source}" has not come for {silent}{usual}'
    came = f"{rate.lines} times within a minute, {rate.expected:.2g} are usual"
    return f'the line "{evidence.source}" came {came}'


def _evidence(evidence: Evidence) -> dict[str, object]:
    of_log = evidence.kind in (EvidenceKind.LOG, EvidenceKind.RATE)
    source = "template" if of_log else "channel"
    return {
        "kind": evidence.kind.value,
        source: evidence.source,
        **({"text": evidence.text} if evidence.text else {}),
        **({"words": _rounded(evidence.words)} if evidence.words else {}),
        **({"rate": _figures(evidence.rate)} if evidence.rate is not None else {}),
        **({"fault": evidence.fault} if evidence.fault else {}),
        **({"diagnosis": _diagnosis(evidence.diagnosis)} if evidence.diagnosis else {}),
        **({"prognosis": _prognosis(evidence.prognosis)} if evidence.prognosis else {}),
        "score": round(evidence.score, 4),
        "threshold": round(evidence.threshold, 4),
        "contributions": _rounded(evidence.contributions),
        "window": {"start": rfc3339(evidence.start_ns), "end": rfc3339(evidence.end_ns)},
    }


def _rounded(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {name: round(part, 4) for name, part in parts}


def _figures(rate: Rate) -> dict[str, object]:
    return {
        "lines": rate.lines,
        "expected": round(rate.expected, 4),
        "interval_s": round(rate.interval_s, 3),
    }


def _named(diagnosed: Diagnosed | None) -> str:
    """Return the diagnosis in words, where it names something."""
    if diagnosed is None or diagnosed.verdict not in _NAMED:
        return ""
    return f", its spectrum points to {_NAMED[diagnosed.verdict]}"


def _remarks(evidence: Evidence) -> str:
    told = _named(evidence.diagnosis)
    if evidence.prognosis is not None:
        told += f", it {_ahead(evidence.prognosis)}"
    return told


def _ahead(prognosed: Prognosed) -> str:
    """Return when the boundary is reached, in the largest unit that leaves a figure to say."""
    earliest, latest = prognosed.earliest_s, prognosed.latest_s
    sizes = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
    size, unit = next((pair for pair in sizes if latest >= 2 * pair[0]), (1.0, "seconds"))
    return f"reaches {prognosed.reaches} in {earliest / size:.2g} to {latest / size:.2g} {unit}"


def _prognosis(prognosed: Prognosed) -> dict[str, object]:
    return {
        "text": _ahead(prognosed),
        "reaches": prognosed.reaches,
        "boundary": prognosed.boundary,
        "earliest_s": round(prognosed.earliest_s, 1),
        "latest_s": round(prognosed.latest_s, 1),
        "coverage": COVERAGE,
    }


def _diagnosis(diagnosed: Diagnosed) -> dict[str, object]:
    return {
        "verdict": diagnosed.verdict,
        "confidence": round(diagnosed.confidence, 3),
        "reason": diagnosed.reason,
        "zone": diagnosed.zone,
        "velocity_rms_mm_s": _rounded_or_none(diagnosed.velocity_rms_mm_s),
        "speed_rpm": _rounded_or_none(diagnosed.speed_rpm),
        "speed_estimated": diagnosed.speed_estimated,
        "lines": [
            {
                "name": line.name,
                "harmonic": line.harmonic,
                "frequency_hz": round(line.frequency_hz, 2),
                "level_db": round(line.level_db, 1),
            }
            for line in diagnosed.lines
        ],
    }


def _rounded_or_none(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _optional_time(at_ns: int | None) -> str | None:
    return None if at_ns is None else rfc3339(at_ns)


def _clock(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%H:%M:%S UTC on %Y-%m-%d")


def _span(length_ns: int) -> str:
    seconds = max(0, length_ns // NS_PER_S)
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds} s"
