"""How long to wait before the next attempt."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential back-off with full jitter.

    After a broker restart every gateway of a plant reconnects; a delay drawn from the whole
    interval spreads them best (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).

    Args:
        first_s: Upper end of the first delay.
        ceiling_s: Upper end that the doubling stops at.
        draw: Returns a number between its two arguments; tests pass their own.
    """

    def __init__(
        self,
        first_s: float = 1.0,
        ceiling_s: float = 60.0,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first_s = first_s
        self._ceiling_s = ceiling_s
        self._draw = draw
        self._reach_s = first_s

    def next_s(self) -> float:
        """Return the seconds to wait now, and double the reach of the next wait."""
        delay_s = self._draw(0.0, self._reach_s)
        self._reach_s = min(self._reach_s * 2, self._ceiling_s)
        return delay_s

    def reset(self) -> None:
        """Begin again at the first delay, because something went well."""
        self._reach_s = self._first_s
