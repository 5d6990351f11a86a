"""The broker as the agent sees it: it comes and goes, and we keep coming back."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache

import structlog

from edge_agent.core.records import Message
from edge_agent.io.backoff import Backoff
from edge_agent.io.inbox import Delivery, Inbox
from edge_agent.io.link import Link, Received, Stage
from edge_agent.io.receipt import Connection, Receipt
from edge_agent.io.terms import Terms, Version

_log = structlog.get_logger()

_TURN_S = 0.25  # how long a stop may go unnoticed
_FAREWELL_S = 2.0
_STABLE_S = 10.0  # a link that stood this long was a good one
_ASK_AGAIN_S = 60.0  # for filters that were refused: somebody may have corrected the broker's ACL


class Broker:
    """Keeps one link to the broker open, from a thread of its own.

    That thread only moves bytes: what comes in goes into ``inbox``, unacknowledged.  MQTT 5 is
    tried first; a broker that refuses it is spoken to in 3.1.1 from then on.  A broker that merely
    hangs up on MQTT 5, or does not answer, is tried with 3.1.1 once, and then with 5 again.

    Args:
        terms: Address, documents and limits of every connection.
        inbox: Where messages go.
        now_ns: The agent's clock, for the time of receipt.
        backoff: Waiting times between attempts.

    Raises:
        ConfigError: A certificate or key file cannot be used.
    """

    def __init__(
        self,
        terms: Terms,
        inbox: Inbox,
        now_ns: Callable[[], int],
        backoff: Backoff | None = None,
    ) -> None:
        self._terms = terms
        self._inbox = inbox
        self._now_ns = now_ns
        self._backoff = backoff or Backoff()
        self._tls = terms.address.tls_context()
        # Topics repeat by the million and matching walks every filter; bounded against a plant
        # that never repeats one.
        self._lane = lru_cache(maxsize=4096)(terms.subscriptions.lane)
        self._version = Version.V5
        self._five_refused = False
        self._generation = 0
        self._link: Link | None = None
        self._doomed: Link | None = None
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Publish the retained status "offline", disconnect and join the thread.

        Returns after ``timeout_s`` at the latest; a name server that does not answer can hold the
        thread longer, and as a daemon it does not keep the process alive.
        """
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.warning("broker_thread_stuck", broker=str(self._terms.address))

    def is_alive(self) -> bool:
        """Return whether the network thread runs; ``False`` before ``stop`` means a bug of ours."""
        return self._thread.is_alive()

    def wait_online(self, timeout_s: float) -> Connection | None:
        """Return the connection as soon as subscriptions are answered, or ``None`` in the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._connection is not None or self._stopping.is_set(), timeout_s
            )
            return self._connection

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        correlation: bytes | None = None,
    ) -> Receipt:
        """Publish from any thread; nothing is kept for later.

        Args:
            topic: Without wildcards.
            payload: The bytes to send; empty with ``retain`` clears the retained message.
            qos: 0 or 1.
            retain: Whether the broker keeps it for later subscribers.
            correlation: Correlation data of the request this answers; ignored on MQTT 3.1.1.

        Returns:
            A receipt, already settled as ``LOST`` when there is no connection.
        """
        link = self._link
        if link is None or self._connection is None:
            return Receipt.lost()
        return link.publish(topic, payload, qos=qos, retain=retain, correlation=correlation)

    def ack(self, delivery: Delivery) -> bool:
        """Acknowledge a message; call it in order of receipt (MQTT 5, 4.6).

        Returns:
            Whether that was possible.  If the connection it came on is gone it is not, and the
            broker will send the message again.
        """
        link = self._link
        if link is None or link.generation != delivery.generation:
            return False
        return link.acknowledge(delivery.mid, delivery.qos)

    def reset(self) -> None:
        """Give up the present connection, which looks alive and does not answer, for a new one."""
        self._doomed = self._link

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._generation += 1
            link = Link(self._generation, self._terms, self._version, self._tls, self._received)
            refused_five = self._serve(link) and self._choose_version(link)
            if not refused_five:
                self._stopping.wait(self._backoff.next_s())

    def _serve(self, link: Link) -> bool:
        """Drive one link to its end; return whether the broker could be reached at all."""
        address = str(self._terms.address)
        try:
            link.open()
        except OSError as error:
            link.close()
            self.problem = f"{address} cannot be reached: {error}"
            _log.warning("broker_unreachable", broker=address, reason=str(error))
            return False
        self._link = link
        try:
            since = self._drive(link)
            if self._stopping.is_set():
                link.depart(_FAREWELL_S)
        finally:
            self._go_offline(link)
        if self._stopping.is_set():
            return True
        if since is not None and time.monotonic() - since >= _STABLE_S:
            self._backoff.reset()
        refused = link.stage in {Stage.REFUSED, Stage.VERSION_REFUSED}
        event = "broker_refused" if refused else "broker_lost"
        self.problem = f"{address}: {link.reason}"
        _log.warning(event, broker=address, reason=link.reason, mqtt=link.version.value)
        return True

    def _drive(self, link: Link) -> float | None:
        """Turn the link until it ends or must; return when it came online (monotonic seconds)."""
        deadline = time.monotonic() + self._terms.connect_timeout_s
        since: float | None = None
        ask_again = 0.0
        while link.turn(_TURN_S) and not self._stopping.is_set() and self._doomed is not link:
            now = time.monotonic()
            if link.stage is not Stage.ONLINE:
                if now > deadline:
                    silent = link.stage is Stage.CONNECTING
                    link.close(f"no answer within {self._terms.connect_timeout_s:g} s")
                    link.hung_up = silent
            elif since is None:
                since = now
                ask_again = now + _ASK_AGAIN_S
                self._go_online(link)
            elif link.refused and now > ask_again:
                ask_again = now + _ASK_AGAIN_S
                link.subscribe(link.refused)
            elif self._connection is not None and link.refused != self._connection.refused:
                self._go_online(link)
        return since

    def _go_online(self, link: Link) -> None:
        self.problem = None
        if link.refused:
            self.problem = f"the broker refused to subscribe us to {', '.join(link.refused)}"
            _log.error("subscription_refused", filters=link.refused)
        with self._changed:
            self._connection = Connection(link.generation, link.session_present, link.refused)
            self._changed.notify_all()
        _log.info(
            "broker_online",
            broker=str(self._terms.address),
            mqtt=link.version.value,
            session_present=link.session_present,
        )

    def _go_offline(self, link: Link) -> None:
        with self._changed:
            self._connection = None
            self._link = self._doomed = None
        link.close()

    def _choose_version(self, link: Link) -> bool:
        """Set the version of the next link; return whether it is worth trying at once."""
        refused = link.stage is Stage.VERSION_REFUSED and link.version is Version.V5
        self._five_refused = self._five_refused or refused
        fall_back = self._five_refused or (link.hung_up and link.version is Version.V5)
        self._version = Version.V311 if fall_back else Version.V5
        return refused

    def _received(self, link: Link, received: Received) -> None:
        lane = self._lane(received.topic)
        if lane is None:
            link.acknowledge(received.mid, received.qos)
            return
        delivery = Delivery(
            Message(received.topic, received.payload, self._now_ns(), received.retained),
            lane,
            received.mid,
            received.qos,
            link.generation,
            received.response_topic,
            received.correlation,
        )
        for dropped in self._inbox.put(delivery):
            self.ack(dropped)
