"""The demo's one connection to the broker: it publishes for all gateways and hears the alerts."""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.demo.broker import HOST
from edge_agent.demo.plant import Publication


@dataclass(frozen=True, slots=True)
class Heard:
    """A message from the agent, with the reading of the monotonic clock when it came."""

    topic: str
    payload: bytes
    at_monotonic_s: float


class Link:
    """Publishing, and waiting for what the agent says."""

    def __init__(self, client: mqtt.Client, heard: queue.SimpleQueue[Heard]) -> None:
        self._client = client
        self._heard = heard

    def publish(self, publication: Publication) -> None:
        """Hand a publication over to be sent at QoS 1."""
        self._client.publish(publication.topic, publication.payload, qos=1)

    def hear(self, until_monotonic_s: float) -> Heard | None:
        """Return the next message from the agent, or None if none comes in time."""
        patience_s = max(until_monotonic_s - time.monotonic(), 0.0)
        try:
            return self._heard.get(timeout=patience_s)
        except queue.Empty:
            return None


@contextmanager
def connected(port: int, topic_filters: tuple[str, ...]) -> Iterator[Link]:
    """Connect to the embedded broker and subscribe to ``topic_filters``."""
    heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-plant")

    def subscribe(client: mqtt.Client, *_: object) -> None:
        client.subscribe([(topic_filter, 1) for topic_filter in topic_filters])

    def hear(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        heard.put(Heard(message.topic, bytes(message.payload), time.monotonic()))

    client.on_connect = subscribe
    client.on_message = hear
    client.connect(HOST, port)
    client.loop_start()
    try:
        yield Link(client, heard)
    finally:
        client.disconnect()
        client.loop_stop()
