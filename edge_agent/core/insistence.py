"""How long an anomaly must insist before it is worth an alarm, and when the alarm is over.

A window's verdict and an alarm are different questions.  A threshold that one healthy window in a
thousand exceeds serves to look at windows and not to call a person: the windows of one day exceed
it often, and those that follow each other are no independent witnesses.  So an alarm has a
threshold of its own, which a healthy machine's windows exceed once in a day (``cohort``), and what
exceeds that is added up over time (a cumulative sum after Page 1954): an anomaly of twice the alarm
threshold insists within two windows, one of a tenth above it within twenty, and one that keeps
falling back never does.

An alarm that returns soon after it ended chatters (ISA-18.2).  Whenever that happens, it must be
quiet for twice as long before it is taken for over; a fault that comes once and is repaired waits
for nothing.
"""

from dataclasses import dataclass, replace
from math import isfinite

ENOUGH = 2.0  # alarm thresholds that were exceeded by, summed over windows
_MOST = 2.0  # that a window can add: not even a score without end is proof by itself
FIRST_HOLD = 4.0  # windows: how long an alarm that has returned must be quiet
_NEVER = 1e9  # windows


@dataclass(frozen=True, slots=True)
class Insistence:
    """How much there is for an alarm.

    Attributes:
        excess: How far the score was above its alarm threshold without a break, in thresholds,
            summed over windows; 0 once there is an alarm.
        alarming: Whether that is worth an alarm, which is not over.
        quiet: Windows since the score of an alarm fell below the alarm threshold.
        hold: Windows that the latest alarm must be quiet to be over.
        calm: Windows since the latest alarm was over, very many before the first.
    """

    excess: float = 0.0
    alarming: bool = False
    quiet: float = 0.0
    hold: float = 0.0
    calm: float = _NEVER

    def on(self, ratio: float, windows: float, commissioned: float) -> "Insistence":
        """Return what there is after one more window.

        Args:
            ratio: The score by its alarm threshold; what is no number changes nothing.
            windows: Time since the window before, in lengths of a window, up to 1.
            commissioned: How long it took to learn what is normal, in windows.  An alarm that
                returns within that time chatters, and none has to be quiet for longer.
        """
        if not isfinite(ratio):
            return self
        if self.alarming:
            quiet = self.quiet + windows if ratio <= 1.0 else 0.0
            if 0.0 < quiet >= self.hold:
                return Insistence(hold=self.hold, calm=0.0)
            return replace(self, quiet=quiet)
        excess = self.excess + min(ratio - 1.0, _MOST) * windows if ratio > 1.0 else 0.0
        calm = min(self.calm + windows, _NEVER)
        if excess < ENOUGH:
            return Insistence(excess=excess, hold=self.hold, calm=calm)
        chatters = calm < commissioned
        hold = min(max(2.0 * self.hold, FIRST_HOLD), commissioned) if chatters else 0.0
        return Insistence(alarming=True, hold=hold)
