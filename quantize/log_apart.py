"""Which of our own lines a fold may learn from: those that are not the lines it is judged by.

Whoever writes down what computers print has read logs, so a phrase may come close to a public one
without being copied.  A plant wants such lines in the training; a fold that is judged by their
likes must do without.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from edge_agent.core.logtext import normalize
from quantize.log_data import Message

_CLOSE = 0.5  # of the words that two lines have together


def apart(
    own: Iterable[Message], exactly: Collection[str], nearly: Collection[str] = ()
) -> list[Message]:
    """Return the lines of ``own`` that are not too close to judged texts, normalized ones.

    Args:
        own: Our lines.
        exactly: A line that reads as one of these is left out.
        nearly: And one that shares half of its words with one of these, order aside (Jaccard).
    """
    sizes, by_word = {}, defaultdict(list)
    for text in nearly:
        words = set(text.split())
        sizes[text] = len(words)
        for word in words:
            by_word[word].append(text)

    def close(words: set[str]) -> bool:
        shared = Counter(text for word in words for text in by_word.get(word, ()))
        return any(n >= _CLOSE * (len(words) + sizes[text] - n) for text, n in shared.items())

    kept = []
    for message in own:
        text = normalize(message.text).text
        if text not in exactly and not close(set(text.split())):
            kept.append(message)
    return kept
