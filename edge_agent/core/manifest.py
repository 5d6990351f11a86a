"""What a model package says about itself, read without trusting it.

The workshop writes these documents and the device reads them: one module for both.  Parsing
returns a :class:`Flaw` instead of raising, because a broken file is somebody else's mistake and the
caller knows which file it was.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

SCHEMA = "edge-agent/model-package/1"


class Task(StrEnum):
    """What a package is for."""

    SENSOR_FORECAST = "sensor-forecast"
    LOG_CLASSIFICATION = "log-classification"


@dataclass(frozen=True, slots=True)
class SensorInput:
    """Input of the sensor model: ``(batch, steps, features)`` float32, clipped to ±``clip``."""

    steps: int
    features: int
    clip: float


@dataclass(frozen=True, slots=True)
class LogInput:
    """How the log model wants its input, and what its logits mean.

    ``heads`` names the slices of the logits in order, each with its labels; the agent uses
    ``category`` and ``severity``.  Logits are divided by ``temperature`` before the softmax.  An
    energy below ``novel_below`` means that the words move no logit.  A line is novel from a share
    ``novel_from`` of word pairs never met on, or, where the package knows no pairs, if it moves
    none.
    """

    max_tokens: int
    heads: Mapping[str, tuple[str, ...]]
    temperature: Mapping[str, float]
    abstain_below: float
    novel_below: float
    novel_from: float = 1.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json`` of a model package; exactly one of ``sensor`` and ``log`` is set."""

    name: str
    version: str
    task: Task
    precision: str
    sensor: SensorInput | None = None
    log: LogInput | None = None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a document is no manifest, in words for the person who has to replace it."""

    reason: str


def render(manifest: Manifest) -> str:
    """Return ``manifest`` as the JSON text that :func:`parse` reads back."""
    body = {key: value for key, value in asdict(manifest).items() if value is not None}
    return json.dumps({"schema": SCHEMA, **body}, indent=2, ensure_ascii=False) + "\n"


def parse(text: bytes) -> Manifest | Flaw:
    """Return the manifest in ``text``, or the first thing that is wrong with it."""
    try:
        document = json.loads(text)
    except ValueError as error:
        return Flaw(f"not JSON: {error}")
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return Flaw(f"not a document of schema {SCHEMA}")
    try:
        return _manifest(document)
    except KeyError as error:
        return Flaw(f"no field {error}")
    except (TypeError, ValueError, AttributeError) as error:
        return Flaw(f"a field has the wrong type or value: {error}")


def _manifest(document: dict[str, object]) -> Manifest:
    task = Task(str(document["task"]))
    return Manifest(
        name=str(document["name"]),
        version=str(document["version"]),
        task=task,
        precision=str(document["precision"]),
        sensor=_sensor(_mapping(document["sensor"])) if task is Task.SENSOR_FORECAST else None,
        log=_log(_mapping(document["log"])) if task is Task.LOG_CLASSIFICATION else None,
    )


def _sensor(body: Mapping[str, object]) -> SensorInput:
    return SensorInput(
        steps=_count(body["steps"]),
        features=_count(body["features"]),
        clip=_positive(body["clip"]),
    )


def _log(body: Mapping[str, object]) -> LogInput:
    heads = {}
    for head, labels in _mapping(body["heads"]).items():
        if not isinstance(labels, list) or not labels:
            raise TypeError(f"head {head} has no list of labels")
        heads[head] = tuple(str(label) for label in labels)
    return LogInput(
        max_tokens=_count(body["max_tokens"]),
        heads=heads,
        temperature={k: _positive(v) for k, v in _mapping(body["temperature"]).items()},
        abstain_below=float(str(body["abstain_below"])),
        novel_below=float(str(body["novel_below"])),
        novel_from=float(str(body.get("novel_from", 1.0))),
    )


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"expected a whole number above 0, not {value!r}")
    return value


def _positive(value: object) -> float:
    number = float(str(value))
    if not 0 < number < float("inf"):
        raise ValueError(f"expected a number above 0, not {value!r}")
    return number
