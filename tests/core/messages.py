"""A small site and shorthands for the tests of decoding."""

from edge_agent.core.decode import Decoder
from edge_agent.core.records import Decoded, Message, RejectReason
from edge_agent.core.site import BinaryTopic, Caps, SampleFormat, Site

RECEIVED_NS = 1_710_000_000_000_000_000  # 2024-03-09T16:00:00Z
SECOND_NS = 1_000_000_000

VALUE_TOPIC = "plant/a/press/temp"  # names its channel
OBJECT_TOPIC = "line/press"  # leaves the channels to the payload
LOG_TOPIC = "plant/a/press/log"
INT16_TOPIC = "plant/a/press/wave"
FLOAT32_TOPIC = "raw/press"

SITE = Site(
    node="gw1",
    sensor_topics=("plant/{area}/{asset}/{channel}", "line/{asset}", "raw/{asset}"),
    log_topics=("plant/{area}/{asset}/log",),
    caps=Caps(channels=8, window_samples=2_000, payload_bytes=50_000, line_chars=200),
    binary_topics=(
        BinaryTopic("plant/+/+/wave", SampleFormat.INT16, rate_hz=1000.0, scale=0.5),
        BinaryTopic("raw/#", SampleFormat.FLOAT32, rate_hz=10.0),
    ),
)
DECODER = Decoder(SITE)


def decode(payload: str | bytes, topic: str = VALUE_TOPIC) -> list[Decoded]:
    """Return the records of one message that was received at ``RECEIVED_NS``."""
    content = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload
    return DECODER.decode(Message(topic, content, RECEIVED_NS))


def readings(payload: str | bytes, topic: str = VALUE_TOPIC) -> list[tuple[str, float]]:
    """Return ``(channel, value)`` of every record; anything but a reading fails the test."""
    return [(record.channel, record.value) for record in decode(payload, topic)]


def reason(payload: str | bytes, topic: str = VALUE_TOPIC) -> RejectReason:
    """Return why the message gave nothing but one reject; anything else fails the test."""
    (record,) = decode(payload, topic)
    return record.reason
