"""The daemon's main loop: one turn takes a batch of messages all the way and only then lets it go.

The main thread is the pipeline thread.  Signals merely ask it to stop after the turn in hand;
paho's thread fills the inbox and the courier's thread empties the outbox.
"""

import resource
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import structlog

from edge_agent import __version__
from edge_agent.core.commands import Refusal, parse, reply
from edge_agent.core.health import Shell, health
from edge_agent.core.pipeline import Outcome, Pipeline
from edge_agent.core.records import NS_PER_S, RejectReason
from edge_agent.core.wire import Alert, ModelIdentity
from edge_agent.errors import AgentError, StorageError
from edge_agent.io.broker import Broker
from edge_agent.io.clock import Clock
from edge_agent.io.delivery import Courier
from edge_agent.io.inbox import Delivery, Inbox, Lane
from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store
from edge_agent.io.systemd import Notifier

_log = structlog.get_logger()

_BATCH = 512  # messages a turn: enough to make a commit cheap, little enough to stop quickly
_TURN_S = 0.2
_HEALTH_NS = 30 * NS_PER_S
# An SD card wears with every write.  A crash loses what was learned since the last snapshot, which
# is this old at most, and the windows then open; never a decided transition, which is stored with
# its board before anybody is told of it.
_SNAPSHOT_NS = 600 * NS_PER_S
_NEWCOMER_NS = 30 * NS_PER_S  # how long a crash may forget that there is such an asset
_WATCHDOG_S = 10.0  # where systemd does not ask for one


@dataclass(frozen=True, slots=True)
class Parts:
    """What the daemon works with, put together by ``agent``.

    ``courier_failures`` is filled from the courier's thread, which then ends.
    """

    node: str
    base_topic: str
    identities: tuple[ModelIdentity, ...]
    clock: Clock
    inbox: Inbox
    broker: Broker
    store: Store
    pipeline: Pipeline
    courier: Courier
    courier_failures: list[StorageError]
    notifier: Notifier


class Daemon:
    """The agent at work: runs the threads and takes turns.

    Args:
        parts: Ready to use, not started.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._started_ns = parts.clock.now_ns()
        self._stopping = False
        self._ready = False
        self._expired = 0
        self._watchdog_ns = round((parts.notifier.watchdog_interval_s or _WATCHDOG_S) * NS_PER_S)
        self._watchdog_due_ns = self._started_ns
        self._health_due_ns = self._started_ns
        self._snapshot_due_ns = self._started_ns + _SNAPSHOT_NS
        self._known = parts.pipeline.assets()
        self._generation = 0  # of the connection on which we listen
        self._listening_since_ns = self._started_ns
        self._boards, self._snapshots = _Stored(), _Stored()

    def run(self) -> None:
        """Work until :meth:`stop` is called.

        Raises:
            StorageError: The state cannot be written any more; nothing since was acknowledged.
        """
        parts = self._parts
        with ExitStack() as stack:
            parts.courier.start()
            stack.callback(parts.courier.stop)
            parts.broker.start()
            stack.callback(parts.broker.stop)
            _log.info("started", node=parts.node, version=__version__)
            while not self._stopping and parts.broker.is_alive() and parts.courier.is_alive():
                self._turn(parts.inbox.take(_BATCH, _TURN_S))
            parts.notifier.stopping()
            for failure in parts.courier_failures:
                raise failure
            if not self._stopping:
                raise AgentError("a thread has ended that never should; its trace is above")
            self._turn(parts.inbox.take(_BATCH, 0))
            _log.info("stopped")

    def stop(self, *_signal: object) -> None:
        """Ask for a clean stop; safe to call from a signal handler."""
        self._stopping = True

    def _turn(self, deliveries: list[Delivery]) -> None:
        """Carry one batch all the way: pipeline, commit, acknowledgement, then what is due."""
        now_ns = self._parts.clock.now_ns()
        replies = []
        for delivery in deliveries:
            if delivery.lane is Lane.COMMAND:
                replies.append(self._command(delivery, now_ns))
            else:
                self._parts.pipeline.feed(delivery.message)
        outcome = self._parts.pipeline.tick(now_ns, self._listening_since(now_ns))
        self._commit(outcome, now_ns)
        for delivery in deliveries:
            self._parts.broker.ack(delivery)
        for topic, body, correlation in replies:
            self._parts.broker.publish(topic, body, correlation=correlation)
        self._report(now_ns)

    def _listening_since(self, now_ns: int) -> int | None:
        """Return since when the broker could bring us messages, ``None`` while it cannot."""
        connection = self._parts.broker.wait_online(0)
        if connection is None:
            return None
        if connection.generation != self._generation:
            self._generation, self._listening_since_ns = connection.generation, now_ns
        return self._listening_since_ns

    def _commit(self, outcome: Outcome, now_ns: int) -> None:
        due = self._snapshot_is_due(now_ns)
        boards, snapshots = outcome.boards, dict[str, bytes]()
        if due:
            self._snapshot_due_ns = now_ns + _SNAPSHOT_NS
            boards = self._parts.pipeline.boards()
            snapshots = self._parts.pipeline.snapshot(waveforms=self._stopping)
        if not (due or boards or outcome.alerts or outcome.forgotten):
            return
        publications = [p for alert in outcome.alerts for p in self._publications(alert)]
        trimmed = self._parts.store.commit(
            self._boards.changes(boards, outcome.forgotten),
            publications,
            self._snapshots.changes(snapshots, outcome.forgotten),
            at_ns=now_ns,
        )
        self._expired += trimmed.expired + trimmed.overflowed
        if publications:
            self._parts.courier.wake()
        for alert in outcome.alerts:
            _log.info("transition", summary=alert.body["summary"], id=alert.id)

    def _snapshot_is_due(self, now_ns: int) -> bool:
        """Return whether to store everything now; an asset that is new brings it forward."""
        known = self._parts.pipeline.assets()
        if known - self._known:
            self._snapshot_due_ns = min(self._snapshot_due_ns, now_ns + _NEWCOMER_NS)
        self._known = known
        due = self._stopping or now_ns >= self._snapshot_due_ns
        return due or self._parts.pipeline.snapshot_due

    def _publications(self, alert: Alert) -> tuple[Publication, Publication]:
        """Return the two documents of a transition: one event, one retained state."""
        topic = f"{self._parts.base_topic}/alarms/{alert.asset}/{alert.alarm}"
        body = alert.render()
        return (
            Publication(f"{topic}/event", body, retain=False, id=alert.id),
            Publication(f"{topic}/state", body, retain=True, id=alert.id),
        )

    def _command(self, delivery: Delivery, now_ns: int) -> tuple[str, bytes, bytes | None]:
        """Carry out an operator's command and return the answer: topic, body, correlation."""
        verb = delivery.message.topic.rpartition("/")[2]
        command = parse(verb, delivery.message.payload)
        if delivery.message.retained:
            command = Refusal("a retained command is an old one; publish it without retain")
        pipeline = self._parts.pipeline
        outcome = command if isinstance(command, Refusal) else pipeline.command(command, now_ns)
        refused = isinstance(outcome, Refusal)
        if refused:
            pipeline.reject(RejectReason.BAD_COMMAND)
        words = outcome.reason if isinstance(outcome, Refusal) else outcome
        topic = delivery.response_topic or ""
        if not topic or set(topic) & set("+#"):  # nobody can be answered on a wildcard
            topic = f"{self._parts.base_topic}/replies/{verb}"
        return topic, reply(verb, words, accepted=not refused), delivery.correlation

    def _report(self, now_ns: int) -> None:
        """Tell systemd and the plant how we are; reached only when a turn was completed."""
        connection = None if self._ready else self._parts.broker.wait_online(0)
        if connection is not None and not connection.refused:
            self._ready = True
            self._parts.notifier.ready()
            _log.info("ready")
        if now_ns >= self._watchdog_due_ns:
            self._watchdog_due_ns = now_ns + self._watchdog_ns
            self._parts.notifier.watchdog()
        if now_ns < self._health_due_ns:
            return
        self._health_due_ns = now_ns + _HEALTH_NS
        shell = Shell(
            version=__version__,
            uptime_ns=now_ns - self._started_ns,
            inbox=len(self._parts.inbox),
            outbox=self._parts.store.pending()[0],
            delivered=self._parts.courier.delivered,
            expired=self._expired,
            clock_offset_ns=self._parts.clock.offset_ns(),
            rss_bytes=_rss_bytes(),
            rejects=self._parts.inbox.rejected(),
        )
        body = health(self._parts.node, now_ns, self._parts.pipeline, self._parts.identities, shell)
        self._parts.broker.publish(f"{self._parts.base_topic}/health", body, qos=0, retain=True)
        self._parts.notifier.status(f"{len(self._known)} assets")


class _Stored:
    """What the store holds already, told by digests: the bodies of a large plant are megabytes.

    A commit that fails ends the run, so what was once given out counts as stored.
    """

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}

    def changes(
        self, bodies: Mapping[str, bytes], forgotten: Collection[str]
    ) -> dict[str, bytes | None]:
        """Return the bodies that are not stored yet, and ``None`` for each name to be forgotten."""
        changes: dict[str, bytes | None] = dict.fromkeys(forgotten)
        for name in forgotten:
            self._digests.pop(name, None)
        for name, body in bodies.items():
            digest = blake2b(body, digest_size=16).digest()
            if name not in forgotten and digest != self._digests.get(name):
                self._digests[name], changes[name] = digest, body
        return changes


def _rss_bytes() -> int:
    """Return the memory that the process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
