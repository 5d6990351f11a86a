"""Settings: everything wrong is said at once, clearly, before anything connects."""

import os

import pytest

from edge_agent.core.bearings import COMMON
from edge_agent.core.records import NS_PER_S, Category, Priority, Severity
from edge_agent.core.severity import Group, MachineClass, Support
from edge_agent.core.site import BinaryTopic, Limit, SampleFormat
from edge_agent.errors import ConfigError
from edge_agent.settings import Settings, load_settings, load_site, read_password


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("EDGE_AGENT_"):
            monkeypatch.delenv(name)


def refusal(monkeypatch, **values):
    """Return the message with which these settings are refused."""
    for name, value in values.items():
        monkeypatch.setenv(f"EDGE_AGENT_{name}", value)
    with pytest.raises(ConfigError) as refused:
        load_settings()
    return str(refused.value)


def test_a_first_run_needs_no_setting_at_all():
    settings = load_settings()
    assert settings.window_s == 10
    assert settings.sensor_topics == ("plant/{area}/{asset}/{channel}",)
    assert settings.sensor_model.name == "sensor-lstm"


def test_lists_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("EDGE_AGENT_SENSOR_TOPICS", "a/{asset}/{channel}, b/{asset}/#")
    assert load_settings().sensor_topics == ("a/{asset}/{channel}", "b/{asset}/#")


def test_a_misspelled_name_is_refused_with_the_likely_one(monkeypatch):
    message = refusal(monkeypatch, BROKER_ULR="mqtt://broker:1883")
    assert message == "EDGE_AGENT_BROKER_ULR is not a setting; did you mean EDGE_AGENT_BROKER_URL?"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WINDOW_S", "0", "EDGE_AGENT_WINDOW_S: Input should be greater than 0"),
        ("WINDOW_S", "nan", "EDGE_AGENT_WINDOW_S: "),
        ("WINDOW_S", "soon", "EDGE_AGENT_WINDOW_S: Input should be a valid number"),
        ("HOP_S", "20", "HOP_S must not be longer than WINDOW_S"),
        ("HOP_S", "1e-10", "EDGE_AGENT_HOP_S: Input should be greater than or equal to 0.01"),
        ("WINDOW_S", "86400", "WINDOW_S must not be more than 10000 times HOP_S"),
        ("THREADS", "0", "EDGE_AGENT_THREADS: "),
        ("LOG_LEVEL", "loud", "EDGE_AGENT_LOG_LEVEL: "),
        ("NODE", "a/b", "EDGE_AGENT_NODE: must be a single topic level"),
        ("NODE", "+", "EDGE_AGENT_NODE: must be a topic"),
        ("TOPIC_ROOT", "/edge", "EDGE_AGENT_TOPIC_ROOT: must be a topic"),
        ("SENSOR_TOPICS", "plant/{asset", "bad topic template 'plant/{asset'"),
        ("SENSOR_TOPICS", "plant/#/{asset}", "bad topic template"),
        ("SENSOR_TOPICS", "plant/{area}/{channel}", "bad topic template"),
        ("LOG_TOPICS", "plant/{asset}/x{y}", "bad topic template"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(monkeypatch, name, value, words):
    message = refusal(monkeypatch, **{name: value})
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("empty", ["", "  "], ids=["nothing", "spaces"])
@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"log_topics"}))
def test_an_empty_value_is_no_value(monkeypatch, name, empty):
    defaults = load_settings()
    monkeypatch.setenv(f"EDGE_AGENT_{name.upper()}", empty)
    if name == "sensor_topics":
        defaults = defaults.model_copy(update={"sensor_topics": ()})
    assert load_settings() == defaults


def test_an_empty_list_of_topics_means_none_of_them(monkeypatch):
    monkeypatch.setenv("EDGE_AGENT_LOG_TOPICS", "")
    assert load_settings().log_topics == ()
    assert "both empty" in refusal(monkeypatch, SENSOR_TOPICS=" ")


def test_spaces_around_a_value_do_not_count(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_AGENT_STATE_DIR", f" {tmp_path} ")
    monkeypatch.setenv("EDGE_AGENT_LOG_LEVEL", "debug ")
    assert load_settings().state_dir == tmp_path
    assert load_settings().log_level == "debug"


def test_two_wrong_values_are_both_told(monkeypatch):
    message = refusal(monkeypatch, WINDOW_S="-1", THREADS="none")
    assert len(message.splitlines()) == 2


def test_a_refused_value_is_not_repeated(monkeypatch):
    assert "hunter2" not in refusal(monkeypatch, WINDOW_S="hunter2")


def test_a_password_comes_from_its_file_without_the_newline(tmp_path):
    path = tmp_path / "password"
    path.write_text("secret word\n")
    assert read_password(path) == "secret word"


def test_a_missing_password_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere cannot be read"):
        read_password(tmp_path / "nowhere")


SITE = """
[alarms]
on_delay_s = 2
log_severity = "warning"

[[binary]]
topic = "plant/+/press-1/vibration"
format = "int16"
rate_hz = 6400
scale = 0.001

[assets.press-1]
responses = { mechanical = "Grease the drive end." }
categories = { torque = "mechanical" }
ranges = { winding_temp = [-40, 200] }

[[assets.press-1.limits]]
channel = "winding_temp"
category = "thermal"
high = 120
deadband = 5
priority = "critical"
"""


def site_from(tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_text(text)
    return load_site(Settings(site_file=path, window_s=4, hop_s=2, node="gw1"))


def test_the_site_file_fills_the_plan_of_the_core(tmp_path):
    site = site_from(tmp_path, SITE)
    press = site.assets["press-1"]
    assert site.node == "gw1"
    assert site.window.length_ns == 4 * NS_PER_S
    assert site.alarms.on_delay_ns == 2 * NS_PER_S
    assert site.alarms.log_severity is Severity.WARNING
    assert site.binary_topics == (
        BinaryTopic("plant/+/press-1/vibration", SampleFormat.INT16, 6400, 0.001),
    )
    assert press.categories == {"torque": Category.MECHANICAL}
    assert press.ranges == {"winding_temp": (-40.0, 200.0)}
    assert press.limits == (
        Limit(
            "winding_temp",
            Category.THERMAL,
            high=120,
            deadband=5,
            priority=Priority.CRITICAL,
        ),
    )


def test_delays_that_nobody_set_cover_more_than_one_window(tmp_path):
    slow = Settings(window_s=3600, hop_s=1800)
    spec = load_site(slow).alarms
    assert (spec.on_delay_ns, spec.off_delay_ns) == (1800 * NS_PER_S, 3600 * NS_PER_S)
    assert site_from(tmp_path, "").alarms.on_delay_ns == 10 * NS_PER_S


def limit(**values):
    rows = {"channel": '"x"', "category": '"thermal"', "high": 80} | values
    lines = "".join(f"{name} = {value}\n" for name, value in rows.items())
    return f"[[assets.a.limits]]\n{lines}"


def waveform(**values):
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    return f"[assets.a.waveforms.x]\n{lines}"


def binary(topic):
    return f"[[binary]]\ntopic = '{topic}'\nformat = 'int16'\nrate_hz = 1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (binary("plant/#/x+"), "binary.0.topic: bad topic filter 'plant/#/x+': has levels after #"),
        (binary("plant/x+"), "binary.0.topic: bad topic filter 'plant/x+': has a wildcard beside"),
        (binary("plant/{asset}/x"), "binary.0.topic: must be an MQTT topic filter; + stands"),
        (binary(""), "binary.0.topic: must be an MQTT topic filter"),
        (limit(low=90), "assets.a.limits.0: low must be below high"),
        (limit(low=70, deadband=11), "assets.a.limits.0: deadband must be narrower"),
        (limit(category='"normal"'), "assets.a.limits.0.category: 'normal' is no fault"),
        (limit(channel='""'), "assets.a.limits.0.channel: a name must"),
        ("[assets.a]\ncategories = { x = 'normal' }\n", "assets.a.categories.x: 'normal'"),
        ("[assets.a]\ncategories = { '' = 'thermal' }\n", "assets.a.categories.: a name must"),
        (
            "[assets.a]\nresponses = { termal = 'Cool it.' }\n",
            "assets.a.responses.termal: no alarm has the name 'termal'; did you mean thermal?",
        ),
        ("[assets.a]\nresponses = { normal = 'x' }\n", "no alarm has the name 'normal'"),
        ("[assets.a]\nranges = { x = [5, 5] }\n", "assets.a.ranges.x: a measuring range is"),
        (waveform(bearing='"9999"'), "assets.a.waveforms.x: no bearing '9999' in the table"),
        (waveform(balls=9), "assets.a.waveforms.x: the dimensions of a bearing are balls"),
        (waveform(bearing='"6205"', balls=9), "a bearing has a name or dimensions, not both"),
        (waveform(balls=9, ball_mm=40, pitch_mm=39), "ball_mm must be smaller than pitch_mm"),
        (waveform(speed_rpm=0), "assets.a.waveforms.x.speed_rpm: "),
        (waveform(speed_channel='"x"'), "assets.a: the speed_channel of x is a waveform"),
        (waveform(group=3), "assets.a.waveforms.x.group: "),
        (waveform(mounting='"rigid"'), "mounting means nothing without a group"),
        (waveform(baring='"6205"'), "assets.a.waveforms.x.baring: "),
    ],
    ids=[
        "levels after the hash",
        "wildcard beside text",
        "template for filter",
        "empty filter",
        "low above high",
        "deadband too wide",
        "limit for normal",
        "empty channel",
        "channel for normal",
        "empty channel name",
        "misspelled alarm",
        "alarm for normal",
        "empty range",
        "unknown bearing",
        "half a geometry",
        "bearing twice",
        "ball larger than its circle",
        "speed of zero",
        "speed from a waveform",
        "unknown group",
        "mounting of no group",
        "misspelled key",
    ],
)
def test_nonsense_in_a_site_file_is_refused_with_the_place(tmp_path, text, words):
    with pytest.raises(ConfigError) as refused:
        site_from(tmp_path, text)
    assert words in str(refused.value)


def test_every_alarm_may_have_a_response_and_filters_may_have_wildcards(tmp_path):
    others = ["silence", "unknown", "log_burst", "log_silence"]
    names = [*(set(Category) - {Category.NORMAL}), *others]
    responses = ", ".join(f"{name} = 'Look.'" for name in names)
    text = f"[assets.a]\nresponses = {{ {responses} }}\n"
    site = site_from(tmp_path, text + binary("plant/+/x/#") + limit(low=70, deadband=9))
    assert set(site.assets["a"].responses) == set(names)
    assert site.binary_topics[0].topic_filter == "plant/+/x/#"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[alarm]\n", "alarm: Extra inputs are not permitted"),
        ("[alarms]\non_delay_s = -1\n", "alarms.on_delay_s"),
        ("[[binary]]\ntopic = 'a'\nformat = 'int8'\nrate_hz = 1\n", "binary.0.format"),
        ("[[assets.a.limits]]\nchannel = 'x'\ncategory = 'thermal'\n", "needs high, low or both"),
        ("what is this", "is not TOML"),
    ],
    ids=["unknown table", "negative delay", "unknown format", "limit without side", "no TOML"],
)
def test_a_wrong_site_file_is_refused_with_the_place(tmp_path, text, words):
    with pytest.raises(ConfigError) as refused:
        site_from(tmp_path, text)
    assert words in str(refused.value)
    assert "site.toml" in str(refused.value)


def test_a_waveform_is_described_by_name_or_dimensions(tmp_path):
    text = waveform(bearing='"SKF 6205-2RS"', speed_rpm=1797, group=2, mounting='"flexible"')
    text += "[assets.b.waveforms.y]\nballs = 9\nball_mm = 7.94\npitch_mm = 39.04\n"
    text += 'speed_channel = "rpm"\nunit = "m_s2"\n'
    sites = site_from(tmp_path, text).assets
    named, measured = sites["a"].waveforms["x"], sites["b"].waveforms["y"]
    assert named.bearing == COMMON["6205"]
    assert named.machine_class == MachineClass(Group.MEDIUM, Support.FLEXIBLE)
    assert measured.bearing.outer == pytest.approx(COMMON["6205"].outer, rel=1e-3)
    assert (measured.speed_channel, measured.unit) == ("rpm", "m_s2")
    assert measured.machine_class is None
    assert sites["a"].categories == {"x": Category.MECHANICAL}
