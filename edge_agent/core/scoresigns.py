"""What a score of the sensor model says of each fault: whose channels moved, and how gravely."""

from collections.abc import Callable

from edge_agent.core.evidence import Evidence, EvidenceKind, Remarks, Sign
from edge_agent.core.records import Category, Priority, TimeQuality
from edge_agent.core.scoring import SensorScore

# A score of this many thresholds is more than a hint.  Scores grow with the logarithm of a fault: a
# step of 20 reaches in one of four channels comes to two thresholds after commissioning of minutes,
# one of 40 to 2.5; after an hour one of 10 reaches does.  Chance alone does not come that far.
_GRAVE = 2.0

Sorted = Callable[[str], Category]  # which fault a channel speaks of


def parts_of(score: SensorScore, category_of: Sorted) -> dict[Category, float]:
    """Return the score split over the categories of its channels."""
    total = sum(score.contributions.values())
    parts: dict[Category, float] = {}
    for channel, part in score.contributions.items():
        category = category_of(channel)
        share = part / total if total > 0 else 1 / len(score.contributions)
        parts[category] = parts.get(category, 0.0) + share * score.score
    return parts


def sign_of_score(
    fault: Category,
    score: SensorScore,
    category_of: Sorted,
    quality: TimeQuality,
    remarks: Remarks,
) -> Sign:
    """Return the sign of one fault, told by its loudest channel."""
    ranked = sorted(score.contributions.items(), key=lambda item: -item[1])
    ours = [channel for channel, _ in ranked if category_of(channel) is fault]
    diagnosis, prognosis = remarks.about(ours)
    return Sign(
        fault=fault.value,
        category=fault,
        priority=Priority.HIGH if score.score >= _GRAVE * score.threshold else Priority.MEDIUM,
        evidence=Evidence(
            kind=EvidenceKind.SENSOR,
            source=ours[0] if ours else ranked[0][0],
            score=score.score,
            threshold=score.threshold,
            start_ns=score.start_ns,
            end_ns=score.end_ns,
            contributions=tuple(ranked),
            diagnosis=diagnosis,
            prognosis=prognosis,
        ),
        time_quality=quality,
    )
