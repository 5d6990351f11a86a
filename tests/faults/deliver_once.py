"""An agent reduced to its last step, for a test that kills it: decide, commit, deliver.

Called as ``deliver_once.py STATE_FILE BROKER_URL [ID]``; with an id it commits a document first.
"""

import sys
import threading
from pathlib import Path

import structlog
from agents import connected

from edge_agent.io.backoff import Backoff
from edge_agent.io.delivery import Courier
from edge_agent.io.outbox import Publication
from edge_agent.io.store import Store


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(path: str, url: str, *names: str) -> None:
    # Standard output is how the test follows what happens here.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = Store.open(Path(path))
    with connected(url) as side:
        side.broker.wait_online(10.0)
        say("online")
        sys.stdin.readline()
        for name in names:
            payload = f'{{"id": "{name}", "sequence": {store.next_sequence()}}}'.encode()
            document = Publication("doc/event", payload, retain=False, id=name)
            store.commit({"press": b"raised"}, [document], {}, at_ns=1)
        courier = Courier(store.outbox(), side.broker, print, Backoff(0.01, 0.05))
        courier.start()
        say("delivering")
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
