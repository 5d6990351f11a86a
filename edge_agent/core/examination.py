"""What is measured of one block of vibration before anything is concluded from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log10, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.assessable import flaw_of, shortfall
from edge_agent.core.bearing_fault import BearingEvidence, family_levels_db, weigh_bearing
from edge_agent.core.bearings import Bearing
from edge_agent.core.diagnosis import Diagnosis, Machine, Verdict, not_assessable
from edge_agent.core.envelope import Envelope, chance_ratio, envelope_spectrum
from edge_agent.core.health_reference import NoiseLevels, noise_levels
from edge_agent.core.judgement import Clues
from edge_agent.core.likeness import Example, likeness
from edge_agent.core.residual import concentration, signature, without_tones
from edge_agent.core.severity import Zone, zone_of
from edge_agent.core.shaft import ShaftOrders, estimate_shaft_hz, shaft_orders
from edge_agent.core.spectral_lines import Part
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
_SERVED = (0.6, 1.5)  # times that, which its envelope serves: three harmonics lie within
_FIRST_LINE = 2  # of an envelope spectrum: below are offset and drift
_SHAFT_SLIP = 0.005

PART_OF: Mapping[Verdict, Part] = {
    Verdict.INNER_RACE: Part.INNER,
    Verdict.OUTER_RACE: Part.OUTER,
    Verdict.BALL: Part.BALL,
    Verdict.CAGE: Part.CAGE,
}


@dataclass(frozen=True, slots=True)
class Stray:
    """An envelope line that neither shaft nor chance explains."""

    frequency_hz: float
    level_db: float
    surplus_db: float  # over what chance reaches


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """The measures of a block, with a verdict still open.

    ``measured`` holds those that are published.  ``shaft_hz``, ``evidence`` and ``orders`` are
    ``None`` where speed or bearing are not known, ``orders`` also in the good zones, where nobody
    asks for them, ``signature`` (see :mod:`edge_agent.core.residual`) where the sampling rate is
    too low.
    """

    measured: Diagnosis
    size: int
    shaft_hz: float | None
    envelope: Envelope
    evidence: BearingEvidence | None
    orders: ShaftOrders | None
    stray: Stray | None
    concentration: float
    signature: NDArray[np.float64] | None
    levels: NoiseLevels

    def clues(self, examples: Sequence[Example]) -> Clues | None:
        """Return what speaks for and against each verdict; ``None`` without bearing or speed."""
        if self.evidence is None:
            return None
        families = {
            verdict: self.evidence.surplus_db(part)
            for verdict, part in PART_OF.items()
            if part in self.evidence.scores_db
        }
        return Clues(
            families_db=families,
            shaft_db=self.evidence.surplus_db(Part.SHAFT),
            carried_db=self.evidence.carried_db,
            stray_db=0.0 if self.stray is None else self.stray.surplus_db,
            impulsiveness=self.envelope.kurtosis,
            kurtosis=self.measured.excess_kurtosis or 0.0,
            likeness={} if self.signature is None else likeness(self.signature, examples),
        )


def examine(
    samples: NDArray[np.floating], rate_hz: float, machine: Machine
) -> Examination | Diagnosis:
    """Measure a block; where it can say nothing, return the diagnosis that says why.

    Args:
        samples: Shape ``(n,)``: acceleration, evenly spaced without a gap.
        rate_hz: Samples per second.
        machine: What is known.
    """
    if (flaw := flaw_of(samples, rate_hz, machine)) is not None:
        return not_assessable(flaw)
    values = samples.astype(np.float64)
    values -= values.mean()
    lines = windowed_lines(values)
    spectrum = power_of(lines, values.size)
    measured = _measured(values, spectrum, rate_hz, machine)
    step_hz = rate_hz / values.size
    residual = without_tones(lines)
    estimated = machine.speed_rpm is None
    general = _envelope(residual, step_hz, None, None) if estimated else None
    if machine.speed_rpm is None:
        shaft_hz = _estimated_shaft_hz(general, spectrum, step_hz, machine.bearing)
    else:
        shaft_hz = machine.speed_rpm / 60
    if shaft_hz is not None:
        measured = replace(measured, speed_rpm=60 * shaft_hz, speed_estimated=estimated)
        if (flaw := shortfall(values.size, rate_hz, shaft_hz, machine.bearing)) is not None:
            return replace(measured, reason=flaw)
    envelope = general
    if general is None or not _serves(shaft_hz, machine.bearing):
        envelope = _envelope(residual, step_hz, shaft_hz, machine.bearing)
    if envelope is None:
        return replace(measured, reason=f"{values.size} samples are too few for a spectrum")
    evidence = None
    if shaft_hz is not None and machine.bearing is not None:
        evidence = weigh_bearing(envelope, machine.bearing, shaft_hz)
    orders = None
    if shaft_hz is not None and measured.zone in (Zone.C, Zone.D):
        velocity = velocity_power(spectrum, values.size, rate_hz)
        orders = shaft_orders(spectrum, step_hz, shaft_hz, velocity)
    noise = power_of(residual, values.size)
    return Examination(
        measured=replace(measured, envelope_band_hz=envelope.band_hz),
        size=values.size,
        shaft_hz=shaft_hz,
        envelope=envelope,
        evidence=evidence,
        orders=orders,
        stray=_stray(envelope, shaft_hz),
        concentration=concentration(noise, spectrum, step_hz),
        signature=signature(noise, step_hz),
        levels=noise_levels(noise, values.size, rate_hz, machine.unit.g),
    )


def _measured(
    values: NDArray[np.float64], spectrum: NDArray[np.float64], rate_hz: float, machine: Machine
) -> Diagnosis:
    """Return a diagnosis that holds the measures alone."""
    velocity, zone = None, None
    if values.size >= velocity_samples(rate_hz):
        power = velocity_power(spectrum, values.size, rate_hz)
        velocity = sqrt(power) * machine.unit.mm_s2
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


def _serves(shaft_hz: float | None, bearing: Bearing | None) -> bool:
    """Return whether the envelope that suits a bearing nobody has named suits this one as well."""
    if shaft_hz is None or bearing is None:
        return True
    least, most = _SERVED
    return least * _UNNAMED_HZ <= bearing.inner * shaft_hz <= most * _UNNAMED_HZ


def _estimated_shaft_hz(
    envelope: Envelope | None,
    spectrum: NDArray[np.float64],
    step_hz: float,
    bearing: Bearing | None,
) -> float | None:
    """Return the speed that lines of the shaft and, where it is known, of the bearing point to."""
    if bearing is None or envelope is None:
        return estimate_shaft_hz(spectrum, step_hz)
    return estimate_shaft_hz(spectrum, step_hz, partial(family_levels_db, envelope, bearing))


def _stray(envelope: Envelope, shaft_hz: float | None) -> Stray | None:
    """Return the tallest envelope line that chance does not explain.

    Multiples of the shaft's speed are left out: pumps, fans and gears pulse with it in health.
    """
    ratio = envelope.ratio[_FIRST_LINE:].copy()
    at_hz = envelope.step_hz * np.arange(_FIRST_LINE, envelope.ratio.size)
    if shaft_hz is not None:
        orders = at_hz / shaft_hz
        off_hz = np.abs(orders - np.rint(orders)) * shaft_hz
        ratio[off_hz <= np.maximum(1.5 * envelope.step_hz, _SHAFT_SLIP * at_hz)] = 0.0
    best = int(np.argmax(ratio))
    chance = chance_ratio(envelope.averages, ratio.size)
    if ratio[best] < chance:
        return None
    level_db = 10 * log10(ratio[best])
    return Stray(float(at_hz[best]), level_db, level_db - 10 * log10(chance))
