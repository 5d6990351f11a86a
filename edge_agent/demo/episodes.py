"""What goes wrong in the simulated plant, when, and when it is put right again.

The times are seconds since the plant started.  Everything is a pure function of them, so a test can
ask for any moment without simulating the ones before it.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.core.records import Category


class Fault(StrEnum):
    """A fault that the plant can develop."""

    OUTER_RACE = "bearing outer race"
    OVERHEATING = "overheating"
    ENCODER_LOSS = "encoder loss"
    OVER_CURRENT = "over-current"


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault of one asset, from the moment it is injected until somebody has repaired it.

    ``category`` is also the name of the alarm that has to be raised for it.  ``develops_s`` is how
    long the fault grows before it is fully there.
    """

    fault: Fault
    asset: str
    category: Category
    injected_s: float
    repaired_s: float
    develops_s: float = 0.0

    def lasts_at(self, at_s: float) -> bool:
        """Return whether the fault is there at ``at_s``, however small."""
        return self.injected_s <= at_s < self.repaired_s

    def severity(self, at_s: float) -> float:
        """Return how far the fault has developed: a ramp from 0 to 1, and 0 once repaired."""
        if not self.lasts_at(at_s):
            return 0.0
        age_s = at_s - self.injected_s
        return 1.0 if age_s >= self.develops_s else age_s / self.develops_s

    def response(self, at_s: float, lag_s: float) -> float:
        """Return what a first-order lag makes of the fault: it heats up slowly and cools as slowly.

        The closed solution of ``lag · y' + y = u`` for a step ``u`` from ``injected_s`` to
        ``repaired_s``.  With ``lag_s == 0`` it is the step itself.
        """
        if at_s < self.injected_s:
            return 0.0
        if lag_s == 0.0:
            return 1.0 if self.lasts_at(at_s) else 0.0
        heating_s = min(at_s, self.repaired_s) - self.injected_s
        cooling_s = max(at_s - self.repaired_s, 0.0)
        return (1.0 - math.exp(-heating_s / lag_s)) * math.exp(-cooling_s / lag_s)


# A second fault begins before the first is over, as in life; each has an asset to itself, so that
# an alert names its fault without doubt.  The first waits until every asset is past commissioning.
STORY = (
    Episode(Fault.OVER_CURRENT, "fan-3", Category.ELECTRICAL, 32.0, 44.0),
    Episode(Fault.OVERHEATING, "pump-2", Category.THERMAL, 36.0, 50.0),
    Episode(Fault.OUTER_RACE, "press-1", Category.MECHANICAL, 42.0, 58.0, develops_s=5.0),
    Episode(Fault.ENCODER_LOSS, "conveyor-4", Category.SENSOR, 48.0, 60.0),
)
