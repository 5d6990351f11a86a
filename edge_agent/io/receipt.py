"""What a publisher learns from the broker: the words that link, broker and courier share."""

import threading
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a publication ended."""

    ACKNOWLEDGED = "acknowledged"  # PUBACK, or for QoS 0: handed to the network
    REFUSED = "refused"  # the broker answered with a failure, such as "not authorized"
    LOST = "lost"  # the connection ended first: the broker may have it or not


class Receipt:
    """The end of one publication, awaited by one thread and settled by another, once."""

    __slots__ = ("_reason", "_settled", "outcome")

    def __init__(self) -> None:
        self._settled = threading.Event()
        self._reason = ""
        self.outcome: Outcome | None = None

    @classmethod
    def lost(cls) -> "Receipt":
        """Return a receipt for what could not even be sent."""
        receipt = cls()
        receipt.settle(Outcome.LOST)
        return receipt

    @property
    def reason(self) -> str:
        """Return the broker's own words for a refusal, else an empty string."""
        return self._reason

    def settle(self, outcome: Outcome, reason: str = "") -> None:
        """Fix the outcome; a later call changes nothing."""
        if self.outcome is None:
            self._reason = reason
            self.outcome = outcome
            self._settled.set()

    def wait(self, timeout_s: float) -> Outcome | None:
        """Return the outcome, or ``None`` if it is still open after ``timeout_s``."""
        self._settled.wait(timeout_s)
        return self.outcome


class Receipts:
    """The open receipts of one connection, by packet identifier.

    The client library answers under locks of its own, so nothing of ours may be locked while it
    publishes; an answer can therefore be here before anybody expects it, and is kept until then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Receipt] = {}
        self._early: dict[int, tuple[Outcome, str]] = {}
        self.closed = False

    def expect(self, mid: int) -> Receipt:
        """Return the receipt of what has just been published under ``mid``."""
        receipt = Receipt()
        with self._lock:
            if mid in self._early:
                receipt.settle(*self._early.pop(mid))
            elif self.closed:
                receipt.settle(Outcome.LOST)
            else:
                self._open[mid] = receipt
        return receipt

    def settle(self, mid: int, outcome: Outcome, reason: str = "") -> None:
        """Pass the broker's answer on, now or as soon as it is expected."""
        with self._lock:
            if mid in self._open:
                self._open.pop(mid).settle(outcome, reason)
            else:
                self._early[mid] = (outcome, reason)

    def close(self) -> None:
        """Settle everything that is open as lost, and all that is expected from now on."""
        with self._lock:
            self.closed = True
            for receipt in self._open.values():
                receipt.settle(Outcome.LOST)
            self._open.clear()


@dataclass(frozen=True, slots=True)
class Connection:
    """One time of being connected, from CONNACK to the loss of the link.

    ``generation`` counts the connections of this process from 1.  ``session_present`` tells
    whether the broker still knew us; ``refused`` lists the topic filters that it did not grant.
    """

    generation: int
    session_present: bool
    refused: tuple[str, ...] = ()
