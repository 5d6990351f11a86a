"""Topic templates, MQTT wildcards and routes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.records import RejectReason
from edge_agent.core.site import BinaryTopic, SampleFormat, Site
from edge_agent.core.topics import BadTemplate, Router, Stream, Template, covering, matches

BINARY = BinaryTopic("plant/+/+/wave", SampleFormat.INT16, rate_hz=1000.0)
SITE = Site(
    node="gw1",
    sensor_topics=("plant/{area}/{asset}/{channel}", "line/{asset}/#"),
    log_topics=("plant/{area}/{asset}/log",),
    binary_topics=(BINARY,),
)


@pytest.mark.parametrize(
    ("text", "topic_filter"),
    [
        ("plant/{area}/{asset}/{channel}", "plant/+/+/+"),
        ("{asset}", "+"),
        ("/{asset}/+/x", "/+/+/x"),
        ("line/{asset}/#", "line/+/#"),
    ],
)
def test_a_template_subscribes_to_one_level_for_each_name(text, topic_filter):
    assert Template.parse(text).topic_filter == topic_filter


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "no level {asset}", id="empty"),
        pytest.param("plant/{channel}", "no level {asset}", id="no asset"),
        pytest.param("x/{asset}/{asset}", "twice", id="a name twice"),
        pytest.param("x-{asset}", "one whole {name} in level 1", id="half a level"),
        pytest.param("{asset}/{Bad Name}", "level 2", id="name with a space"),
        pytest.param("{asset}/{}", "level 2", id="no name"),
        pytest.param("{asset}/{x", "level 2", id="unclosed"),
        pytest.param("#/{asset}", "after #", id="hash not last"),
        pytest.param("{asset}/x#", "wildcard beside", id="hash in a level"),
        pytest.param("{asset}/+x", "wildcard beside", id="plus in a level"),
        pytest.param("{asset}/\0", "unprintable", id="control character"),
        pytest.param("{asset}/" + "x" * 65_535, "longer", id="too long"),
        pytest.param("$share/g/{asset}", "shared subscription", id="shared"),
    ],
)
def test_a_bad_template_says_what_is_wrong(text, reason):
    flaw = Template.parse(text)
    assert isinstance(flaw, BadTemplate)
    assert reason in flaw.reason


def test_a_template_reads_its_names_from_a_topic():
    template = Template.parse("plant/{area}/{asset}/+")
    assert template.match("plant/hall 1/press/x") == {"area": "hall 1", "asset": "press"}
    assert template.match("plant/hall 1/press") is None


def test_a_hash_matches_any_depth_and_none():
    template = Template.parse("line/{asset}/#")
    assert template.match("line/press") == {"asset": "press"}
    assert template.match("line/press/a/b") == {"asset": "press"}


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/#", "sport/tennis", True),
        ("sport/tennis/#", "sport/tennis/p1/score", True),
        ("#", "a/b", True),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("sport/+", "sport/a/b", False),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("$SYS/+", "$SYS/uptime", True),
        ("a/b", "a/B", False),
        ("a/b", "a/b/c", False),
    ],
)
def test_wildcards_match_as_the_standard_says(topic_filter, topic, expected):
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["plant/+/+/+", "plant/+/+/log"], ("plant/+/+/+",)),
        (["a/b", "a/b"], ("a/b",)),
        (["a/+", "a/#", "a"], ("a/#",)),
        (["a/#", "a/+/#"], ("a/#",)),
        (["+/b", "a/+"], ("+/b", "a/+")),
        (["#", "$SYS/#"], ("#", "$SYS/#")),
        (["+/#", "a"], ("+/#",)),
        (["a/+", "a/b/#"], ("a/+", "a/b/#")),
        (["a/b/#", "a/+/#"], ("a/+/#",)),
        ([], ()),
    ],
)
def test_a_filter_inside_another_is_dropped(filters, left):
    assert covering(filters) == left


LEVELS = st.sampled_from(["a", "b", "$SYS", ""])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)
FILTERS = st.builds(
    lambda levels, end: "/".join([*levels, *end]),
    st.lists(LEVELS | st.just("+"), min_size=1, max_size=3),
    st.sampled_from([[], ["#"]]),
)


@given(st.lists(FILTERS, max_size=5), TOPICS)
@settings(max_examples=150, deadline=None)
def test_covering_loses_no_topic_and_needs_only_one_pass(filters, topic):
    left = covering(filters)
    assert any(matches(f, topic) for f in left) == any(matches(f, topic) for f in filters)
    assert covering(left) == left


def test_a_log_topic_goes_before_a_sensor_topic():
    router = Router(SITE)
    log, sensor = router.route("plant/h/press/log"), router.route("plant/h/press/temp")
    assert (log.stream, log.asset, log.channel) == (Stream.LOG, "press", None)
    assert (sensor.stream, sensor.asset, sensor.channel) == (Stream.SENSOR, "press", "temp")


def test_a_route_knows_its_binary_format():
    assert Router(SITE).route("plant/h/press/wave").binary is BINARY
    assert Router(SITE).route("plant/h/press/temp").binary is None


def test_a_topic_of_nobody_is_unrouted():
    assert Router(SITE).route("other/x") is RejectReason.UNROUTED


@pytest.mark.parametrize(
    "topic",
    [
        pytest.param("plant/h//temp", id="empty asset"),
        pytest.param("plant/h/press/", id="empty channel"),
        pytest.param("plant/h/pr+ess/temp", id="plus"),
        pytest.param("plant/h/#/temp", id="hash"),
        pytest.param("plant/h/pre\nss/temp", id="control character"),
        pytest.param("plant/h/" + "x" * 129 + "/temp", id="too long"),
        pytest.param("plant/h/press/" + "x" * 300, id="too long to be cached"),
        pytest.param("plant/h/\ud800/temp", id="lone surrogate"),
    ],
)
def test_an_asset_or_channel_that_cannot_be_published_again_is_a_bad_name(topic):
    assert Router(SITE).route(topic) is RejectReason.BAD_NAME


def test_names_keep_their_spaces_case_and_letters():
    route = Router(SITE).route("plant/h/ Fräse 7/Öl °C")
    assert (route.asset, route.channel) == (" Fräse 7", "Öl °C")


def test_a_router_refuses_a_template_that_settings_let_through():
    with pytest.raises(ValueError, match="no level"):
        Router(Site(node="n", sensor_topics=("x/y",), log_topics=()))
