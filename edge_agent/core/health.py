"""The health document: how the agent itself is, retained on the broker every half minute."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_agent.core.pipeline import Pipeline
from edge_agent.core.records import NS_PER_S, RejectReason
from edge_agent.core.wire import ModelIdentity, rfc3339

HEALTH_SCHEMA = "edge-agent/health/1"


@dataclass(frozen=True, slots=True)
class Shell:
    """What only the outside knows: queues, clock and the process."""

    version: str
    uptime_ns: int
    inbox: int  # messages waiting to be read
    outbox: int  # documents waiting for the broker
    delivered: int  # documents that the broker has acknowledged
    expired: int  # documents that grew too old, or too many, for the outbox
    clock_offset_ns: int  # how far the wall clock has been stepped since the start
    rss_bytes: int
    rejects: Mapping[RejectReason, int]  # what the inbox gave up unread


def health(
    node: str, now_ns: int, pipeline: Pipeline, models: Iterable[ModelIdentity], shell: Shell
) -> bytes:
    """Return the document as UTF-8 JSON.

    Args:
        node: The gateway's name.
        now_ns: The agent's time.
        pipeline: Its counts since the start, and what is known of each asset; ``stale`` is how
            silence shows.
        models: The models in use.
        shell: What only the outside knows.
    """
    counts = pipeline.counts
    cached, scored, shed = pipeline.lines_read()
    rejects = counts.rejects + Counter(shell.rejects)
    document = {
        "schema": HEALTH_SCHEMA,
        "node": node,
        "at": rfc3339(now_ns),
        "version": shell.version,
        "uptime_s": shell.uptime_ns // NS_PER_S,
        "assets": {name: state.value for name, state in sorted(pipeline.states().items())},
        "stale_channels": pipeline.stale_channels(),
        "counts": {
            "messages": counts.messages,
            "readings": counts.readings,
            "blocks": counts.blocks,
            "lines": counts.lines,
            "windows": counts.windows,
            "templates_cached": cached,
            "templates_scored": scored,
            "lines_shed": shed,
            "alerts_delivered": shell.delivered,
            "alerts_expired": shell.expired,
        },
        "rejects": {reason.value: rejects[reason] for reason in RejectReason if rejects[reason]},
        "inbox": shell.inbox,
        "outbox": shell.outbox,
        "clock_offset_s": round(shell.clock_offset_ns / NS_PER_S, 3),
        "rss_bytes": shell.rss_bytes,
        "models": {model.name: f"{model.version} {model.sha256[:12]}" for model in models},
    }
    return json.dumps(document, ensure_ascii=False).encode()
