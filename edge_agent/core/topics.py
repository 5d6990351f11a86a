"""MQTT topic templates: which topics to ask for, and which asset and channel a topic speaks of.

``plant/{area}/{asset}/{channel}`` reads one level into each name; ``+`` and ``#`` match levels that
nobody needs.  Wildcards follow section 4.7 of the MQTT 5.0 standard.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from edge_agent.core.records import RejectReason
from edge_agent.core.site import BinaryTopic, Site

MAX_NAME_CHARS = 128
MAX_TOPIC_BYTES = 65_535  # MQTT 5.0, 1.5.4: the length of a string is a 16-bit number
_CACHED_TOPIC_CHARS = 256  # longer topics are resolved each time, so that the cache stays small

_NAMED_LEVEL = re.compile(r"\{[a-z][a-z0-9_]*\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BadTemplate:
    """Why a text is no topic template, in words for the person who has to correct it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Template:
    """A topic with named levels, always one of them ``{asset}``."""

    levels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Template | BadTemplate":
        """Return the template that ``text`` spells, or the first thing that is wrong with it."""
        if not text.isprintable() or len(text.encode()) > MAX_TOPIC_BYTES:
            return BadTemplate("has unprintable characters or is longer than an MQTT topic may be")
        if text.startswith("$share/"):
            return BadTemplate(
                "is a shared subscription, which would give each agent half a stream"
            )
        levels = tuple(text.split("/"))
        for position, level in enumerate(levels, start=1):
            if level == "#" and position < len(levels):
                return BadTemplate("has levels after #, which must be the last")
            if level not in ("+", "#") and re.search(r"[+#]", level):
                return BadTemplate(f"has a wildcard beside other text in level {position}")
            if re.search(r"[{}]", level) and not _NAMED_LEVEL.fullmatch(level):
                return BadTemplate(
                    f"has braces that are not one whole {{name}} in level {position}"
                )
        names = [level for level in levels if level.startswith("{")]
        if len(names) != len(set(names)):
            return BadTemplate("uses a {name} twice")
        if "{asset}" not in names:
            return BadTemplate("has no level {asset}")
        return cls(levels)

    @property
    def topic_filter(self) -> str:
        """The MQTT filter to subscribe to: every named level is a ``+``."""
        return "/".join("+" if level.startswith("{") else level for level in self.levels)

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the content of each named level of ``topic``, or ``None`` if it does not match."""
        if not matches(self.topic_filter, topic):
            return None
        pairs = zip(self.levels, topic.split("/"), strict=False)
        return {level[1:-1]: content for level, content in pairs if level.startswith("{")}


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether a broker delivers ``topic`` to a subscription of ``topic_filter``.

    ``a/#`` matches ``a`` too; a filter that starts with a wildcard never matches ``$SYS`` and its
    kind (MQTT 5.0, 4.7.1.2 and 4.7.2).
    """
    wanted, given = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position == len(given) or level not in ("+", given[position]):
            return False
    return len(wanted) == len(given)


def covering(filters: Iterable[str]) -> tuple[str, ...]:
    """Return ``filters`` in order, without those whose every topic another one matches too.

    A broker may deliver a message once per matching subscription, so overlap costs double work.
    """
    distinct = tuple(dict.fromkeys(filters))
    return tuple(
        narrow
        for narrow in distinct
        if not any(wide != narrow and _covers(wide, narrow) for wide in distinct)
    )


def _covers(wide: str, narrow: str) -> bool:
    if not narrow.endswith("#"):
        return matches(wide, narrow)  # a + in narrow is then a level like any other
    # Any depth needs any depth; what a # covers at its parent level, it covers below too.
    return wide.endswith("#") and narrow != "#" and matches(wide, narrow.removesuffix("/#"))


class Stream(Enum):
    """What the messages of a topic are."""

    SENSOR = "sensor"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Route:
    """What a topic says about its payloads.

    ``channel`` is ``None`` where the payload names its channels; ``binary`` is set where the site
    declares that payloads are bare samples.
    """

    stream: Stream
    asset: str
    channel: str | None
    binary: BinaryTopic | None


class Router:
    """Finds the route of a topic; a plant repeats its topics, so routes are cached.

    Log templates go first: ``plant/{area}/{asset}/log`` also fits
    ``plant/{area}/{asset}/{channel}``, and the narrower meaning is the one that was meant.

    Raises:
        ValueError: A template is wrong, which ``settings`` should have found.
    """

    def __init__(self, site: Site) -> None:
        self._templates = [(Stream.LOG, _parsed(text)) for text in site.log_topics]
        self._templates += [(Stream.SENSOR, _parsed(text)) for text in site.sensor_topics]
        self._binary = site.binary_topics
        self._cached = lru_cache(maxsize=site.caps.assets * site.caps.channels)(self._resolve)

    def route(self, topic: str) -> Route | RejectReason:
        """Return the route of ``topic``, or why there is none: ``UNROUTED`` or ``BAD_NAME``."""
        if len(topic) > _CACHED_TOPIC_CHARS:
            return self._resolve(topic)
        return self._cached(topic)

    def _resolve(self, topic: str) -> Route | RejectReason:
        for stream, template in self._templates:
            names = template.match(topic)
            if names is not None:
                return self._route(stream, topic, names)
        return RejectReason.UNROUTED

    def _route(self, stream: Stream, topic: str, names: dict[str, str]) -> Route | RejectReason:
        asset, channel = names["asset"], names.get("channel")
        # An asset becomes a level of the topics of its alarms, where a wildcard is forbidden.
        if not is_name(asset) or "+" in asset or "#" in asset:
            return RejectReason.BAD_NAME
        if channel is not None and not is_name(channel):
            return RejectReason.BAD_NAME
        declared = (binary for binary in self._binary if matches(binary.topic_filter, topic))
        return Route(stream, asset, channel, next(declared, None))


def is_name(text: str) -> bool:
    """Return whether ``text`` may name an asset or a channel: printable and of bounded length."""
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable()


def _parsed(text: str) -> Template:
    template = Template.parse(text)
    if isinstance(template, BadTemplate):
        raise ValueError(f"the template {text!r} {template.reason}")  # noqa: TRY004 — a value error
    return template
