"""A memory card wears with every byte: what is stored already is not stored again."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from edge_agent.core.records import NS_PER_S
from edge_agent.daemon import Daemon, Parts
from edge_agent.io.store import Store, Trimmed
from edge_agent.io.systemd import Notifier

MINUTE_S = 60


@dataclass
class ScriptedPipeline:
    """Knows the assets that the test names, with the snapshots and boards that it sets."""

    snapshots: dict[str, bytes] = field(default_factory=dict)
    stored_boards: dict[str, bytes] = field(default_factory=dict)
    changed: dict[str, bytes] = field(default_factory=dict)
    forgotten: frozenset[str] = frozenset()
    snapshot_due: bool = False

    def outcome(self):
        changed, self.changed = self.changed, {}
        self.stored_boards |= changed
        return SimpleNamespace(alerts=(), boards=changed, forgotten=self.forgotten)

    def assets(self):
        return frozenset(self.snapshots)

    def boards(self):
        return dict(self.stored_boards)

    def snapshot(self, *, waveforms):
        assert isinstance(waveforms, bool)
        self.snapshot_due = False
        return dict(self.snapshots)


@dataclass
class NotedStore:
    """Keeps what it was asked to write: seconds since the start, boards, snapshots."""

    written: list[tuple[int, dict[str, bytes], dict[str, bytes]]] = field(default_factory=list)

    def commit(self, boards, _publications, snapshots, *, at_ns):
        self.written.append((at_ns // NS_PER_S, dict(boards), dict(snapshots)))
        return Trimmed()

    def take(self):
        written, self.written = self.written, []
        return written


class Bench:
    """A daemon whose time the test turns, second by second."""

    def __init__(self, pipeline: ScriptedPipeline) -> None:
        self.now_s = 0
        self.store = NotedStore()
        self.pipeline = pipeline
        clock = SimpleNamespace(now_ns=lambda: self.now_s * NS_PER_S, offset_ns=lambda: 0)
        absent = SimpleNamespace()  # a commit without alerts needs no inbox, broker or courier
        self.daemon = Daemon(
            Parts(
                node="gw1",
                base_topic="edge-agent/gw1",
                identities=(),
                clock=clock,
                inbox=absent,
                broker=absent,
                store=self.store,
                pipeline=pipeline,
                courier=absent,
                courier_failures=[],
                notifier=Notifier({}),
            )
        )

    def until(self, end_s: int):
        """Let time pass and return what was written."""
        while self.now_s < end_s:
            self.now_s += 1
            now_ns = self.now_s * NS_PER_S
            # A whole turn would report on health too, which is not what is written here.
            self.daemon._commit(self.pipeline.outcome(), now_ns)  # noqa: SLF001
        return self.store.take()


@pytest.fixture
def bench():
    return Bench(ScriptedPipeline({"pump": b"1"}, {"pump": b"b"}))


def test_everything_is_stored_every_ten_minutes_and_not_more_often(bench):
    assert bench.until(15 * MINUTE_S) == [(600, {"pump": b"b"}, {"pump": b"1"})]


def test_what_has_not_changed_since_is_not_written_again(bench):
    bench.pipeline.snapshots["press"] = b"2"
    bench.until(12 * MINUTE_S)
    bench.pipeline.snapshots["press"] = b"3"
    assert [written[1:] for written in bench.until(22 * MINUTE_S)] == [({}, {"press": b"3"})]


def test_a_board_that_was_written_when_it_changed_is_not_written_with_the_next_snapshot(bench):
    bench.until(11 * MINUTE_S)
    bench.pipeline.changed = {"pump": b"raised"}
    assert bench.until(12 * MINUTE_S) == [(661, {"pump": b"raised"}, {})]
    assert bench.until(22 * MINUTE_S) == [(1200, {}, {})]


def test_a_new_asset_is_stored_within_half_a_minute(bench):
    bench.until(11 * MINUTE_S)
    bench.pipeline.snapshots["newcomer"] = b"n"
    assert bench.until(12 * MINUTE_S) == [(661 + 30, {}, {"newcomer": b"n"})]


def test_assets_that_a_restart_brought_back_are_not_new(bench):
    assert bench.until(MINUTE_S) == []


def test_a_snapshot_that_the_pipeline_asks_for_is_stored_at_once(bench):
    bench.until(11 * MINUTE_S)
    bench.pipeline.snapshots["pump"] = b"forgotten"
    bench.pipeline.snapshot_due = True
    assert bench.until(12 * MINUTE_S) == [(661, {}, {"pump": b"forgotten"})]


def test_an_asset_that_takes_the_place_of_a_forgotten_one_is_new_too(bench):
    bench.until(11 * MINUTE_S)
    bench.pipeline.snapshots = {"newcomer": b"n"}
    assert bench.until(12 * MINUTE_S) == [(661 + 30, {}, {"newcomer": b"n"})]


def test_a_forgotten_asset_is_erased_and_stored_anew_if_it_comes_again(bench):
    bench.until(11 * MINUTE_S)
    bench.pipeline.forgotten = frozenset({"pump"})
    assert bench.until(661) == [(661, {"pump": None}, {"pump": None})]
    bench.pipeline.forgotten = frozenset()
    assert bench.until(21 * MINUTE_S) == [(1200, {"pump": b"b"}, {"pump": b"1"})]


def test_a_stop_stores_everything_that_changed(bench):
    bench.until(11 * MINUTE_S)
    bench.pipeline.snapshots["pump"] = b"last"
    bench.daemon.stop()
    assert bench.until(11 * MINUTE_S + 1) == [(661, {}, {"pump": b"last"})]


def test_a_snapshot_is_packed_on_the_card_and_comes_back_as_it_was(tmp_path):
    body = b'{"scores": [' + b"0.125, " * 10_000 + b"0]}"
    store = Store.open(tmp_path / "agent.db")
    store.commit({}, [], {"pump": body, "empty": b""}, at_ns=1)
    assert store.load_snapshots() == {"pump": body, "empty": b""}
    store.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < len(body)
