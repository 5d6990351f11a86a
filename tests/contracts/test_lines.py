"""Lines from files and pipes: all of them, in order, and no sooner than they are there."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.io.lines import line_batches


@given(st.lists(st.binary(max_size=9)), st.integers(1, 5), st.booleans())
def test_every_line_comes_once_in_order_and_batches_are_bounded(lines, most, ended):
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    batches = list(line_batches(io.BytesIO(text), most))
    assert all(1 <= len(batch) <= most for batch in batches)
    found = [line for batch in batches for line in batch]
    assert found == [line.rstrip(b"\n") for line in io.BytesIO(text)]


@given(st.lists(st.integers(1, 6), min_size=1), st.binary(max_size=40))
def test_how_a_pipe_was_filled_leaves_no_trace(sizes, text):
    class Dripping(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(min(size, next(turns)))

    turns = iter(sizes * 50)
    found = [line for batch in line_batches(Dripping(text), 3) for line in batch]
    assert found == [line.rstrip(b"\n") for line in io.BytesIO(text)]


@pytest.mark.parametrize("size", [3_000_000])
def test_a_line_of_megabytes_is_one_line(size):
    source = io.BytesIO(b"a\n" + b"x" * size + b"\nb")
    assert [line for batch in line_batches(source, 9) for line in batch] == [
        b"a",
        b"x" * size,
        b"b",
    ]


def test_a_line_in_a_pipe_is_given_before_the_next_is_written():
    readable, writable = os.pipe()
    with open(readable, "rb") as source, open(writable, "wb", buffering=0) as sink:  # noqa: PTH123
        batches = line_batches(source, 100)
        for text in (b"one", b"two", b""):
            sink.write(text + b"\nbegun")
            assert next(batches)[-1].endswith(text)
