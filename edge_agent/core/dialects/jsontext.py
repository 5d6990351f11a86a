"""JSON as machines send it, read without trusting it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from edge_agent.core.dialects.times import EARLIEST_NS
from edge_agent.core.records import NS_PER_S

_EARLIEST_S = EARLIEST_NS // NS_PER_S
_EPOCH_DIGITS = len(str(_EARLIEST_S))
_TIME_DEPTH = 2  # an object in a list, or in an object: no deeper does a dialect look for times


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a text is no JSON; never contains a part of it."""

    detail: str


def parse(text: str) -> object:
    """Return the document in ``text``, or :class:`Malformed`.

    NaN and infinities come through as floats; of two equal keys the last one counts.  Numbers
    with a fraction that may be epochs are ``Decimal``, so that no digit of a time is lost.
    """
    try:
        document = json.loads(text)
        if _may_hold_fractional_epoch(document, _TIME_DEPTH):
            return json.loads(text, parse_float=_exact_if_large)
    except json.JSONDecodeError as error:
        return Malformed(f"not JSON from character {error.pos} on")
    except ValueError:
        return Malformed("an integer with more digits than any number has")
    except RecursionError:
        return Malformed("nested too deeply")
    return document


def _may_hold_fractional_epoch(document: object, depth: int) -> bool:
    """Return whether a second, slower reading of the text is worth while."""
    if isinstance(document, dict):
        return _any_fractional_epoch(document.values(), depth)
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return _any_fractional_epoch(document, depth)
    return False


def _any_fractional_epoch(children: Iterable[object], depth: int) -> bool:
    for child in children:
        if isinstance(child, float):
            if child >= _EARLIEST_S:
                return True
        elif (
            depth
            and isinstance(child, dict | list)
            and _may_hold_fractional_epoch(child, depth - 1)
        ):
            return True
    return False


def _exact_if_large(literal: str) -> float | Decimal:
    if literal.find(".") < _EPOCH_DIGITS or "e" in literal or "E" in literal:
        return float(literal)
    return Decimal(literal)
