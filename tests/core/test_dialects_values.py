"""Values from sensors: bare numbers, JSON objects and arrays, CSV rows."""

import pytest
from messages import OBJECT_TOPIC, RECEIVED_NS, SECOND_NS, decode, readings, reason

from edge_agent.core.dialects.numbers import number
from edge_agent.core.records import Reading, Reject, RejectReason, TimeQuality


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("21.5", 21.5), (" 21 \r\n", 21.0), ("-1e-3", -0.001), ("+7", 7.0), ("21.5\0", 21.5),
        ("\ufeff21.5", 21.5), ('"21.5"', 21.5), ('"12,5"', 12.5), ("true", 1.0), ("FALSE", 0.0),
    ],
)  # fmt: skip
def test_a_bare_number_is_a_reading_on_receipt(payload, value):
    assert decode(payload) == [Reading("press", "temp", RECEIVED_NS, value, TimeQuality.RECEIVED)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0,125", 0.125), ("-12,5e1", -125.0), (".5", 0.5), ("5.", 5.0), (True, 1.0), (7, 7.0),
        ("1,250", None), ("1.234,5", None), ("1_0", None), ("0x10", None), ("nan", None),
        ("٣", None), ("1e39", None), (10**400, None), (float("inf"), None), (None, None),
        ([], None), ("", None), ("1" * 100, None),
    ],
)  # fmt: skip
def test_only_what_is_surely_a_finite_number_is_one(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(
    ("payload", "channels"),
    [
        pytest.param('{"value": 3}', {"temp": 3}, id="value"),
        pytest.param('{"Value": "3"}', {"temp": 3}, id="key in another case"),
        pytest.param('{"v": 3, "q": "good"}', {"temp": 3}, id="v beside text"),
        pytest.param('{"value": 3, "quality": 192, "max": 9}', {"temp": 3}, id="value is all"),
        pytest.param('{"value": {"x": 1, "y": 2}}', {"temp.x": 1, "temp.y": 2}, id="nested value"),
        pytest.param('{"a": 1, "b": 2}', {"temp.a": 1, "temp.b": 2}, id="flat"),
        pytest.param('{"v": 230, "i": 2}', {"temp.v": 230, "temp.i": 2}, id="v is a voltage"),
        pytest.param('{"t": 21.5}', {"temp.t": 21.5}, id="t is a temperature"),
        pytest.param('{"a": 1, "unit": "V", "seq": 7}', {"temp.a": 1}, id="context"),
        pytest.param('{"a": true, "b": null}', {"temp.a": 1}, id="boolean and null"),
        pytest.param('{"a": 1, "a": 2}', {"temp.a": 2}, id="a key twice"),
        pytest.param('{"data": {"a": 1, "b": "2,5"}}', {"temp.a": 1, "temp.b": 2.5}, id="data"),
        pytest.param('{"a": 1, "fields": {"b": 2}}', {"temp.a": 1, "temp.b": 2}, id="both levels"),
        pytest.param('{"Öl °C": 1}', {"temp.Öl °C": 1}, id="any printable name"),
    ],
)
def test_an_object_gives_a_reading_for_each_number(payload, channels):
    assert dict(readings(payload)) == channels


@pytest.mark.parametrize(
    ("payload", "channels"),
    [
        pytest.param("3", {"value": 3}, id="bare"),
        pytest.param('{"value": 3}', {"value": 3}, id="value"),
        pytest.param('{"name": "vib", "value": 3}', {"vib": 3}, id="named value"),
        pytest.param('{"a": 1, "b": 2}', {"a": 1, "b": 2}, id="flat"),
        pytest.param('{"metrics": [{"name": "a", "value": 1}, {"name": "b", "value": 2}]}',
                     {"a": 1, "b": 2}, id="metrics"),
        pytest.param('{"signal": 4, "a": 1}', {"signal": 4, "a": 1}, id="a number is no name"),
    ],
)  # fmt: skip
def test_a_topic_without_channel_leaves_the_names_to_the_payload(payload, channels):
    assert dict(readings(payload, OBJECT_TOPIC)) == channels


@pytest.mark.parametrize(
    ("time", "before_ns", "quality"),
    [
        ('"timestamp": 1709999999', SECOND_NS, TimeQuality.SOURCE),
        ('"ts": 1709999999000', SECOND_NS, TimeQuality.SOURCE),
        ('"Time": "2024-03-09T15:59:59Z"', SECOND_NS, TimeQuality.SOURCE),
        ('"datetime": "2024-03-09 15:59:59"', SECOND_NS, TimeQuality.NAIVE),
        ('"t": 1709999999', SECOND_NS, TimeQuality.SOURCE),
        ('"timestamp": 1709999999.000000001', SECOND_NS - 1, TimeQuality.SOURCE),
        ('"timestamp": "1709999999.000000001"', SECOND_NS - 1, TimeQuality.SOURCE),
        ('"timestamp": null', 0, TimeQuality.RECEIVED),
        ('"timestamp": 1710000061', 0, TimeQuality.CLAMPED),
        ('"timestamp": 1710000060', -60 * SECOND_NS, TimeQuality.SOURCE),
    ],
)
def test_the_time_of_an_object_is_its_own_unless_it_is_the_future(time, before_ns, quality):
    (reading,) = decode(f'{{"value": 3, {time}}}')
    assert (RECEIVED_NS - reading.at_ns, reading.time_quality) == (before_ns, quality)


def test_nested_items_share_the_time_around_them_and_may_have_their_own():
    payload = '{"ts": 1709999990, "readings": [{"a": 1}, {"a": 2, "ts": 1709999995}]}'
    assert [(RECEIVED_NS - r.at_ns) // SECOND_NS for r in decode(payload)] == [10, 5]


def test_a_fractional_epoch_is_exact_in_an_array_of_objects():
    payload = '[{"value": 1, "ts": 1709999999.123456789}, {"value": 2, "ts": 1709999999.123456790}]'
    assert [record.at_ns % SECOND_NS for record in decode(payload)] == [123_456_789, 123_456_790]


@pytest.mark.parametrize(
    "payload",
    ['[{"value": 1}, {"value": 2}]', "[1, 2]", '{"value": 1}\n{"value": 2}', "1\n2", "x;\n1;\n2;"],
)
def test_untimed_values_of_one_message_keep_their_order_and_end_on_receipt(payload):
    first, second = decode(payload)
    assert (first.value, second.value) == (1, 2)
    assert first.at_ns < second.at_ns == RECEIVED_NS


def test_a_message_from_a_clock_that_runs_ahead_keeps_its_distances():
    payload = '[{"value": 1, "ts": 1710086400}, {"value": 2, "ts": 1710086405}]'
    assert [(RECEIVED_NS - r.at_ns, r.time_quality) for r in decode(payload)] == [
        (5 * SECOND_NS, TimeQuality.CLAMPED),
        (0, TimeQuality.CLAMPED),
    ]


@pytest.mark.parametrize("payload", ["null", '{"value": null}', '{"a": null, "ts": 1}', "[null]"])
def test_null_is_missing_and_no_reject(payload):
    assert [r for r in decode(payload) if r.reason is not RejectReason.BAD_TIME] == []


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param("", RejectReason.EMPTY, id="no bytes"),
        pytest.param(" \n", RejectReason.EMPTY, id="white space"),
        pytest.param("\v\u2003", RejectReason.EMPTY, id="exotic white space"),
        pytest.param("\n\0\n\v", RejectReason.EMPTY, id="padding of two kinds"),
        pytest.param("[]", RejectReason.EMPTY, id="empty array"),
        pytest.param("{}", RejectReason.EMPTY, id="empty object"),
        pytest.param(b"\xff\xfe1", RejectReason.NOT_TEXT, id="not UTF-8"),
        pytest.param('{"value": 1', RejectReason.MALFORMED, id="cut-off JSON"),
        pytest.param("[\n1,\n2", RejectReason.MALFORMED, id="cut-off JSON over lines"),
        pytest.param("[" * 40_000, RejectReason.MALFORMED, id="deep nesting"),
        pytest.param('{"a": ' + "9" * 5_000 + "}", RejectReason.MALFORMED, id="5000 digits"),
        pytest.param("NaN", RejectReason.NOT_A_NUMBER, id="bare NaN"),
        pytest.param("1e999", RejectReason.NOT_A_NUMBER, id="bare infinity"),
        pytest.param("1_0", RejectReason.NOT_A_NUMBER, id="underscore"),
        pytest.param('{"value": NaN}', RejectReason.NOT_A_NUMBER, id="NaN literal"),
        pytest.param('{"a": -Infinity}', RejectReason.NOT_A_NUMBER, id="infinity literal"),
        pytest.param('{"a": 1' + "0" * 400 + "}", RejectReason.NOT_A_NUMBER, id="10**400"),
        pytest.param('{"value": "off"}', RejectReason.NOT_A_NUMBER, id="text value"),
        pytest.param('{"state": "off"}', RejectReason.NOT_A_NUMBER, id="text field"),
        pytest.param('"off"', RejectReason.NOT_A_NUMBER, id="JSON text"),
        pytest.param("off", RejectReason.UNKNOWN_SHAPE, id="a word"),
        pytest.param("12,5", RejectReason.UNKNOWN_SHAPE, id="decimal comma or two columns"),
        pytest.param("[[1, 2]]", RejectReason.UNKNOWN_SHAPE, id="array in array"),
        pytest.param('{"a": {"b": 1}}', RejectReason.UNKNOWN_SHAPE, id="nested elsewhere"),
        pytest.param(
            '{"data": ' * 900 + "1" + "}" * 900, RejectReason.UNKNOWN_SHAPE, id="900 deep"
        ),
        pytest.param('{"ts": 1709999999}', RejectReason.UNKNOWN_SHAPE, id="only a time"),
        pytest.param('{"value": 1, "ts": "soon"}', RejectReason.BAD_TIME, id="no time"),
        pytest.param('{"value": 1, "ts": 5}', RejectReason.BAD_TIME, id="1970"),
        pytest.param('{"\\ud800": 1}', RejectReason.BAD_NAME, id="lone surrogate"),
        pytest.param('{"a\\nb": 1}', RejectReason.BAD_NAME, id="line feed in a name"),
        pytest.param('{"' + "x" * 129 + '": 1}', RejectReason.BAD_NAME, id="long name"),
        pytest.param("1" * 50_001, RejectReason.TOO_LARGE, id="too many bytes"),
    ],
)
def test_a_useless_payload_is_one_reject_with_its_reason(payload, expected):
    assert reason(payload) is expected


def test_a_bad_field_costs_only_itself():
    good, bad = decode('{"a": 1, "b": NaN}')
    assert (good.channel, bad.reason) == ("temp.a", RejectReason.NOT_A_NUMBER)


def test_a_bad_item_costs_only_itself():
    good, bad = decode('[{"value": 1}, {"value": "off"}]')
    assert (good.value, bad.reason) == (1.0, RejectReason.NOT_A_NUMBER)


def test_fields_beyond_the_cap_are_cut_and_counted():
    payload = ",".join(f'"c{i}": {i}' for i in range(20))
    *kept, cut = decode(f"{{{payload}}}")
    assert len(kept) == 8
    assert cut.reason is RejectReason.TOO_LARGE


def test_items_beyond_the_cap_are_cut_and_counted():
    *kept, cut = decode("[" + ",".join(["1"] * 2_500) + "]")
    assert len(kept) == 2_000
    assert cut.reason is RejectReason.TOO_LARGE


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        pytest.param("1709999990,5\n1709999991,6.5", [(10, "temp", 5), (9, "temp", 6.5)],
                     id="epoch"),
        pytest.param("5;2024-03-09T15:59:50Z", [(10, "temp", 5)], id="time last"),
        pytest.param("2024-03-09 15:59:50;12,5\r\n2024-03-09 15:59:51;1,250\r\n",
                     [(10, "temp", 12.5), (9, "temp", 1.25)], id="German"),
        pytest.param("1709999990\t1\t2", [(10, "temp.column1", 1), (10, "temp.column2", 2)],
                     id="tabs"),
        pytest.param("1.5,2.5", [(0, "temp.column1", 1.5), (0, "temp.column2", 2.5)], id="untimed"),
        pytest.param("timestamp,value\n1709999990,5", [(10, "temp", 5)], id="header"),
        pytest.param('"x";"Zeit";"y"\n1;2024-03-09T15:59:50Z;2',
                     [(0, "temp.x", 1), (0, "temp.y", 2)], id="time in the middle"),
        pytest.param("Zeit;x;seq\n1709999990;1;77", [(10, "temp.x", 1)], id="unknown time name"),
        pytest.param("x,y\n1,\n,2", [(0, "temp.x", 1), (0, "temp.y", 2)], id="empty cells"),
        pytest.param("x,state\n1,on", [(0, "temp.x", 1)], id="text is context"),
        pytest.param("speed\n5", [(0, "temp.speed", 5)], id="one named column"),
    ],
)  # fmt: skip
def test_csv_rows_are_readings(payload, rows):
    decoded = decode(payload)
    assert [((RECEIVED_NS - r.at_ns) // SECOND_NS, r.channel, r.value) for r in decoded] == rows


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("1709999990", RejectReason.MALFORMED),
        ("soon,5", RejectReason.BAD_TIME),
        ("1709999990,off", RejectReason.NOT_A_NUMBER),
        ("1709999990,", RejectReason.NOT_A_NUMBER),
    ],
)
def test_a_bad_csv_row_costs_only_itself(row, expected):
    first, bad, last = decode(f"1709999989,1\n{row}\n1709999991,3")
    assert isinstance(bad, Reject)
    assert (first.value, bad.reason, last.value) == (1.0, expected, 3.0)


def test_csv_rows_beyond_the_cap_are_cut_and_counted():
    *kept, cut = decode("1\n" * 2_500)
    assert len(kept) == 2_000
    assert cut.reason is RejectReason.TOO_LARGE


def test_a_real_recording_decodes_row_by_row(shared_data):
    lines = (shared_data / "sensors/skab/valve1/6.csv").read_text().splitlines()[:101]
    sensors = [line.split(";")[:9] for line in lines]  # without the two columns of labels
    decoded = decode("\n".join(";".join(cells) for cells in sensors), OBJECT_TOPIC)
    assert [r.channel for r in decoded[:8]] == sensors[0][1:]
    assert [r.value for r in decoded[:8]] == [float(cell) for cell in sensors[1][1:]]
    assert len(decoded) == 800
    assert {r.time_quality for r in decoded} == {TimeQuality.NAIVE}


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_of_any_length_is_too_large(rows):
    assert reason("\n".join(["1;" * 10_000] * rows)) is RejectReason.TOO_LARGE


def test_a_table_with_more_columns_than_an_asset_may_have_channels_is_too_large():
    assert reason(";".join("abcdefghi") + "\n" + ";".join("123456789")) is RejectReason.TOO_LARGE
