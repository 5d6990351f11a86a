"""Blocks of evenly spaced samples, in JSON and binary."""

import json

import numpy as np
import pytest
from messages import (
    FLOAT32_TOPIC,
    INT16_TOPIC,
    OBJECT_TOPIC,
    RECEIVED_NS,
    SECOND_NS,
    decode,
    reason,
)

from edge_agent.core.records import RejectReason, TimeQuality


def block(channel, values, start_before_s, rate_hz=10.0, quality=TimeQuality.SOURCE):
    """Return what a block is compared by; its start in seconds before receipt."""
    return (channel, values, start_before_s, rate_hz, quality)


def seen(payload, topic="plant/a/press/vib"):
    """Return the same of every record of a message; anything but a block fails the test."""
    return [
        block(
            b.channel,
            b.values.tolist(),
            (RECEIVED_NS - b.start_ns) / SECOND_NS,
            b.rate_hz,
            b.time_quality,
        )
        for b in decode(payload, topic)
    ]


TS = '"timestamp": 1709999990'
UNTIMED = TimeQuality.RECEIVED


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(f'{{{TS}, "values": [1, 2.5], "rate_hz": 10}}',
                     [block("vib", [1, 2.5], 10)], id="as documented"),
        pytest.param(f'{{{TS}, "samples": [1], "sample_rate": "10"}}',
                     [block("vib", [1], 10)], id="sample_rate"),
        pytest.param(f'{{{TS}, "data": [1], "Sampling_Rate_Hz": 10}}',
                     [block("vib", [1], 10)], id="key in another case"),
        pytest.param(f'{{{TS}, "value": [true, "2.5"], "fs": 10}}',
                     [block("vib", [1, 2.5], 10)], id="boolean and text samples"),
        pytest.param(f'{{{TS}, "values": [1, 2], "period_s": 0.1}}',
                     [block("vib", [1, 2], 10)], id="period"),
        pytest.param('{"values": [1, 2, 3], "rate_hz": 10}',
                     [block("vib", [1, 2, 3], 0.2, quality=UNTIMED)], id="last sample on receipt"),
        pytest.param(f'{{{TS}, "rate_hz": 10, "x": [1], "y": [2]}}',
                     [block("vib.x", [1], 10), block("vib.y", [2], 10)], id="axes"),
        pytest.param(f'{{{TS}, "rate_hz": 10, "values": {{"x": [1], "y": [2]}}}}',
                     [block("vib.x", [1], 10), block("vib.y", [2], 10)], id="nested axes"),
        pytest.param(f'[{{{TS}, "values": [1], "fs": 10}}, {{{TS}, "values": [2], "fs": 5}}]',
                     [block("vib", [1], 10), block("vib", [2], 10, rate_hz=5)], id="array"),
        pytest.param(f'{{{TS}, "values": [1, null, null, 4], "rate_hz": 10}}',
                     [block("vib", [1], 10), block("vib", [4], 9.7)], id="a gap parts a block"),
        pytest.param(f'{{{TS}, "values": [null, 2], "rate_hz": 10}}',
                     [block("vib", [2], 9.9)], id="a gap at the start"),
        pytest.param('{"timestamp": 1710000100, "values": [1, 2], "rate_hz": 10}',
                     [block("vib", [1, 2], 0.1, quality=TimeQuality.CLAMPED)], id="the future"),
    ],
)  # fmt: skip
def test_a_json_block_starts_at_its_time_stamp(payload, expected):
    assert seen(payload) == expected


def test_a_named_block_on_a_topic_without_channel():
    payload = f'{{{TS}, "channel": "de", "values": [1], "rate_hz": 10}}'
    assert seen(payload, OBJECT_TOPIC) == [block("de", [1], 10)]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param('{"values": [1, 2]}', RejectReason.BAD_RATE, id="no rate"),
        pytest.param('{"values": [1], "rate_hz": 0}', RejectReason.BAD_RATE, id="rate of zero"),
        pytest.param('{"values": [1], "rate_hz": -5}', RejectReason.BAD_RATE, id="negative rate"),
        pytest.param('{"values": [1], "rate_hz": 1e12}', RejectReason.BAD_RATE, id="absurd rate"),
        pytest.param('{"values": [1], "rate_hz": "fast"}', RejectReason.BAD_RATE, id="text rate"),
        pytest.param('{"values": [1], "rate_hz": NaN}', RejectReason.BAD_RATE, id="NaN rate"),
        pytest.param('{"values": [1], "period_s": 0}', RejectReason.BAD_RATE, id="period of zero"),
        pytest.param('{"values": [], "rate_hz": 5}', RejectReason.EMPTY, id="no samples"),
        pytest.param('{"values": ["a"], "rate_hz": 5}', RejectReason.NOT_A_NUMBER, id="text"),
        pytest.param('{"values": [{}], "rate_hz": 5}', RejectReason.NOT_A_NUMBER, id="object"),
        pytest.param('{"values": [NaN, 1e39], "rate_hz": 5}', RejectReason.NOT_A_NUMBER,
                     id="nothing finite in float32"),
        pytest.param('{"values": [1' + "0" * 400 + '], "rate_hz": 5}', RejectReason.NOT_A_NUMBER,
                     id="10**400"),
        pytest.param('{"values": [[1, 2]], "rate_hz": 5}', RejectReason.UNKNOWN_SHAPE, id="2-D"),
        pytest.param(json.dumps({"values": [1] * 2_001, "rate_hz": 5}), RejectReason.TOO_LARGE,
                     id="too many samples"),
        pytest.param(json.dumps({"values": [1, None] * 20, "rate_hz": 5}),
                     RejectReason.NOT_A_NUMBER, id="more holes than waveform"),
        pytest.param('{"values": [1], "rate_hz": 5, "ts": "soon"}', RejectReason.BAD_TIME,
                     id="bad time"),
    ],
)  # fmt: skip
def test_a_useless_json_block_is_one_reject_with_its_reason(payload, expected):
    assert reason(payload) is expected


def test_a_sample_that_is_not_finite_is_counted_and_a_null_is_not():
    _, _, rejected = decode('{"values": [1, NaN, null, 4], "rate_hz": 5}')
    assert rejected.reason is RejectReason.NOT_A_NUMBER
    assert "1 of 4" in rejected.detail


def test_binary_int16_is_scaled_and_ends_on_receipt():
    payload = np.array([1, -2, 32767], "<i2").tobytes()
    assert seen(payload, INT16_TOPIC) == [
        block("wave", [0.5, -1.0, 16383.5], 0.002, rate_hz=1000.0, quality=UNTIMED)
    ]


def test_binary_float32_on_a_topic_without_channel():
    payload = np.array([1.5, 2.5], "<f4").tobytes()
    assert seen(payload, FLOAT32_TOPIC) == [block("value", [1.5, 2.5], 0.1, quality=UNTIMED)]


def test_a_binary_block_that_reads_as_text_is_still_binary():
    assert seen(b"12", INT16_TOPIC)[0][1] == [0.5 * int.from_bytes(b"12", "little")]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(b"", RejectReason.EMPTY, id="empty"),
        pytest.param(b"abc", RejectReason.MALFORMED, id="half a sample"),
        pytest.param(b"\0" * 5_000, RejectReason.TOO_LARGE, id="too many samples"),
    ],
)
def test_a_useless_binary_block_is_one_reject_with_its_reason(payload, expected):
    assert reason(payload, INT16_TOPIC) is expected


def test_values_that_are_not_finite_part_a_binary_block():
    first, last, rejected = decode(np.array([1, np.nan, 3], "<f4").tobytes(), FLOAT32_TOPIC)
    assert (first.values.tolist(), last.values.tolist()) == ([1.0], [3.0])
    assert last.start_ns == RECEIVED_NS
    assert rejected.reason is RejectReason.NOT_A_NUMBER
