"""The bounded queue between the network thread and the pipeline thread."""

import threading
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush

from edge_agent.core.records import NS_PER_S, Message, RejectReason


class Lane(IntEnum):
    """What a message is for, in the order in which an overloaded inbox gives it up."""

    TELEMETRY = 0
    LOG = 1
    COMMAND = 2


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message together with what is needed to acknowledge and to answer it.

    ``mid`` means something only on the connection of that ``generation``.  ``response_topic``
    and ``correlation`` are the MQTT 5 request properties of a command.
    """

    message: Message
    lane: Lane
    mid: int
    qos: int
    generation: int
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class InboxLimits:
    """How much may wait unread.

    Attributes:
        messages: Telemetry and log messages together.
        payload_bytes: Their payloads together; also the most that one message may bring.
        batch_bytes: Payloads that one batch may hold: half a megabyte of short log lines is already
            ten thousand, and the watchdog is fed once a batch.
        commands: Operator commands, which are counted apart because they are never dropped.
        window_ns: Receipt time that is given up at once when the inbox overflows.
    """

    messages: int = 20_000
    payload_bytes: int = 32 * 1024 * 1024
    batch_bytes: int = 512 * 1024
    commands: int = 1_000
    window_ns: int = 10 * NS_PER_S


class _Topic:
    """What waits of one topic: tickets in order of arrival, and their payload bytes."""

    __slots__ = ("lane", "payload_bytes", "tickets")

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.tickets: deque[int] = deque()
        self.payload_bytes = 0

    def rank(self, *, by_bytes: bool) -> "tuple[int, int, int, _Topic]":
        """Return what sorts topics: first the one to drop from.  No two share a ticket."""
        fullness = self.payload_bytes if by_bytes else len(self.tickets)
        return self.lane, -fullness, self.tickets[0], self


class Inbox:
    """Messages in order of arrival, bounded in number and bytes.

    When it overflows it drops the oldest part of the fullest topic, one whole window of receipt
    time, and again until a tenth is free: a window with a gap in it says nothing, so a few lost
    windows of the busiest source cost less than a hole in every source.  Logs go only when no
    telemetry is left, commands never.
    ``put`` returns what it dropped, for the caller to acknowledge: nobody will ever read it.
    """

    def __init__(self, limits: InboxLimits | None = None) -> None:
        self._limits = limits or InboxLimits()
        self._arrived = threading.Condition()
        self._waiting: OrderedDict[int, Delivery] = OrderedDict()
        self._topics: dict[str, _Topic] = {}
        self._next_ticket = 0
        self._payload_bytes = 0
        self._commands = 0
        self._rejected: Counter[RejectReason] = Counter()
        self._closed = False

    def put(self, delivery: Delivery) -> list[Delivery]:
        """Add a message and return those that had to go for it, which may include itself.

        Never blocks for longer than another thread copies a batch.  A command beyond the cap is
        left unread *and unacknowledged*, so it is not returned: the broker keeps it for later.
        """
        with self._arrived:
            size = len(delivery.message.payload)
            if delivery.lane is Lane.COMMAND:
                if self._commands >= self._limits.commands:
                    self._rejected[RejectReason.OVERLOAD] += 1
                    return []
            elif size > self._limits.payload_bytes:
                self._rejected[RejectReason.TOO_LARGE] += 1
                return [delivery]
            self._append(delivery)
            dropped: list[Delivery] = []
            while self._overflows():
                dropped += self._make_room()
            self._rejected[RejectReason.OVERLOAD] += len(dropped)
            self._arrived.notify()
            return dropped

    def take(self, max_messages: int, timeout_s: float) -> list[Delivery]:
        """Return up to ``max_messages``, oldest first, waiting at most ``timeout_s`` for the first.

        Fewer, but at least one, where their payloads would be more than a batch may hold.  An empty
        list means that nothing came in time, or that the inbox was closed and is empty.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._closed, timeout_s)
            batch: list[Delivery] = []
            room = self._limits.batch_bytes
            while self._waiting and len(batch) < max_messages:
                ticket, delivery = next(iter(self._waiting.items()))
                room -= len(delivery.message.payload)
                if batch and room < 0:
                    break
                batch.append(self._remove(ticket))
            return batch

    def close(self) -> None:
        """Wake the reader for good; what is waiting can still be taken."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def __len__(self) -> int:
        """Return how many messages are waiting."""
        return len(self._waiting)

    def rejected(self) -> dict[RejectReason, int]:
        """Return how many messages were given up unread since the start, by reason."""
        with self._arrived:
            return {reason: count for reason, count in self._rejected.items() if count}

    def _append(self, delivery: Delivery) -> None:
        ticket = self._next_ticket
        self._next_ticket += 1
        self._waiting[ticket] = delivery
        if delivery.lane is Lane.COMMAND:
            self._commands += 1
            return
        message = delivery.message
        topic = self._topics.get(message.topic)
        if topic is None:
            topic = self._topics[message.topic] = _Topic(delivery.lane)
        topic.tickets.append(ticket)
        topic.payload_bytes += len(message.payload)
        self._payload_bytes += len(message.payload)

    def _remove(self, ticket: int) -> Delivery:
        """Take one message out; within its topic it is always the oldest."""
        delivery = self._waiting.pop(ticket)
        if delivery.lane is Lane.COMMAND:
            self._commands -= 1
            return delivery
        name, size = delivery.message.topic, len(delivery.message.payload)
        topic = self._topics[name]
        topic.tickets.popleft()
        topic.payload_bytes -= size
        self._payload_bytes -= size
        if not topic.tickets:
            del self._topics[name]
        return delivery

    def _overflows(self) -> bool:
        return (
            self._held(by_bytes=False) > self._limits.messages
            or self._held(by_bytes=True) > self._limits.payload_bytes
        )

    def _make_room(self) -> list[Delivery]:
        """Remove the oldest window of the fullest topic until a tenth of the limit is free.

        All topics are ranked once for that; at every drop it would take a plant with 20,000 topics
        longer than the next message takes to come.
        """
        by_bytes = self._payload_bytes > self._limits.payload_bytes
        limit = self._limits.payload_bytes if by_bytes else self._limits.messages
        dropped: list[Delivery] = []
        ranked = [topic.rank(by_bytes=by_bytes) for topic in self._topics.values()]
        heapify(ranked)
        while ranked and self._held(by_bytes=by_bytes) > limit - limit // 10:
            topic = heappop(ranked)[-1]
            dropped += self._drop_window(topic)
            if topic.tickets:
                heappush(ranked, topic.rank(by_bytes=by_bytes))
        return dropped

    def _held(self, *, by_bytes: bool) -> int:
        return self._payload_bytes if by_bytes else len(self._waiting) - self._commands

    def _drop_window(self, topic: _Topic) -> list[Delivery]:
        oldest = self._waiting[topic.tickets[0]].message.received_ns
        dropped = []
        while topic.tickets:
            ticket = topic.tickets[0]
            if self._waiting[ticket].message.received_ns >= oldest + self._limits.window_ns:
                break
            dropped.append(self._remove(ticket))
        return dropped
