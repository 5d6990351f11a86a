"""A real broker dies, freezes and comes back while alerts are being delivered."""

import contextlib

from agents import connected
from mosquitto import Listener

from edge_agent.io.backoff import Backoff
from edge_agent.io.delivery import Courier
from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store


class Alerts:
    """A store with a courier, and the count of what was decided."""

    def __init__(self, store: Store, courier: Courier) -> None:
        self._store = store
        self._courier = courier
        self.decided: list[bytes] = []

    def decide(self, count: int) -> None:
        for _ in range(count):
            name = str(len(self.decided))
            document = Publication("doc/event", name.encode(), retain=False, id=name)
            self._store.commit({}, [document], {}, at_ns=1)
            self._courier.wake()
            self.decided.append(document.payload)


@contextlib.contextmanager
def alerting(path, broker):
    store = Store.open(path)
    outbox = store.outbox()
    courier = Courier(outbox, broker, print, Backoff(0.01, 0.05), patience_s=1.0)
    courier.start()
    yield Alerts(store, courier)
    courier.stop()
    outbox.close()
    store.close()


def test_every_alert_arrives_in_order_through_outages_of_every_kind(broker_process, tmp_path):
    with (
        Listener(broker_process.port, "doc/#") as scada,
        connected(broker_process.url) as side,
        alerting(tmp_path / "state.db", side.broker) as alerts,
    ):

        def await_all() -> None:
            scada.wait(lambda: list(dict.fromkeys(scada.payloads())) == alerts.decided)

        alerts.decide(5)
        await_all()
        broker_process.kill()  # decided while nobody listens
        alerts.decide(5)
        broker_process.start()
        await_all()
        broker_process.freeze()  # sent into a link that does not answer, and then dies
        alerts.decide(5)
        broker_process.kill()
        broker_process.start()
        await_all()
        broker_process.freeze()  # sent into a link that stalls longer than the courier waits
        alerts.decide(1)
        while side.broker.wait_online(0.05) is not None:
            pass
        broker_process.thaw()
        await_all()
