"""What every connection of one agent to its broker has in common."""

from dataclasses import dataclass
from enum import Enum

from edge_agent.core.topics import covering, matches
from edge_agent.io.address import BrokerAddress
from edge_agent.io.inbox import Lane


class Version(Enum):
    """The protocol versions that the agent speaks."""

    V5 = "5"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What to listen to, as MQTT filters, and the agent's own namespace ``<root>/<node>``."""

    telemetry: tuple[str, ...]
    logs: tuple[str, ...]
    namespace: str

    @property
    def status_topic(self) -> str:
        """Return where birth and will go."""
        return f"{self.namespace}/status"

    @property
    def filters(self) -> tuple[str, ...]:
        """Return the fewest filters that bring everything once, commands included."""
        return covering((*self.telemetry, *self.logs, f"{self.namespace}/commands/+"))

    def lane(self, topic: str) -> Lane | None:
        """Return what a topic is for; ``None`` for what the agent itself has published."""
        if topic.startswith(f"{self.namespace}/"):
            return Lane.COMMAND if topic.startswith(f"{self.namespace}/commands/") else None
        if any(matches(log_filter, topic) for log_filter in self.logs):
            return Lane.LOG
        return Lane.TELEMETRY


@dataclass(frozen=True, slots=True)
class Presence:
    """The retained status: ``birth`` once subscriptions are granted, ``will`` when the link ends.

    The broker publishes the will when the link dies; on a clean stop we do.
    """

    birth: bytes
    will: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """What every connection of one agent has in common.

    Attributes:
        address: The broker.
        client_id: Stable over restarts; the broker files the session under it.
        subscriptions: What to listen to, at QoS 1, and where to speak.
        presence: What is told about our coming and going; ``None`` for a client that only listens.
        keepalive_s: Idle time until a ping; a dead link is noticed within twice this.
        session_expiry_s: How long the broker keeps messages for us while we are away; 0 for a
            session that ends with the connection.  MQTT 3.1.1 knows only never and 0.
        forgotten: Filters of earlier settings, which a session that outlived them still holds; they
            are unsubscribed from.
        receive_maximum: Unacknowledged messages that the broker may have on the way to us; the
            rest of a backlog stays with it.  MQTT 5 only.
        max_packet_bytes: Larger messages are not sent to us at all.  MQTT 5 only.
        connect_timeout_s: For the TCP connection, for TLS and again for CONNACK.
    """

    address: BrokerAddress
    client_id: str
    subscriptions: Subscriptions
    presence: Presence | None
    keepalive_s: int = 30
    session_expiry_s: int = 24 * 3600
    forgotten: tuple[str, ...] = ()
    receive_maximum: int = 1000
    max_packet_bytes: int = 16 * 1024 * 1024
    connect_timeout_s: float = 10.0
