"""The courier: carries the outbox to the broker, in order, until each document is acknowledged."""

import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import structlog

from edge_agent.errors import StorageError
from edge_agent.io.backoff import Backoff
from edge_agent.io.outbox import Publication, Queued
from edge_agent.io.receipt import Connection, Outcome, Receipt

_log = structlog.get_logger()

_POLL_S = 0.5  # how long a stop, a commit or a new connection may go unnoticed


class Outgoing(Protocol):
    """Where documents wait."""

    def peek(self, count: int) -> list[Queued]:
        """Return the oldest rows."""

    def delivered(self, sequence: int) -> None:
        """Remove a row."""

    def settled_states(self, after: str, count: int) -> list[Publication] | None:
        """Return retained states behind a topic, or ``None`` while rows are waiting."""


class Publisher(Protocol):
    """Where documents go."""

    def wait_online(self, timeout_s: float) -> Connection | None:
        """Return the connection, waiting for it a while."""

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> Receipt:
        """Send a document."""

    def reset(self) -> None:
        """Replace a connection that does not answer."""


class Progress(Enum):
    """What one attempt came to."""

    DELIVERED = "delivered"  # something arrived; there may be more
    NOTHING = "nothing"  # nothing is waiting
    OFFLINE = "offline"  # no connection
    FAILED = "failed"  # refused, lost or unanswered: the document stays and is tried again


class Courier:
    """Delivers at least once and in order, one document in flight.

    One in flight is what keeps the order through every loss of the link: with two, the second could
    be acknowledged and the first lost.  Alerts are few, so the round trip each costs is no matter.

    On every new connection the retained states are published again, behind the outbox: a broker
    that crashed comes back with those it last saved, or with none, and even one that knows our
    session may show an alarm as raised that was cleared since.

    Args:
        outbox: Used by the courier's thread only.
        broker: The other side.
        on_failure: Called in the courier's thread when the outbox fails; the thread then ends.
        backoff: Waiting times after a refusal.
        patience_s: How long the broker may take to acknowledge before the link is replaced.
    """

    def __init__(
        self,
        outbox: Outgoing,
        broker: Publisher,
        on_failure: Callable[[StorageError], None],
        backoff: Backoff | None = None,
        patience_s: float = 30.0,
    ) -> None:
        self._outbox = outbox
        self._broker = broker
        self._on_failure = on_failure
        self._backoff = backoff or Backoff()
        self._patience_s = patience_s
        self._generation = 0
        self._states_due = False
        self._last_state = ""
        self._stopping = threading.Event()
        self._wakeup = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self.delivered = 0

    def start(self) -> None:
        """Begin to deliver, in the background."""
        self._thread.start()

    def wake(self) -> None:
        """Say that a commit has put something into the outbox."""
        self._wakeup.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread; what is undelivered stays in the outbox for the next start."""
        self._stopping.set()
        self._wakeup.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.warning("delivery_thread_stuck")

    def is_alive(self) -> bool:
        """Return whether the thread runs; ``False`` before ``stop`` means that it has failed."""
        return self._thread.is_alive()

    def attempt(self) -> Progress:
        """Deliver the oldest document or, behind all of them, a retained state that is due."""
        connection = self._broker.wait_online(_POLL_S)
        if connection is None:
            return Progress.OFFLINE
        if connection.generation != self._generation:
            self._generation = connection.generation
            self._states_due = True
            self._last_state = ""
        for queued in self._outbox.peek(1):
            if not self._send(queued.publication):
                return Progress.FAILED
            self._outbox.delivered(queued.sequence)
            self.delivered += 1
            return Progress.DELIVERED
        return self._send_state() if self._states_due else Progress.NOTHING

    def _send_state(self) -> Progress:
        """Publish the next retained state again; only one, so that a new alert need not wait."""
        states = self._outbox.settled_states(self._last_state, 1)
        if states is None:  # a commit came in between: its rows first
            return Progress.DELIVERED
        if not states:
            self._states_due = False
            return Progress.NOTHING
        if not self._send(states[0]):
            return Progress.FAILED
        self._last_state = states[0].topic
        return Progress.DELIVERED

    def _send(self, publication: Publication) -> bool:
        """Publish one document and return whether the broker has acknowledged it."""
        receipt = self._broker.publish(
            publication.topic, publication.payload, qos=1, retain=publication.retain
        )
        until = time.monotonic() + self._patience_s
        outcome = receipt.outcome
        while outcome is None and not self._stopping.is_set():
            left = until - time.monotonic()
            if left <= 0:
                break
            outcome = receipt.wait(min(_POLL_S, left))
        if outcome is Outcome.ACKNOWLEDGED:
            return True
        if outcome is None and not self._stopping.is_set():
            self._broker.reset()
        _log.warning(
            "delivery_failed",
            id=publication.id,
            topic=publication.topic,
            outcome="unanswered" if outcome is None else outcome.value,
            reason=receipt.reason,
        )
        return False

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                progress = self.attempt()
                if progress is Progress.DELIVERED:
                    self._backoff.reset()
                elif progress is Progress.FAILED:
                    self._stopping.wait(self._backoff.next_s())
                elif progress is Progress.NOTHING:
                    self._wakeup.wait(_POLL_S)
                    self._wakeup.clear()
        except StorageError as error:
            _log.error("outbox_failed", reason=str(error))
            self._on_failure(error)
