"""The demo from start to end: broker, agent, plant, alerts, verdict.

The agent is the real one, in a process of its own, and the demo knows it through MQTT alone.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from edge_agent.demo import show
from edge_agent.demo.broker import Broker, embedded_broker
from edge_agent.demo.children import child, last_lines
from edge_agent.demo.episodes import STORY
from edge_agent.demo.link import Heard, Link, connected
from edge_agent.demo.plant import TICKS_PER_S, Plant
from edge_agent.demo.site import ALERT_FILTER, SETTINGS, STATUS_TOPIC, site_toml
from edge_agent.demo.verdict import Alert, Outcome, unexpected
from edge_agent.errors import AgentError

EXIT_SHOWN = 0
EXIT_NOT_SHOWN = 70  # a fault that the agent missed is our bug

STORY_S = 110.0  # how long after its start the plant runs before missing alerts are given up
STORY_ABOUT_S = 80.0  # start-up, the last repair, cooling down and the off-delay, with a margin
_ONLINE_S = 60.0
_GLANCE_S = 0.2  # how long a wait may go on before it looks whether it should stop

_say = partial(print, flush=True)  # somebody may be reading through a pipe


def demo(seconds: float | None = None) -> int:
    """Show the agent at work, and return an exit code.

    Args:
        seconds: Stop after this long at the latest; ``None`` for as long as the story takes.

    Returns:
        0 if every injected fault was raised and cleared, otherwise 70.

    Raises:
        ConfigError: There is no broker to embed.
        AgentError: The agent stopped or never came online.
    """
    began_s = time.monotonic()
    ends_s = began_s + seconds if seconds is not None else float("inf")
    with ExitStack() as stack:
        stop = stack.enter_context(_stop_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-agent-demo-")))
        broker = stack.enter_context(embedded_broker(folder))
        link = stack.enter_context(connected(broker.port, (ALERT_FILTER, STATUS_TOPIC)))
        _say(show.header(broker.name, broker.url, STORY, SETTINGS["EDGE_AGENT_COMMISSIONING_S"]))
        if seconds is not None and seconds < STORY_ABOUT_S:
            _say(f"note: the whole story takes about {STORY_ABOUT_S:.0f} s, not {seconds:g}")
        agent = stack.enter_context(child(*_agent(folder, broker)))
        performance = Performance(link, agent, folder / "agent.log", stop)
        if performance.wait_online(ends_s):
            performance.play(ends_s)
    return performance.conclude()


class Performance:
    """One run of the story: it paces the plant and listens to the agent."""

    def __init__(
        self, link: Link, agent: subprocess.Popen[bytes], log: Path, stop: threading.Event
    ) -> None:
        self._link = link
        self._agent = agent
        self._log = log
        self._stop = stop
        self._outcomes = [Outcome(episode) for episode in STORY]
        self._alerts: list[Alert] = []
        self._played_s = 0.0

    def wait_online(self, ends_s: float) -> bool:
        """Wait for the agent's birth message; False if the demo is to end first.

        Raises:
            AgentError: It stopped, or a minute was not enough.
        """
        gives_up_s = time.monotonic() + _ONLINE_S
        while self._goes_on(ends_s):
            heard = self._link.hear(time.monotonic() + _GLANCE_S)
            if heard is not None and _is_birth(heard):
                return True
            if time.monotonic() > gives_up_s:
                raise AgentError(f"the agent is not online: {last_lines(self._log)}")
        return False

    def play(self, ends_s: float) -> None:
        """Run the plant until every fault was found and is over, or until time is up.

        Raises:
            AgentError: The agent stopped on its own.
        """
        plant = Plant(time.time_ns(), story=STORY)
        started_s = time.monotonic()
        ends_s = min(ends_s, started_s + STORY_S)
        tick = 0
        while self._goes_on(ends_s) and not self._complete:
            for publication in plant.publications(tick):
                self._link.publish(publication)
            self._announce(tick / TICKS_PER_S)
            tick += 1
            self._listen(started_s, started_s + tick / TICKS_PER_S)
            self._played_s = tick / TICKS_PER_S

    def conclude(self) -> int:
        """Print the closing table and return the exit code."""
        _say("\n" + show.table(self._outcomes, unexpected(self._alerts, STORY)))
        if self._complete:
            _say("every injected fault was raised and cleared")
            return EXIT_SHOWN
        if self._stop.is_set():
            _say("stopped before the story was over")
        elif self._played_s < STORY_S:
            _say(f"too short to finish: allow at least {STORY_ABOUT_S:.0f} seconds")
        else:
            _say("the agent has missed something: this should not happen")
        return EXIT_NOT_SHOWN

    @property
    def _complete(self) -> bool:
        return all(outcome.complete for outcome in self._outcomes)

    def _goes_on(self, ends_s: float) -> bool:
        if self._stop.is_set() or time.monotonic() >= ends_s:
            return False
        if self._agent.poll() is not None:
            code = self._agent.returncode
            raise AgentError(f"the agent stopped with exit code {code}: {last_lines(self._log)}")
        return True

    def _announce(self, at_s: float) -> None:
        for episode in STORY:
            if at_s == episode.injected_s:
                _say(show.news(at_s, f"injected: {episode.fault} on {episode.asset}"))
            if at_s == episode.repaired_s:
                _say(show.news(at_s, f"repaired: {episode.fault} on {episode.asset}"))

    def _listen(self, started_s: float, until_s: float) -> None:
        """Take in what the agent says until the next tick."""
        while (heard := self._link.hear(until_s)) is not None:
            if heard.topic == STATUS_TOPIC:
                continue
            alert = Alert.parse(heard.payload)
            at_s = heard.at_monotonic_s - started_s
            self._alerts.append(alert)
            self._outcomes = [outcome.observe(alert, at_s) for outcome in self._outcomes]
            _say(show.alert_text(alert, at_s))


def _is_birth(heard: Heard) -> bool:
    """Return whether the agent says that it is there; its last will says the opposite."""
    return heard.topic == STATUS_TOPIC and json.loads(heard.payload)["online"] is True


def _agent(folder: Path, broker: Broker) -> tuple[list[str], Path, dict[str, str]]:
    """Return command, log file and environment of the agent, all its files inside ``folder``."""
    state = folder / "state"
    state.mkdir()
    site = folder / "site.toml"
    site.write_text(site_toml())
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("EDGE_AGENT_")}
    environment = inherited | SETTINGS
    environment["EDGE_AGENT_BROKER_URL"] = broker.url
    environment["EDGE_AGENT_STATE_DIR"] = str(state)
    environment["EDGE_AGENT_SITE_FILE"] = str(site)
    return [sys.executable, "-m", "edge_agent", "run"], folder / "agent.log", environment


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C and its like into an event, so that a second one cannot tear the clean-up."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
