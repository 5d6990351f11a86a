"""What int8 costs a classifier: its labels and probabilities beside those of float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.manifest import LogInput
from edge_agent.io.runtime import Session
from quantize import evaluate as measure
from quantize.evaluate import Gate, at_least, at_most
from quantize.lines import Line
from quantize.report import Runners

Array = NDArray[np.float32]
_INDEPENDENCE_LINES = 16


@dataclass(frozen=True, slots=True)
class AlbertBounds:
    """What the gates of an ALBERT package demand; the worst head counts.

    Attributes:
        agreement: Share of lines on which int8 and float32 choose the same label.
        accuracy_drop: Accuracy of float32 minus that of int8, where lines are labelled.
        macro_f1_drop: The same for macro-F1.
        probability_shift: Largest change of any label's probability, on any line.
        dependence: Largest change of a probability when a line is in a padded batch.
        size_ratio: Size of the int8 file over the float32 file.
        speedup: Time of float32 over time of int8 at 1x32.  Both run the same graph on the machine
            that quantizes, which is not the gateway: no more is demanded than that int8 pays.
    """

    agreement: float = 0.99
    accuracy_drop: float = 0.005
    macro_f1_drop: float = 0.01
    probability_shift: float = 0.35
    dependence: float = 0.02
    size_ratio: float = 0.35
    speedup: float = 1.0


def logits(session: Session, tokens: Sequence[int]) -> Array:
    """Return the logits of one line, ``(labels,)``."""
    alone: Array = padded_logits(session, [tokens])[0]
    return alone


def padded_logits(session: Session, lines: Sequence[Sequence[int]]) -> Array:
    """Return the logits of several lines as one padded batch, ``(lines, labels)``."""
    longest = max(len(tokens) for tokens in lines)
    ids = np.zeros((len(lines), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(lines):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]


def agreement_gates(
    runners: Runners,
    tokens: Sequence[Sequence[int]],
    lines: Sequence[Line],
    shape: LogInput,
    bounds: AlbertBounds,
) -> list[Gate]:
    """Return the gates on what the labels and probabilities of int8 are worth."""
    full = np.stack([logits(runners.full, line) for line in tokens])
    small = np.stack([logits(runners.small, line) for line in tokens])
    some = tokens[:_INDEPENDENCE_LINES]
    batched = padded_logits(runners.small, some)
    verdicts = [
        _Verdict(head, labels, full[:, part], small[:, part], [x.labels.get(head) for x in lines])
        for head, labels, part in _slices(shape)
    ]
    dependence = max(
        np.abs(measure.softmax(batched[:, part]) - measure.softmax(small[: len(some), part])).max()
        for _, _, part in _slices(shape)
    )
    gates = [
        at_most("probability_shift", max(v.shift for v in verdicts), bounds.probability_shift),
        at_most("batch_dependence", dependence, bounds.dependence),
    ]
    if lines:  # on random tokens a fresh classifier is undecided, and agreement says nothing
        gates.append(at_least("agreement", min(v.agreement for v in verdicts), bounds.agreement))
    for verdict in verdicts:
        gates += verdict.drops(bounds)
    return gates


def _slices(shape: LogInput) -> list[tuple[str, tuple[str, ...], slice]]:
    """Return each head with its labels and its part of the logits."""
    parts, start = [], 0
    for head, labels in shape.heads.items():
        parts.append((head, labels, slice(start, start + len(labels))))
        start += len(labels)
    return parts


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What both precisions say on one head; ``truth`` holds ``None`` for unlabelled lines."""

    head: str
    labels: tuple[str, ...]
    full: Array
    small: Array
    truth: Sequence[str | None]

    @property
    def agreement(self) -> float:
        return float(np.mean(self.full.argmax(axis=1) == self.small.argmax(axis=1)))

    @property
    def shift(self) -> float:
        return float(np.abs(measure.softmax(self.full) - measure.softmax(self.small)).max())

    def drops(self, bounds: AlbertBounds) -> list[Gate]:
        """Return the gates on accuracy and macro-F1, if any line has a label of this head."""
        rows = [row for row, label in enumerate(self.truth) if label is not None]
        if not rows:
            return []
        truth = [self.labels.index(str(self.truth[row])) for row in rows]
        full, small = (x[rows].argmax(axis=1).tolist() for x in (self.full, self.small))
        drop = np.mean(np.equal(truth, full)) - np.mean(np.equal(truth, small))
        f1_drop = measure.macro_f1(truth, full) - measure.macro_f1(truth, small)
        return [
            at_most(f"{self.head}_accuracy_drop", drop, bounds.accuracy_drop),
            at_most(f"{self.head}_macro_f1_drop", f1_drop, bounds.macro_f1_drop),
        ]
