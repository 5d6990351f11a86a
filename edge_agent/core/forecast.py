"""What the sensor model is asked and what its answer means: sequences in, surprise out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.calibration import Floats, Places, Times, bounded
from edge_agent.core.manifest import Manifest, SensorInput

Singles = NDArray[np.float32]

FEATURES = 2  # per step: z, and whether it was observed

_FINEST = 16  # frames kept per window length, however short the hop
_LEAST_STEPS = 4  # observed; a forecast from fewer is a guess
LEAST_SIGMA = 0.05  # of z: no plant repeats itself better, and int8 sees no finer


class SensorModel(Protocol):
    """Forecasts the next value of standardized signals, each row by itself."""

    @property
    def manifest(self) -> Manifest:
        """Return what the package says of itself; its ``sensor`` is set."""

    def forecast(self, sequences: Singles) -> tuple[Singles, Singles]:
        """Return mean and log standard deviation of the next z, each ``(n,)``.

        Args:
            sequences: ``(n, steps, 2)``, oldest step first: z within ±clip, and 1 where it was
                observed; both are 0 where it was not.
        """


@dataclass(frozen=True, slots=True)
class Question:
    """One frame of some signals, and what the model reads to forecast it.

    ``z`` is float64 ``(signals,)``, NaN where a signal is missing; ``forecast`` holds the places of
    those that are forecast, and ``sequences`` is float32 ``(forecast signals, steps, 2)``.
    """

    start_ns: int
    end_ns: int
    z: Floats
    forecast: Places
    sequences: Singles


def input_of(model: SensorModel) -> SensorInput:
    """Return the shape of what ``model`` reads.

    Raises:
        ValueError: The model is for something else: whoever loaded it should have noticed.
    """
    shape = model.manifest.sensor
    if shape is None or shape.features != FEATURES:
        raise ValueError(f"{model.manifest.name} does not forecast sensor values")
    return shape


class History:
    """The latest frames of some signals as the model reads them, ``rows`` ``(n, signals, 2)``.

    The steps of a sequence are windows that touch and do not overlap, whatever the hop: windows
    that share samples would forecast each other for no merit of the model.

    A frame that ends before the latest one means that the source's clock was set back.  What was
    seen under the old time says nothing about the new one, so the history begins anew.
    """

    __slots__ = ("ends_ns", "rows")

    def __init__(self, signals: int) -> None:
        self.ends_ns: Times = np.empty(0, np.int64)
        self.rows: Singles = np.empty((0, signals, FEATURES), np.float32)

    def ask(
        self, start_ns: int, end_ns: int, z: Floats, forecast: Places, shape: SensorInput
    ) -> Question:
        """Return the question for a frame, which then becomes part of the history.

        Args:
            start_ns: Of the frame; frames come in order of time, unless the source's clock was set
                back, and have one length.
            end_ns: Of the frame.
            z: Shape ``(signals,)``, standardized; NaN where a signal is missing.
            forecast: Places of the signals of this history in ``z``.
            shape: Of the model's input.
        """
        if len(self.ends_ns) and end_ns < self.ends_ns[-1]:
            self.ends_ns, self.rows = self.ends_ns[:0], self.rows[:0]
        length_ns = end_ns - start_ns
        sequences = self._sequences(start_ns, length_ns, shape.steps)
        question = Question(start_ns, end_ns, z, forecast, sequences)
        if not len(self.ends_ns) or end_ns - self.ends_ns[-1] >= length_ns // _FINEST:
            first = self.ends_ns.searchsorted(end_ns - (shape.steps + 1) * length_ns)
            self.ends_ns = np.concatenate((self.ends_ns[first:], (end_ns,)))
            row = _features(z[forecast], shape.clip)
            self.rows = np.concatenate((self.rows[first:], row[np.newaxis]))
        return question

    def _sequences(self, start_ns: int, length_ns: int, steps: int) -> Singles:
        """Return what the model reads to forecast the window that starts at ``start_ns``.

        Every step takes the latest frame that ends by then and after the step before; where there
        is none, as in a gap, nothing was observed.
        """
        signals = self.rows.shape[1]
        if not len(self.rows):
            return np.zeros((signals, steps, FEATURES), np.float32)
        due = np.arange(start_ns - steps * length_ns, start_ns + 1, length_ns)
        ended = self.ends_ns.searchsorted(due, side="right")  # frames by then
        rows = self.rows.take(ended[1:] - 1, axis=0)
        rows[ended[1:] == ended[:-1]] = 0.0
        return rows.swapaxes(0, 1)


def _features(z: Floats, clip: float) -> Singles:
    """Return the two inputs of every signal, ``(signals, 2)``: z, and whether it was observed."""
    observed = ~np.isnan(z)
    features = np.empty((len(z), FEATURES), np.float32)
    features[:, 0] = np.where(observed, bounded(z, clip), 0.0)
    features[:, 1] = observed
    return features


def surprise_all(questions: Sequence[Question], model: SensorModel) -> list[Floats]:
    """Return how far every signal of every question lies from its forecast, in one model call.

    Returns:
        An array ``(forecast signals,)`` per question, in standard deviations of the forecast; NaN
        where the signal is missing, was seen too seldom to forecast, or its forecast is not finite.
    """
    if not questions:
        return []
    clip = input_of(model).clip
    z = np.concatenate([question.z[question.forecast] for question in questions])
    sequences = np.concatenate([question.sequences for question in questions])
    mean, log_sigma = model.forecast(sequences)
    with np.errstate(over="ignore"):
        sigma = np.hypot(np.exp(log_sigma.astype(np.float64)), LEAST_SIGMA)
    # An endless sigma would make everything expected, and a broken model look like a sound machine.
    answered = np.isfinite(mean) & np.isfinite(sigma)
    informed = answered & (sequences[:, :, 1].sum(axis=1) >= _LEAST_STEPS)
    # Beyond the clip the model neither sees nor says anything, so nothing there surprises it more.
    surprises = np.where(informed, (bounded(z, clip) - mean) / sigma, np.nan)
    ends = accumulate(len(question.forecast) for question in questions)
    return [surprises[start:end] for start, end in pairwise((0, *ends))]
