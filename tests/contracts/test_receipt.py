"""Answers find those who wait for them, in whichever order they come."""

import pytest

from edge_agent.io.receipt import Outcome, Receipt, Receipts


@pytest.mark.parametrize("early", [False, True])
def test_an_answer_counts_whether_it_is_expected_yet_or_not(early):
    receipts = Receipts()
    if early:
        receipts.settle(7, Outcome.REFUSED, "Quota exceeded")
        receipt = receipts.expect(7)
    else:
        receipt = receipts.expect(7)
        assert receipt.outcome is None
        receipts.settle(7, Outcome.REFUSED, "Quota exceeded")
    assert receipt.wait(0) is Outcome.REFUSED
    assert receipt.reason == "Quota exceeded"


def test_an_answer_is_used_up():
    receipts = Receipts()
    receipts.settle(7, Outcome.ACKNOWLEDGED)
    assert receipts.expect(7).outcome is Outcome.ACKNOWLEDGED
    assert receipts.expect(7).outcome is None


def test_the_end_of_the_connection_settles_what_is_open_and_what_comes():
    receipts = Receipts()
    waiting = receipts.expect(1)
    receipts.settle(2, Outcome.ACKNOWLEDGED)
    receipts.close()
    assert waiting.outcome is Outcome.LOST
    assert receipts.expect(3).outcome is Outcome.LOST
    assert receipts.expect(2).outcome is Outcome.ACKNOWLEDGED  # it did arrive


def test_the_first_outcome_stands():
    receipt = Receipt.lost()
    receipt.settle(Outcome.ACKNOWLEDGED)
    assert receipt.outcome is Outcome.LOST


def test_waiting_ends_in_time_without_an_answer():
    assert Receipt().wait(0.0) is None
