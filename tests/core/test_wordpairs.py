"""Which wordings the log model has met."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.wordpairs import WordPairs

MET = ["spindle motor overheated", "door open", "axis servo alarm"]
texts = st.lists(st.text(max_size=40), max_size=12)


def test_what_was_met_is_not_new():
    assert [WordPairs.of(MET).novelty(text) for text in MET] == [0, 0, 0]


def test_known_words_in_a_new_order_are_new():
    assert WordPairs.of(MET).novelty("overheated motor spindle") == 1


def test_novelty_is_the_share_of_pairs_never_met():
    # met: the edge and "spindle", "spindle motor"; new: "motor seized", "seized" and the edge
    assert WordPairs.of(MET).novelty("spindle motor seized") == 0.5


def test_an_empty_line_is_not_new():
    assert WordPairs.of(MET).novelty("") == 0


def test_what_is_learnt_later_is_known_and_nothing_is_forgotten():
    later = WordPairs.of(MET).also(["hopper is empty"])
    assert [later.novelty(text) for text in (*MET, "hopper is empty")] == [0, 0, 0, 0]
    assert len(later.bits) == len(WordPairs.of(MET).bits)


def test_few_pairs_never_met_look_familiar():
    known = [f"word{number} next{number} last{number}" for number in range(3000)]
    strange = [f"stranger{number} other{number} third{number}" for number in range(3000)]
    pairs = WordPairs.of(known)
    assert len(pairs.bits) <= 4 * 3000 + 64
    assert sum(pairs.novelty(text) for text in strange) / len(strange) > 0.97


@given(texts)
def test_any_text_that_was_met_is_known(lines):
    pairs = WordPairs.of(lines)
    assert all(pairs.novelty(line) == 0 for line in lines)


@given(texts, st.text(max_size=60))
def test_novelty_is_a_share(lines, text):
    assert 0 <= WordPairs.of(lines).novelty(text) <= 1


@given(texts)
def test_the_order_of_the_lines_does_not_matter(lines):
    assert WordPairs.of(lines) == WordPairs.of(lines[::-1])
