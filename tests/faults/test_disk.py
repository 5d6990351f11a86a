"""The state file: what is in it survives, and what cannot be written is not half-written."""

import contextlib
import os
import sqlite3

import pytest

from edge_agent.core.records import NS_PER_S
from edge_agent.errors import StorageError
from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store, StoreLimits, Trimmed

HOUR_NS = 3600 * NS_PER_S
YEAR_NS = 365 * 24 * HOUR_NS
IN_2020_NS, IN_2026_NS = 50 * YEAR_NS, 56 * YEAR_NS

VERSION_1 = """
CREATE TABLE alarms (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE snapshots (name TEXT PRIMARY KEY, body BLOB NOT NULL, at_ns INTEGER NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO counters VALUES ('sequence', 7);
CREATE TABLE retained (topic TEXT PRIMARY KEY, id TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, retain INTEGER NOT NULL, created_ns INTEGER NOT NULL
);
CREATE INDEX outbox_retained ON outbox (topic, sequence) WHERE retain;
CREATE TABLE volume (rows INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO volume VALUES (1, 2);
INSERT INTO outbox VALUES (1, 'old', 'e', x'00', 0, 1577836800000000000);
INSERT INTO alarms VALUES ('a', x'01');
INSERT INTO snapshots VALUES ('pump', x'7b7d', 1577836800000000000);
PRAGMA user_version = 1;
"""


def event(name: str, size: int = 1) -> Publication:
    return Publication("e", name.encode() * size, retain=False, id=name)


def state(name: str, size: int = 1) -> Publication:
    return Publication("s", name.encode() * size, retain=True, id=name)


def waiting(store: Store) -> list[str]:
    outbox = store.outbox()
    names = [queued.publication.id for queued in outbox.peek(100_000)]
    outbox.close()
    return names


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "agent.db"


def test_a_commit_is_there_after_reopening(path):
    store = Store.open(path)
    store.commit({"press/hot": b"raised"}, [event("1")], {"windows": b"half"}, at_ns=1)
    store.close()
    store = Store.open(path)
    assert store.load_alarms() == {"press/hot": b"raised"}
    assert store.load_snapshots() == {"windows": b"half"}
    assert waiting(store) == ["1"]
    store.close()


def test_a_later_body_replaces_and_none_forgets(path):
    store = Store.open(path)
    store.commit({"a": b"1", "b": b"1"}, [], {"x": b"1", "y": b"1"}, at_ns=1)
    store.commit({"a": b"2", "b": None}, [], {"x": None, "y": b"2"}, at_ns=2)
    assert store.load_alarms() == {"a": b"2"}
    assert store.load_snapshots() == {"y": b"2"}
    store.close()


def test_sequences_grow_over_restarts_and_only_committed_ones_count(path):
    store = Store.open(path)
    assert [store.next_sequence(), store.next_sequence()] == [1, 2]
    store.commit({}, [event("1")], {}, at_ns=1)
    assert store.next_sequence() == 3
    store.close()
    store = Store.open(path)
    assert store.next_sequence() == 3
    store.close()


def test_a_full_disk_is_a_storage_error_and_writes_nothing_of_the_commit(path):
    store = Store.open(path, StoreLimits(file_bytes=128 * 1024))
    store.commit({"a": b"before"}, [event("1")], {"x": b"before"}, at_ns=1)
    huge = {"x": os.urandom(256 * 1024)}  # nothing that packs
    with pytest.raises(StorageError, match="make room in the state directory"):
        store.commit({"a": b"after"}, [event("2")], huge, at_ns=2)
    assert store.load_alarms() == {"a": b"before"}
    assert store.load_snapshots() == {"x": b"before"}
    assert waiting(store) == ["1"]
    store.commit({"a": b"later"}, [event("3")], {}, at_ns=3)
    assert store.load_alarms() == {"a": b"later"}
    store.close()


def test_a_file_that_is_no_database_is_refused_with_advice(path):
    path.parent.mkdir()
    path.write_bytes(b"certainly not SQLite, " * 100)
    with pytest.raises(StorageError, match=r"agent\.db.*move it away to start afresh"):
        Store.open(path)


def test_a_damaged_database_is_refused_with_advice(path):
    store = Store.open(path)
    store.commit({str(n): bytes(500) for n in range(100)}, [], {}, at_ns=1)
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"move it and its -wal and -shm files away"):
        Store.open(path)


def test_a_database_of_a_newer_agent_is_refused(path):
    Store.open(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StorageError, match="has schema 99, this agent knows 2"):
        Store.open(path)


def test_a_file_of_the_first_layout_is_opened_with_all_that_is_in_it(path):
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(VERSION_1)
    old.close()
    for _ in range(2):  # the second time it has the present layout
        store = Store.open(path)
        assert store.load_alarms() == {"a": b"\x01"}
        assert store.load_snapshots() == {"pump": b"{}"}
        assert store.next_sequence() == 8
        assert store.commit({}, [event("new")], {}, at_ns=IN_2026_NS) == Trimmed()
        assert waiting(store)[:2] == ["old", "new"]
        store.close()
        with contextlib.closing(sqlite3.connect(path)) as rolled_back:
            rolled_back.execute("UPDATE counters SET value = 7 WHERE name = 'sequence'")
            rolled_back.commit()


def test_a_snapshot_that_cannot_be_unpacked_is_a_storage_error(path):
    store = Store.open(path)
    store.commit({}, [], {"pump": b"body"}, at_ns=1)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE snapshots SET body = substr(body, 1, 10)")
        other.commit()
    with pytest.raises(StorageError, match="a snapshot cannot be unpacked"):
        store.load_snapshots()
    store.close()


def test_a_database_of_another_program_is_refused(path):
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(StorageError, match="tables of another program"):
        Store.open(path)


def test_two_agents_cannot_have_the_same_file(path):
    store = Store.open(path)
    with pytest.raises(StorageError, match="another agent is running"):
        Store.open(path)
    store.close()
    Store.open(path).close()


def test_a_refused_file_is_free_again(path):
    path.parent.mkdir()
    path.write_bytes(b"certainly not SQLite, " * 100)
    with pytest.raises(StorageError):
        Store.open(path)
    path.unlink()
    Store.open(path).close()


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "state").write_text("a file where the directory should be")
    with pytest.raises(StorageError, match="cannot be locked"):
        Store.open(tmp_path / "state" / "agent.db")


def test_a_reader_sees_a_commit_whole_or_not_at_all(path):
    store = Store.open(path, StoreLimits(file_bytes=128 * 1024))
    outbox = store.outbox()
    with pytest.raises(StorageError):
        store.commit({}, [event("1"), event("2", 300_000)], {}, at_ns=1)
    assert outbox.pending() == (0, 0)
    store.commit({}, [event("1"), event("2")], {}, at_ns=1)
    assert outbox.pending()[0] == 2
    outbox.close()
    store.close()


def test_replaced_states_leave_a_full_outbox_first(path):
    store = Store.open(path, StoreLimits(outbox_bytes=400))
    store.commit({}, [state("1", 100), event("2", 100), state("3", 100)], {}, at_ns=1)
    trimmed = store.commit({}, [event("4", 150)], {}, at_ns=2)
    assert trimmed == Trimmed(superseded=1)
    assert waiting(store) == ["2", "3", "4"]
    store.close()


def test_then_the_oldest_leave_a_full_outbox(path):
    store = Store.open(path, StoreLimits(outbox_bytes=400))
    store.commit({}, [event("1", 150), event("2", 150)], {}, at_ns=1)
    assert store.commit({}, [event("3", 150)], {}, at_ns=2) == Trimmed(overflowed=1)
    assert waiting(store) == ["2", "3"]
    store.close()


def test_documents_beyond_their_age_leave_the_outbox(path):
    store = Store.open(path, StoreLimits(outbox_age_ns=HOUR_NS))
    store.commit({}, [event("1")], {}, at_ns=0)
    store.commit({}, [event("2")], {}, at_ns=HOUR_NS)
    assert waiting(store) == ["1", "2"]
    assert store.commit({}, [event("3")], {}, at_ns=HOUR_NS + 1) == Trimmed(expired=1)
    assert waiting(store) == ["2", "3"]
    store.close()


def test_a_clock_that_was_wrong_before_the_restart_expires_nothing(path):
    store = Store.open(path)
    store.commit({}, [event("1")], {}, at_ns=IN_2020_NS)
    store.close()
    store = Store.open(path)
    assert store.commit({}, [event("2")], {}, at_ns=IN_2026_NS) == Trimmed()
    assert waiting(store) == ["1", "2"]
    store.close()


def test_a_step_of_the_clock_within_a_run_expires_nothing_either(path):
    store = Store.open(path)
    for at_ns in (IN_2020_NS, IN_2026_NS, IN_2020_NS, IN_2026_NS):
        assert store.commit({}, [event(str(at_ns))], {}, at_ns=at_ns) == Trimmed()
    store.close()


def test_seven_days_of_running_expire_a_document_over_restarts(path):
    def run(start_ns, days):
        store = Store.open(path)
        for hour in range(days * 24 + 1):
            store.commit({}, [], {}, at_ns=start_ns + hour * HOUR_NS)
        trimmed = store.commit({}, [event("news")], {}, at_ns=start_ns + days * 24 * HOUR_NS)
        store.close()
        return trimmed

    assert run(IN_2020_NS, days=1) == Trimmed()
    assert run(IN_2026_NS, days=4) == Trimmed()
    assert run(IN_2020_NS, days=3) == Trimmed()
    assert run(IN_2026_NS, days=1) == Trimmed(expired=1)


def test_filters_of_earlier_settings_are_told_until_they_are_wanted_again(path):
    store = Store.open(path)
    assert store.replace_filters(("plant/+", "commands/+")) == ()
    assert store.replace_filters(("line/+", "commands/+")) == ("plant/+",)
    store.close()
    store = Store.open(path)
    assert store.replace_filters(("line/+", "commands/+")) == ("plant/+",)
    assert store.replace_filters(("plant/+", "commands/+")) == ("line/+",)
    store.close()


def test_a_state_that_was_trimmed_is_still_published_when_the_broker_forgets(path):
    store = Store.open(path, StoreLimits(outbox_bytes=100))
    store.commit({}, [state("1", 150)], {}, at_ns=1)
    outbox = store.outbox()
    assert outbox.peek(1) == []
    assert outbox.settled_states("", 9) == [state("1", 150)]
    outbox.close()
    store.close()
