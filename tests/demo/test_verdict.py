"""When an injected fault counts as found."""

import json

import pytest

from edge_agent.core.records import Category
from edge_agent.demo.episodes import Episode, Fault
from edge_agent.demo.verdict import Alert, Outcome, unexpected

EPISODE = Episode(Fault.OVERHEATING, "pump-2", Category.THERMAL, 50.0, 64.0)
RAISED_AT = "2026-05-01T10:00:53Z"


def alert(*, active: bool, asset="pump-2", alarm="thermal", changed_at=RAISED_AT) -> Alert:
    return Alert.parse(
        json.dumps(
            {
                "asset": asset,
                "alarm": alarm,
                "priority": "high",
                "active": active,
                "raised_at": RAISED_AT,
                "changed_at": changed_at,
                "summary": "s",
                "response": "r",
                "evidence": [],
            }
        ).encode()
    )


def after(*seen: tuple[float, Alert]) -> Outcome:
    outcome = Outcome(EPISODE)
    for at_s, item in seen:
        outcome = outcome.observe(item, at_s)
    return outcome


def test_a_fault_that_was_raised_and_cleared_is_complete():
    outcome = after((53.0, alert(active=True)), (70.0, alert(active=False)))
    assert (outcome.raised_s, outcome.cleared_s) == (53.0, 70.0)
    assert outcome.complete


def test_a_fault_that_was_only_raised_is_not_complete():
    assert not after((53.0, alert(active=True))).complete


def test_a_clearing_without_a_raise_is_nothing():
    assert after((70.0, alert(active=False))) == Outcome(EPISODE)


def test_an_alarm_from_before_the_injection_has_not_found_it():
    outcome = after((49.0, alert(active=True)), (70.0, alert(active=False)))
    assert outcome.raised_s is None
    assert not outcome.complete


def test_an_alarm_that_is_over_before_the_repair_has_lost_the_fault():
    outcome = after((53.0, alert(active=True)), (60.0, alert(active=False)))
    assert not outcome.complete


def test_an_alarm_that_comes_back_counts_from_its_first_raise_to_its_last_clear():
    outcome = after(
        (53.0, alert(active=True)),
        (65.0, alert(active=False)),
        (66.0, alert(active=True)),
    )
    assert not outcome.complete
    outcome = outcome.observe(alert(active=False), 71.0)
    assert (outcome.raised_s, outcome.cleared_s) == (53.0, 71.0)


@pytest.mark.parametrize(("asset", "alarm"), [("pump-2", "mechanical"), ("fan-3", "thermal")])
def test_another_alarm_or_another_asset_has_not_found_it(asset: str, alarm: str):
    assert after((53.0, alert(active=True, asset=asset, alarm=alarm))) == Outcome(EPISODE)


def test_only_raises_without_an_injected_fault_are_unexpected():
    seen = [
        alert(active=True),
        alert(active=True, alarm="electrical"),
        alert(active=True, alarm="electrical", changed_at="2026-05-01T10:00:55Z"),
        alert(active=False, alarm="electrical", changed_at="2026-05-01T10:00:59Z"),
    ]
    assert unexpected(seen, [EPISODE]) == 1
