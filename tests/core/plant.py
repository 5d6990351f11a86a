"""A small plant for the tests of the whole core: fake models that are real little functions."""

import itertools
import json

import numpy as np

from edge_agent.core.manifest import LogInput, Manifest, SensorInput, Task
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.records import NS_PER_S, Category, Message, Severity
from edge_agent.core.site import AlarmSpec, Caps, Site, WindowSpec

START_S = 1_714_557_600  # 2024-05-01T10:00:00Z
NORMAL_S, FAULT_S, END_S = 400, 600, 900

SITE = Site(
    node="gw1",
    sensor_topics=("plant/{asset}",),
    log_topics=("plant/{asset}/log",),
    window=WindowSpec(10 * NS_PER_S, 5 * NS_PER_S, 2 * NS_PER_S),
    commissioning_ns=300 * NS_PER_S,
    alarms=AlarmSpec(
        on_delay_ns=10 * NS_PER_S, off_delay_ns=30 * NS_PER_S, log_hold_ns=60 * NS_PER_S
    ),
    caps=Caps(assets=4),
)


class StillSensorModel:
    """Expects every signal to lie at its centre."""

    manifest = Manifest(
        "still", "1", Task.SENSOR_FORECAST, "float32", sensor=SensorInput(8, 2, 8.0)
    )

    def forecast(self, sequences):
        zeros = np.zeros(len(sequences), np.float32)
        return zeros, zeros


class TwoWordLogModel:
    """Knows that "hot" is a thermal error; everything else is routine."""

    manifest = Manifest(
        "words",
        "1",
        Task.LOG_CLASSIFICATION,
        "float32",
        log=LogInput(
            max_tokens=16,
            heads={"category": tuple(Category), "severity": tuple(Severity)},
            temperature={"category": 1.0, "severity": 1.0},
            abstain_below=0.1,
            novel_below=-1e9,
        ),
    )
    pairs = None

    def logits(self, text):
        hot = "hot" in text.split()
        logits = np.zeros(len(Category) + len(Severity), np.float32)
        logits[tuple(Category).index(Category.THERMAL if hot else Category.NORMAL)] = 6
        logits[len(Category) + (2 if hot else 0)] = 6
        return logits

    def logits_each(self, texts):
        return np.stack([self.logits(text) for text in texts])


def pipeline(site=SITE):
    return Pipeline(site, StillSensorModel(), TwoWordLogModel(), {}, itertools.count(1).__next__)


def reading(at_s, asset="pump-2", **values):
    """Return a message with the values of one second, received the moment it was sent."""
    body = {"timestamp": START_S + at_s} | values
    return Message(f"plant/{asset}", json.dumps(body).encode(), (START_S + at_s) * NS_PER_S)


def told(at_s, text, asset="pump-2"):
    """Return a log line, stamped by its machine."""
    body = {"timestamp": START_S + at_s, "message": text}
    return Message(f"plant/{asset}/log", json.dumps(body).encode(), (START_S + at_s) * NS_PER_S)


def a_day_at_the_plant(asset="pump-2", seed=0):
    """Return a recording: normal, then an overheating that shows in value and log, then normal."""
    noise = np.random.default_rng(seed).normal(0, 0.5, (END_S, 2))
    messages = []
    for at_s in range(END_S):
        heat = 20.0 if NORMAL_S <= at_s < FAULT_S else 0.0
        messages.append(
            reading(
                at_s,
                asset,
                oil_temp=60 + heat + noise[at_s, 0],
                motor_current=12 + noise[at_s, 1],
            )
        )
        if at_s == NORMAL_S + 30:
            messages.append(told(at_s, "OIL HOT", asset))
        if at_s % 100 == 50:
            messages.append(told(at_s, "cycle complete", asset))
    return messages


def play(line, messages, tick_every=1, speed=1.0):
    """Feed a recording and return every alert.

    Args:
        line: A pipeline.
        messages: In order of receipt.
        tick_every: Messages between two ticks.
        speed: How much faster than they were sent the messages arrive.
    """
    alerts = []
    first_ns = messages[0].received_ns
    now_ns = first_ns
    for number, message in enumerate(messages, 1):
        # Played fast, everything happened long ago; played slowly it would lie in the future.
        offset_ns = (message.received_ns - first_ns) / speed
        now_ns = messages[-1].received_ns + round(offset_ns) if speed > 1 else message.received_ns
        line.feed(Message(message.topic, message.payload, now_ns))
        if number % tick_every == 0:
            alerts += line.tick(now_ns).alerts
    return alerts + list(line.tick(now_ns).alerts)


def story(alerts):
    """Return what an operator would remember of the alerts, without sequence and node."""
    return [(a.body["changed_at"], a.asset, a.alarm, a.body["state"], a.id) for a in alerts]
