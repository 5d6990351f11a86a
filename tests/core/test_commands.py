"""What operators may send, and what they get back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plant import START_S, pipeline, told

from edge_agent.core.commands import Command, Refusal, Verb, parse, reply
from edge_agent.core.records import NS_PER_S


@pytest.mark.parametrize(
    ("verb", "body", "command"),
    [
        (
            "acknowledge",
            {"asset": "a", "alarm": "thermal"},
            Command(Verb.ACKNOWLEDGE, "a", "thermal"),
        ),
        (
            "shelve",
            {"asset": "a", "alarm": "thermal", "for_s": 1.5},
            Command(Verb.SHELVE, "a", "thermal", 1_500_000_000),
        ),
        ("unshelve", {"asset": "a", "alarm": "x"}, Command(Verb.UNSHELVE, "a", "x")),
        ("recommission", {"asset": "a"}, Command(Verb.RECOMMISSION, "a")),
        ("forget", {"asset": "a"}, Command(Verb.FORGET, "a")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_is_read(verb, body, command):
    assert parse(verb, json.dumps(body).encode()) == command


@pytest.mark.parametrize(
    ("verb", "payload"),
    [
        ("explode", b"{}"),
        ("acknowledge", b"not json"),
        ("acknowledge", b"[" * 100_000),
        ("acknowledge", b"[]"),
        ("acknowledge", b'{"asset": 3}'),
        ("acknowledge", b'{"asset": "a"}'),
        ("recommission", b'{"asset": "\\ud800"}'),
        ("acknowledge", b'{"asset": "a", "alarm": "\\ud800"}'),
        ("shelve", b'{"asset": "a", "alarm": "x"}'),
        ("shelve", b'{"asset": "a", "alarm": "x", "for_s": -1}'),
        ("shelve", b'{"asset": "a", "alarm": "x", "for_s": NaN}'),
        ("shelve", b'{"asset": "a", "alarm": "x", "for_s": true}'),
        ("shelve", b'{"asset": "a", "alarm": "x", "for_s": 1e9}'),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(verb, payload):
    refused = parse(verb, payload)
    assert isinstance(refused, Refusal)
    assert refused.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(categories=None)),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["asset", "alarm", "for_s"]), inner)
    ),
    max_leaves=5,
)


@given(
    verb=st.sampled_from([*Verb]) | st.text(),
    payload=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()),
)
def test_any_bytes_on_any_command_topic_get_an_answer_that_can_be_sent(verb, payload):
    line = pipeline()
    line.feed(told(0, "OIL HOT"))
    command = parse(verb, payload)
    if isinstance(command, Command):
        line.command(command, START_S * NS_PER_S)
    else:
        assert json.loads(reply(verb, command.reason, accepted=False))["accepted"] is False
