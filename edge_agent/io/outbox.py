"""What waits for the broker, as the courier sees it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge_agent.io.database import translated


@dataclass(frozen=True, slots=True)
class Publication:
    """A document for the broker, rendered once, so that every attempt sends the same bytes.

    ``id`` names the document in logs and tests; it is also inside the payload.
    """

    topic: str
    payload: bytes
    retain: bool
    id: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A publication in the outbox; ``sequence`` grows in order of commit and is never reused."""

    sequence: int
    publication: Publication


class Outbox:
    """The delivery thread's connection to the state file; used by that thread alone.

    Raises:
        StorageError: From every method, when SQLite fails.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def peek(self, count: int) -> list[Queued]:
        """Return the oldest ``count`` rows, oldest first, and leave them in place."""
        with translated(self._path, "outbox cannot be read"):
            rows = self._connection.execute(
                "SELECT sequence, topic, payload, retain, id FROM outbox ORDER BY sequence LIMIT ?",
                (count,),
            ).fetchall()
        return [
            Queued(sequence, Publication(topic, payload, bool(retain), name))
            for sequence, topic, payload, retain, name in rows
        ]

    def delivered(self, sequence: int) -> None:
        """Remove a row that the broker has acknowledged; nothing happens if it is gone already."""
        with translated(self._path, "outbox cannot be written"):
            self._connection.execute("DELETE FROM outbox WHERE sequence = ?", (sequence,))

    def pending(self) -> tuple[int, int]:
        """Return how many rows wait, and the bytes of their topics and payloads."""
        with translated(self._path, "outbox cannot be read"):
            rows, size = self._connection.execute("SELECT rows, bytes FROM volume").fetchone()
        return int(rows), int(size)

    def settled_states(self, after: str, count: int) -> list[Publication] | None:
        """Return the latest retained states, or ``None`` while rows are waiting.

        Both are read at one instant.  A state that overtook a waiting row would show subscribers
        a later transition before an earlier one.

        Args:
            after: Begin behind this topic, in order of topics; empty to begin at the first.
            count: How many at most.
        """
        with translated(self._path, "outbox cannot be read"), self._connection:
            self._connection.execute("BEGIN")
            if self._connection.execute("SELECT rows FROM volume").fetchone() != (0,):
                return None
            rows = self._connection.execute(
                "SELECT topic, payload, id FROM retained WHERE topic > ? ORDER BY topic LIMIT ?",
                (after, count),
            ).fetchall()
        return [Publication(topic, payload, retain=True, id=name) for topic, payload, name in rows]

    def close(self) -> None:
        """Close this connection; the store stays open."""
        with translated(self._path, "outbox cannot be closed"):
            self._connection.close()
