"""The composition root: where the core, the outside and the settings are put together."""

import json
import signal
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_agent import __version__
from edge_agent.core.evidence import EvidenceKind
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.records import NS_PER_S, Category, Severity
from edge_agent.core.site import Site
from edge_agent.core.topics import BadTemplate, Template
from edge_agent.core.wire import ModelIdentity
from edge_agent.daemon import Daemon, Parts
from edge_agent.errors import ModelPackageError, StorageError
from edge_agent.io.address import BrokerAddress
from edge_agent.io.broker import Broker
from edge_agent.io.clock import Clock
from edge_agent.io.delivery import Courier
from edge_agent.io.inbox import Inbox, InboxLimits
from edge_agent.io.model_package import load_package
from edge_agent.io.runtime import OnnxLogModel, OnnxSensorModel, verify_in_subprocess
from edge_agent.io.signature import read_public_key
from edge_agent.io.store import Store
from edge_agent.io.systemd import Notifier
from edge_agent.io.terms import Presence, Subscriptions, Terms
from edge_agent.settings import Settings, load_site, read_password

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Models:
    """Both models, loaded and warm, and how alerts name them."""

    sensor: OnnxSensorModel
    log: OnnxLogModel
    identities: dict[EvidenceKind, ModelIdentity]


def load_models(settings: Settings) -> Models:
    """Load both packages: sums, manifests and, with a key, signatures checked.

    Raises:
        ConfigError: The key of the signatures cannot be used.
        ModelPackageError: One is missing, altered, not signed as demanded or no model of its kind.
    """
    key = settings.model_public_key
    sensor = OnnxSensorModel(load_package(settings.sensor_model, key), settings.threads)
    log = load_log_model(settings)
    return Models(
        sensor,
        log,
        {EvidenceKind.SENSOR: _identity(sensor), EvidenceKind.LOG: _identity(log)},
    )


def load_log_model(settings: Settings) -> OnnxLogModel:
    """Load the log package, and see that it speaks of categories and severities as alarms do.

    Raises:
        ConfigError: The key of the signatures cannot be used.
        ModelPackageError: Missing, altered, not signed as demanded, no log model, or other labels.
    """
    package = load_package(settings.log_model, settings.model_public_key)
    model = OnnxLogModel(package, settings.threads)
    heads = package.manifest.log.heads if package.manifest.log else {}
    for head, words in (("category", Category), ("severity", Severity)):
        if sorted(heads.get(head, ())) != sorted(words):
            raise ModelPackageError(
                f"{package.path}: the labels of its {head} must be {', '.join(words)}"
            )
    return model


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


def check(settings: Settings) -> Models:
    """Try everything that can be tried without a network, and return the models.

    Each package also answers its own self-test in a process of its own, so that a processor that
    lacks an instruction is reported here and not at the first window.

    Raises:
        ConfigError: Settings, site file or credential files.
        ModelPackageError: A package that does not load, or answers wrongly on this machine.
    """
    broker_address(settings).tls_context()
    load_site(settings)
    key = settings.model_public_key
    if key is not None:
        read_public_key(key)  # before a package is blamed for the key
    for path in (settings.sensor_model, settings.log_model):
        if flaw := verify_in_subprocess(path, key):
            raise ModelPackageError(flaw)
    return load_models(settings)


def state_file(settings: Settings) -> Path:
    """Return where alarms, snapshots and outbox are kept."""
    return settings.state_dir / "state.sqlite3"


def run(settings: Settings, notifier: Notifier) -> None:
    """Be the daemon until SIGTERM or SIGINT.

    Raises:
        ConfigError: Before anything connects.
        ModelPackageError: Before anything connects.
        StorageError: At any time.
    """
    models = check(settings)
    with ExitStack() as stack:
        store = Store.open(state_file(settings))
        stack.callback(store.close)
        outbox = store.outbox()
        stack.callback(outbox.close)
        clock = Clock()
        inbox = Inbox(InboxLimits(window_ns=round(settings.window_s * NS_PER_S)))
        broker = Broker(_terms(settings, store), inbox, clock.now_ns)
        failures: list[StorageError] = []
        daemon = Daemon(
            Parts(
                node=settings.node,
                base_topic=settings.base_topic,
                identities=tuple(models.identities.values()),
                clock=clock,
                inbox=inbox,
                broker=broker,
                store=store,
                pipeline=_restored(settings, models, store),
                courier=Courier(outbox, broker, failures.append),
                courier_failures=failures,
                notifier=notifier,
            )
        )
        signal.signal(signal.SIGTERM, daemon.stop)
        signal.signal(signal.SIGINT, daemon.stop)
        daemon.run()


def _restored(settings: Settings, models: Models, store: Store) -> Pipeline:
    """Return a pipeline that goes on where the last run stopped."""
    pipeline = compose(load_site(settings), models, store.next_sequence)
    try:
        anew = pipeline.restore(store.load_snapshots(), store.load_alarms())
    except ValueError as error:
        path = state_file(settings)
        raise StorageError(f"{path} holds something unreadable: {error}") from error
    if anew:
        _log.warning("commissioning_again", assets=sorted(anew), reason="normal of another version")
    return pipeline


def _terms(settings: Settings, store: Store) -> Terms:
    listen = subscriptions(settings)
    return Terms(
        address=broker_address(settings),
        client_id=f"edge-agent-{settings.node}",
        subscriptions=listen,
        forgotten=store.replace_filters(listen.filters),
        presence=Presence(
            birth=_status(settings.node, online=True),
            will=_status(settings.node, online=False),
        ),
    )


def _status(node: str, *, online: bool) -> bytes:
    return json.dumps({"node": node, "online": online, "version": __version__}).encode()
