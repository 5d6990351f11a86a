"""Alarm states, snapshots and the outbox, changed together or not at all."""

import os
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.core.records import NS_PER_S
from edge_agent.errors import StorageError
from edge_agent.io.database import claim, connect, lay_out, translated
from edge_agent.io.outbox import Outbox, Publication

_LONGEST_PAUSE_NS = 3600 * NS_PER_S  # between two commits: the daemon makes some every ten minutes
_PACKED = b"\0zlib\0"  # begins no JSON document, so that an unpacked one is told apart
_PACKING_LEVEL = 1  # level 6 saves another twentieth and takes twice as long


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How much may be kept.

    Attributes:
        outbox_bytes: Topics and payloads that wait for the broker.
        outbox_age_ns: Age, in time during which agents ran, from which on nobody wants an
            undelivered document any more.
        file_bytes: The database file; reaching it is a storage error.
    """

    outbox_bytes: int = 32 * 1024 * 1024
    outbox_age_ns: int = 7 * 24 * 3600 * NS_PER_S
    file_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Outbox rows that a commit dropped to keep within the limits, by reason.

    A ``superseded`` row held a retained state that a later row replaces anyway; the others are
    documents that no subscriber will see.
    """

    superseded: int = 0
    expired: int = 0
    overflowed: int = 0


class Store:
    """The pipeline's side of the state file; ``outbox`` is the courier's.

    A single thread writes here.  Every commit is on the disk when it returns (write-ahead log with
    ``synchronous = FULL``), so what the pipeline then acknowledges or publishes is never forgotten.

    Raises:
        StorageError: From every method, when SQLite fails; nothing of that call is then written.
    """

    def __init__(
        self, path: Path, limits: StoreLimits, connection: sqlite3.Connection, claimed: int
    ) -> None:
        self._path = path
        self._limits = limits
        self._connection = connection
        self._claimed = claimed
        self._sequence = self._counter("sequence")
        self._observed_ns = self._counter("observed_ns")
        self._committed_ns: int | None = None

    @classmethod
    def open(cls, path: Path, limits: StoreLimits | None = None) -> "Store":
        """Open the state file, creating it and its directory where missing.

        Raises:
            StorageError: Unreadable, damaged, written by a newer agent, or in use by another one.
        """
        limits = limits or StoreLimits()
        claimed = claim(path)
        try:
            with translated(path, "cannot be opened"):
                connection = connect(path, synchronous="FULL", file_bytes=limits.file_bytes)
                try:
                    lay_out(connection, path)
                    return cls(path, limits, connection, claimed)
                except BaseException:
                    connection.close()
                    raise
        except BaseException:
            os.close(claimed)
            raise

    def outbox(self) -> Outbox:
        """Return the courier's side, with a connection of its own; close it before the store."""
        with translated(self._path, "outbox cannot be opened"):
            # Losing the last deletions at a power cut only sends those documents once more.
            connection = connect(
                self._path, synchronous="NORMAL", file_bytes=self._limits.file_bytes
            )
        return Outbox(self._path, connection)

    def next_sequence(self) -> int:
        """Return the next number for a document of this node, counted from 1.

        Each call gives a new one; they become permanent with the commit that carries the document.
        A number handed out before a crash and never committed was never published either, so it
        may come again.
        """
        self._sequence += 1
        return self._sequence

    def commit(
        self,
        alarms: Mapping[str, bytes | None],
        publications: Sequence[Publication],
        snapshots: Mapping[str, bytes | None],
        *,
        at_ns: int,
    ) -> Trimmed:
        """Write all of it in one transaction.

        Documents grow older only by the time between two commits of one run.  The time of day may
        be years off at a gateway without a clock battery, and right again after the next start; an
        alert must not expire because of that.

        Args:
            alarms: Body of each alarm that changed; ``None`` forgets it.
            publications: Documents for the broker, in the order in which they must arrive.
            snapshots: Named states to resume from; ``None`` forgets one.
            at_ns: The agent's time now, which never jumps while it runs.

        Returns:
            What had to leave the outbox to keep it within its limits.
        """
        with translated(self._path, "cannot be written"), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._observe(at_ns)
            self._write_bodies(alarms, snapshots, at_ns)
            for publication in publications:
                self._write_publication(publication)
            self._connection.executemany(
                "UPDATE counters SET value = ? WHERE name = ?",
                ((self._sequence, "sequence"), (self._observed_ns, "observed_ns")),
            )
            return self._trim() if publications else Trimmed()

    def replace_filters(self, filters: Sequence[str]) -> tuple[str, ...]:
        """Note what the broker is about to be asked for; return what it may hold and should not.

        A filter of earlier settings stays on the list for good, since nobody knows whether the
        broker was up to hear of the change; the list grows only when a person edits the settings.
        """
        with translated(self._path, "cannot be written"), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR IGNORE INTO filters VALUES (?)", ((one,) for one in filters)
            )
            rows = self._connection.execute("SELECT topic_filter FROM filters").fetchall()
        return tuple(known for (known,) in rows if known not in filters)

    def load_alarms(self) -> dict[str, bytes]:
        """Return the body of every alarm, by key, in order of key."""
        return self._load("SELECT key, body FROM alarms ORDER BY key")

    def load_snapshots(self) -> dict[str, bytes]:
        """Return the body of every snapshot, by name, in order of name."""
        stored = self._load("SELECT name, body FROM snapshots ORDER BY name")
        try:
            return {name: _unpacked(body) for name, body in stored.items()}
        except zlib.error as error:
            raise StorageError(f"{self._path}: a snapshot cannot be unpacked: {error}") from error

    def pending(self) -> tuple[int, int]:
        """Return how many documents wait for the broker, and the bytes of topics and payloads."""
        with translated(self._path, "cannot be read"):
            rows, size = self._connection.execute("SELECT rows, bytes FROM volume").fetchone()
        return int(rows), int(size)

    def close(self) -> None:
        """Close the file and let another process have it."""
        with translated(self._path, "cannot be closed"):
            self._connection.close()
        os.close(self._claimed)

    def _load(self, query: str) -> dict[str, bytes]:
        with translated(self._path, "cannot be read"):
            return dict(self._connection.execute(query).fetchall())

    def _counter(self, name: str) -> int:
        query = "SELECT value FROM counters WHERE name = ?"
        return int(self._connection.execute(query, (name,)).fetchone()[0])

    def _observe(self, at_ns: int) -> None:
        """Add the time that this run has seen pass since its last commit."""
        if self._committed_ns is not None:
            self._observed_ns += min(max(at_ns - self._committed_ns, 0), _LONGEST_PAUSE_NS)
        self._committed_ns = at_ns

    def _write_bodies(
        self,
        alarms: Mapping[str, bytes | None],
        snapshots: Mapping[str, bytes | None],
        at_ns: int,
    ) -> None:
        for key, body in alarms.items():
            if body is None:
                self._connection.execute("DELETE FROM alarms WHERE key = ?", (key,))
            else:
                self._connection.execute("REPLACE INTO alarms VALUES (?, ?)", (key, body))
        for name, body in snapshots.items():
            if body is None:
                self._connection.execute("DELETE FROM snapshots WHERE name = ?", (name,))
            else:
                self._connection.execute(
                    "REPLACE INTO snapshots VALUES (?, ?, ?)", (name, _packed(body), at_ns)
                )

    def _write_publication(self, publication: Publication) -> None:
        topic, payload = publication.topic, publication.payload
        self._connection.execute(
            "INSERT INTO outbox (id, topic, payload, retain, observed_ns) VALUES (?, ?, ?, ?, ?)",
            (publication.id, topic, payload, publication.retain, self._observed_ns),
        )
        if publication.retain and payload:
            self._connection.execute(
                "REPLACE INTO retained VALUES (?, ?, ?)", (topic, publication.id, payload)
            )
        elif publication.retain:  # an empty payload tells the broker to forget the topic
            self._connection.execute("DELETE FROM retained WHERE topic = ?", (topic,))

    def _trim(self) -> Trimmed:
        """Drop what is too old, then, if there is still too much, the least valuable and oldest."""
        # Up to the first row that is young enough: rows lie in order of age, and looking no further
        # spares reading a long outbox from the card.
        expired = self._connection.execute(
            "DELETE FROM outbox WHERE sequence <"
            " (SELECT min(sequence) FROM outbox WHERE observed_ns >= ?)",
            (self._observed_ns - self._limits.outbox_age_ns,),
        ).rowcount
        superseded = overflowed = 0
        if self.pending()[1] > self._limits.outbox_bytes:
            superseded = self._connection.execute(
                "DELETE FROM outbox WHERE retain AND EXISTS (SELECT 1 FROM outbox AS later"
                " WHERE later.retain AND later.topic = outbox.topic"
                " AND later.sequence > outbox.sequence)"
            ).rowcount
        while self.pending()[1] > self._limits.outbox_bytes:
            overflowed += self._connection.execute(
                "DELETE FROM outbox WHERE sequence = (SELECT min(sequence) FROM outbox)"
            ).rowcount
        return Trimmed(superseded, expired, overflowed)


def _packed(body: bytes) -> bytes:
    """Return a snapshot as it is stored: packing spares the card a third to a half."""
    return _PACKED + zlib.compress(body, _PACKING_LEVEL)


def _unpacked(body: bytes) -> bytes:
    """Return a snapshot as it was handed in; agents before schema 2 stored it as it was."""
    return zlib.decompress(body.removeprefix(_PACKED)) if body.startswith(_PACKED) else body
