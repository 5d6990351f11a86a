"""Whether the agent found what was injected: raised with the fault, cleared after its repair."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from edge_agent.demo.episodes import Episode


@dataclass(frozen=True, slots=True)
class Alert:
    """The parts of an alert document that a person reads; ``edge_agent/core/alert.schema.json``."""

    asset: str
    alarm: str
    priority: str
    active: bool
    raised_at: str | None
    changed_at: str
    summary: str
    response: str
    evidence: tuple[Mapping[str, Any], ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Return the alert in ``payload``, as the agent publishes it."""
        document = json.loads(payload)
        return cls(
            asset=document["asset"],
            alarm=document["alarm"],
            priority=document["priority"],
            active=document["active"],
            raised_at=document["raised_at"],
            changed_at=document["changed_at"],
            summary=document["summary"],
            response=document["response"],
            evidence=tuple(document["evidence"]),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one injected fault, in seconds since the plant started.

    ``raised_s`` is when the first alert reached the operator and ``cleared_s`` when the last one
    said that the fault is over; ``None`` where that has not happened.
    """

    episode: Episode
    raised_s: float | None = None
    cleared_s: float | None = None

    @property
    def complete(self) -> bool:
        """Return whether the fault was found, and its end too."""
        return self.raised_s is not None and self.cleared_s is not None

    def observe(self, alert: Alert, at_s: float) -> "Outcome":
        """Return the outcome after an alert that arrived at ``at_s``.

        An alarm that stood before the fault was injected has not found it, and one that was over
        before the repair has lost it again.
        """
        episode = self.episode
        if (alert.asset, alert.alarm) != (episode.asset, episode.category):
            return self
        if alert.active:
            if at_s < episode.injected_s:
                return self
            first_s = at_s if self.raised_s is None else self.raised_s
            return replace(self, raised_s=first_s, cleared_s=None)
        if self.raised_s is None or at_s < episode.repaired_s:
            return self
        return replace(self, cleared_s=at_s)


def unexpected(alerts: Iterable[Alert], story: Iterable[Episode]) -> int:
    """Return how many raised alarms belong to no injected fault."""
    injected = {(episode.asset, str(episode.category)) for episode in story}
    raised = (alert for alert in alerts if alert.active and alert.changed_at == alert.raised_at)
    return sum((alert.asset, alert.alarm) not in injected for alert in raised)
