"""Whatever comes in, the decoder gives records and never raises."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import (
    DECODER,
    FLOAT32_TOPIC,
    INT16_TOPIC,
    LOG_TOPIC,
    OBJECT_TOPIC,
    RECEIVED_NS,
    SECOND_NS,
    SITE,
    VALUE_TOPIC,
    decode,
    reason,
)

from edge_agent.core.decode import Decoder
from edge_agent.core.records import Block, LogLine, Message, Reading, Reject, RejectReason
from edge_agent.core.site import BinaryTopic, Caps, SampleFormat, Site

TOPICS = st.sampled_from(
    [VALUE_TOPIC, OBJECT_TOPIC, LOG_TOPIC, INT16_TOPIC, FLOAT32_TOPIC, "plant//x", "other"]
) | st.text(max_size=30)

KEYS = st.sampled_from(
    [
        "value", "v", "timestamp", "ts", "t", "rate_hz", "fs", "values", "data", "name", "message",
        "level", "x", "", "\ud800", "\0",
    ]
) | st.text(max_size=5)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    | st.sampled_from([10**400, 1_710_000_000, 1_710_000_000_123, "12,5", "2024-03-09T16:00:00Z"])
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)
ROWS = st.lists(
    st.lists(st.text('0123456789.,-:TZ "ax', max_size=12), max_size=4).map(";".join), max_size=5
).map("\n".join)
VALID = st.sampled_from(
    [
        b'{"timestamp": 1709999990.5, "values": [1, 2, null, 4.5], "rate_hz": 10}',
        b'[{"value": "1,5", "ts": "2024-03-09T10:00:00.123456789+01:00"}, {"value": 2}]',
        b"timestamp;a;b\n2024-03-09 15:59:50;1,5;2\n2024-03-09 15:59:51;;3\n",
        b'<165>1 2003-10-11T22:14:15.003Z h a - ID [e@1 k="v\\"]"] text',
        b"<34>Oct 11 22:14:15 host su: ERROR x\n- 1117838570 2005.06.03 R02 FATAL x",
        b'{"msg": "x", "level": 40, "time": 1709999990123456789}',
    ]
)
MUTATIONS = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 2), st.binary(max_size=3)))


def mutated(payload, mutations):
    """Return ``payload`` with bytes replaced: each mutation is (position, cut, inserted)."""
    for position, cut, inserted in mutations:
        payload = payload[:position] + inserted + payload[position + cut :]
    return payload


PAYLOADS = (
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | DOCUMENTS.map(lambda document: json.dumps(document).encode())
    | st.lists(DOCUMENTS, max_size=3).map(lambda rows: "\n".join(map(json.dumps, rows)).encode())
    | ROWS.map(str.encode)
    | st.text(' \t\n\r\v\0\u2003\ufeff;,1"', max_size=8).map(str.encode)
    | st.builds(mutated, VALID, MUTATIONS)
)


def assert_sound(record):
    """Assert what later stages rely on without looking."""
    assert isinstance(record, Reading | Block | LogLine | Reject)
    if isinstance(record, Reject):
        assert isinstance(record.reason, RejectReason)
        assert len(record.detail) <= 120
        return
    assert 0 < len(record.asset) <= 128
    if isinstance(record, LogLine):
        assert 0 < len(record.text) <= SITE.caps.line_chars
        assert record.text.encode()
        assert record.text.isprintable() or not record.text.isascii()
        return
    assert 0 < len(record.channel) <= 128
    assert record.channel.isprintable()
    values = record.values if isinstance(record, Block) else np.array([record.value], np.float32)
    assert values.size
    assert np.isfinite(values).all()
    if isinstance(record, Block):
        assert values.dtype == np.float32
        assert record.rate_hz > 0


def end_ns(record):
    if isinstance(record, Block):
        return record.start_ns + (record.values.size - 1) / record.rate_hz * SECOND_NS
    return record.at_ns


@given(TOPICS, PAYLOADS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_bytes_on_any_topic_give_sound_records(topic, payload, retained):
    records = DECODER.decode(Message(topic, payload, RECEIVED_NS, retained))
    assert records or b"null" in payload.lower()
    for record in records:
        assert_sound(record)
        if not isinstance(record, Reject):
            assert end_ns(record) <= RECEIVED_NS + 60 * SECOND_NS


@given(TOPICS, PAYLOADS)
@settings(max_examples=100, deadline=None)
def test_decoding_twice_gives_the_same(topic, payload):
    message = Message(topic, payload, RECEIVED_NS)
    assert repr(DECODER.decode(message)) == repr(Decoder(SITE).decode(message))


@given(
    st.sampled_from(SampleFormat),
    st.floats(),
    st.floats(),
    st.binary(max_size=40),
    st.integers(-(10**18), 10**18),
)
@settings(max_examples=200, deadline=None)
def test_any_binary_site_on_any_clock_gives_sound_records(fmt, rate_hz, scale, payload, now_ns):
    site = Site("n", ("{asset}",), (), binary_topics=(BinaryTopic("#", fmt, rate_hz, scale),))
    records = Decoder(site).decode(Message("press", payload, now_ns))
    assert records
    for record in records:
        assert_sound(record)


@given(PAYLOADS, st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_tiny_caps_are_kept(payload, channels, samples):
    caps = Caps(channels=channels, window_samples=samples, line_chars=3)
    site = Site("n", ("s/{asset}",), ("l/{asset}",), caps=caps)
    for topic in ("s/press", "l/press"):
        for record in Decoder(site).decode(Message(topic, payload, RECEIVED_NS)):
            if isinstance(record, Block):
                assert record.values.size <= samples
            if isinstance(record, LogLine):
                assert len(record.text) <= 3


@pytest.mark.parametrize(
    "payload",
    [
        "secret", '"secret"', "[secret", '{"value": "secret"}', '{"secret\\u0000": 1}',
        '{"value": 1, "ts": "secret"}', '{"values": ["secret"], "rate_hz": 1}', '{"secret": NaN}',
        "5;1709999990\nsecret;1709999991", "1709999990,secret", "1,2\nsecret",
    ],
)  # fmt: skip
def test_no_reject_repeats_its_payload(payload):
    details = [record.detail for record in decode(payload) if isinstance(record, Reject)]
    assert details
    assert "secret" not in "".join(details)


def test_a_retained_message_decodes_like_any_other():
    live, kept = (
        DECODER.decode(Message(VALUE_TOPIC, b"21.5", RECEIVED_NS, retained))
        for retained in (False, True)
    )
    assert live == kept


def test_an_unknown_topic_and_a_bad_name_are_rejects():
    assert reason("1", "other/topic") is RejectReason.UNROUTED
    assert reason("1", "plant/a//temp") is RejectReason.BAD_NAME


def test_text_on_a_log_topic_is_never_a_reading():
    assert isinstance(decode("21.5", LOG_TOPIC)[0], LogLine)
