"""Which words the log model has met beside each other: how new the wording of a line is.

A network maps strangers to something that it knows, and is often sure of it; that is its use.
Whether anybody ever put it that way before is another question, and its training lines answer it:
their pairs of neighbouring words are kept in a Bloom filter, eight bits a pair.
"""

import hashlib
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

_BITS_PER_PAIR = 8
_LEAST_BYTES = 64
_PROBES = 6  # the best number for eight bits a pair: 2 % of the pairs never met look familiar
_EDGE = ""  # stands before the first word and behind the last


@dataclass(frozen=True, slots=True)
class WordPairs:
    """A Bloom filter (Bloom, 1970) of word pairs; ``bits`` is the content of the package's file."""

    bits: bytes

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Return the filter of every pair in ``texts``, which are lines as the model reads them."""
        pairs = {pair for text in texts for pair in _pairs(text)}
        size = max(_LEAST_BYTES, math.ceil(len(pairs) * _BITS_PER_PAIR / 8))
        return cls(_marked(bytearray(size), pairs))

    def also(self, texts: Iterable[str]) -> Self:
        """Return a filter that knows ``texts``, too, at the same size."""
        return type(self)(_marked(bytearray(self.bits), (p for t in texts for p in _pairs(t))))

    def novelty(self, text: str) -> float:
        """Return the share of the pairs in ``text`` that were never met, 0 where it has none."""
        if not text or not self.bits:
            return 0.0
        met = [all(self._has(place) for place in _places(p, len(self.bits))) for p in _pairs(text)]
        return 1 - sum(met) / len(met)

    def _has(self, place: int) -> bool:
        return bool(self.bits[place >> 3] & 1 << (place & 7))


def _pairs(text: str) -> Iterator[str]:
    """Yield neighbouring words; the edges of the line count, so a single word has two pairs."""
    words = [_EDGE, *text.split(), _EDGE]
    return (f"{one} {other}" for one, other in itertools.pairwise(words))


def _places(pair: str, size: int) -> Iterator[int]:
    """Yield the bits of a pair, by double hashing (Kirsch and Mitzenmacher, 2006)."""
    digest = hashlib.blake2b(pair.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    first, step = int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little") | 1
    return ((first + probe * step) % (8 * size) for probe in range(_PROBES))


def _marked(bits: bytearray, pairs: Iterable[str]) -> bytes:
    for pair in pairs:
        for place in _places(pair, len(bits)):
            bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)
