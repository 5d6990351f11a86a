"""A learned normal that follows the season, and nothing else.

Ambient temperature and viscosity move over weeks, faults mostly over seconds to days.  So the
centre of a signal may follow it by a tenth of a reach a day, and never farther than two reaches
from where commissioning put it; and only while the asset's score is far below its threshold.  A
fault that grows as slowly as a season is seen late, but it is seen: beyond two reaches nothing
follows.
"""

import numpy as np

from edge_agent.core.calibration import Floats, bounded
from edge_agent.core.records import NS_PER_S

DAY_NS = 86_400 * NS_PER_S
RATE = 0.1  # reaches a day
FARTHEST = 2.0  # reaches from where commissioning put the centre
UNSUSPICIOUS = 0.5  # of the threshold


def follow(offset: Floats, deviations: Floats, passed_ns: Floats, suspicion: Floats) -> Floats:
    """Return where the centres lie now, in reaches from where commissioning put them.

    Args:
        offset: Shape ``(..., k)``, within ±``FARTHEST``.
        deviations: Of the window, from the centres as they were; 0 where a signal is missing.
        passed_ns: Time since the window before, at most its length, ``(..., 1)``.
        suspicion: The score by its threshold, ``(..., 1)``; from ``UNSUSPICIOUS`` on nothing moves.
    """
    step = bounded(deviations, 1.0) * (passed_ns * RATE / DAY_NS)
    return np.where(suspicion >= UNSUSPICIOUS, offset, bounded(offset + step, FARTHEST))
