"""Log lines: plain text, syslog and JSON."""

import json

import pytest
from messages import LOG_TOPIC, RECEIVED_NS, SECOND_NS, decode, reason

from edge_agent.core.dialects import plain_log
from edge_agent.core.dialects.times import parse
from edge_agent.core.records import LogLine, RejectReason, Severity, TimeQuality


def lines(payload):
    """Return the records of a log message; anything but a line fails the test."""
    decoded = decode(payload, LOG_TOPIC)
    assert all(isinstance(record, LogLine) for record in decoded)
    return decoded


def only(payload):
    (line,) = lines(payload)
    return line


def at_ns(text):
    return parse(text).at_ns


@pytest.mark.parametrize(
    ("line", "time", "quality"),
    [
        ("2015-10-18 18:01:47,978 INFO x", "2015-10-18T18:01:47.978Z", TimeQuality.NAIVE),
        ("2015-10-18T18:01:47.978Z pump", "2015-10-18T18:01:47.978Z", TimeQuality.SOURCE),
        ("[2015-10-18T18:01:47+02:00] pump", "2015-10-18T16:01:47Z", TimeQuality.SOURCE),
        ("2015/10/18 18:01:47 [error] x", "2015-10-18T18:01:47Z", TimeQuality.NAIVE),
        ("api.log.1 2017-05-16 00:00:00.008 25746 INFO x", "2017-05-16T00:00:00.008Z",
         TimeQuality.NAIVE),
        ("1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02 RAS KERNEL INFO ok",
         "2005-06-03T22:42:50Z", TimeQuality.SOURCE),
        ("- 1117838570 2005.06.03 R02 KERNEL INFO ok", "2005-06-03T22:42:50Z", TimeQuality.SOURCE),
        ("1710000000123 pump", "2024-03-09T16:00:00.123Z", TimeQuality.SOURCE),
        ("[Sun Dec 04 04:47:44 2005] [error] x", "2005-12-04T04:47:44Z", TimeQuality.NAIVE),
        ("Jan  2 03:04:05 host x", "2024-01-02T03:04:05Z", TimeQuality.NAIVE),
        ("Jun 14 15:16:01 host x", "2023-06-14T15:16:01Z", TimeQuality.NAIVE),
        ("Mar 10 03:00:00 host x", "2024-03-09T16:00:00Z", TimeQuality.NAIVE),
        ("Mar 11 03:00:00 host x", "2023-03-11T03:00:00Z", TimeQuality.NAIVE),
        ("02-29 16:13:38.811  1702  2395 D X: x", "2024-02-29T16:13:38.811Z", TimeQuality.NAIVE),
        ("<34>Oct 11 22:14:15 host su: x", "2023-10-11T22:14:15Z", TimeQuality.NAIVE),
        ("<165>1 2003-10-11T22:14:15.003Z host app - ID47 - x", "2003-10-11T22:14:15.003Z",
         TimeQuality.SOURCE),
        ('{"msg": "x", "time": "2015-10-18T18:01:47Z"}', "2015-10-18T18:01:47Z",
         TimeQuality.SOURCE),
        ('{"log": "2015-10-18 18:01:47 x"}', "2015-10-18T18:01:47Z", TimeQuality.NAIVE),
        ('{"msg": "x", "ts": 1709999999.25}', "2024-03-09T15:59:59.25Z", TimeQuality.SOURCE),
    ],
)  # fmt: skip
def test_the_time_of_a_line_is_the_one_it_states(line, time, quality):
    record = only(line)
    assert (record.at_ns, record.time_quality) == (at_ns(time), quality)


@pytest.mark.parametrize(
    "line",
    [
        "pump 3 stopped", "12345 widgets", "Feb 30 12:00:00 host x", "2015-13-18 18:01:47 x",
        '{"msg": "x", "time": "soon"}', "<14>1 - host app - - - x", "Mayor 12 12:00:00",
    ],
)  # fmt: skip
def test_a_line_without_a_time_happened_on_receipt(line):
    record = only(line)
    assert (record.at_ns, record.time_quality) == (RECEIVED_NS, TimeQuality.RECEIVED)


def test_a_leap_day_without_a_year_is_found_in_the_last_leap_year():
    year_2023_ns = at_ns("2023-05-01T00:00:00Z")
    stamp = plain_log.time_in("Feb 29 12:00:00 host x", year_2023_ns)
    assert stamp.at_ns == at_ns("2020-02-29T12:00:00Z")


def test_a_future_line_is_set_to_its_receipt():
    record = only("2024-03-09 17:30:00 INFO ahead by a zone")
    assert (record.at_ns, record.time_quality) == (RECEIVED_NS, TimeQuality.CLAMPED)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("2015-10-18 18:01:47,978 INFO x", "2015-10-18 18:01:47,978 INFO x"),
        ("<34>Oct 11 22:14:15 host su: x", "Oct 11 22:14:15 host su: x"),
        ("118 <34>Oct 11 22:14:15 host su: x", "Oct 11 22:14:15 host su: x"),
        ('<165>1 - h a - ID [e@1 k="a\\"]b" l="2"][f] \ufeffpump stopped', "pump stopped"),
        ("<165>1 - h a - OVERTEMP -", "OVERTEMP"),
        ("<165>1 - h a - ID [broken", "1 - h a - ID [broken"),
        ("<192>no priority", "<192>no priority"),
        ('{"message": "x", "log": "y"}', "x"),
        ('{"MSG": "x"}', "x"),
        ('"x"', "x"),
        ("{not json} x", "{not json} x"),
        ("[main] x", "[main] x"),
        ("123", "123"),
        ("null", "null"),
        ("\x00a\tb\x07c\x1b[31md\x1b[0m\u2028e", "a b cd e"),
        ('{"msg": "a\\u0000b\\ud800c\\nd"}', "a b\ufffdc d"),
        ("Öl läuft aus", "Öl läuft aus"),
        ("x" * 500, "x" * 200),
        ('{"msg": "' + "x" * 500 + '"}', "x" * 200),
        ("<14>" + "x" * 500, "x" * 200),
    ],
)
def test_the_text_of_a_line_is_printable_and_bounded(line, text):
    assert only(line).text == text


def test_bytes_that_are_no_utf_8_are_replaced():
    assert only("Überdruck".encode("latin-1")).text == "\ufffdberdruck"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2015-10-18 18:01:47,978 INFO [main] x", Severity.INFO),
        ("2015-10-18 18:01:47 WARN x", Severity.WARNING),
        ("081109 203615 148 ERROR dfs.DataNode: x", Severity.ERROR),
        ("1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.675872 RAS KERNEL FATAL x",
         Severity.CRITICAL),
        ("R02 RAS BGLMASTER SEVERE x", Severity.ERROR),
        ("[Sun Dec 04 04:47:44 2005] [notice] x", Severity.INFO),
        ("host app <warn> x", Severity.WARNING),
        ("ts=5 level=error msg=x", Severity.ERROR),
        ("Error: no oil", Severity.ERROR),
        ("WARNING 512 OIL LOW", Severity.WARNING),
        ("03-17 16:13:38.811  1702  2395 E WindowManager: x", Severity.ERROR),
        ("W0317 16:13:38.811 1702 x.cc:1] x", Severity.WARNING),
        ("<34>x", Severity.CRITICAL), ("<35>x", Severity.ERROR), ("<36>x", Severity.WARNING),
        ("<37>x", Severity.INFO), ("<32>1 - - - - - - x", Severity.CRITICAL),
        ('{"msg": "x", "level": "Warn"}', Severity.WARNING),
        ('{"msg": "x", "severity": 3}', Severity.ERROR),
        ('{"msg": "x", "lvl": "7"}', Severity.INFO),
        ('{"msg": "x", "level": 50}', Severity.ERROR),
        ('{"msg": "x", "log.level": "FATAL"}', Severity.CRITICAL),
        ('{"msg": "ERROR x", "level": true}', Severity.ERROR),
        ('{"msg": "x", "level": 1' + "0" * 50 + "}", None),
        ("NO ERROR", None),
        ("drive reports NO ERROR since start", None),
        ("DRIVE ERROR RESET", None),
        ("pump 3 stopped without error", None),
        ("information desk", None),
        ("\u017fevere: x", None),
    ],
)  # fmt: skip
def test_a_level_is_taken_where_a_line_states_one(line, level):
    assert only(line).level is level


def test_lines_of_one_message_that_state_no_time_have_that_of_the_line_before():
    first, blank_free, last = lines(
        "2015-10-18 18:01:47 ERROR x\r\n\n\tat y\n2015-10-18 18:01:48 z"
    )
    assert blank_free.at_ns == first.at_ns
    assert last.at_ns == first.at_ns + SECOND_NS


def test_json_lines_and_arrays_give_a_line_each():
    assert [r.text for r in lines('{"msg": "a"}\n{"msg": "b"}\nc')] == ["a", "b", "c"]
    assert [r.text for r in lines('[{"msg": "a"}, "b"]')] == ["a", "b"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("", RejectReason.EMPTY),
        (" \n\0", RejectReason.EMPTY),
        ("[]", RejectReason.EMPTY),
        ('{"msg": ""}', RejectReason.EMPTY),
        ('{"temp": 3}', RejectReason.UNKNOWN_SHAPE),
        ("[3]", RejectReason.UNKNOWN_SHAPE),
        ("x" * 50_001, RejectReason.TOO_LARGE),
    ],
)
def test_a_message_without_a_line_is_one_reject(payload, expected):
    assert reason(payload, LOG_TOPIC) is expected


@pytest.mark.parametrize("payload", ["x\n" * 1_500, json.dumps(["x"] * 1_500)])
def test_lines_beyond_the_cap_are_cut_and_counted(payload):
    *kept, cut = decode(payload, LOG_TOPIC)
    assert len(kept) == 1_000
    assert cut.reason is RejectReason.TOO_LARGE


def test_lines_of_a_real_log_have_their_own_times_and_levels(shared_data):
    log = (shared_data / "logs/raw/BGL_2k.log").read_text()
    for line in log.splitlines()[::5]:
        columns = line.split()
        record = only(line.split(" ", 1)[1])
        assert record.at_ns == int(columns[1]) * SECOND_NS
        assert record.time_quality is TimeQuality.SOURCE
        if columns[8] in ("INFO", "WARNING", "ERROR", "FATAL", "SEVERE"):
            assert record.level is not None


@pytest.mark.parametrize(
    ("name", "quality"),
    [
        ("Linux", TimeQuality.NAIVE), ("Mac", TimeQuality.NAIVE), ("Apache", TimeQuality.NAIVE),
        ("Hadoop", TimeQuality.NAIVE), ("OpenStack", TimeQuality.NAIVE),
        ("Android", TimeQuality.NAIVE),
    ],
)  # fmt: skip
def test_times_of_other_real_logs_are_read(shared_data, name, quality):
    log = (shared_data / f"logs/raw/{name}_2k.log").read_text("utf-8", "replace").splitlines()[::5]
    assert {only(line).time_quality for line in log if line.strip()} == {quality}
