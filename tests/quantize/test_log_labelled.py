"""A plant's labelled lines: what is read, what is refused, and how a fifth is held back."""

import json

import pytest

pytest.importorskip("transformers", reason="the workshop's extra [quantize] is not installed")

from edge_agent.core.logtext import normalize
from quantize.errors import PackageError
from quantize.log_data import Message
from quantize.log_labelled import held_fifth, plant_messages

NAMES = (
    *("pump", "valve", "motor", "gripper", "belt", "door", "fan", "drive"),
    *("press", "robot", "oven", "mixer", "saw", "lift", "crane"),
)
GOOD = [
    {"text": f"{name} {what}", "category": category, "severity": severity}
    for name in NAMES
    for what, category, severity in (
        ("jammed", "mechanical", "error"),
        ("ready", "normal", "info"),
    )
]


def saved(tmp_path, rows):
    file = tmp_path / "plant.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return file


def test_good_lines_are_read_in_order(tmp_path):
    found = plant_messages(saved(tmp_path, GOOD))
    assert [m.text for m in found] == [row["text"] for row in GOOD]
    assert (found[0].category, found[0].severity) == ("mechanical", "error")


def test_other_fields_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path):
    rows = [{**row, "shift": 3} for row in GOOD]
    file = tmp_path / "plant.jsonl"
    file.write_text("\ufeff" + "\r\n\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    assert len(plant_messages(file)) == len(GOOD)


FLAWS = {
    "broken JSON": ('{"text": "pump', "not JSON"),
    "no object": ("[1, 2]", "not a JSON object"),
    "no text": ({"category": "thermal", "severity": "error"}, "no text"),
    "a number for a label": ({"text": "x y", "category": 3, "severity": "error"}, "no category"),
    "no severity": ({"text": "x y", "category": "thermal"}, "no severity"),
    "an unknown category": (
        {"text": "x y", "category": "thremal", "severity": "error"},
        "unknown category 'thremal', not one of normal, mechanical",
    ),
    "an unknown severity": (
        {"text": "x y", "category": "thermal", "severity": "bad"},
        "unknown severity 'bad', not one of info",
    ),
    "a fault at info": (
        {"text": "x y", "category": "thermal", "severity": "info"},
        "info goes with normal",
    ),
    "routine as an error": (
        {"text": "x y", "category": "normal", "severity": "error"},
        "info goes with normal",
    ),
    "no words": ({"text": "  ", "category": "thermal", "severity": "error"}, "nothing in its text"),
    "a repeated line": (GOOD[3], "repeats line 4"),
    "another category": (
        {"text": "pump jammed", "category": "thermal", "severity": "error"},
        "labelled thermal, error; line 1, which the model reads alike .*, is mechanical, error",
    ),
    "another severity": (
        {"text": "pump jammed", "category": "mechanical", "severity": "warning"},
        "is mechanical, error",
    ),
}


@pytest.mark.parametrize(("row", "reason"), FLAWS.values(), ids=FLAWS.keys())
def test_a_flaw_is_named_with_file_line_and_reason(tmp_path, row, reason):
    rows = [*GOOD, "", row]
    with pytest.raises(PackageError, match=rf"plant\.jsonl:{len(rows)}: .*{reason}"):
        plant_messages(saved(tmp_path, rows))


def test_a_label_that_contradicts_one_of_a_line_with_another_number_is_refused(tmp_path):
    rows = [
        *GOOD,
        {"text": "station 4711 hot", "category": "thermal", "severity": "error"},
        {"text": "station 815 hot", "category": "thermal", "severity": "warning"},
    ]
    with pytest.raises(PackageError, match="which the model reads alike"):
        plant_messages(saved(tmp_path, rows))


def test_lines_that_differ_in_a_number_alone_may_stand_side_by_side(tmp_path):
    rows = [
        {"text": f"station {n} hot", "category": "thermal", "severity": "error"}
        for n in range(1000, 1030)
    ]
    assert len(plant_messages(saved(tmp_path, rows))) == 30


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PackageError, match=r"none\.jsonl: cannot be read"):
        plant_messages(tmp_path / "none.jsonl")


def test_bytes_that_are_no_text_are_found_in_their_line(tmp_path):
    file = tmp_path / "plant.jsonl"
    file.write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n')
    with pytest.raises(PackageError, match=r"plant\.jsonl:2: not UTF-8"):
        plant_messages(file)


@pytest.mark.parametrize("rows", [[], GOOD[:24]])
def test_too_few_lines_are_refused(tmp_path, rows):
    with pytest.raises(PackageError, match=f"holds {len(rows)} lines, 25 are the least"):
        plant_messages(saved(tmp_path, rows))


def test_a_fifth_of_every_category_is_held_back(tmp_path):
    messages = plant_messages(saved(tmp_path, GOOD))
    seen, held = held_fifth(messages, seed=0)
    assert sorted(m.text for m in [*seen, *held]) == sorted(m.text for m in messages)
    assert [sum(m.category == name for m in held) for name in ("mechanical", "normal")] == [3, 3]
    assert held_fifth(messages, seed=0) == (seen, held)
    assert held_fifth(messages, seed=1) != (seen, held)


def test_lines_that_read_alike_are_on_one_side():
    messages = [
        Message(f"{name} at station {n}", "thermal", "error", "plant", "")
        for name in NAMES
        for n in (1000, 2000, 3000)
    ]
    seen, held = held_fifth(messages, seed=0)
    readings = [{normalize(m.text).text for m in part} for part in (seen, held)]
    assert not readings[0] & readings[1]
    assert len(held) == 9
