"""SQLite as the agent uses it: how a file is opened, laid out and complained about."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import StorageError

SCHEMA_VERSION = 2

# `outbox.sequence` is never reused (AUTOINCREMENT), so a late deletion cannot hit a newer row.
# `volume` counts the outbox by triggers: summing up a long outbox at every commit would read all
# of it from the card.  `observed_ns` is no time of day but the agent's age when the row came, see
# `Store.commit`.  `filters` is what the broker may hold in our session.  A blank line ends a
# statement.
_SCHEMA = """
CREATE TABLE alarms (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID

CREATE TABLE snapshots (name TEXT PRIMARY KEY, body BLOB NOT NULL, at_ns INTEGER NOT NULL)

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)

INSERT INTO counters VALUES ('sequence', 0), ('observed_ns', 0)

CREATE TABLE retained (topic TEXT PRIMARY KEY, id TEXT NOT NULL, payload BLOB NOT NULL)

CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    retain INTEGER NOT NULL,
    observed_ns INTEGER NOT NULL
)

CREATE TABLE filters (topic_filter TEXT PRIMARY KEY) WITHOUT ROWID

CREATE INDEX outbox_retained ON outbox (topic, sequence) WHERE retain

CREATE TABLE volume (rows INTEGER NOT NULL, bytes INTEGER NOT NULL)

INSERT INTO volume VALUES (0, 0)

CREATE TRIGGER outbox_grew AFTER INSERT ON outbox BEGIN
    UPDATE volume SET rows = rows + 1,
        bytes = bytes + length(CAST(new.topic AS BLOB)) + length(new.payload);
END

CREATE TRIGGER outbox_shrank AFTER DELETE ON outbox BEGIN
    UPDATE volume SET rows = rows - 1,
        bytes = bytes - length(CAST(old.topic AS BLOB)) - length(old.payload);
END
"""

# Version 1 noted the time of day, which a gateway without a clock battery gets wrong by years: what
# waits in such a file is as good as new.
_FROM_VERSION_1 = """
ALTER TABLE outbox RENAME COLUMN created_ns TO observed_ns

UPDATE outbox SET observed_ns = 0

INSERT INTO counters VALUES ('observed_ns', 0)

CREATE TABLE filters (topic_filter TEXT PRIMARY KEY) WITHOUT ROWID
"""

_ADVICE = {
    "SQLITE_NOTADB": "it is no database: move it away to start afresh, or put a backup back",
    "SQLITE_CORRUPT": "it is damaged: move it and its -wal and -shm files away to start afresh, "
    "or put a backup back",
    "SQLITE_FULL": "make room in the state directory",
    "SQLITE_READONLY": "the agent's user must be able to write it",
    "SQLITE_CANTOPEN": "the agent's user must be able to write its directory",
    "SQLITE_BUSY": "another program holds it",
}


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn an SQLite error inside into a ``StorageError`` that says where, what and what next."""
    try:
        yield
    except sqlite3.Error as error:
        # Extended codes refine a primary one: SQLITE_CORRUPT_INDEX, SQLITE_READONLY_DIRECTORY.
        code = getattr(error, "sqlite_errorname", "")
        advice = next((text for name, text in _ADVICE.items() if code.startswith(name)), "")
        sentence = f"{path}: {doing}: {error}"
        raise StorageError(f"{sentence}; {advice}" if advice else sentence) from error


def connect(path: Path, *, synchronous: str, file_bytes: int) -> sqlite3.Connection:
    """Return a connection in autocommit mode with the pragmas that the agent relies on.

    It may be used by a thread other than the one that opens it, but only by one at a time.

    Args:
        path: The database; created if missing.
        synchronous: ``FULL`` to survive power loss at every commit; ``NORMAL`` where losing the
            last few commits only repeats work.
        file_bytes: Size that the database file may never exceed.
    """
    connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        # After a long outage the log would otherwise keep its greatest size for ever.
        connection.execute("PRAGMA journal_size_limit = 4194304")
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA max_page_count = {max(1, file_bytes // page_bytes)}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables in a new file, or check those of an old one and bring them up to date.

    Raises:
        StorageError: Written by a newer agent, by another program, or damaged.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == 0:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
            raise StorageError(f"{path}: holds tables of another program; name another file")
        _change(connection, _SCHEMA)
        return
    if not 1 <= found <= SCHEMA_VERSION:
        raise StorageError(
            f"{path}: has schema {found}, this agent knows {SCHEMA_VERSION}; "
            "install the agent that wrote it, or move the file away to start afresh"
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StorageError(f"{path}: {_ADVICE['SQLITE_CORRUPT']} ({verdict})")
    if found == 1:
        _change(connection, _FROM_VERSION_1)


def _change(connection: sqlite3.Connection, statements: str) -> None:
    """Carry out all statements and note that the file has the present layout, or do nothing."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements.split("\n\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def claim(path: Path) -> int:
    """Return a descriptor that holds ``path`` for this process until it is closed.

    Two agents on one store would each publish every alert.  The lock goes with the process, however
    it ends.

    Raises:
        StorageError: Another process has it, or the directory cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StorageError(f"{path}: another agent is running on it; stop that first") from error
    return descriptor
