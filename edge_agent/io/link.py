"""One MQTT connection from CONNECT to its end: the only file that knows paho.

paho can reconnect by itself, but then one client object spans many connections: it sends
unacknowledged publications again on its own, and a late acknowledgement may hit a message of the
next connection that happens to carry the same identifier.  A link is used once and thrown away,
so neither can happen, and the outbox stays the only memory of what is still to be sent.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.io.receipt import Outcome, Receipt, Receipts
from edge_agent.io.terms import Presence, Terms, Version

_UNSUPPORTED_PROTOCOL_VERSION = 0x84
_SESSION_TAKEN_OVER = 0x8E


class Stage(Enum):
    """How far a link has come."""

    CONNECTING = "connecting"  # no CONNACK yet
    SUBSCRIBING = "subscribing"
    ONLINE = "online"
    REFUSED = "refused"  # a CONNACK that says no
    VERSION_REFUSED = "version refused"  # no, because of the protocol version
    ENDED = "ended"


_STANDING = frozenset({Stage.CONNECTING, Stage.SUBSCRIBING, Stage.ONLINE})


@dataclass(frozen=True, slots=True)
class Received:
    """A PUBLISH from the broker, free of paho's types."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int
    response_topic: str | None
    correlation: bytes | None


class Link:
    """One connection, driven by one thread; any thread may publish and acknowledge.

    Args:
        generation: Which connection of this process it is.
        terms: What every connection has in common.
        version: The protocol to speak.
        tls: Context for ``mqtts``, else ``None``.
        on_received: Called in the driving thread for each message; must be quick.

    Attributes:
        stage: How far it has come.
        session_present: Whether the broker still knew us; valid once online.
        refused: Filters that the broker did not grant.
        reason: Why the link was refused or has ended, in words.
        hung_up: The broker closed the connection instead of answering CONNECT, which is how some
            brokers refuse a protocol version.
    """

    def __init__(
        self,
        generation: int,
        terms: Terms,
        version: Version,
        tls: ssl.SSLContext | None,
        on_received: Callable[["Link", Received], None],
    ) -> None:
        self.generation = generation
        self.version = version
        self.stage = Stage.CONNECTING
        self.session_present = False
        self.refused: tuple[str, ...] = ()
        self.reason = ""
        self.hung_up = False
        self._terms = terms
        self._on_received = on_received
        self._asked: tuple[str, ...] = ()
        self._receipts = Receipts()
        self._client = self._new_client(tls)

    def open(self) -> None:
        """Connect TCP and TLS and send CONNECT.

        Raises:
            OSError: No route, no name, no listener, or a certificate that does not verify.
        """
        address = self._terms.address
        try:
            if self.version is Version.V5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                properties.SessionExpiryInterval = self._terms.session_expiry_s
                properties.ReceiveMaximum = self._terms.receive_maximum
                properties.MaximumPacketSize = self._terms.max_packet_bytes
                self._client.connect(
                    address.host,
                    address.port,
                    self._terms.keepalive_s,
                    clean_start=False,
                    properties=properties,
                )
            else:
                self._client.connect(address.host, address.port, self._terms.keepalive_s)
        except UnicodeError as error:  # a host name that IDNA cannot encode
            raise OSError(str(error)) from error

    def turn(self, timeout_s: float) -> bool:
        """Wait for the network once and serve it; return whether the link still stands."""
        if self._client.loop(timeout_s) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end("connection lost")
        return self.stage in _STANDING and not self._receipts.closed

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, correlation: bytes | None
    ) -> Receipt:
        """Hand a message to the network and return the receipt of its end."""
        properties = None
        if correlation is not None and self.version is Version.V5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = correlation
        info = self._client.publish(topic, payload, qos, retain, properties)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return Receipt.lost()
        return self._receipts.expect(info.mid)

    def acknowledge(self, mid: int, qos: int) -> bool:
        """Send PUBACK; return whether it was still worth sending."""
        if self._receipts.closed:
            return False
        return self._client.ack(mid, qos) is MQTTErrorCode.MQTT_ERR_SUCCESS

    def subscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for ``filters`` at QoS 1; ``refused`` and ``stage`` tell how it went."""
        self._asked = filters
        if self.version is Version.V5:
            # Without this, each resubscription would bring every retained value again.
            options = SubscribeOptions(
                qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            self._client.subscribe([(topic_filter, options) for topic_filter in filters])
        else:
            self._client.subscribe([(topic_filter, 1) for topic_filter in filters])

    def depart(self, deadline_s: float) -> None:
        """Say goodbye within ``deadline_s``: retained status, then DISCONNECT.

        A broker that is told goodbye discards the will, so the status has to come from us.
        """
        until = time.monotonic() + deadline_s
        if self.stage in {Stage.ONLINE, Stage.SUBSCRIBING}:
            receipt = self._publish_status(lambda presence: presence.will)
            while receipt.outcome is None and self._turn_until(until):
                pass
        self._client.disconnect()
        while self._turn_until(until):
            pass

    def close(self, reason: str = "closed by the agent") -> None:
        """End the link at once and settle everybody who still waits for it."""
        self._end(reason)
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            with contextlib.suppress(OSError):  # already gone, which is what we want
                connection.shutdown(socket.SHUT_RDWR)
            self._client.loop(0.0)
        client = self._client
        # Callbacks hold the link and the link holds the client; without them the client goes, and
        # its sockets with it, as soon as the last publisher lets go.
        client.on_connect = client.on_disconnect = client.on_subscribe = None
        client.on_publish = client.on_message = client.on_socket_register_write = None

    def _turn_until(self, until: float) -> bool:
        left = until - time.monotonic()
        return left > 0 and self.turn(min(left, 0.2))

    def _new_client(self, tls: ssl.SSLContext | None) -> Client:
        five = self.version is Version.V5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._terms.client_id,
            clean_session=None if five else not self._terms.session_expiry_s,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        address = self._terms.address
        client.connect_timeout = self._terms.connect_timeout_s
        client.username_pw_set(address.username, address.password)
        if self._terms.presence is not None:
            client.will_set(
                self._terms.subscriptions.status_topic, self._terms.presence.will, 1, retain=True
            )
        if tls is not None:
            client.tls_set_context(tls)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_publish = self._published
        client.on_message = self._message
        # With a callback here paho leaves all writing to loop(), in one thread, instead of writing
        # from whichever thread publishes: two at once could tear a packet.
        client.on_socket_register_write = lambda *_: None
        return client

    def _connected(
        self,
        _client: Client,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            refused = reason.value == _UNSUPPORTED_PROTOCOL_VERSION
            self.stage = Stage.VERSION_REFUSED if refused else Stage.REFUSED
            self.reason = str(reason)
            return
        self.session_present = flags.session_present
        self.stage = Stage.SUBSCRIBING
        # Even when the broker still has our session: that may be from a time with other settings,
        # or from a copy saved before we had subscribed, and then nothing would ever come.
        self.subscribe(self._terms.subscriptions.filters)
        if self._terms.forgotten:
            # A clean start would do it too, and lose what waits for us under the other filters.
            self._client.unsubscribe(list(self._terms.forgotten))

    def _subscribed(
        self,
        _client: Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        granted = zip(self._asked, reasons, strict=False)
        self.refused = tuple(topic_filter for topic_filter, reason in granted if reason.is_failure)
        if self.stage is Stage.SUBSCRIBING:
            self._arrive()

    def _arrive(self) -> None:
        self.stage = Stage.ONLINE
        self._publish_status(lambda presence: presence.birth)

    def _publish_status(self, document: Callable[[Presence], bytes]) -> Receipt:
        """Publish birth or will, where there is a presence to tell of."""
        if self._terms.presence is None:
            receipt = Receipt()
            receipt.settle(Outcome.ACKNOWLEDGED)
            return receipt
        topic, payload = self._terms.subscriptions.status_topic, document(self._terms.presence)
        return self.publish(topic, payload, qos=1, retain=True, correlation=None)

    def _message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError as error:  # forbidden by MQTT; such a topic matches nothing
            topic = error.object.decode("utf-8", "backslashreplace")
        properties = message.properties
        self._on_received(
            self,
            Received(
                topic,
                bytes(message.payload),
                message.retain,
                message.mid,
                message.qos,
                getattr(properties, "ResponseTopic", None),
                getattr(properties, "CorrelationData", None),
            ),
        )

    def _published(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        outcome = Outcome.REFUSED if reason.is_failure else Outcome.ACKNOWLEDGED
        self._receipts.settle(mid, outcome, str(reason) if reason.is_failure else "")

    def _disconnected(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.hung_up = self.stage is Stage.CONNECTING
        if not flags.is_disconnect_packet_from_server:
            self._end("connection lost")
        elif reason.value == _SESSION_TAKEN_OVER:
            self._end("another client with this name has taken the session over")
        else:
            self._end(str(reason))

    def _end(self, reason: str) -> None:
        if self.stage in _STANDING:
            self.stage = Stage.ENDED
            self.reason = reason
        self._receipts.close()
