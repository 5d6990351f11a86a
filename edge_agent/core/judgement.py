"""How likely each verdict is: clues about a block, weighed by what examples have taught.

No single clue decides.  A race that is struck shows a family of lines; a rolling element often
shows none, but impulses and the cage's speed; a healthy machine shows noise and tones.  Each
candidate has one row of clues, and one vector of weights serves all of them, so that a decibel
above chance counts alike for every part and cannot be learned for one machine alone.  Nor is any
part preferred beforehand: which part of which bearing somebody damaged is no law of nature.  The
probability is the softmax of the weighted rows (multinomial logit with shared coefficients,
D. McFadden: Conditional logit analysis of qualitative choice behavior, 1973).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.diagnosis import Verdict
from edge_agent.core.health_reference import HealthReference
from edge_agent.core.likeness import Example

PARTS = (Verdict.INNER_RACE, Verdict.OUTER_RACE, Verdict.BALL, Verdict.CAGE)
CANDIDATES = (*PARTS, Verdict.HEALTHY, Verdict.UNKNOWN)
CLUES = (
    "family below chance",  # of parts: dB from -3 to 0
    "family just above",  # 0 to 3
    "family well above",  # 3 to 12
    "ball: cage carries",
    "healthy",
    "healthy: impulsive",
    "healthy: tall peaks",
    "healthy: stray line",
    "unknown: impulsive",
    "unknown: stray line",
    "unknown: shaft",
    "likeness",
)
_PLACE = {name: place for place, name in enumerate(CLUES)}
_LADDER_DB = ((-3.0, 0.0), (0.0, 3.0), (3.0, 12.0))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What examples have taught.

    A weight of each of :data:`CLUES`, the examples of faults to know, and the machines that are
    known in health.
    """

    weights: tuple[float, ...]
    examples: tuple[Example, ...]
    healths: tuple[HealthReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Clues:
    """What was measured of one block.

    ``families_db`` are levels above chance of the parts' lines and ``shaft_db`` that of the
    shaft's, ``stray_db`` that of the tallest line nobody explains (0 if none).  ``likeness`` says
    to which share the spectrum is that of a known example of each verdict.
    """

    families_db: Mapping[Verdict, float]
    shaft_db: float
    carried_db: float
    stray_db: float
    impulsiveness: float  # spectral kurtosis of the typical band
    kurtosis: float  # excess, of the samples
    likeness: Mapping[Verdict, float]


def rows(clues: Clues) -> NDArray[np.float64]:
    """Return the clues for each candidate, shape ``(candidates, clues)``, as this module lists."""
    table = np.zeros((len(CANDIDATES), len(CLUES)))
    impulsive = log1p(max(0.0, clues.impulsiveness))
    cells = {
        Verdict.BALL: {
            "ball: cage carries": min(max(0.0, clues.carried_db - 1.0), 6.0),
        },
        Verdict.HEALTHY: {
            "healthy": 1.0,
            "healthy: impulsive": impulsive,
            "healthy: tall peaks": log1p(max(0.0, clues.kurtosis)),
            "healthy: stray line": min(clues.stray_db, 15.0),
        },
        Verdict.UNKNOWN: {
            "unknown: impulsive": impulsive,
            "unknown: stray line": min(clues.stray_db, 15.0),
            "unknown: shaft": min(max(0.0, clues.shaft_db), 12.0),
        },
    }
    for place, candidate in enumerate(CANDIDATES):
        for name, value in cells.get(candidate, {}).items():
            table[place, _PLACE[name]] = value
        table[place, _PLACE["likeness"]] = clues.likeness.get(candidate, 0.0)
        if candidate in PARTS:
            surplus = clues.families_db.get(candidate, _LADDER_DB[0][0])
            table[place, : len(_LADDER_DB)] = [
                min(max(surplus, low), high) - max(low, 0.0) for low, high in _LADDER_DB
            ]
    return table


def probabilities(clues: Clues, knowledge: Knowledge) -> dict[Verdict, float]:
    """Return how likely each candidate is; the values sum to 1."""
    scores = rows(clues) @ np.array(knowledge.weights)
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return dict(zip(CANDIDATES, shares.tolist(), strict=True))
