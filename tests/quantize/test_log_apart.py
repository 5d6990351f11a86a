"""Own lines that a fold may not learn from."""

from quantize.log_apart import apart
from quantize.log_data import Message


def lines(*texts):
    return [Message(text, "normal", "info", "own", "Apache-2.0") for text in texts]


def kept(own, exactly=(), nearly=()):
    return [message.text for message in apart(lines(*own), exactly, nearly)]


def test_a_line_that_reads_as_a_judged_one_is_left_out():
    assert kept(["Door open", "door shut"], exactly={"door open"}) == ["door shut"]


def test_of_exact_texts_a_line_that_is_merely_close_may_stay():
    assert kept(["left door open"], exactly={"door open"}) == ["left door open"]


def test_a_line_that_shares_half_of_its_words_is_left_out_too():
    own = ["node seven is not responding", "seven pumps are running", "responding node: seven"]
    assert kept(own, nearly={"node seven not responding"}) == ["seven pumps are running"]


def test_numbers_do_not_tell_lines_apart():
    assert kept(["Retry 3 of 10 for host"], nearly={"retry of for host"}) == []


def test_without_judged_texts_every_line_stays():
    assert kept(["a b", "c"]) == ["a b", "c"]
