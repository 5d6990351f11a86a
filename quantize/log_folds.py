"""Leave-systems-out folds: every system is a stranger once, and its kin with it.

A line of a system that the training has seen proves nothing, and neither does one of a system whose
catalogue was copied from a seen one.  So systems of one repository stay together, and what is left
is dealt out such that each fold resembles the whole.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from quantize.log_data import Message

# Repositories that only collect: their systems share no author and no text.
_COLLECTIONS = frozenset({"home-assistant/core", "logpai/loghub"})
# Systems of different repositories that list the same texts: the SDO abort codes of CiA 301.
_KIN = (frozenset({"canopen_sdo", "ethercat_soem"}),)
_DEALS = 200  # of which the most even is taken
_LEAST = 2
_SIZE_WEIGHT = 6.0  # the number of messages matters as much as several categories


def folds(messages: Sequence[Message], k: int = 5, seed: int = 0) -> tuple[frozenset[str], ...]:
    """Return the systems that each of ``k`` folds holds out, the same for the same seed.

    Every system is in exactly one fold.  Folds are even in messages, categories and, where the
    systems allow it, kinds of machine: of many random deals, each put largest group first where it
    unbalances least, the most even is taken.

    Args:
        messages: All messages that are to be held out once.
        k: How many folds, at least 2.
        seed: Of the deals.

    Raises:
        ValueError: Fewer than two folds, or fewer groups of systems than folds.
    """
    groups = kindred(messages)
    if not _LEAST <= k <= len(groups):
        raise ValueError(f"{len(groups)} groups of systems do not make {k} folds")
    contents = {group: _contents(messages, group) for group in groups}
    whole = sum(contents.values(), Counter[str]())
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    deals = []
    for _ in range(_DEALS):
        size = {group: contents[group]["all"] * rng.uniform(0.7, 1.3) for group in groups}
        order = sorted(groups, key=size.__getitem__, reverse=True)
        deals.append(_dealt(order, contents, whole, k))
    best = min(deals, key=lambda deal: sum(_unevenness(fold, whole, k) for _, fold in deal))
    return tuple(sorted((systems for systems, _ in best), key=min))


def split(
    messages: Iterable[Message], held: Collection[str]
) -> tuple[list[Message], list[Message]]:
    """Return the messages of all other systems, and those of the systems ``held`` out."""
    seen: list[Message] = []
    strangers: list[Message] = []
    for message in messages:
        (strangers if message.system in held else seen).append(message)
    return seen, strangers


def kindred(messages: Iterable[Message]) -> list[frozenset[str]]:
    """Return the systems in groups that must not be parted, in alphabetical order.

    A group shares a repository, or texts by another way that is known.
    """
    ties: dict[str, set[str]] = {}
    for message in messages:
        alone = not message.repository or message.repository in _COLLECTIONS
        ties.setdefault(message.system if alone else message.repository, set()).add(message.system)
    known = set[str]().union(*ties.values())
    groups: list[set[str]] = []
    for tie in (*ties.values(), *(known & kin for kin in _KIN)):
        touched = [group for group in groups if group & tie]
        groups = [group for group in groups if not group & tie]
        groups.append(tie.union(*touched))
    return sorted((frozenset(group) for group in groups if group), key=min)


def _contents(messages: Iterable[Message], systems: Collection[str]) -> Counter[str]:
    """Return how many messages of ``systems`` there are, in all, by category and by domain."""
    found: Counter[str] = Counter()
    for message in messages:
        if message.system in systems:
            found.update(("all", f"category {message.category}", f"domain {message.domain}"))
    return found


def _dealt(
    order: Iterable[frozenset[str]],
    contents: Mapping[frozenset[str], Counter[str]],
    whole: Counter[str],
    k: int,
) -> list[tuple[frozenset[str], Counter[str]]]:
    """Return the systems and contents of ``k`` folds after dealing out the groups in ``order``."""
    dealt = [(frozenset[str](), Counter[str]()) for _ in range(k)]

    for group in order:
        costs = [
            _unevenness(fold + contents[group], whole, k) - _unevenness(fold, whole, k)
            for _, fold in dealt
        ]
        place = costs.index(min(costs))
        systems, fold = dealt[place]
        dealt[place] = (systems | group, fold + contents[group])
    return dealt


def _unevenness(fold: Counter[str], whole: Counter[str], k: int) -> float:
    """Return the squared distance between the fold's share of everything and an even share."""
    return sum(
        (_SIZE_WEIGHT if name == "all" else 1.0) * (fold[name] / total - 1 / k) ** 2
        for name, total in whole.items()
    )
