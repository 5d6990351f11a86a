"""Which words made the model read what it read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_logscore import KEYWORDS, KeywordModel, manifest

from edge_agent.core.logscore import LogScorer
from edge_agent.core.logwords import MAX_WORDS, LogWords

WORDS = [*KEYWORDS, "spindle", "three"]


def explain(line, model=None):
    model = model or KeywordModel()
    return LogWords(model).explain(LogScorer(model, 8).score(line))


def test_the_word_that_names_the_fault_weighs_most_and_the_others_nothing():
    (word, weight), *others = explain("Spindle three JAMMED again")
    assert word == "jammed"
    assert weight == pytest.approx(5.0)
    assert others == [("spindle", 0.0), ("three", 0.0), ("again", 0.0)]


def test_a_word_against_the_category_comes_last_and_is_negative():
    words = explain("jammed jammed hot normal")
    assert words[0][0] == "jammed"
    assert {word for word, weight in words if weight < 0} == {"hot", "normal"}
    assert words[-1][1] < 0


def test_a_word_that_comes_twice_is_left_out_twice():
    assert dict(explain("jammed jammed"))["jammed"] == pytest.approx(10.0)


def test_weights_are_of_the_calibrated_odds():
    model = KeywordModel(manifest(temperature=2.0))
    assert dict(explain("jammed", model))["jammed"] == pytest.approx(2.5)


def test_a_line_costs_no_more_than_one_run_a_word_and_no_more_than_agreed():
    class Counting(KeywordModel):
        def logits_each(self, texts):
            asked.append(len(texts))
            return super().logits_each(texts)

    asked = []
    words = explain(" ".join(f"x{chr(97 + n)}" for n in range(24)) + " jammed x y z", Counting())
    assert (len(words), asked) == (MAX_WORDS, [MAX_WORDS + 1])


def test_the_same_words_are_weighed_once():
    model = KeywordModel()
    words, scorer = LogWords(model), LogScorer(model, 8)
    first = words.explain(scorer.score("spindle 1 jammed"))
    asked = len(model.asked)
    assert words.explain(scorer.score("spindle 2 jammed")) == first
    assert len(model.asked) == asked


@pytest.mark.parametrize("line", ["", "\x00", "17"])
def test_a_line_that_was_not_read_has_no_words(line):
    assert explain(line) == ()


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
def test_every_word_is_weighed_once_and_finite(words):
    weighed = explain(" ".join(words))
    assert {word for word, _ in weighed} == set(words)
    assert np.isfinite([weight for _, weight in weighed]).all()
    assert [w for _, w in weighed] == sorted((w for _, w in weighed), reverse=True)
