"""One suite for every way to the broker: the scripted one that tests use, and a real mosquitto."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from agents import connected
from mosquitto import Listener
from scripted import ScriptedBroker

from edge_agent.io.receipt import Outcome

WAIT_S = 10.0


@dataclass
class Bench:
    """A way to the broker, what a subscriber saw, and the switch of the broker."""

    publisher: object
    arrived: Callable[[int], list[tuple[str, bytes]]]
    go_down: Callable[[], None]
    come_back: Callable[[], None]


@pytest.fixture(params=["scripted", "mosquitto"])
def bench(request):
    if request.param == "scripted":
        scripted = ScriptedBroker()
        yield Bench(
            scripted,
            lambda count: scripted.arrived[:count],
            scripted.go_down,
            scripted.come_back,
        )
        return
    process = request.getfixturevalue("broker_process")
    with Listener(process.port, "doc/#") as listener, connected(process.url) as side:

        def arrived(count: int) -> list[tuple[str, bytes]]:
            listener.wait(lambda: len(listener.seen) >= count)
            return [(seen.topic, seen.payload) for seen in listener.seen]

        yield Bench(side.broker, arrived, process.kill, process.start)


def publish(bench: Bench, name: str) -> Outcome | None:
    return bench.publisher.publish("doc/1", name.encode(), qos=1, retain=False).wait(WAIT_S)


def test_a_publication_is_acknowledged_and_arrives(bench):
    assert bench.publisher.wait_online(WAIT_S) is not None
    assert publish(bench, "1") is Outcome.ACKNOWLEDGED
    assert bench.arrived(1) == [("doc/1", b"1")]


def test_publications_arrive_in_order(bench):
    bench.publisher.wait_online(WAIT_S)
    for number in range(20):
        assert publish(bench, str(number)) is Outcome.ACKNOWLEDGED
    assert [payload for _, payload in bench.arrived(20)] == [b"%d" % n for n in range(20)]


def test_without_a_connection_a_publication_is_lost_at_once(bench):
    first = bench.publisher.wait_online(WAIT_S)
    bench.go_down()
    while bench.publisher.wait_online(0.0) is not None:
        publish(bench, "into the void")
    assert bench.publisher.publish("doc/1", b"x", qos=1, retain=False).outcome is Outcome.LOST
    bench.come_back()
    second = bench.publisher.wait_online(WAIT_S)
    assert second.generation > first.generation


def test_a_reset_brings_a_new_connection(bench):
    first = bench.publisher.wait_online(WAIT_S)
    bench.publisher.reset()
    second = bench.publisher.wait_online(WAIT_S)
    while second is None or second.generation == first.generation:
        second = bench.publisher.wait_online(WAIT_S)
    assert publish(bench, "after") is Outcome.ACKNOWLEDGED
