"""The diagnosis of one block of vibration: what is wrong with the machine, and what says so.

The order of questions is that of certainty: can this block say anything; do a bearing's lines
stand out; does the shaft shake the machine harder than its class may be shaken; is everything
quiet.  What fits none of these is unknown, which is an answer.
"""

from dataclasses import replace
from functools import partial
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.assessable import flaw_of, shortfall
from edge_agent.core.bearing_fault import (
    BearingEvidence,
    family_levels_db,
    weigh_bearing,
)
from edge_agent.core.bearings import Bearing
from edge_agent.core.diagnosis import Diagnosis, Machine, Unit, Verdict, not_assessable
from edge_agent.core.envelope import Envelope, chance_ratio, envelope_spectrum
from edge_agent.core.severity import Zone, zone_of
from edge_agent.core.shaft import ShaftOrders, estimate_shaft_hz, shaft_orders
from edge_agent.core.spectral_lines import Line, Part
from edge_agent.core.vibration import (
    crest_factor,
    excess_kurtosis,
    peak,
    power_of,
    rms,
    velocity_power,
    velocity_samples,
    windowed_lines,
)

_BAND_FACTOR = 12.0  # width of an envelope's band as a multiple of the inner race's frequency
_MIN_BAND_HZ = 500.0
_SPECTRUM_FACTOR = 5.0
_UNNAMED_HZ = 150.0  # stands for the inner race's frequency of a bearing nobody has named
_GAUSSIAN_KURTOSIS = 0.5
_GAUSSIAN_BANDS = 0.5  # spectral kurtosis of the typical band
_ESTIMATED = 0.7
_LEAST_CONFIDENCE = 0.1
_FIRST_LINE = 2  # of an envelope spectrum: below are offset and drift
_SHAFT_SLIP = 0.005


_MM_S2 = {Unit.G: 9806.65, Unit.M_S2: 1000.0}


_OF_PART = {
    Part.INNER: (Verdict.INNER_RACE, "the inner race is struck"),
    Part.OUTER: (Verdict.OUTER_RACE, "the outer race is struck"),
    Part.BALL: (Verdict.BALL, "a rolling element strikes"),
    Part.CAGE: (Verdict.CAGE, "the cage strikes"),
}


def diagnose(samples: NDArray[np.floating], rate_hz: float, machine: Machine) -> Diagnosis:
    """Return what ``samples`` say about ``machine``; never raises on their content.

    Args:
        samples: Shape ``(n,)``: acceleration, evenly spaced without a gap.
        rate_hz: Samples per second.
        machine: What is known.

    Returns:
        ``NOT_ASSESSABLE`` with the reason where the block, its rate, the speed or the bearing do
        not allow a diagnosis.  The verdict on a bearing does not depend on the scale of the
        samples; those on the shaft and on health do, through the zone of severity.
    """
    if (flaw := flaw_of(samples, rate_hz, machine)) is not None:
        return not_assessable(flaw)
    values = samples.astype(np.float64)
    values -= values.mean()
    lines = windowed_lines(values)
    spectrum = power_of(lines, values.size)
    measured = _measured(values, spectrum, rate_hz, machine)
    step_hz = rate_hz / values.size
    estimated = machine.speed_rpm is None
    if machine.speed_rpm is None:
        shaft_hz = _estimated_shaft_hz(lines, spectrum, step_hz, machine.bearing)
    else:
        shaft_hz = machine.speed_rpm / 60
    if shaft_hz is not None:
        measured = replace(measured, speed_rpm=60 * shaft_hz, speed_estimated=estimated)
        if (flaw := shortfall(values.size, rate_hz, shaft_hz, machine.bearing)) is not None:
            return replace(measured, reason=flaw)
    envelope = _envelope(lines, step_hz, shaft_hz, machine.bearing)
    if envelope is None:
        return replace(measured, reason=f"{values.size} samples are too few for a spectrum")
    measured = replace(measured, envelope_band_hz=envelope.band_hz)
    evidence = None
    if shaft_hz is not None and machine.bearing is not None:
        evidence = weigh_bearing(envelope, machine.bearing, shaft_hz)
        if evidence.part is not None:
            return _bearing_verdict(measured, evidence, envelope, machine.bearing, shaft_hz)
    power = velocity_power(spectrum, values.size, rate_hz)
    orders = None if shaft_hz is None else shaft_orders(spectrum, step_hz, shaft_hz, power)
    if measured.zone in (Zone.C, Zone.D):
        return _shaft_verdict(measured, orders)
    return _quiet_verdict(measured, envelope, evidence, values.size)


def _measured(
    values: NDArray[np.float64], spectrum: NDArray[np.float64], rate_hz: float, machine: Machine
) -> Diagnosis:
    """Return a diagnosis that holds the measures alone."""
    velocity, zone = None, None
    if values.size >= velocity_samples(rate_hz):
        power = velocity_power(spectrum, values.size, rate_hz)
        velocity = sqrt(power) * _MM_S2[machine.unit]
        zone = zone_of(velocity, machine.machine_class)
    return Diagnosis(
        Verdict.NOT_ASSESSABLE,
        0.0,
        "",
        rms=rms(values),
        velocity_rms_mm_s=velocity,
        peak=peak(values),
        crest_factor=crest_factor(values),
        excess_kurtosis=excess_kurtosis(values),
        zone=zone,
    )


def _envelope(
    lines: NDArray[np.complex128], step_hz: float, shaft_hz: float | None, bearing: Bearing | None
) -> Envelope | None:
    inner_hz = _UNNAMED_HZ if shaft_hz is None or bearing is None else bearing.inner * shaft_hz
    width_hz = max(_MIN_BAND_HZ, _BAND_FACTOR * inner_hz)
    return envelope_spectrum(lines, step_hz, width_hz, _SPECTRUM_FACTOR * inner_hz)


def _estimated_shaft_hz(
    lines: NDArray[np.complex128],
    spectrum: NDArray[np.float64],
    step_hz: float,
    bearing: Bearing | None,
) -> float | None:
    """Return the speed that lines of the shaft and, where it is known, of the bearing point to."""
    envelope = None if bearing is None else _envelope(lines, step_hz, None, None)
    if bearing is None or envelope is None:
        return estimate_shaft_hz(spectrum, step_hz)
    return estimate_shaft_hz(spectrum, step_hz, partial(family_levels_db, envelope, bearing))


def _bearing_verdict(
    measured: Diagnosis,
    evidence: BearingEvidence,
    envelope: Envelope,
    bearing: Bearing,
    shaft_hz: float,
) -> Diagnosis:
    assert evidence.part is not None  # noqa: S101  (the caller asked)
    verdict, sentence = _OF_PART[evidence.part]
    score_db = evidence.scores_db[evidence.part]
    surplus_db = min(score_db - evidence.needed_db, evidence.margin_db)
    lines = evidence.lines(envelope, bearing, shaft_hz)
    comb = evidence.combs[evidence.part]
    return _told(
        measured,
        verdict,
        max(_LEAST_CONFIDENCE, 1 - 0.6 * exp(-surplus_db / 2)),
        f"{sentence}: the envelope shows {evidence.part} ({comb.base_hz:.1f} Hz,"
        f" computed {comb.family.base_hz:.1f} Hz) and its family {score_db:.1f} dB above the noise,"
        f" {evidence.margin_db:.1f} dB more than any other part's",
        lines,
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
    measured: Diagnosis, envelope: Envelope, evidence: BearingEvidence | None, size: int
) -> Diagnosis:
    """Return healthy where everything says so, else unknown."""
    doubts = []
    if measured.zone is None:
        doubts.append("the block is too short for the velocity's zone")
    if evidence is None:
        missing = "speed" if measured.speed_rpm is None else "bearing"
        doubts.append(f"the {missing} is not known, so no line of the bearing could be looked for")
    elif evidence.best_db() > evidence.chance_db:
        doubts.append("lines of the bearing stand out, but those of no one part enough to name it")
    if (stray := _stray_line(envelope, measured.speed_rpm)) is not None:
        doubts.append(
            f"a line at {stray[0]:.1f} Hz, {stray[1]:.1f} dB above the noise, is unexplained"
        )
    kurtosis = measured.excess_kurtosis or 0.0
    if max(kurtosis - _GAUSSIAN_KURTOSIS, envelope.kurtosis - _GAUSSIAN_BANDS) > 0:
        doubts.append(f"there are impacts (excess kurtosis {kurtosis:.2f}), but not of which part")
    # The largest of n Gaussian samples is about sqrt(2 ln n); one standard deviation on top.
    if (measured.crest_factor or 0.0) > sqrt(2 * log(size)) + 1.0:
        doubts.append(f"a crest factor of {measured.crest_factor:.1f} is more than noise has")
    if doubts:
        return _told(measured, Verdict.UNKNOWN, 0.0, "; ".join(doubts))
    assert evidence is not None  # noqa: S101  (its absence is a doubt)
    room = 1 - evidence.best_db() / evidence.chance_db
    return _told(
        measured,
        Verdict.HEALTHY,
        0.5 + 0.5 * max(0.0, room),
        f"no line of the bearing above chance, no impacts, {measured.velocity_rms_mm_s:.2f} mm/s"
        f" is zone {measured.zone}",
    )


def _stray_line(envelope: Envelope, speed_rpm: float | None) -> tuple[float, float] | None:
    """Return frequency and level of the tallest envelope line that chance does not explain.

    Multiples of the shaft's speed are left out: pumps, fans and gears pulse with it in health.
    """
    ratio = envelope.ratio[_FIRST_LINE:].copy()
    at_hz = envelope.step_hz * np.arange(_FIRST_LINE, envelope.ratio.size)
    if speed_rpm is not None:
        orders = at_hz / (speed_rpm / 60)
        off_hz = np.abs(orders - np.rint(orders)) * speed_rpm / 60
        ratio[off_hz <= np.maximum(1.5 * envelope.step_hz, _SHAFT_SLIP * at_hz)] = 0.0
    best = int(np.argmax(ratio))
    if ratio[best] < chance_ratio(envelope.averages, ratio.size):
        return None
    return float(at_hz[best]), float(10 * np.log10(ratio[best]))


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
