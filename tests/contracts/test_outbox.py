"""One suite for every outbox: the one in memory that tests use, and SQLite."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from scripted import MemoryOutbox

from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store


@dataclass
class Bench:
    """An outbox, and the way in which the pipeline fills it."""

    outbox: object
    put: Callable[..., object]


@pytest.fixture(params=["memory", "sqlite"])
def bench(request, tmp_path):
    if request.param == "memory":
        memory = MemoryOutbox()
        yield Bench(memory, memory.put)
        return
    store = Store.open(tmp_path / "state.db")
    outbox = store.outbox()
    yield Bench(outbox, lambda *publications: store.commit({}, publications, {}, at_ns=1))
    outbox.close()
    store.close()


def event(name: str) -> Publication:
    return Publication("a/event", name.encode(), retain=False, id=name)


def state(name: str, topic: str = "a/state") -> Publication:
    return Publication(topic, name.encode(), retain=True, id=name)


def names(bench: Bench) -> list[str]:
    return [queued.publication.id for queued in bench.outbox.peek(100)]


def test_documents_come_out_as_they_went_in(bench):
    documents = [
        event("1"),
        state("2"),
        Publication("ä/é", bytes(range(256)), retain=False, id="3"),
    ]
    bench.put(*documents)
    assert [queued.publication for queued in bench.outbox.peek(100)] == documents


def test_peeking_takes_nothing_and_obeys_the_count(bench):
    bench.put(event("1"), event("2"), event("3"))
    assert [queued.publication.id for queued in bench.outbox.peek(2)] == ["1", "2"]
    assert names(bench) == ["1", "2", "3"]


def test_order_spans_commits(bench):
    bench.put(event("1"))
    bench.put(event("2"))
    sequences = [queued.sequence for queued in bench.outbox.peek(9)]
    assert names(bench) == ["1", "2"]
    assert sequences == sorted(set(sequences))


def test_a_delivered_document_is_gone_and_may_be_delivered_again(bench):
    bench.put(event("1"), event("2"))
    first = bench.outbox.peek(1)[0].sequence
    bench.outbox.delivered(first)
    bench.outbox.delivered(first)
    assert names(bench) == ["2"]


def test_a_sequence_is_never_reused(bench):
    bench.put(event("1"))
    (first,) = bench.outbox.peek(1)
    bench.outbox.delivered(first.sequence)
    bench.put(event("2"))
    bench.outbox.delivered(first.sequence)
    assert names(bench) == ["2"]


def test_pending_counts_rows_and_bytes(bench):
    bench.put(Publication("ä", b"12345", retain=False, id="1"), event("2"))
    assert bench.outbox.pending() == (2, 2 + 5 + len("a/event") + 1)
    bench.outbox.delivered(bench.outbox.peek(1)[0].sequence)
    assert bench.outbox.pending() == (1, len("a/event") + 1)


def test_states_are_withheld_while_a_row_is_waiting(bench):
    bench.put(event("0"))
    assert bench.outbox.settled_states("", 9) is None
    bench.outbox.delivered(bench.outbox.peek(1)[0].sequence)
    bench.put(state("1"))
    assert bench.outbox.settled_states("", 9) is None
    bench.outbox.delivered(bench.outbox.peek(1)[0].sequence)
    assert bench.outbox.settled_states("", 9) == [state("1")]


def test_only_the_latest_state_of_a_topic_is_kept(bench):
    bench.put(state("1"), state("2", "b/state"), state("3"), event("4"))
    for queued in bench.outbox.peek(9):
        bench.outbox.delivered(queued.sequence)
    assert bench.outbox.settled_states("", 9) == [state("3"), state("2", "b/state")]


def test_states_come_in_pages(bench):
    bench.put(state("1", "c"), state("2", "a"), state("3", "b"))
    for queued in bench.outbox.peek(9):
        bench.outbox.delivered(queued.sequence)
    assert bench.outbox.settled_states("", 2) == [state("2", "a"), state("3", "b")]
    assert bench.outbox.settled_states("b", 2) == [state("1", "c")]
    assert bench.outbox.settled_states("c", 2) == []


def test_an_empty_retained_payload_forgets_the_state(bench):
    bench.put(state("1"), Publication("a/state", b"", retain=True, id="2"))
    for queued in bench.outbox.peek(9):
        bench.outbox.delivered(queued.sequence)
    assert bench.outbox.settled_states("", 9) == []
