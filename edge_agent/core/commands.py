"""What an operator may ask for, and the answer: parsed without trusting it."""

import json
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.core.records import NS_PER_S
from edge_agent.core.topics import is_name

_LONGEST_SHELVING_S = 7 * 86400


class Verb(StrEnum):
    """The last level of a command topic, ``commands/<verb>``."""

    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    RECOMMISSION = "recommission"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Command:
    """One request; ``alarm`` is empty where it is about the asset, ``for_ns`` 0 but for shelve."""

    verb: Verb
    asset: str
    alarm: str = ""
    for_ns: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request cannot be carried out, for whoever sent it."""

    reason: str


def parse(verb: str, payload: bytes) -> Command | Refusal:
    """Return the command in ``payload``, or why it is none.

    Args:
        verb: The last level of the topic.
        payload: JSON such as ``{"asset": "pump-2", "alarm": "thermal", "for_s": 3600}``.
    """
    if verb not in tuple(Verb):
        return Refusal(f"unknown command; there are {', '.join(Verb)}")
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return Refusal("the payload is not JSON")
    if not isinstance(body, dict) or not _is_name(body.get("asset")):
        return Refusal('the payload needs {"asset": "..."}')
    if verb in (Verb.RECOMMISSION, Verb.FORGET):
        return Command(Verb(verb), body["asset"])
    if not _is_name(body.get("alarm")):
        return Refusal('the payload needs {"alarm": "..."}')
    for_s = body.get("for_s", 0)
    if verb == Verb.SHELVE and not (_is_number(for_s) and 0 < for_s <= _LONGEST_SHELVING_S):
        return Refusal(f'the payload needs {{"for_s": ...}}, up to {_LONGEST_SHELVING_S}')
    for_ns = round(for_s * NS_PER_S) if verb == Verb.SHELVE else 0
    return Command(Verb(verb), body["asset"], body["alarm"], for_ns)


def reply(verb: str, outcome: str, *, accepted: bool) -> bytes:
    """Return the answer to a command as JSON: whether it was accepted, and what came of it."""
    document = {"verb": verb, "accepted": accepted, "outcome": outcome}
    return json.dumps(document).encode()


def _is_name(value: object) -> bool:
    return isinstance(value, str) and is_name(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
