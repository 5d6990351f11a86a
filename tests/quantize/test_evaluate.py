"""The figures that the gates compare, against the libraries that define them."""

import numpy as np
import pytest

from quantize.errors import GateFailed
from quantize.evaluate import (
    at_least,
    at_most,
    latencies_ms,
    macro_f1,
    rank_correlation,
    require,
    softmax,
)


def test_a_figure_on_its_bound_passes():
    require([at_most("size", 10, 10), at_least("agreement", 0.99, 0.99)])


def test_a_figure_that_is_not_a_number_fails():
    with pytest.raises(GateFailed, match="shift is nan"):
        require([at_most("shift", float("nan"), 1)])


def test_all_failed_gates_are_listed_and_no_others():
    gates = [at_most("size", 11, 10), at_least("speed", 3, 2), at_least("agreement", 0.5, 0.99)]
    with pytest.raises(GateFailed) as caught:
        require(gates)
    assert caught.value.failures == (
        "size is 11, must be at most 10",
        "agreement is 0.5, must be at least 0.99",
    )


def test_macro_f1_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    draw = np.random.default_rng(0)
    truth, found = draw.integers(0, 4, 200), draw.integers(0, 4, 200)
    expected = metrics.f1_score(truth, found, average="macro")
    assert macro_f1(truth.tolist(), found.tolist()) == pytest.approx(expected)


def test_a_class_that_is_never_found_scores_zero():
    assert macro_f1([0, 0, 1], [0, 0, 0]) == pytest.approx((0.8 + 0) / 2)


def test_rank_correlation_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    draw = np.random.default_rng(0)
    left = draw.normal(size=300).astype(np.float32)
    right = (left + draw.normal(size=300)).astype(np.float32)
    assert rank_correlation(left, right) == pytest.approx(stats.spearmanr(left, right)[0])


def test_probabilities_survive_huge_logits():
    found = softmax(np.array([[1000.0, 1000.0], [-1000.0, 1000.0]], np.float32))
    assert found.tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_each_run_is_timed_and_they_take_turns():
    order = []
    taken = latencies_ms({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b"] * 3
    assert all(time >= 0 for time in taken.values())
