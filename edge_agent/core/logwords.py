"""Which words of a log line made the model read what it read."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.logscore import LogModel, LogScore, head_slice
from edge_agent.core.records import Category

MAX_WORDS = 24  # left out one at a time: an explanation costs at most one row more than this

Words = tuple[tuple[str, float], ...]

_REMEMBERED = 64  # explanations: one fault often shows on many machines at once


class LogWords:
    """Weighs words by leaving them out, one after the other.

    A line is read once more for every word that it has, so this is for lines that somebody is going
    to look at, not for each.

    Args:
        model: The model that read the lines, with the head ``category``.
    """

    def __init__(self, model: LogModel) -> None:
        self._model = model
        self._weigh = lru_cache(_REMEMBERED)(self._weighed)

    def explain(self, score: LogScore) -> Words:
        """Return the words of a judged line and what each adds to the log-odds of its category.

        The words are those that the model reads, in lower case and spelled out; one that comes
        twice is left out twice.  The level field has no part in this.

        Returns:
            The first :data:`MAX_WORDS` different words, the weightiest first, those that speak
            against the category last; nothing for a line that was not read.
        """
        return self._weigh(score.text, score.category) if score.text else ()

    def _weighed(self, text: str, category: Category) -> Words:
        words = text.split()
        candidates = list(dict.fromkeys(words))[:MAX_WORDS]
        without = (" ".join(w for w in words if w != left_out) for left_out in candidates)
        odds = self._log_odds(self._model.logits_each([text, *without]), category)
        added = zip(candidates, (odds[0] - odds[1:]).tolist(), strict=True)
        return tuple(sorted(added, key=lambda item: -item[1]))

    def _log_odds(self, logits: NDArray[np.float32], category: Category) -> NDArray[np.float64]:
        """Return ``ln(p / (1 - p))`` of the category in each row of logits, ``(n,)``."""
        log = self._model.manifest.log
        if log is None:
            raise ValueError("a log model has a manifest of one")
        cooled = logits[:, head_slice(log, "category")] / np.float64(log.temperature["category"])
        place = log.heads["category"].index(category)
        others = np.delete(cooled, place, axis=1)
        top = others.max(axis=1)
        rest = top + np.log(np.exp(others - top[:, None]).sum(axis=1))
        return np.asarray(cooled[:, place] - rest, dtype=np.float64)
