from collections import Counter

import pytest

from quantize.log_data import Message, device_messages, loghub_templates
from quantize.log_folds import folds, kindred, split


def messages(system, count=10, *, category="sensor", domain="robot", repository=""):
    """Return ``count`` messages of one system."""
    return [
        Message(f"{system} {n}", category, "error", system, "MIT", 0, domain, repository)
        for n in range(count)
    ]


def plants(count=12):
    return [m for n in range(count) for m in messages(f"plant{n:02d}", 5 + n)]


@pytest.mark.parametrize("k", [2, 4, 5, 12])
def test_every_system_is_held_out_exactly_once(k):
    held = Counter(system for fold in folds(plants(), k) for system in fold)
    assert held == {f"plant{n:02d}": 1 for n in range(12)}


def test_every_fold_holds_something_out():
    assert all(folds(plants(), 12))
    assert len(folds(plants(), 5)) == 5


def test_the_same_seed_gives_the_same_folds_in_any_order_of_systems():
    assert folds(plants(), 4, seed=7) == folds(plants(), 4, seed=7)
    assert set(folds(plants()[::-1], 4, seed=7)) == set(folds(plants(), 4, seed=7))


def test_systems_of_one_repository_are_never_parted():
    given = plants() + messages("left", repository="a/b") + messages("right", repository="a/b")
    for seed in range(5):
        assert any({"left", "right"} <= fold for fold in folds(given, 4, seed))


def test_a_system_of_two_repositories_holds_both_together():
    given = [
        *messages("left", repository="a/b"),
        *messages("both", repository="a/b"),
        *messages("both", repository="c/d"),
        *messages("right", repository="c/d"),
    ]
    assert kindred(given) == [frozenset({"left", "both", "right"})]


def test_systems_that_list_the_same_standard_stay_together():
    given = messages("canopen_sdo", repository="a/b") + messages("ethercat_soem", repository="c/d")
    assert kindred(given) == [frozenset({"canopen_sdo", "ethercat_soem"})]
    assert kindred(given[:10]) == [frozenset({"canopen_sdo"})]


def test_a_collection_of_unrelated_vendors_ties_nobody():
    given = [
        m
        for name in ("fronius", "roborock")
        for m in messages(name, repository="home-assistant/core")
    ]
    assert len(kindred(given)) == 2


def test_folds_are_even_in_messages_and_categories():
    given = [
        m
        for n in range(8)
        for m in messages(f"plant{n}", 20, category="thermal" if n < 4 else "safety")
    ]
    for fold in folds(given, 4):
        held = split(given, fold)[1]
        assert Counter(m.category for m in held) == {"thermal": 20, "safety": 20}


def test_a_kind_of_machine_is_spread_over_the_folds():
    given = [
        m
        for n in range(8)
        for m in messages(f"plant{n}", 20, domain="robot" if n < 4 else "inverter")
    ]
    for fold in folds(given, 4):
        assert {m.domain for m in split(given, fold)[1]} == {"robot", "inverter"}


@pytest.mark.parametrize("k", [1, 0, 13])
def test_a_number_of_folds_that_cannot_be_is_our_bug(k):
    with pytest.raises(ValueError, match="do not make"):
        folds(plants(), k)


def test_a_split_parts_all_messages_by_system_and_keeps_their_order():
    given = messages("a", 3) + messages("b", 2) + messages("c", 1)
    assert split(given, {"b"}) == (given[:3] + given[5:], given[3:5])


def test_five_folds_of_the_shared_messages_are_within_a_tenth_of_each_other(shared_data):
    given = device_messages(shared_data / "logs")
    held = [split(given, fold)[1] for fold in folds(given)]
    sizes = [len(one) for one in held]
    assert sum(sizes) == len(given)
    assert max(sizes) <= 1.1 * min(sizes)
    for one in held:
        assert min(Counter(m.category for m in one).values()) >= 15
        assert len({m.category for m in one}) == 10


def test_every_fold_of_the_it_logs_holds_faults_and_routine_out(shared_data):
    given = loghub_templates(shared_data / "logs")
    for fold in folds(given):
        held = split(given, fold)[1]
        assert len({m.category == "normal" for m in held}) == 2
