"""More comes in than the pipeline can take: the inbox gives up the least, and counts it."""

import itertools
import threading

from agents import connected
from hypothesis import given
from hypothesis import strategies as st
from mosquitto import Listener

from edge_agent.core.records import Message, RejectReason
from edge_agent.io.inbox import Delivery, Inbox, InboxLimits, Lane, _Topic


def delivery(
    topic: str, received_ns: int = 0, lane: Lane = Lane.TELEMETRY, size: int = 1
) -> Delivery:
    return Delivery(Message(topic, bytes(size), received_ns), lane, mid=1, qos=1, generation=1)


def limits(**changes) -> InboxLimits:
    return InboxLimits(**{"messages": 4, "window_ns": 10, **changes})


def topics(deliveries: list[Delivery]) -> list[str]:
    return [one.message.topic for one in deliveries]


def test_messages_leave_in_order_of_arrival_in_batches():
    inbox = Inbox()
    for topic in "abcab":
        assert inbox.put(delivery(topic)) == []
    assert topics(inbox.take(3, 0)) == ["a", "b", "c"]
    assert topics(inbox.take(3, 0)) == ["a", "b"]
    assert inbox.take(3, 0) == []


def test_a_batch_of_large_messages_is_a_short_one():
    inbox = Inbox(limits(messages=100, batch_bytes=100))
    for size in (40, 40, 40, 500, 1):
        inbox.put(delivery("a", size=size))
    batches = iter(lambda: inbox.take(9, 0), [])
    assert [[len(one.message.payload) for one in b] for b in batches] == [
        [40, 40],
        [40],
        [500],
        [1],
    ]


def test_the_oldest_window_of_the_fullest_topic_is_dropped_and_counted():
    inbox = Inbox(limits())
    for topic, at in [("a", 0), ("b", 1), ("b", 5), ("b", 11)]:
        inbox.put(delivery(topic, at))
    dropped = inbox.put(delivery("a", 12))
    assert [(one.message.topic, one.message.received_ns) for one in dropped] == [("b", 1), ("b", 5)]
    assert topics(inbox.take(9, 0)) == ["a", "b", "a"]
    assert inbox.rejected() == {RejectReason.OVERLOAD: 2}


def test_the_arriving_message_itself_may_be_the_one_to_go():
    inbox = Inbox(limits())
    for at in range(5):
        dropped = inbox.put(delivery("a", at))
    assert [one.message.received_ns for one in dropped] == [0, 1, 2, 3, 4]


def test_an_overflow_makes_room_for_a_tenth_at_once():
    inbox = Inbox(limits(messages=100))
    for number in range(100):
        assert inbox.put(delivery(f"topic-{number}", number)) == []
    dropped = inbox.put(delivery("topic-100", 100))
    assert topics(dropped) == [f"topic-{number}" for number in range(11)]
    assert all(inbox.put(delivery(f"late-{number}", 101)) == [] for number in range(10))
    assert inbox.rejected() == {RejectReason.OVERLOAD: 11}


def test_room_is_made_by_the_fullest_topic_for_as_long_as_it_is_that():
    inbox = Inbox(limits(messages=40))
    for at in range(0, 300, 10):
        inbox.put(delivery("busy", at))
    for number in range(10):
        inbox.put(delivery(f"quiet-{number}", 300))
    assert topics(inbox.put(delivery("quiet-0", 301))) == ["busy"] * 5


def test_a_flood_of_topics_is_looked_through_once_for_many_messages(monkeypatch):
    looks = itertools.count()
    rank = _Topic.rank
    monkeypatch.setattr(_Topic, "rank", lambda topic, **by: (next(looks), rank(topic, **by))[1])
    inbox = Inbox(limits(messages=1_000))
    for number in range(3_000):
        inbox.put(delivery(f"topic-{number}", number))
    assert next(looks) < 30 * 3_000  # at each overflow anew it would be 2,000,000


def test_logs_go_only_when_no_telemetry_is_left():
    inbox = Inbox(limits())
    for at in range(3):
        inbox.put(delivery("log", at, Lane.LOG))
    inbox.put(delivery("a", 3))
    assert topics(inbox.put(delivery("log", 4, Lane.LOG))) == ["a"]
    assert topics(inbox.put(delivery("log", 15, Lane.LOG))) == ["log"] * 4


def test_commands_stay_when_everything_else_goes():
    inbox = Inbox(limits())
    for at in range(4):
        inbox.put(delivery("command", at, Lane.COMMAND))
    for at in range(20):
        inbox.put(delivery("a", at * 100))
    assert topics(inbox.take(99, 0)).count("command") == 4


def test_a_flood_of_commands_stays_with_the_broker():
    inbox = Inbox(limits(commands=2))
    for _ in range(3):
        assert inbox.put(delivery("command", 0, Lane.COMMAND)) == []  # so it is not acknowledged
    assert len(inbox) == 2
    assert inbox.rejected() == {RejectReason.OVERLOAD: 1}
    inbox.take(1, 0)
    inbox.put(delivery("command", 0, Lane.COMMAND))
    assert len(inbox) == 2


def test_payload_bytes_are_bounded_too_and_then_the_heaviest_topic_goes():
    inbox = Inbox(limits(messages=100, payload_bytes=1000))
    for _ in range(5):
        inbox.put(delivery("many"))
    inbox.put(delivery("heavy", 0, size=600))
    assert topics(inbox.put(delivery("heavy", 50, size=600))) == ["heavy"]
    assert topics(inbox.take(99, 0)) == ["many"] * 5 + ["heavy"]


def test_a_message_larger_than_the_inbox_is_rejected_alone():
    inbox = Inbox(limits(payload_bytes=1000))
    inbox.put(delivery("a"))
    giant = delivery("b", size=1001)
    assert inbox.put(giant) == [giant]
    assert inbox.rejected() == {RejectReason.TOO_LARGE: 1}
    assert topics(inbox.take(9, 0)) == ["a"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(0, 400), st.booleans())
    )
)
def test_nothing_is_lost_uncounted_and_the_bounds_hold(arrivals):
    inbox = Inbox(limits(payload_bytes=1000))
    dropped: list[Delivery] = []
    taken: list[Delivery] = []
    now = 0
    for topic, gap, size, read in arrivals:
        now += gap
        dropped += inbox.put(delivery(topic, now, size=size))
        assert len(inbox) <= 4
        if read:
            taken += inbox.take(2, 0)
    taken += inbox.take(99, 0)
    assert len(taken) + len(dropped) == len(arrivals)
    assert sum(inbox.rejected().values()) == len(dropped)
    times = [one.message.received_ns for one in taken]
    assert times == sorted(times)


def test_a_waiting_reader_is_woken_by_a_message_and_by_closing():
    inbox = Inbox()
    batches: list[list[Delivery]] = []
    reader = threading.Thread(target=lambda: batches.extend(inbox.take(9, 10) for _ in range(2)))
    reader.start()
    inbox.put(delivery("a"))
    while not batches:
        reader.join(0.01)
    inbox.close()
    reader.join(10)
    assert [topics(batch) for batch in batches] == [["a"], []]


def test_what_is_dropped_is_acknowledged_to_the_broker(broker_process):
    with Listener(broker_process.port) as plc:
        with connected(broker_process.url, limits=limits(window_ns=1)) as side:
            side.broker.wait_online(10)
            for number in range(6):
                plc.publish("plant/hall/press/rms", b"%d" % number)
            while side.inbox.rejected() != {RejectReason.OVERLOAD: 2}:
                threading.Event().wait(0.01)  # the last one may still be on its way
            kept = side.take(4)
            assert [one.message.payload for one in kept] == [b"2", b"3", b"4", b"5"]
        with connected(broker_process.url) as side:
            again = side.take(4)
            assert [one.message.payload for one in again] == [b"2", b"3", b"4", b"5"]
            assert side.inbox.take(1, 0.2) == []
