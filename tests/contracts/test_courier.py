"""The courier between every outbox and every broker."""

import threading

import pytest
from agents import connected
from mosquitto import Listener
from scripted import Fate, MemoryOutbox, ScriptedBroker

from edge_agent.errors import StorageError
from edge_agent.io.backoff import Backoff
from edge_agent.io.delivery import Courier, Progress
from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store


def document(number: int) -> Publication:
    return Publication("doc/event", b"%d" % number, retain=False, id=str(number))


def state(number: int) -> Publication:
    return Publication("doc/state", b"%d" % number, retain=True, id=str(number))


def nobody(error: StorageError) -> None:
    raise error


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request, tmp_path):
    """An outbox with a ``put`` for the test."""
    if request.param == "memory":
        yield MemoryOutbox()
        return
    store = Store.open(tmp_path / "state.db")
    outbox = store.outbox()
    outbox.put = lambda *publications: store.commit({}, publications, {}, at_ns=1)
    yield outbox
    outbox.close()
    store.close()


def courier(outbox, broker) -> Courier:
    return Courier(outbox, broker, nobody, Backoff(0.01, 0.01), patience_s=0.0)


def test_the_outbox_is_emptied_in_order(outbox):
    broker = ScriptedBroker()
    outbox.put(document(1), state(2), document(3))
    carrier = courier(outbox, broker)
    assert [carrier.attempt() for _ in range(3)] == [Progress.DELIVERED] * 3
    assert [payload for _, payload in broker.arrived] == [b"1", b"2", b"3"]
    assert outbox.pending() == (0, 0)
    assert carrier.delivered == 3


@pytest.mark.parametrize("fate", Fate)
def test_a_document_stays_until_it_is_acknowledged(outbox, fate):
    broker = ScriptedBroker()
    broker.fates.append(fate)
    outbox.put(document(1))
    carrier = courier(outbox, broker)
    assert carrier.attempt() is Progress.FAILED
    assert outbox.pending()[0] == 1
    if broker.wait_online(0) is None:
        assert carrier.attempt() is Progress.OFFLINE
        broker.come_back()
    assert carrier.attempt() is Progress.DELIVERED
    assert outbox.pending() == (0, 0)
    assert broker.arrived[-1] == ("doc/event", b"1")


@pytest.mark.parametrize("fate", [Fate.IGNORED, Fate.ANSWER_OVERDUE])
def test_a_link_that_does_not_answer_is_replaced(outbox, fate):
    broker = ScriptedBroker()
    broker.fates.append(fate)
    before = broker.wait_online(0).generation
    outbox.put(document(1))
    courier(outbox, broker).attempt()
    assert broker.wait_online(0).generation == before + 1


@pytest.mark.parametrize("remembering", [True, False])
def test_every_new_connection_brings_every_state_up_to_date(outbox, remembering):
    broker = ScriptedBroker()
    outbox.put(state(1), state(2), Publication("doc/other", b"3", retain=True, id="3"))
    carrier = courier(outbox, broker)
    while carrier.attempt() is Progress.DELIVERED:
        pass
    broker.go_down()
    broker.retained["doc/state"] = b"1"  # the broker restarts from an older copy
    broker.come_back(remembering=remembering)
    while carrier.attempt() is Progress.DELIVERED:
        pass
    assert broker.retained == {"doc/other": b"3", "doc/state": b"2"}
    count = len(broker.arrived)
    assert carrier.attempt() is Progress.NOTHING
    assert len(broker.arrived) == count


def test_a_new_alert_goes_before_the_states_that_are_published_again(outbox):
    broker = ScriptedBroker()
    carrier = courier(outbox, broker)
    outbox.put(*(Publication(f"doc/{n}", b"%d" % n, retain=True, id=str(n)) for n in range(3)))
    for _ in range(4):
        carrier.attempt()
    outbox.put(document(9))
    while carrier.attempt() is Progress.DELIVERED:
        pass
    assert [payload for _, payload in broker.arrived[3:]] == [b"0", b"9", b"1", b"2"]


def test_states_never_overtake_waiting_documents(outbox):
    broker = ScriptedBroker()
    carrier = courier(outbox, broker)
    outbox.put(document(1), state(2))
    while carrier.attempt() is Progress.DELIVERED:
        pass
    assert [payload for _, payload in broker.arrived] == [b"1", b"2", b"2"]


def test_the_thread_delivers_to_a_real_broker_and_stops(outbox, broker_process):
    with (
        Listener(broker_process.port, "doc/#") as listener,
        connected(broker_process.url) as side,
    ):
        carrier = Courier(outbox, side.broker, nobody)
        carrier.start()
        for number in range(10):
            outbox.put(document(number))
            carrier.wake()
        listener.wait(lambda: len(listener.seen) == 10)
        carrier.stop()
        assert listener.payloads() == [b"%d" % number for number in range(10)]


def test_a_failing_outbox_is_reported_and_ends_the_thread():
    class Broken(MemoryOutbox):
        def peek(self, count: int) -> list:
            raise StorageError(f"cannot read {count} rows")

    reported: list[StorageError] = []
    told = threading.Event()

    def tell(error: StorageError) -> None:
        reported.append(error)
        told.set()

    carrier = Courier(Broken(), ScriptedBroker(), tell)
    carrier.start()
    assert told.wait(10)
    carrier.stop()
    assert [str(error) for error in reported] == ["cannot read 1 rows"]
