"""The diagnosis of one block of vibration: what is wrong with the machine, and what says so.

The order of questions is that of certainty: can this block say anything; is it likely enough that
one part of the bearing is damaged; does the shaft shake the machine harder than its class may be
shaken; does everything speak for health.  What fits none of these is unknown, which is an answer.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import Bearing
from edge_agent.core.diagnosis import Diagnosis, Machine, Verdict
from edge_agent.core.examination import PART_OF, Examination, examine
from edge_agent.core.health_reference import NoiseLevels, reference_of
from edge_agent.core.judgement import PARTS, Clues, Knowledge, probabilities
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.severity import Zone
from edge_agent.core.shaft import ShaftOrders
from edge_agent.core.soundness import Evidence, doubts, evidence_of_health
from edge_agent.core.spectral_lines import Line, Part

_ENOUGH = 0.3  # of the probability, to be named where nothing is likelier; six candidates
_ESTIMATED = 0.7
_LIKE = 0.5
_CARRIED_DB = 1.0
_STRIKING = 1.0  # spectral kurtosis of the typical band

_SENTENCES = {
    Verdict.INNER_RACE: "the inner race is struck",
    Verdict.OUTER_RACE: "the outer race is struck",
    Verdict.BALL: "a rolling element strikes",
    Verdict.CAGE: "the cage strikes",
}


def diagnose(
    samples: NDArray[np.floating],
    rate_hz: float,
    machine: Machine,
    knowledge: Knowledge = SHIPPED,
) -> Diagnosis:
    """Return what ``samples`` say about ``machine``; never raises on their content.

    Args:
        samples: Shape ``(n,)``: acceleration, evenly spaced without a gap.
        rate_hz: Samples per second.
        machine: What is known.
        knowledge: What examples have taught; only an evaluation needs another than the shipped.

    Returns:
        ``NOT_ASSESSABLE`` with the reason where the block, its rate, the speed or the bearing do
        not allow a diagnosis.  The verdict on a bearing does not depend on the scale of the
        samples; those on the shaft and on health do, through the zone of severity.
    """
    found = examine(samples, rate_hz, machine)
    return found if isinstance(found, Diagnosis) else _concluded(found, machine, knowledge)


def noise_of_sound(
    samples: NDArray[np.floating],
    rate_hz: float,
    machine: Machine,
    knowledge: Knowledge = SHIPPED,
) -> NoiseLevels | Diagnosis:
    """Return the noise of a block in which nothing is wrong, else the diagnosis that says what is.

    Sound is what would be healthy if its own noise were known to be that of health; but a block in
    which a fault is named is not, even if by nothing but its likeness to an example: who vouches
    for a recording may overrule a likeness, a block cannot vouch for itself.

    Args:
        samples: As for :func:`diagnose`, like the others.
        rate_hz: Samples per second.
        machine: What is known, but for its health.
        knowledge: What examples have taught.
    """
    found = examine(samples, rate_hz, machine)
    if isinstance(found, Diagnosis):
        return found
    said = _concluded(found, machine, knowledge)
    if said.verdict is Verdict.UNKNOWN:
        known = replace(machine, health=reference_of([found.levels]))
        said = _concluded(found, known, knowledge)
    return found.levels if said.verdict is Verdict.HEALTHY else said


def _concluded(found: Examination, machine: Machine, knowledge: Knowledge) -> Diagnosis:
    """Return what the measures of a block say."""
    clues = found.clues(knowledge.examples)
    chances = {} if clues is None else probabilities(clues, knowledge)
    leading = max(chances, key=lambda verdict: chances[verdict], default=Verdict.UNKNOWN)
    named = leading in PARTS and chances[leading] >= _ENOUGH
    evidence = evidence_of_health(found.levels, machine.health, knowledge.healths)
    if clues is not None and evidence.of_this_machine and not _struck(clues, leading):
        named = False  # a likeness to another machine's fault, where this one sounds as in health
    if named and clues is not None and machine.bearing is not None:
        return _bearing_verdict(found, clues, leading, chances[leading], machine.bearing)
    if found.measured.zone in (Zone.C, Zone.D):
        return _shaft_verdict(found.measured, found.orders)
    return _quiet_verdict(found, clues, chances, evidence)


def _bearing_verdict(
    found: Examination, clues: Clues, verdict: Verdict, chance: float, bearing: Bearing
) -> Diagnosis:
    assert found.evidence is not None  # noqa: S101  (clues come from it)
    assert found.shaft_hz is not None  # noqa: S101
    part = PART_OF[verdict]
    stands_out = _struck(clues, verdict)
    carried = verdict is Verdict.BALL and clues.carried_db > _CARRIED_DB
    lines: tuple[Line, ...] = ()
    if stands_out or carried:
        lines = found.evidence.lines(part, found.envelope, bearing, found.shaft_hz)
    reasons = []
    if stands_out:
        comb = found.evidence.combs[part]
        reasons.append(
            f"the envelope shows {part} ({comb.base_hz:.1f} Hz, computed"
            f" {comb.family.base_hz:.1f} Hz) and its family {comb.score_db:.1f} dB above the noise,"
            f" where chance reaches {found.evidence.chance_db:.1f} dB"
        )
    else:
        reasons.append("no family of lines names it")
    if (like := clues.likeness.get(verdict, 0.0)) >= _LIKE:
        reasons.append(f"the spectrum is like that of a known example ({like:.2f})")
    if carried:
        reasons.append("the cage's speed modulates the noise")
    if clues.impulsiveness > _STRIKING:
        reasons.append("there are impacts")
    return _told(
        found.measured, verdict, chance, f"{_SENTENCES[verdict]}: {', '.join(reasons)}", lines
    )


def _struck(clues: Clues, verdict: Verdict) -> bool:
    """Return whether the lines of a part stand out of what chance explains."""
    return clues.families_db.get(verdict, 0.0) > 0


def _shaft_verdict(measured: Diagnosis, orders: ShaftOrders | None) -> Diagnosis:
    severe = f"{measured.velocity_rms_mm_s:.2f} mm/s is zone {measured.zone}"
    pattern = None if orders is None else orders.pattern()
    if orders is None or pattern is None:
        return _told(
            measured, Verdict.UNKNOWN, 0.0, f"{severe}, and no family of lines explains it"
        )
    lines = tuple(
        Line(Part.SHAFT.value, order, at_hz, order * orders.shaft_hz, level)
        for order, at_hz, level in orders.present()
    )
    share = float(orders.velocity_shares[orders.levels_db > 0].sum())
    return _told(
        measured,
        Verdict(pattern.value),
        min(0.95, share) * (0.9 if measured.zone is Zone.D else 0.8),
        f"{severe}, {100 * min(share, 1.0):.0f} % of its power at multiples of the shaft's speed in"
        f" the pattern of {pattern.value}",
        lines,
    )


def _quiet_verdict(
    found: Examination,
    clues: Clues | None,
    chances: dict[Verdict, float],
    evidence: Evidence,
) -> Diagnosis:
    """Return healthy where everything says so, else unknown."""
    measured = found.measured
    if reasons := doubts(found, clues, chances, evidence):
        return _told(measured, Verdict.UNKNOWN, 0.0, "; ".join(reasons))
    return _told(
        measured,
        Verdict.HEALTHY,
        chances[Verdict.HEALTHY],
        f"no line of the bearing above chance, no impacts, {evidence.words},"
        f" {measured.velocity_rms_mm_s:.2f} mm/s is zone {measured.zone}",
    )


def _told(
    measured: Diagnosis,
    verdict: Verdict,
    confidence: float,
    reason: str,
    lines: tuple[Line, ...] = (),
) -> Diagnosis:
    """Return ``measured`` with a verdict; an estimated speed makes it less certain, and says so."""
    if measured.speed_estimated:
        reason += f"; the speed of {measured.speed_rpm:.0f} rpm is estimated from the spectrum"
        confidence *= _ESTIMATED
    return replace(
        measured, verdict=verdict, confidence=round(confidence, 3), reason=reason, lines=lines
    )
