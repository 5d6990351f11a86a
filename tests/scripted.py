"""Stand-ins that do exactly what a script says: an outbox in memory and a broker of fates."""

import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from edge_agent.io.outbox import Publication, Queued
from edge_agent.io.receipt import Connection, Outcome, Receipt


@dataclass
class MemoryOutbox:
    """What the courier needs of an outbox, without a disk."""

    rows: list[Queued] = field(default_factory=list)
    states: dict[str, Publication] = field(default_factory=dict)
    last: int = 0

    def put(self, *publications: Publication) -> None:
        for publication in publications:
            self.last += 1
            self.rows.append(Queued(self.last, publication))
            if publication.retain and publication.payload:
                self.states[publication.topic] = publication
            elif publication.retain:
                self.states.pop(publication.topic, None)

    def peek(self, count: int) -> list[Queued]:
        return self.rows[:count]

    def delivered(self, sequence: int) -> None:
        self.rows = [row for row in self.rows if row.sequence != sequence]

    def pending(self) -> tuple[int, int]:
        documents = [row.publication for row in self.rows]
        return len(documents), sum(len(one.topic.encode()) + len(one.payload) for one in documents)

    def settled_states(self, after: str, count: int) -> list[Publication] | None:
        behind = sorted(topic for topic in self.states if topic > after)
        return None if self.rows else [self.states[topic] for topic in behind[:count]]


class Fate(Enum):
    """What becomes of the next publication."""

    LOST_ON_THE_WAY = "link breaks before it arrives"
    ANSWER_LOST = "it arrives and the link breaks before PUBACK"
    REFUSED = "PUBACK says no"
    IGNORED = "it never arrives, and the link looks alive"
    ANSWER_OVERDUE = "it arrives, and PUBACK never comes"


class ScriptedBroker:
    """A broker without threads or sockets; publications beyond the script are acknowledged."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, bytes]] = []
        self.retained: dict[str, bytes] = {}
        self.fates: deque[Fate] = deque()
        self._generation = 1
        self._connection: Connection | None = Connection(1, session_present=False)

    def wait_online(self, timeout_s: float) -> Connection | None:
        assert timeout_s >= 0
        return self._connection

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> Receipt:
        assert qos == 1
        receipt = Receipt()
        if self._connection is None:
            receipt.settle(Outcome.LOST)
            return receipt
        fate = self.fates.popleft() if self.fates else None
        if fate in {None, Fate.ANSWER_LOST, Fate.ANSWER_OVERDUE}:
            self._take(topic, payload, retain=retain)
        if fate in {Fate.LOST_ON_THE_WAY, Fate.ANSWER_LOST}:
            self.go_down()
            receipt.settle(Outcome.LOST)
        elif fate is Fate.REFUSED:
            receipt.settle(Outcome.REFUSED, "Quota exceeded")
        elif fate is None:
            receipt.settle(Outcome.ACKNOWLEDGED)
        return receipt

    def reset(self) -> None:
        self.go_down()
        self.come_back()

    def go_down(self) -> None:
        self._connection = None

    def come_back(self, *, remembering: bool = True) -> None:
        """Connect again; a broker that does not remember has lost its retained messages too."""
        self._generation += 1
        self._connection = Connection(self._generation, session_present=remembering)
        if not remembering:
            self.retained.clear()

    def _take(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self.arrived.append((topic, payload))
        if retain and payload:
            self.retained[topic] = payload
        elif retain:
            self.retained.pop(topic, None)


class Refusal(Enum):
    """How the wire-level broker treats MQTT 5."""

    NEVER = "speaks it"
    OLD_CODE = "CONNACK of 3.1.1 with return code 1"
    NEW_CODE = "CONNACK of 5 with reason 0x84"
    HANGS_UP = "closes the connection"


class WireBroker:
    """The few packets of MQTT that a script needs, for answers that mosquitto never gives.

    It serves one client at a time and keeps every packet as ``(protocol level, type, body)``.
    """

    def __init__(
        self,
        refusal: Refusal,
        suback_code: int = 1,
        puback_code: int = 0,
        *,
        session_present: bool = False,
        parting_code: int | None = None,
    ) -> None:
        self.packets: list[tuple[int, int, bytes]] = []
        self.suback_code = suback_code
        self._refusal = refusal
        self._puback_code = puback_code
        self._session_present = session_present
        self._parting_code = parting_code  # of a DISCONNECT that follows SUBACK; MQTT 5 only
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="wire-broker")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def levels(self) -> list[int]:
        """Return the protocol level of each CONNECT, in order."""
        return [level for level, kind, _ in self.packets if kind == 1]

    def wait(self, condition) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 10), self.packets

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as stream:
                level = 0
                try:
                    while head := stream.read(1):
                        kind, body = head[0] >> 4, stream.read(self._length(stream))
                        level = body[6] if kind == 1 else level
                        with self._changed:
                            self.packets.append((level, kind, body))
                            self._changed.notify_all()
                        answer = self._answer(level, kind, head[0], body)
                        if answer is None:
                            break
                        client.sendall(answer)
                except OSError:
                    continue

    @staticmethod
    def _length(stream) -> int:
        length = shift = 0
        while True:
            (byte,) = stream.read(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return length

    def _answer(self, level: int, kind: int, head: int, body: bytes) -> bytes | None:
        five = level == 5
        if kind == 1 and five and self._refusal is not Refusal.NEVER:
            return {
                Refusal.OLD_CODE: b"\x20\x02\x00\x01",
                Refusal.NEW_CODE: b"\x20\x03\x00\x84\x00",
                Refusal.HANGS_UP: None,
            }[self._refusal]
        if kind == 1:
            accepted = bytes([self._session_present]) + b"\x00"
            return b"\x20\x03" + accepted + b"\x00" if five else b"\x20\x02" + accepted
        if kind == 8:
            parting = b"" if self._parting_code is None else bytes([0xE0, 1, self._parting_code])
            return self._suback(body, five=five) + parting
        if kind == 3 and head & 0x06:
            topic_length = struct.unpack("!H", body[:2])[0]
            mid = body[2 + topic_length : 4 + topic_length]
            return b"\x40\x03" + mid + bytes([self._puback_code]) if five else b"\x40\x02" + mid
        return b"\xd0\x00" if kind == 12 else b"" if kind != 14 else None

    def _suback(self, body: bytes, *, five: bool) -> bytes:
        mid, rest, count = body[:2], body[3 if five else 2 :], 0
        while rest:
            rest = rest[2 + struct.unpack("!H", rest[:2])[0] + 1 :]
            count += 1
        payload = mid + (b"\x00" if five else b"") + bytes([self.suback_code]) * count
        return b"\x90" + bytes([len(payload)]) + payload
