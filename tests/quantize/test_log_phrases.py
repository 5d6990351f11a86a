"""Our own phrases: every one labelled by the taxonomy, none twice."""

import pytest

pytest.importorskip("torch", reason="the workshop's extra [quantize] is not installed")

from edge_agent.core.logtext import normalize
from edge_agent.core.records import Category, Severity
from quantize.errors import PackageError
from quantize.log_phrases import phrases


def written(folder, text):
    (folder / "some.txt").write_text(text, encoding="utf-8")
    return phrases(folder)


def test_our_phrases_cover_the_taxonomy():
    found = phrases()
    assert {message.category for message in found} == set(Category)
    assert {message.severity for message in found} == set(Severity)


def test_every_phrase_says_something_to_the_model():
    assert [message.text for message in phrases() if not normalize(message.text).text] == []


def test_a_heading_labels_the_lines_below_it(tmp_path):
    found = written(tmp_path, "# a remark\n## thermal error\nToo hot\n\n## normal info\nReady\n")
    assert [(m.text, m.category, m.severity) for m in found] == [
        ("Too hot", "thermal", "error"),
        ("Ready", "normal", "info"),
    ]


def test_a_repeated_phrase_counts_once(tmp_path):
    assert len(written(tmp_path, "## thermal error\nToo hot\nTOO HOT\n")) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too hot", "line 1: a message before the first heading"),
        ("\n## warmth error\nToo hot", "line 2: 'warmth error' is no category and severity"),
        ("## thermal\nToo hot", "line 1: 'thermal' is no category and severity"),
        ("## thermal info\nToo hot", "normal if and only if it is info"),
        ("## normal error\nReady", "normal if and only if it is info"),
    ],
)
def test_a_bad_heading_is_named_with_its_line(tmp_path, text, reason):
    with pytest.raises(PackageError, match=reason):
        written(tmp_path, text)
