"""Whatever a fault script does, every alert arrives, first arrivals in order, with the same id."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Fate, MemoryOutbox, ScriptedBroker

from edge_agent.io.backoff import Backoff
from edge_agent.io.delivery import Courier, Progress
from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store

FATES = st.sampled_from(Fate)
STEPS = st.one_of(
    st.tuples(st.just("commit"), st.integers(1, 3)),
    st.tuples(st.just("attempt"), st.integers(1, 3)),
    st.tuples(st.just("fate"), FATES),
    st.tuples(st.just("broker down"), st.none()),
    st.tuples(st.just("broker back"), st.booleans()),
    st.tuples(st.just("agent restarts"), st.none()),
)


class MemoryState:
    """Survives a restart of the agent by staying where it is."""

    def __init__(self, _folder: Path) -> None:
        self.outbox = MemoryOutbox()

    def commit(self, publications: list[Publication]) -> None:
        self.outbox.put(*publications)

    def restart(self) -> None:
        pass

    def close(self) -> None:
        pass


class SqliteState:
    """Survives a restart of the agent on the disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.db"
        self._open()

    def commit(self, publications: list[Publication]) -> None:
        self._store.commit({}, publications, {}, at_ns=1)

    def restart(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self.outbox.close()
        self._store.close()

    def _open(self) -> None:
        self._store = Store.open(self._path)
        self.outbox = self._store.outbox()


class Plant:
    """An agent and a broker that a script is played against."""

    def __init__(self, state) -> None:
        self.state = state
        self.broker = ScriptedBroker()
        self.committed: list[Publication] = []
        self._employ()

    def play(self, step: str, detail) -> None:
        if step == "commit":
            for _ in range(detail):
                self._commit()
        elif step == "attempt":
            for _ in range(detail):
                self.courier.attempt()
        elif step == "fate":
            self.broker.fates.append(detail)
        elif step == "broker down":
            self.broker.go_down()
        elif step == "broker back":
            self.broker.come_back(remembering=detail)
        else:
            self.state.restart()
            self._employ()

    def heal(self) -> None:
        """End all faults and let the courier finish."""
        self.broker.fates.clear()
        self.broker.come_back()
        while self.courier.attempt() is not Progress.NOTHING:
            pass

    def _employ(self) -> None:
        self.courier = Courier(
            self.state.outbox, self.broker, self._fail, Backoff(), patience_s=0.0
        )

    def _fail(self, error: Exception) -> None:
        raise error

    def _commit(self) -> None:
        """Commit one transition as the pipeline does: its event and the state it leads to."""
        name = str(len(self.committed) // 2)
        alarm = f"alarms/a/{int(name) % 2}"
        pair = [
            Publication(f"{alarm}/event", name.encode(), retain=False, id=name),
            Publication(f"{alarm}/state", name.encode(), retain=True, id=name),
        ]
        self.state.commit(pair)
        self.committed += pair


@pytest.mark.parametrize("kind", [MemoryState, SqliteState])
@settings(max_examples=60, deadline=None)
@given(script=st.lists(STEPS, max_size=25))
def test_every_alert_arrives_in_order_whatever_happens(kind, script):
    with tempfile.TemporaryDirectory() as folder:
        state = kind(Path(folder))
        plant = Plant(state)
        for step, detail in script:
            plant.play(step, detail)
        plant.heal()
        wanted = [(document.topic, document.payload) for document in plant.committed]
        assert list(dict.fromkeys(plant.broker.arrived)) == wanted
        assert state.outbox.pending() == (0, 0)
        final = {one.topic: one.payload for one in plant.committed if one.retain}
        assert plant.broker.retained == final
        state.close()
