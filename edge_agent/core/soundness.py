"""Whether a block without a named fault shows a healthy machine: what speaks for it, what against.

That nothing was found proves nothing where nobody knows what health sounds like.  So besides the
absence of lines, impacts and ringing there has to be evidence: the machine's own noise in health.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.assessable import flaw_of
from edge_agent.core.diagnosis import Machine, Verdict
from edge_agent.core.examination import Examination
from edge_agent.core.health_reference import (
    Departure,
    HealthReference,
    NoiseLevels,
    noise_levels,
    reference_of,
)
from edge_agent.core.judgement import Clues
from edge_agent.core.residual import without_tones
from edge_agent.core.vibration import power_of, windowed_lines

_HEALTHY = 0.5  # of the probability
_LIKE = 0.5
_IMPACTS = 0.5  # excess kurtosis, of the samples and of the typical band
_RINGING = 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for health: ``sound`` whether that is enough, in ``words`` what it is.

    ``of_this_machine`` says that its noise is what a recording of this very machine has shown.
    """

    sound: bool
    words: str
    of_this_machine: bool = False


def health_of(
    recordings: Sequence[NDArray[np.floating]], rate_hz: float, machine: Machine, size: int
) -> HealthReference | str:
    """Return how a machine sounds in health, or why its recordings do not tell.

    Args:
        recordings: Shape ``(n,)`` each: acceleration of this machine in health, by this sensor.
        rate_hz: Samples per second.
        machine: Its unit counts.
        size: Of the block that is going to be compared: the recordings are cut into such blocks.
    """
    blocks = []
    for samples in recordings:
        if (flaw := flaw_of(samples, rate_hz, machine)) is not None:
            return f"the healthy recording tells nothing: {flaw}"
        count = max(1, samples.size // max(size, 1))
        for block in np.array_split(samples[: count * size], count):
            values = block - block.mean()
            noise = power_of(without_tones(windowed_lines(values)), values.size)
            blocks.append(noise_levels(noise, values.size, rate_hz, machine.unit.g))
    if len({block.bands_db.size for block in blocks}) != 1:
        return "the healthy recording tells nothing: too short for its bands"
    return reference_of(blocks)


def evidence_of_health(
    levels: NoiseLevels, own: HealthReference | None, known: Sequence[HealthReference]
) -> Evidence:
    """Return what a block's noise says about health.

    Args:
        levels: Of the block.
        own: How this machine sounds in health, where that is known; nothing else counts then.
        known: Machines that are known in health, of which this may be one.
    """
    if own is not None:
        return _beside(own.departure(levels))
    departures = [reference.departure(levels) for reference in known]
    if any(departure is not None and departure.within for departure in departures):
        return Evidence(sound=True, words="the noise is that of a machine known in health")
    if levels.even:
        return Evidence(sound=True, words="the noise is even: nothing rings")
    return Evidence(
        sound=False,
        words="nothing found, but no healthy recording of this machine to compare its noise with",
    )


def _beside(departure: Departure | None) -> Evidence:
    """Return the evidence of a comparison with the machine's own health."""
    if departure is None:
        return Evidence(sound=False, words="its noise in health cannot be compared: other bands")
    if departure.within:
        words = "the noise is that of this machine in health"
        return Evidence(sound=True, words=words, of_this_machine=True)
    size_db, louder = abs(departure.level_db), departure.level_db > 0
    return Evidence(
        sound=False,
        words=f"the noise from {departure.low_hz:.0f} to {departure.high_hz:.0f} Hz is"
        f" {size_db:.1f} dB {'louder' if louder else 'quieter'} than in health",
    )


def doubts(
    found: Examination,
    clues: Clues | None,
    chances: dict[Verdict, float],
    evidence: Evidence,
) -> list[str]:
    """Return what keeps a block without a named fault from being called healthy."""
    measured = found.measured
    reasons = []
    if measured.zone is None:
        reasons.append("the block is too short for the velocity's zone")
    if clues is None:
        missing = "speed" if measured.speed_rpm is None else "bearing"
        reasons.append(f"the {missing} is not known, so no line of the bearing could be looked for")
    # The largest of n Gaussian samples is about sqrt(2 ln n); one standard deviation on top.
    if (measured.crest_factor or 0.0) > sqrt(2 * log(found.size)) + 1.0:
        reasons.append(f"there are impacts: a crest factor of {measured.crest_factor:.1f}")
    if clues is not None:
        reasons += _doubts_of_bearing(found, clues, evidence)
        if not evidence.of_this_machine and chances[Verdict.HEALTHY] < _HEALTHY:
            likely = max(chances, key=lambda verdict: chances[verdict])
            reasons.append(f"{likely} is as likely as {chances[likely]:.2f}")
    if not evidence.sound:
        reasons.append(evidence.words)
    return reasons


def _doubts_of_bearing(found: Examination, clues: Clues, evidence: Evidence) -> list[str]:
    reasons = []
    if (best_db := max(clues.families_db.values(), default=0.0)) > 0:
        reasons.append(f"lines of the bearing are {best_db:.1f} dB above chance, but name no part")
    if found.stray is not None:
        at_hz, level_db = found.stray.frequency_hz, found.stray.level_db
        reasons.append(
            f"a line at {at_hz:.1f} Hz, {level_db:.1f} dB above the noise, is unexplained"
        )
    if max(clues.kurtosis, clues.impulsiveness) > _IMPACTS:
        reasons.append(f"there are impacts (excess kurtosis {clues.kurtosis:.2f}) of no known part")
    rings = found.concentration > _RINGING and clues.likeness.get(Verdict.HEALTHY, 0.0) < _LIKE
    if rings and not evidence.of_this_machine:
        reasons.append(
            f"the machine rings in one band, {found.concentration:.1f} times noise of one level,"
            " and nothing says why"
        )
    return reasons
