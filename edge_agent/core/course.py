"""How a score runs on from window to window: smoothed, and let go of a fault that is over.

A machine hardly ever comes back from a fault to exactly where it was: the oil is warm, the valve
seats a little differently.  Such a remainder may well exceed a sharp limit, and yet the fault is
over.  So an anomaly also ends when the machine has come back more than half the way from where it
was on the average lately, over a time as long as commissioning.  The memory fades as it grew: a
short fault excuses little, and only for a short while.
"""

from dataclasses import dataclass
from math import exp

MEMORY_WINDOWS = 1.0  # time constant of the smoothing: enough that windows may overlap
_RECOVERED = 0.5  # of the recent distance


@dataclass(frozen=True, slots=True)
class Course:
    """Where the score of a machine is, and where the machine was lately.

    ``score`` and ``distance``, in reaches, are smoothed over about a window; ``recent`` is the
    distance averaged over about the time of commissioning.
    """

    score: float = 1.0
    distance: float = 1.0
    recent: float = 0.0

    def on(self, score: float, distance: float, windows: float, commissionings: float) -> "Course":
        """Return the course after one more window.

        Args:
            score: Of the window alone.
            distance: Of the window alone, bounded by the caller.
            windows: Time since the window before, in lengths of a window, up to 1.
            commissionings: The same time in lengths of commissioning.
        """
        keep = kept(windows)
        latest = distance + keep * (self.distance - distance)
        return Course(
            score=score + keep * (self.score - score),
            distance=latest,
            recent=latest + exp(-commissionings) * (self.recent - latest),
        )

    def told(self, threshold: float, before: "Course") -> float:
        """Return the score to tell: lower than the threshold where a fault is over.

        Args:
            threshold: The limit on the score.
            before: The course before this window, for a window must not excuse itself.
        """
        limit = _RECOVERED * before.recent
        if self.score <= threshold or self.distance >= limit:
            return self.score
        return threshold * self.distance / limit


def kept(windows: float) -> float:
    """Return the part of what was remembered that is left after a time in lengths of a window."""
    return exp(-windows / MEMORY_WINDOWS)
