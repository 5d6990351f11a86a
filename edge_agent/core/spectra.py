"""The diagnosis of one block of vibration: what is wrong with the machine, and what says so.

The order of questions is that of certainty: can this block say anything; is it likely enough that
one part of the bearing is damaged; does the shaft shake the machine harder than its class may be
shaken; does everything speak for health.  What fits none of these is unknown, which is an answer.
"""

from dataclasses import replace
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import Bearing
from edge_agent.core.diagnosis import Diagnosis, Machine, Verdict
from edge_agent.core.examination import PART_OF, Examination, examine
from edge_agent.core.judgement import PARTS, Clues, Knowledge, probabilities
from edge_agent.core.learned_diagnosis import SHIPPED
from edge_agent.core.severity import Zone
from edge_agent.core.shaft import ShaftOrders
from edge_agent.core.spectral_lines import Line, Part

_ENOUGH = 0.3  # of the probability, to be named where nothing is likelier; six candidates
_HEALTHY = 0.5
_ESTIMATED = 0.7
_LIKE = 0.5
_IMPACTS = 0.5  # excess kurtosis, of the samples and of the typical band
_RINGING = 2.0
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
    if isinstance(found, Diagnosis):
        return found
    clues = found.clues(knowledge.examples)
    chances = {} if clues is None else probabilities(clues, knowledge)
    leading = max(chances, key=lambda verdict: chances[verdict], default=Verdict.UNKNOWN)
    named = leading in PARTS and chances[leading] >= _ENOUGH
    if named and clues is not None and machine.bearing is not None:
        return _bearing_verdict(found, clues, leading, chances[leading], machine.bearing)
    if found.measured.zone in (Zone.C, Zone.D):
        return _shaft_verdict(found.measured, found.orders)
    return _quiet_verdict(found, clues, chances)


def _bearing_verdict(
    found: Examination, clues: Clues, verdict: Verdict, chance: float, bearing: Bearing
) -> Diagnosis:
    assert found.evidence is not None  # noqa: S101  (clues come from it)
    assert found.shaft_hz is not None  # noqa: S101
    part = PART_OF[verdict]
    stands_out = clues.families_db.get(verdict, 0.0) > 0
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
    found: Examination, clues: Clues | None, chances: dict[Verdict, float]
) -> Diagnosis:
    """Return healthy where everything says so, else unknown."""
    measured = found.measured
    if doubts := _doubts(found, clues, chances):
        return _told(measured, Verdict.UNKNOWN, 0.0, "; ".join(doubts))
    return _told(
        measured,
        Verdict.HEALTHY,
        chances[Verdict.HEALTHY],
        f"no line of the bearing above chance, no impacts, {measured.velocity_rms_mm_s:.2f} mm/s"
        f" is zone {measured.zone}",
    )


def _doubts(found: Examination, clues: Clues | None, chances: dict[Verdict, float]) -> list[str]:
    """Return what keeps a block without a named fault from being called healthy."""
    measured = found.measured
    doubts = []
    if measured.zone is None:
        doubts.append("the block is too short for the velocity's zone")
    if clues is None:
        missing = "speed" if measured.speed_rpm is None else "bearing"
        doubts.append(f"the {missing} is not known, so no line of the bearing could be looked for")
    # The largest of n Gaussian samples is about sqrt(2 ln n); one standard deviation on top.
    if (measured.crest_factor or 0.0) > sqrt(2 * log(found.size)) + 1.0:
        doubts.append(f"there are impacts: a crest factor of {measured.crest_factor:.1f}")
    if clues is None:
        return doubts
    if (best_db := max(clues.families_db.values(), default=0.0)) > 0:
        doubts.append(f"lines of the bearing are {best_db:.1f} dB above chance, but name no part")
    if found.stray is not None:
        at_hz, level_db = found.stray.frequency_hz, found.stray.level_db
        doubts.append(
            f"a line at {at_hz:.1f} Hz, {level_db:.1f} dB above the noise, is unexplained"
        )
    if max(clues.kurtosis, clues.impulsiveness) > _IMPACTS:
        doubts.append(f"there are impacts (excess kurtosis {clues.kurtosis:.2f}) of no known part")
    if _rings_strangely(found, clues):
        doubts.append(
            f"the machine rings in one band, {found.concentration:.1f} times noise of one level,"
            " and nothing says why"
        )
    if chances[Verdict.HEALTHY] < _HEALTHY:
        likely = max(chances, key=lambda verdict: chances[verdict])
        doubts.append(f"{likely} is as likely as {chances[likely]:.2f}")
    return doubts


def _rings_strangely(found: Examination, clues: Clues) -> bool:
    return found.concentration > _RINGING and clues.likeness.get(Verdict.HEALTHY, 0.0) < _LIKE


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
