"""The wide part: what single tokens say, and how much say they get."""

import numpy as np
import pytest
from checkpoints import save_albert, torch

from quantize.pooling import line_logits, padded
from quantize.reference import torch_albert
from quantize.wide import fitted, join, said

HEADS = {"category": ("normal", "thermal", "mechanical"), "severity": ("info", "error")}
HOT, STUCK, FINE, THE = 4, 5, 6, 7
LINES = [[THE, HOT], [HOT, HOT], [THE, STUCK], [STUCK], [THE, FINE], [FINE, THE, FINE]] * 5
CATEGORIES = ["thermal", "thermal", "mechanical", "mechanical", "normal", "normal"] * 5


def summed(weight, bias, line):
    return weight[line].sum(axis=0) / len(line) ** 0.5 + bias


@pytest.fixture(scope="module")
def learnt():
    return fitted(LINES, {"category": CATEGORIES}, HEADS, vocabulary=38)


@pytest.fixture
def network(tmp_path):
    return torch_albert(save_albert(tmp_path))


def test_a_token_speaks_for_the_label_that_it_was_seen_with(learnt):
    answers = [int(summed(*learnt, [token])[:3].argmax()) for token in (FINE, HOT, STUCK)]
    assert answers == [0, 1, 2]


def test_a_token_that_was_never_seen_says_nothing(learnt):
    assert not learnt[0][20:].any()


def test_a_head_that_was_not_taught_gets_zeros(learnt):
    weight, bias = learnt
    assert not weight[:, 3:].any()
    assert not bias[3:].any()


def test_a_label_without_a_line_is_possible_and_stays_at_zero():
    weight, _ = fitted(LINES[:4], {"category": CATEGORIES[:4]}, HEADS, vocabulary=38)
    assert not weight[:, 0].any()
    assert weight[HOT, 1] > 0


def test_joined_logits_are_the_weighted_mean_of_both(learnt, network):
    weight, bias = learnt
    share = np.array([0.25] * 3 + [0.0] * 2, np.float32)
    ids, mask = padded([LINES[0], LINES[5]])
    with torch.no_grad():
        deep = line_logits(network, ids, mask).numpy()
        join(network, weight, bias, share)
        both = line_logits(network, ids, mask).numpy()
    wide = np.stack([summed(weight, bias, LINES[0]), summed(weight, bias, LINES[5])])
    np.testing.assert_allclose(both, (1 - share) * deep + share * wide, atol=1e-5)


def test_padding_says_nothing(learnt, network):
    join(network, *learnt, np.full(5, 0.5, np.float32))
    short, long = LINES[3], [*LINES[5], *LINES[5]]
    alone = said(network, *padded([short]))
    beside = said(network, *padded([short, long]))[:1]
    torch.testing.assert_close(alone, beside)


def test_a_network_without_a_wide_part_is_left_alone(network):
    assert said(network, *padded([LINES[0]])) == 0.0
