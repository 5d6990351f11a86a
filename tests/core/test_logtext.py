import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.core.logtext import (
    MAX_TEMPLATE_CHARS,
    MAX_TEXT_CHARS,
    mask,
    normalize,
    spell,
)
from edge_agent.core.records import Severity

INFO, WARNING, ERROR, CRITICAL = Severity
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=600)

HEADERS = {
    "no header": ("Spindle 2 overheated", None, "Spindle <num> overheated"),
    "RFC 3164": (
        "<27>Mar  3 07:08:09 press-gw fieldbusd[812]: node 7 lost",
        ERROR,
        "node <num> lost",
    ),
    "RFC 3164 without process id": (
        "<11>Oct 21 22:14:15 mill04 plcd: program stopped",
        ERROR,
        "program stopped",
    ),
    "RFC 5424": (
        '<34>1 2024-05-01T10:00:00.003Z gw1 plcd 812 ID47 [zone@32473 id="3"] door open',
        CRITICAL,
        "door open",
    ),
    "RFC 5424 without structured data": (
        "<13>1 2024-05-01T10:00:00+02:00 gw1 plcd - - - cycle done",
        INFO,
        "cycle done",
    ),
    "syslog file": (
        "Dec 11 06:25:01 edge7 ntpd(pool)[99]: clock synchronised",
        None,
        "clock synchronised",
    ),
    "kernel ring": (
        "[   12.345678] usb 1-2: device removed",
        None,
        "usb <num>-<num>: device removed",
    ),
    "ISO time and level": ("2024-05-01 10:11:12,345 WARN belt slipping", WARNING, "belt slipping"),
    "ISO time, boxed level": ("[2024-05-01T10:11:12Z] [ERROR] pump dry", ERROR, "pump dry"),
    "Blue Gene RAS": (
        "1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL FATAL lost",
        CRITICAL,
        "lost",
    ),
    "Blue Gene RAS with its label column": (
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS APP INFO job 7 done",
        INFO,
        "job <num> done",
    ),
    "Hadoop": (
        "2015-10-18 18:01:47,978 ERROR [main Thread-7] org.example.Copier: copy of part 9 failed",
        ERROR,
        "copy of part <num> failed",
    ),
    "Spark": (
        "17/06/09 20:10:40 INFO spool.MemoryPool: pool cleared",
        INFO,
        "pool cleared",
    ),
    "HDFS": ("081109 203615 148 WARN dfs.Node$Writer: replica missing", WARNING, "replica missing"),
    "Android": (
        "03-17 16:13:38.811  1702  2395 W BatteryWatch: level unknown",
        WARNING,
        "level unknown",
    ),
    "logcat, brief": ("E/MotorService( 1702): no answer", ERROR, "no answer"),
    "glog": ("W0501 10:11:12.123456  4321 axis.cc:77] lag rising", WARNING, "lag rising"),
    "Apache": (
        "[Sun Dec 04 04:47:44 2005] [error] [client 10.0.0.9] file does not exist",
        ERROR,
        "file does not exist",
    ),
    "OpenStack": (
        "api.log.1 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-38 - -] request served",
        INFO,
        "request served",
    ),
    "bar-separated": (
        "20171223-22:15:29:606|Step_Count|30002312|counter flushed",
        None,
        "counter flushed",
    ),
    "cluster": (
        "134681 node-246 unix.hw temp 1077804742 1 sensor silent",
        None,
        "unix.hw temp: sensor silent",
    ),
    "epoch column": ("1714557600123 oven door opened", None, "oven door opened"),
    "German date": ("01.05.2024 10:11:12 Lüfter blockiert", None, "Lüfter blockiert"),
    "logfmt": (
        'time="2024-05-01T10:11:12Z" level=warning msg="queue full"',
        WARNING,
        '"queue full"',
    ),
    "level word": ("Warning: coolant low", WARNING, "coolant low"),
    "colours": ("\x1b[31mERROR:\x1b[0m drive tripped", ERROR, "drive tripped"),
}


@pytest.mark.parametrize(("raw", "level", "template"), HEADERS.values(), ids=HEADERS)
def test_a_header_is_stripped_and_its_level_kept(raw, level, template):
    assert mask(raw) == (template, level)


MASKS = {
    "a value keeps unit and decade": ("winding at 87.5 °C", "winding at <10..100 °C>"),
    "a small value": ("vibration 0.4 mm/s", "vibration <0..1 mm/s>"),
    "a unit that touches its number": ("bearing 104C", "bearing <100..1000 °C>"),
    "a letter after a space is no unit": ("channel 3 C open", "channel <num> C open"),
    "a decimal comma": ("Druck 6,3 bar", "Druck <1..10 bar>"),
    "a scaled unit is shown as written": (
        "grid 12 MW, drive 12 kW",
        "grid <10..100 MW>, drive <10..100 kW>",
    ),
    "plain numbers": ("retry 3 of 10, offset -1.5", "retry <num> of <num>, offset <num>"),
    "zero of what counts trouble": (
        "0 errors, 0 uncorrected faults, retries=0, exit code 0",
        "<0> errors, <0> uncorrected faults, retries=<0>, exit code <0>",
    ),
    "some trouble": ("10 errors, exit code 1", "<num> errors, exit code <num>"),
    "a zero that only says which": ("axis 0 failed, bit 0", "axis <num> failed, bit <num>"),
    "numbers inside names": ("node-190 rack_7_slot3", "node-<num> rack_<num>_slot<num>"),
    "long hexadecimal": ("at 0x0b85eee0 in 4fa2c0de", "at <hex> in <hex>"),
    "IPv4 with port": ("peer 10.1.2.3:502 gone", "peer <ip> gone"),
    "IPv6": ("peer fe80::1ff:fe23:4567:890a gone", "peer <ip> gone"),
    "MAC": ("station 00:1b:44:11:3a:b7 joined", "station <mac> joined"),
    "UUID": ("batch 123e4567-e89b-12d3-a456-426614174000", "batch <id>"),
    "path": ("cannot open /var/lib/plc/job.nc", "cannot open <path>"),
    "Windows path": (r"cannot open C:\Jobs\mould.xml", "cannot open <path>"),
    "URL": ("fetched http://10.0.0.1/x?y=1", "fetched <url>"),
    "host name": ("lost histo3.example.com:1883", "lost <host>"),
    "time in the message": ("last seen 2024-05-01 10:11:12", "last seen <time>"),
    "alarm codes stay": ("E1234 F07801 A-501 0x8611 active", "E1234 F07801 A-501 0x8611 active"),
    "I2t and I2C stay": ("I2t overload, I2C silent", "I2t overload, I2C silent"),
}


@pytest.mark.parametrize(("message", "template"), MASKS.values(), ids=MASKS)
def test_what_varies_is_masked(message, template):
    assert mask(message)[0] == template


@pytest.mark.parametrize("template", [template for _, template in MASKS.values()], ids=MASKS)
def test_masking_a_template_again_changes_nothing(template):
    assert mask(template)[0] == template


SPELLINGS = {
    "snake case": ("OVERTEMP_FAULT", "over temperature fault"),
    "camel case": ("encoderSignalLost", "encoder signal lost"),
    "an acronym before a word": ("HTTPServer down", "http server down"),
    "a value": ("winding at <10..100 °C>", "winding at 10 celsius"),
    "a plain number says nothing": ("axis <num> jammed", "axis jammed"),
    "no errors at all": ("<0> errors found", "zero errors found"),
    "an address": ("peer <ip> gone", "peer address gone"),
    "a code": ("E1234 drive tripped", "e1234 drive tripped"),
    "umlauts": ("Übertemperatur Lüfter", "uebertemperatur luefter"),
    "accents": ("température élevée", "temperature elevee"),
    "abbreviations": ("mot enc comm err", "motor encoder communication error"),
    "angle brackets of somebody else": ("state <unknown>", "state unknown"),
}


@pytest.mark.parametrize(("template", "text"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_template_is_spelled_out_for_the_model(template, text):
    assert spell(template) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jul 1 00:00:01 a x[1]: fan 1 at 2101 rpm", "Jul 9 23:59:59 b x[99]: fan 7 at 4700 rpm"),
        ("link to 10.0.0.1 lost after 31 s", "link to 192.168.7.12 lost after 99 s"),
        ("job_17 wrote /data/a/1.bin", "job_9000 wrote /data/b/2.bin"),
    ],
)
def test_lines_that_differ_in_variable_parts_share_a_template(one, other):
    assert normalize(one) == normalize(other)


def test_a_value_of_another_order_of_magnitude_is_another_template():
    assert mask("oil at 40 °C")[0] != mask("oil at 140 °C")[0]


@pytest.mark.parametrize("raw", ["", " \t\r\n", "\x00\x00", "\u202e\u2066\u200b", "\ud800"])
def test_a_line_without_anything_to_read_is_empty(raw):
    assert normalize(raw).text == ""
    assert normalize(raw).template == ""


def test_a_line_that_is_all_header_keeps_it():
    template, level = mask("2024-05-01 10:11:12 ERROR:")
    assert "ERROR" in template
    assert level is ERROR


def test_a_priority_alone_tells_the_level():
    levels = [mask(f"<{16 * 8 + code}>stopped")[1] for code in range(8)]
    assert levels == [CRITICAL, CRITICAL, CRITICAL, ERROR, WARNING, INFO, INFO, INFO]


def test_full_width_digits_are_digits():
    assert mask("\uff11\uff12 bar")[0] == "<10..100 bar>"


def test_chinese_and_emoji_survive():
    assert "过热" in normalize("电机过热 🔥").text


@given(ANYTHING)
@example("<" * 600)
@example("1" * 600)
@example("<999999>x")
@example("\ufdfa" * 600)
@example("\ud800 \udfff error")
def test_any_text_gives_a_bounded_printable_answer(raw):
    answer = normalize(raw)
    assert len(answer.text) <= MAX_TEXT_CHARS
    assert len(answer.template) <= MAX_TEMPLATE_CHARS
    categories = {unicodedata.category(sign) for sign in answer.text + answer.template}
    assert not categories & {"Cc", "Cf", "Cs"}
    answer.text.encode()


@given(ANYTHING)
def test_the_text_depends_on_the_template_alone(raw):
    answer = normalize(raw)
    assert answer == normalize(raw)
    assert answer.text == spell(answer.template)


ADVERSARIES = {
    "a megabyte of one letter": "a" * 1_000_000,
    "a megabyte of digits": "7" * 1_000_000,
    "open brackets": "[" * 1_000_000,
    "dots and letters": "a." * 500_000,
    "colons and digits": "1:" * 500_000,
    "slashes": "/a" * 500_000,
    "hexadecimal without a digit": "abcdef" * 170_000,
    "tags that never end": "a(" * 500_000,
    "months": "Jan " * 250_000,
    "numbers and blanks": "1 " * 500_000,
    "logger names": "a.b$c " * 160_000,
    "angle brackets": "<1..2 " * 160_000,
}


@pytest.mark.parametrize("raw", ADVERSARIES.values(), ids=ADVERSARIES)
def test_no_input_takes_long(raw):
    began = time.process_time()
    normalize(raw)
    assert time.process_time() - began < 0.5  # a hundred times what a usual line takes
