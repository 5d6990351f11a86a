"""Measures what quantization cost, and the gates that decide whether a package may be written."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.errors import GateFailed

EXPORT_TOLERANCE = 1e-4  # float32 ONNX against torch, largest absolute difference


class Sense(StrEnum):
    """On which side of its bound a figure has to stay."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure and the bound that it must keep; NaN keeps none."""

    name: str
    value: float
    sense: Sense
    bound: float

    @property
    def passed(self) -> bool:
        """Whether the figure keeps its bound."""
        if self.sense is Sense.AT_MOST:
            return self.value <= self.bound
        return self.value >= self.bound

    @property
    def sentence(self) -> str:
        """The figure and its bound, in words."""
        side = self.sense.value.replace("_", " ")
        return f"{self.name} is {self.value:.6g}, must be {side} {self.bound:g}"

    def document(self) -> dict[str, Any]:
        """Return the gate as ``report.json`` holds it."""
        return {
            "name": self.name,
            "value": self.value,
            self.sense.value: self.bound,
            "passed": self.passed,
        }


def at_most(name: str, value: float, bound: float) -> Gate:
    """Return a gate that ``value`` passes up to ``bound``."""
    return Gate(name, float(value), Sense.AT_MOST, bound)


def at_least(name: str, value: float, bound: float) -> Gate:
    """Return a gate that ``value`` passes from ``bound`` on."""
    return Gate(name, float(value), Sense.AT_LEAST, bound)


def require(gates: Iterable[Gate]) -> None:
    """Do nothing if every gate is passed.

    Raises:
        GateFailed: Naming every gate that is not, with its figure and its bound.
    """
    failures = [gate.sentence for gate in gates if not gate.passed]
    if failures:
        raise GateFailed(failures)


def rank_correlation(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Return Spearman's rho: the correlation of the ranks, ties in order of appearance."""
    ranks = [values.argsort(kind="stable").argsort(kind="stable") for values in (left, right)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def macro_f1(truth: Sequence[int], found: Sequence[int]) -> float:
    """Return the mean F1 over the classes that occur in ``truth``."""
    true, seen = np.array(truth), np.array(found)
    scores = []
    for label in np.unique(true):
        hits = np.sum((true == label) & (seen == label))
        scores.append(2 * hits / (np.sum(true == label) + np.sum(seen == label)))
    return float(np.mean(scores))


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def latencies_ms(
    runs: Mapping[str, Callable[[], object]],
    repeats: int = 15,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median time of each run in milliseconds.

    The runs take turns, so that whatever else the machine does slows all of them alike and their
    ratio stays meaningful.  ``time.thread_time`` as a clock leaves out what other processes take;
    it only sees the calling thread.
    """
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if turn:  # the first turn warms up
                taken[name].append(1e3 * (clock() - start))
    return {name: statistics.median(times) for name, times in taken.items()}


def machine() -> dict[str, Any]:
    """Return what the figures of a report were measured on."""
    return {"processor": _processor(), "architecture": platform.machine(), "cores": os.cpu_count()}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a file to keep
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def versions() -> dict[str, str]:
    """Return the versions of the libraries that shape a package."""
    names = ("onnx", "onnxruntime", "numpy", "tokenizers", "torch", "transformers")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
