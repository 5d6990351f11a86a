"""How a score runs on from window to window: smoothed, and let go of a fault that is over.

A machine hardly ever comes back from a fault to exactly where it was: the oil is warm, the valve
seats a little differently.  Such a remainder may well exceed a sharp limit, and yet the fault is
over.  So an anomaly also ends when the machine has come back more than half the way from where it
was on the average lately, over a time as long as commissioning.  The memory fades as it grew: a
short fault excuses little, and only for a short while.

And an anomaly does not end before the machine comes back.  Of a signal that wandered all through a
short commissioning, a new level alone proves little; the step to it did, and the forecaster grows
used to it within a few windows.  So an anomaly that took the machine far from its normal is told
until it has come back half the way.
"""

from dataclasses import dataclass, replace
from math import exp

MEMORY_WINDOWS = 1.0  # time constant of the smoothing: enough that windows may overlap
_RECOVERED = 0.5  # of the recent distance
_FAR = 5.0  # reaches, as the root mean square of all signals: no healthy machine wanders there
_JUST = 1.0001  # of the threshold: what is told of an anomaly that is merely held


@dataclass(frozen=True, slots=True)
class Course:
    """Where the score of a machine is, and where the machine was lately.

    ``score`` and ``distance``, in reaches, are smoothed over about a window; ``recent`` is the
    distance averaged over about the time of commissioning.  ``farthest`` is the longest distance
    since the anomaly that is told began, 0 while none is.
    """

    score: float = 1.0
    distance: float = 1.0
    recent: float = 0.0
    farthest: float = 0.0

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
            farthest=self.farthest,
        )

    def told(self, threshold: float, before: "Course") -> float:
        """Return the score to tell: lower than the threshold where a fault is over, not before.

        Args:
            threshold: The limit on the score.
            before: The course before this window, for a window must not excuse itself.
        """
        limit = _RECOVERED * before.recent
        if self.score > threshold:
            over = self.distance < limit
            return threshold * self.distance / limit if over else self.score
        stays = self.distance >= max(_RECOVERED * self.farthest, _FAR)
        return _JUST * threshold if self.farthest and stays else self.score

    def after(self, *, anomalous: bool) -> "Course":
        """Return the course once it is known what was told of the window."""
        farthest = max(self.farthest, self.distance) if anomalous else 0.0
        return self if farthest == self.farthest else replace(self, farthest=farthest)


def kept(windows: float) -> float:
    """Return the part of what was remembered that is left after a time in lengths of a window."""
    return exp(-windows / MEMORY_WINDOWS)
