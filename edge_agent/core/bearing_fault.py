"""Which part of a bearing strikes, by its family of lines in the envelope spectrum.

An outer race stands still and is struck evenly.  A spall on the inner race passes through the load
once a turn, so its lines carry side bands one shaft speed away.  A spall on a rolling element is
carried round by the cage and its spin axis wanders: its lines are weak, and the cage's own speed
shows beside them.  A cage alone strikes once in a turn of its own, with many even harmonics.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.bearings import Bearing
from edge_agent.core.envelope import Envelope
from edge_agent.core.spectral_lines import Comb, Family, Line, Part, fit_comb, level_db, lines_of

_SLIP = (-0.015, 0.015)
_BALL_SLIP = (-0.022, 0.012)  # elements slide more than they roll ahead
_HARMONICS: Mapping[Part, int] = {
    Part.OUTER: 3,
    Part.INNER: 2,
    Part.BALL: 2,
    Part.CAGE: 8,
    Part.SHAFT: 5,
}
_SHOWN_HARMONICS = 5
_MODULATION = np.arange(1.0, 4.0)  # harmonics of the cage's speed that a carried spall shows
_IMPACTS = np.arange(4.0, 14.0)  # and those that only the cage's own impacts reach
_EVENNESS = 0.5
_CAGE_LAG_DB = 3.0  # BPFO is a harmonic of FTF, and so always there with it
_NEAR_SHAFT = 0.003
_BESIDE = 0.5
_LEAST_LINE_DB = 3.0


@dataclass(frozen=True, slots=True)
class BearingEvidence:
    """What the envelope says about each part.

    ``scores_db`` are mean levels of the parts' families, without those that are the shaft's;
    ``chance_db`` is what noise reaches in one block of a hundred; ``carried_db`` how far the cage's
    own speed shows without the even harmonics of a cage that strikes.
    """

    combs: Mapping[Part, Comb]
    scores_db: Mapping[Part, float]
    chance_db: float
    carried_db: float

    def surplus_db(self, part: Part) -> float:
        """Return by how much a part's family exceeds chance; what cannot be seen, does not."""
        return self.scores_db.get(part, 0.0) - self.chance_db

    def lines(
        self, part: Part, envelope: Envelope, bearing: Bearing, shaft_hz: float
    ) -> tuple[Line, ...]:
        """Return the lines of ``part`` that stand out; of an element, the cage's as well."""
        beside = {Part.INNER: shaft_hz, Part.BALL: bearing.cage * shaft_hz}
        shown = [part] if part is not Part.BALL else [Part.BALL, Part.CAGE]
        least_db = max(_LEAST_LINE_DB, self.chance_db)
        found: list[Line] = []
        for each in shown:
            if each in self.combs:
                side_hz = beside.get(each, 0.0)
                found += lines_of(envelope, self.combs[each], _SHOWN_HARMONICS, least_db, side_hz)
        return tuple(found)


def frequencies_hz(bearing: Bearing, shaft_hz: float) -> dict[Part, float]:
    """Return where each part's first line is expected."""
    return {
        Part.OUTER: bearing.outer * shaft_hz,
        Part.INNER: bearing.inner * shaft_hz,
        Part.BALL: bearing.ball * shaft_hz,
        Part.CAGE: bearing.cage * shaft_hz,
    }


def weigh_bearing(envelope: Envelope, bearing: Bearing, shaft_hz: float) -> BearingEvidence:
    """Return how far the lines of each part of ``bearing`` stand out of ``envelope``.

    The shaft competes: where its own family leads, what strikes once a turn is no bearing.
    """
    combs = {}
    for part, base_hz in (frequencies_hz(bearing, shaft_hz) | {Part.SHAFT: shaft_hz}).items():
        slip = _BALL_SLIP if part is Part.BALL else _SLIP
        family = Family(part, base_hz, _HARMONICS[part], slip)
        if (comb := fit_comb(envelope, family)) is not None:
            combs[part] = comb
    chance_db = _chance_db(envelope, bearing.inner * shaft_hz)
    scores = {
        part: comb.score_db
        for part, comb in combs.items()
        if part in (Part.CAGE, Part.SHAFT) or not _is_of_shaft(envelope, comb, shaft_hz)
    }
    carried_db = 0.0
    if Part.CAGE in combs:
        modulation_db = _mean_db(envelope, combs[Part.CAGE].base_hz * _MODULATION)
        impacts_db = _mean_db(envelope, combs[Part.CAGE].base_hz * _IMPACTS)
        if impacts_db < _EVENNESS * modulation_db:
            del scores[Part.CAGE]
            carried_db = modulation_db
        elif scores[Part.CAGE] >= max(chance_db, scores.get(Part.OUTER, 0.0) - _CAGE_LAG_DB):
            scores.pop(Part.OUTER, None)
    shaft_db = scores.get(Part.SHAFT, 0.0)
    if shaft_db >= chance_db:
        scores = {part: db for part, db in scores.items() if part is Part.SHAFT or db > shaft_db}
    return BearingEvidence(combs, scores, chance_db, carried_db)


def family_levels_db(
    envelope: Envelope, bearing: Bearing, shafts_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return for each speed the mean level of the race that would fit it best, without slip.

    Args:
        envelope: The spectrum.
        bearing: Whose races they are.
        shafts_hz: Shape ``(n,)``, like the result.
    """
    orders = np.outer((bearing.outer, bearing.inner), (1.0, 2.0, 3.0))
    levels = level_db(envelope, shafts_hz[:, None, None] * orders).clip(0.0, 20.0).mean(axis=2)
    # Beside the inner race's lines the shaft's speed shows, which no other speed explains.
    beside = level_db(envelope, shafts_hz[:, None] * (bearing.inner + np.array((-1.0, 1.0))))
    levels[:, 1] += _BESIDE * beside.clip(0.0, 20.0).mean(axis=1)
    return np.asarray(levels.max(axis=1))


def _chance_db(envelope: Envelope, highest_hz: float) -> float:
    """Return the score that noise stays below in 99 blocks of 100.

    Fitted to simulated noise: it falls with the bands averaged, and rises with the number of lines
    among which a slipping family is looked for.
    """
    searched = max(1.0, 2 * (_SLIP[1] - _SLIP[0]) * highest_hz / envelope.step_hz)
    return 0.5 + (6.0 + 0.7 * log(searched)) / sqrt(envelope.averages)


def _is_of_shaft(envelope: Envelope, comb: Comb, shaft_hz: float) -> bool:
    """Return whether a family is the shaft's: at a multiple of its speed, which stands out more."""
    off_hz = abs(comb.base_hz - round(comb.base_hz / shaft_hz) * shaft_hz)
    if off_hz > envelope.step_hz + _NEAR_SHAFT * comb.base_hz:
        return False
    shaft_db, own_db = level_db(envelope, np.array([shaft_hz, comb.base_hz]))
    return bool(shaft_db >= own_db)


def _mean_db(envelope: Envelope, at_hz: NDArray[np.float64]) -> float:
    return float(level_db(envelope, at_hz).clip(0.0).mean())
