"""Broker clients of the agent, wired up for tests."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from edge_agent.io.address import BrokerAddress
from edge_agent.io.backoff import Backoff
from edge_agent.io.broker import Broker
from edge_agent.io.inbox import Delivery, Inbox, InboxLimits
from edge_agent.io.terms import Presence, Subscriptions, Terms

NAMESPACE = "edge-agent/gw1"
SUBSCRIPTIONS = Subscriptions(("plant/+/+/+",), ("plant/+/+/log",), NAMESPACE)


@dataclass
class Side:
    """The agent's side of the link."""

    broker: Broker
    inbox: Inbox

    def take(self, count: int) -> list[Delivery]:
        """Return exactly ``count`` messages, as soon as they are there."""
        taken: list[Delivery] = []
        while len(taken) < count:
            batch = self.inbox.take(count - len(taken), 10.0)
            assert batch, f"only got {taken}"
            taken += batch
        return taken


def terms(address: BrokerAddress | str, **changes) -> Terms:
    if isinstance(address, str):
        address = BrokerAddress.parse(address)
    return Terms(
        address=address,
        client_id="edge-agent-gw1",
        presence=Presence(b'{"status": "online"}', b'{"status": "offline"}'),
        **{
            "subscriptions": SUBSCRIPTIONS,
            "keepalive_s": 1,
            "connect_timeout_s": 1.0,
            **changes,
        },
    )


@contextlib.contextmanager
def connected(
    address: BrokerAddress | str, *, limits: InboxLimits | None = None, **changes
) -> Iterator[Side]:
    """Yield a broker client that has been started; it retries within 50 ms."""
    inbox = Inbox(limits)
    ticks = itertools.count(1)
    broker = Broker(
        terms(address, **changes),
        inbox,
        lambda: next(ticks),
        Backoff(0.02, 0.05),
    )
    broker.start()
    try:
        yield Side(broker, inbox)
    finally:
        broker.stop()
        assert not broker.is_alive()
