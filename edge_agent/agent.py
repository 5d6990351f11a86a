"""The composition root: the only file that knows the core and the outside.

``run`` is the daemon.  Its main thread is the pipeline thread: it drains the inbox in
micro-batches, commits what came of them and only then acknowledges; signals merely ask it to stop
after the batch in hand.  paho's thread fills the inbox, the courier's thread empties the outbox.
"""

import json
import resource
import signal
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_agent import __version__
from edge_agent.core.commands import Refusal, parse, reply
from edge_agent.core.evidence import EvidenceKind
from edge_agent.core.health import Shell, health
from edge_agent.core.pipeline import Outcome, Pipeline
from edge_agent.core.records import NS_PER_S, RejectReason
from edge_agent.core.site import Site
from edge_agent.core.topics import BadTemplate, Template
from edge_agent.core.wire import Alert, ModelIdentity
from edge_agent.errors import AgentError, ModelPackageError, StorageError
from edge_agent.io.address import BrokerAddress
from edge_agent.io.broker import Broker
from edge_agent.io.clock import Clock
from edge_agent.io.delivery import Courier
from edge_agent.io.inbox import Delivery, Inbox, InboxLimits, Lane
from edge_agent.io.outbox import Publication
from edge_agent.io.runtime import (
    OnnxLogModel,
    OnnxSensorModel,
    load_package,
    verify_in_subprocess,
)
from edge_agent.io.store import Store, StoreLimits
from edge_agent.io.systemd import Notifier
from edge_agent.io.terms import Presence, Subscriptions, Terms
from edge_agent.settings import Settings, load_site, read_password

_log = structlog.get_logger()

_BATCH = 512  # messages a turn: enough to make a commit cheap, little enough to stop quickly
_TURN_S = 0.2
_HEALTH_NS = 30 * NS_PER_S
_SNAPSHOT_NS = 60 * NS_PER_S  # an SD card wears with every write


@dataclass(frozen=True, slots=True)
class Models:
    """Both models, loaded and warm, and how alerts name them."""

    sensor: OnnxSensorModel
    log: OnnxLogModel
    identities: dict[EvidenceKind, ModelIdentity]


def load_models(settings: Settings) -> Models:
    """Load both packages, sums and manifests checked.

    Raises:
        ModelPackageError: One of them is missing, altered or no model of its kind.
    """
    sensor = OnnxSensorModel(load_package(settings.sensor_model), settings.threads)
    log = OnnxLogModel(load_package(settings.log_model), settings.threads)
    return Models(
        sensor,
        log,
        {EvidenceKind.SENSOR: _identity(sensor), EvidenceKind.LOG: _identity(log)},
    )


def _identity(model: OnnxSensorModel | OnnxLogModel) -> ModelIdentity:
    manifest = model.manifest
    return ModelIdentity(manifest.name, manifest.version, model.sha256, manifest.precision)


def compose(site: Site, models: Models, next_sequence: Callable[[], int]) -> Pipeline:
    """Return a fresh pipeline; the same one for live, replay and tests."""
    return Pipeline(site, models.sensor, models.log, models.identities, next_sequence)


def broker_address(settings: Settings) -> BrokerAddress:
    """Return the address with its credentials read.

    Raises:
        ConfigError: A wrong URL or a credential file that cannot be read.
    """
    return BrokerAddress.parse(
        settings.broker_url,
        username=settings.broker_username,
        password=read_password(settings.broker_password_file),
        ca_file=settings.broker_ca_file,
        cert_file=settings.broker_cert_file,
        key_file=settings.broker_key_file,
    )


def subscriptions(settings: Settings) -> Subscriptions:
    """Return what to listen to; the templates were checked with the settings."""
    return Subscriptions(
        telemetry=_filters(settings.sensor_topics),
        logs=_filters(settings.log_topics),
        namespace=settings.base_topic,
    )


def _filters(templates: Iterable[str]) -> tuple[str, ...]:
    parsed = [Template.parse(template) for template in templates]
    return tuple(t.topic_filter for t in parsed if not isinstance(t, BadTemplate))


def check(settings: Settings) -> None:
    """Try everything that can be tried without a network.

    Each package also answers its own self-test in a process of its own, so that a processor that
    lacks an instruction is reported here and not at the first window.

    Raises:
        ConfigError: Settings, site file or credential files.
        ModelPackageError: A package that does not load, or answers wrongly on this machine.
    """
    broker_address(settings).tls_context()
    load_site(settings)
    for path in (settings.sensor_model, settings.log_model):
        if flaw := verify_in_subprocess(path):
            raise ModelPackageError(flaw)
    load_models(settings)


def state_file(settings: Settings) -> Path:
    """Return where alarms, snapshots and outbox are kept."""
    return settings.state_dir / "state.sqlite3"


class Daemon:
    """The agent at work: owns the threads, the store and the pipeline.

    Args:
        settings: Checked.
        notifier: Where systemd wants to hear from us, if it does.
    """

    def __init__(self, settings: Settings, notifier: Notifier) -> None:
        self._settings = settings
        self._notifier = notifier
        self._stack = ExitStack()
        self._clock = Clock()
        self._started_ns = self._clock.now_ns()
        self._models = load_models(settings)
        self._store = Store.open(state_file(settings), StoreLimits())
        self._stack.callback(self._store.close)
        self._outbox = self._store.outbox()
        self._stack.callback(self._outbox.close)
        self._pipeline = compose(load_site(settings), self._models, self._store.next_sequence)
        self._restore()
        self._inbox = Inbox(InboxLimits(window_ns=round(settings.window_s * NS_PER_S)))
        self._broker = self._open_broker()
        self._courier = Courier(self._outbox, self._broker, self._fail)
        self._stopping = False
        self._ready = False
        self._failure: StorageError | None = None
        self._expired = 0
        self._health_due_ns = self._started_ns
        self._snapshot_due_ns = self._started_ns + _SNAPSHOT_NS

    def run(self) -> None:
        """Work until :meth:`stop` is called.

        Raises:
            StorageError: The state cannot be written any more; nothing since was acknowledged.
        """
        with self._stack:
            self._courier.start()
            self._stack.callback(self._courier.stop)
            self._broker.start()
            self._stack.callback(self._broker.stop)
            _log.info("started", node=self._settings.node, version=__version__)
            while not self._stopping and self._failure is None:
                self._turn(self._inbox.take(_BATCH, _TURN_S))
                if not (self._broker.is_alive() and self._courier.is_alive()):
                    break
            self._notifier.stopping()
            if self._failure is not None:
                raise self._failure
            if not self._stopping:
                raise AgentError("a thread has ended that never should; its trace is above")
            self._turn(self._inbox.take(_BATCH, 0), snapshot=True)
            _log.info("stopped")

    def stop(self, *_signal: object) -> None:
        """Ask for a clean stop; safe to call from a signal handler."""
        self._stopping = True

    def _fail(self, error: StorageError) -> None:
        """Take an error from the courier's thread, to be raised by the main one."""
        self._failure = error

    def _turn(self, deliveries: list[Delivery], *, snapshot: bool = False) -> None:
        """Carry one batch all the way: pipeline, commit, acknowledgement, then what is due."""
        now_ns = self._clock.now_ns()
        replies = []
        for delivery in deliveries:
            if delivery.lane is Lane.COMMAND:
                replies.append(self._command(delivery, now_ns))
            else:
                self._pipeline.feed(delivery.message)
        outcome = self._pipeline.tick(now_ns)
        self._commit(outcome, now_ns, snapshot=snapshot or now_ns >= self._snapshot_due_ns)
        for delivery in deliveries:
            self._broker.ack(delivery)
        for topic, body, correlation in replies:
            self._broker.publish(topic, body, correlation=correlation)
        self._report(now_ns)

    def _commit(self, outcome: Outcome, now_ns: int, *, snapshot: bool) -> None:
        snapshots = self._pipeline.snapshot() if snapshot else {}
        boards = self._pipeline.boards() if snapshot else outcome.boards
        if not (outcome.alerts or boards or snapshots):
            return
        publications = [p for alert in outcome.alerts for p in self._publications(alert)]
        trimmed = self._store.commit(boards, publications, snapshots, at_ns=now_ns)
        self._expired += trimmed.expired + trimmed.overflowed
        if snapshot:
            self._snapshot_due_ns = now_ns + _SNAPSHOT_NS
        if publications:
            self._courier.wake()
        for alert in outcome.alerts:
            _log.info("transition", summary=alert.body["summary"], id=alert.id)

    def _publications(self, alert: Alert) -> tuple[Publication, Publication]:
        """Return the two documents of a transition: one event, one retained state."""
        topic = f"{self._settings.base_topic}/alarms/{alert.asset}/{alert.alarm}"
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
        if not isinstance(command, Refusal):
            outcome = self._pipeline.command(command, now_ns)
        else:
            outcome = command
        refused = isinstance(outcome, Refusal)
        if refused:
            self._pipeline.reject(RejectReason.BAD_COMMAND)
        words = outcome.reason if isinstance(outcome, Refusal) else outcome
        topic = delivery.response_topic or f"{self._settings.base_topic}/replies/{verb}"
        return topic, reply(verb, words, accepted=not refused), delivery.correlation

    def _report(self, now_ns: int) -> None:
        """Tell systemd and the plant how we are; reached only when a turn was completed."""
        connection = None if self._ready else self._broker.wait_online(0)
        if connection is not None and not connection.refused:
            self._ready = True
            self._notifier.ready()
            _log.info("ready")
        self._notifier.watchdog()
        if now_ns < self._health_due_ns:
            return
        self._health_due_ns = now_ns + _HEALTH_NS
        shell = Shell(
            version=__version__,
            uptime_ns=now_ns - self._started_ns,
            inbox=len(self._inbox),
            outbox=self._store.pending()[0],
            delivered=self._courier.delivered,
            expired=self._expired,
            clock_offset_ns=self._clock.offset_ns(),
            rss_bytes=_rss_bytes(),
            rejects=self._inbox.rejected(),
        )
        body = health(
            self._settings.node, now_ns, self._pipeline, self._models.identities.values(), shell
        )
        self._broker.publish(f"{self._settings.base_topic}/health", body, qos=0, retain=True)
        self._notifier.status(f"{len(self._pipeline.states())} assets")

    def _restore(self) -> None:
        try:
            self._pipeline.restore(self._store.load_snapshots(), self._store.load_alarms())
        except ValueError as error:
            path = state_file(self._settings)
            raise StorageError(f"{path} holds something unreadable: {error}") from error

    def _open_broker(self) -> Broker:
        settings = self._settings
        terms = Terms(
            address=broker_address(settings),
            client_id=f"edge-agent-{settings.node}",
            subscriptions=subscriptions(settings),
            presence=Presence(
                birth=_status(settings.node, online=True),
                will=_status(settings.node, online=False),
            ),
        )
        return Broker(terms, self._inbox, self._clock.now_ns)


def run(settings: Settings, notifier: Notifier) -> None:
    """Be the daemon until SIGTERM or SIGINT.

    Raises:
        ConfigError: Before anything connects.
        ModelPackageError: Before anything connects.
        StorageError: At any time.
    """
    check(settings)
    daemon = Daemon(settings, notifier)
    signal.signal(signal.SIGTERM, daemon.stop)
    signal.signal(signal.SIGINT, daemon.stop)
    daemon.run()


def _status(node: str, *, online: bool) -> bytes:
    return json.dumps({"node": node, "online": online, "version": __version__}).encode()


def _rss_bytes() -> int:
    """Return the memory that the process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
